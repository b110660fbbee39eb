/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages to JSON and back, by their descriptors: no field is named here, so none can be
 * forgotten. Reading is strict: a member that is no field, a wrong type, a number out of range or a
 * string with a zero byte is an error that names the field. Floating point and enumerations are
 * absent because no message has them.
 */
#include "snapshot/json_message.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/base/host.h"
#include "snapshot/message.h"

enum { PATH_SIZE = 120 };

/* --- writing --- */

static void print_hex(const uint8_t *data, size_t size, char *ret)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < size; i++) {
        ret[2 * i] = digits[data[i] >> 4];
        ret[2 * i + 1] = digits[data[i] & 15];
    }
}

static struct json_object *json_of_bytes(const ProtobufCBinaryData *bytes)
{
    char *text = host_alloc(2 * bytes->len + 1, 1);

    if (text == NULL)
        return NULL;
    print_hex(bytes->data, bytes->len, text);
    struct json_object *json = json_object_new_string(text);
    host_free(text);
    return json;
}

static struct json_object *json_of_fixed64(uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "0x%" PRIx64, value);
    return json_object_new_string(text);
}

/* The value at place, an element or the member itself. */
static struct json_object *json_of_value(ProtobufCType type, const void *place)
{
    switch (type) {
    case PROTOBUF_C_TYPE_UINT32:
        return json_object_new_uint64(*(const uint32_t *)place);
    case PROTOBUF_C_TYPE_SINT32:
        return json_object_new_int64(*(const int32_t *)place);
    case PROTOBUF_C_TYPE_UINT64:
        return json_object_new_uint64(*(const uint64_t *)place);
    case PROTOBUF_C_TYPE_SINT64:
        return json_object_new_int64(*(const int64_t *)place);
    case PROTOBUF_C_TYPE_FIXED64:
        return json_of_fixed64(*(const uint64_t *)place);
    case PROTOBUF_C_TYPE_BOOL:
        return json_object_new_boolean(*(const protobuf_c_boolean *)place);
    case PROTOBUF_C_TYPE_STRING:
        return json_object_new_string(*(const char *const *)place);
    case PROTOBUF_C_TYPE_BYTES:
        return json_of_bytes(place);
    case PROTOBUF_C_TYPE_MESSAGE:
        return json_of_message(*(ProtobufCMessage *const *)place);
    default:
        assert(!"a type that no message uses");
        return NULL;
    }
}

static size_t size_of_value(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_SINT32:
        return sizeof(uint32_t);
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return sizeof(uint64_t); /* 64-bit numbers and pointers */
    }
}

static struct json_object *json_of_array(const ProtobufCMessage *message,
                                         const ProtobufCFieldDescriptor *field)
{
    size_t count = message_field_count(message, field);
    const char *elements = message_field(message, field);
    struct json_object *array = json_object_new_array_ext((int)count);

    for (size_t i = 0; array != NULL && i < count; i++) {
        struct json_object *element =
            json_of_value(field->type, elements + i * size_of_value(field->type));
        if (element == NULL || json_object_array_add(array, element) < 0) {
            json_object_put(element);
            json_object_put(array);
            array = NULL;
        }
    }
    return array;
}

static struct json_object *json_of_field(const ProtobufCMessage *message,
                                         const ProtobufCFieldDescriptor *field)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return json_of_array(message, field);
    return json_of_value(field->type, message_field(message, field));
}

static bool is_written(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return field->label == PROTOBUF_C_LABEL_REPEATED || message_field_count(message, field) > 0;
}

struct json_object *json_of_message(const ProtobufCMessage *message)
{
    struct json_object *json = json_object_new_object();

    for (unsigned i = 0; json != NULL && i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        if (!is_written(message, field))
            continue;
        struct json_object *value = json_of_field(message, field);
        if (value == NULL || json_object_object_add(json, field->name, value) < 0) {
            json_object_put(value);
            json_object_put(json);
            json = NULL;
        }
    }
    return json;
}

/* --- reading --- */

/* One field, or an element of it, that is being read. */
struct place {
    const struct json_source *source;
    const char *path; /* its name for messages */
    void *to;
};

static int bad(const struct place *place, const char *what)
{
    const char *separator = place->path[0] == '\0' ? "" : ": ";

    report_bad(place->source->report, "%s: %s%s%s", place->source->file, place->path, separator,
               what);
    return -EINVAL;
}

/* The JSON library gives the largest number for larger ones, too, so that is refused. */
static int read_unsigned(struct json_object *json, const struct place *place, uint64_t max,
                         uint64_t *ret)
{
    if (!json_object_is_type(json, json_type_int))
        return bad(place, "not a whole number");
    uint64_t value = json_object_get_uint64(json);
    if (json_object_get_int64(json) < 0 || value > max || value == UINT64_MAX)
        return bad(place, "out of range");
    *ret = value;
    return 0;
}

static int read_signed(struct json_object *json, const struct place *place, int64_t min,
                       int64_t max, int64_t *ret)
{
    if (!json_object_is_type(json, json_type_int))
        return bad(place, "not a whole number");
    int64_t value = json_object_get_int64(json);
    if (value < min || value > max || value == INT64_MIN ||
        (value > 0 && json_object_get_uint64(json) > INT64_MAX))
        return bad(place, "out of range");
    *ret = value;
    return 0;
}

static int read_bool(struct json_object *json, const struct place *place)
{
    if (!json_object_is_type(json, json_type_boolean))
        return bad(place, "not true or false");
    *(protobuf_c_boolean *)place->to = json_object_get_boolean(json);
    return 0;
}

/* A string without zero bytes: a borrowed pointer. */
static int read_text(struct json_object *json, const struct place *place, const char **ret)
{
    if (!json_object_is_type(json, json_type_string))
        return bad(place, "not a string");
    const char *text = json_object_get_string(json);
    size_t size = (size_t)json_object_get_string_len(json);
    if (size > place->source->string_max)
        return bad(place, "too long");
    if (strlen(text) != size)
        return bad(place, "has a zero byte");
    *ret = text;
    return 0;
}

static int read_string(struct json_object *json, const struct place *place)
{
    const char *text;
    int err = read_text(json, place, &text);

    if (err < 0)
        return err;
    char *copy = host_strdup(text);
    if (copy == NULL)
        return -ENOMEM;
    *(char **)place->to = copy;
    return 0;
}

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static int read_fixed64(struct json_object *json, const struct place *place)
{
    const char *text;
    uint64_t value = 0;
    int err = read_text(json, place, &text);

    if (err < 0)
        return err;
    size_t size = strlen(text);
    if (size < 3 || size > 18 || text[0] != '0' || text[1] != 'x')
        return bad(place, "not a hexadecimal number");
    for (const char *digit = text + 2; *digit != '\0'; digit++) {
        if (digit_value(*digit) < 0)
            return bad(place, "not a hexadecimal number");
        value = value << 4 | (uint64_t)digit_value(*digit);
    }
    *(uint64_t *)place->to = value;
    return 0;
}

static int read_bytes(struct json_object *json, const struct place *place)
{
    const char *text;
    int err = read_text(json, place, &text);

    if (err < 0)
        return err;
    size_t size = strlen(text) / 2;
    if (strlen(text) % 2 != 0)
        return bad(place, "an odd number of hexadecimal digits");
    uint8_t *bytes = host_alloc(size + 1, 1);
    if (bytes == NULL)
        return -ENOMEM;
    *(ProtobufCBinaryData *)place->to = (ProtobufCBinaryData){.data = bytes, .len = size};
    for (size_t i = 0; i < size; i++) {
        int high = digit_value(text[2 * i]), low = digit_value(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return bad(place, "not hexadecimal digits");
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

static int read_message(struct json_object *json, const ProtobufCMessageDescriptor *descriptor,
                        const struct place *place);

static int read_value(struct json_object *json, const ProtobufCFieldDescriptor *field,
                      const struct place *place)
{
    uint64_t number = 0;
    int64_t signed_number = 0;
    int err;

    switch (field->type) {
    case PROTOBUF_C_TYPE_UINT32:
        err = read_unsigned(json, place, UINT32_MAX, &number);
        *(uint32_t *)place->to = (uint32_t)number;
        return err;
    case PROTOBUF_C_TYPE_SINT32:
        err = read_signed(json, place, INT32_MIN, INT32_MAX, &signed_number);
        *(int32_t *)place->to = (int32_t)signed_number;
        return err;
    case PROTOBUF_C_TYPE_UINT64:
        return read_unsigned(json, place, UINT64_MAX, place->to);
    case PROTOBUF_C_TYPE_SINT64:
        return read_signed(json, place, INT64_MIN, INT64_MAX, place->to);
    case PROTOBUF_C_TYPE_FIXED64:
        return read_fixed64(json, place);
    case PROTOBUF_C_TYPE_BOOL:
        return read_bool(json, place);
    case PROTOBUF_C_TYPE_STRING:
        return read_string(json, place);
    case PROTOBUF_C_TYPE_BYTES:
        return read_bytes(json, place);
    case PROTOBUF_C_TYPE_MESSAGE:
        return read_message(json, field->descriptor, place);
    default:
        assert(!"a type that no message uses");
        return -EINVAL;
    }
}

/* The count grows with each element, so that a half-read array can be freed: a zeroed element is an
 * empty one. */
static int read_array(struct json_object *json, const ProtobufCFieldDescriptor *field,
                      const struct place *place, size_t *count)
{
    char path[PATH_SIZE];

    if (!json_object_is_type(json, json_type_array))
        return bad(place, "not an array");
    size_t length = json_object_array_length(json);
    if (length > place->source->item_max)
        return bad(place, "too many elements");
    char *elements = host_alloc(length + 1, size_of_value(field->type));
    if (elements == NULL)
        return -ENOMEM;
    *(char **)place->to = elements;
    for (size_t i = 0; i < length; i++) {
        struct place element = {
            .source = place->source, .path = path, .to = elements + i * size_of_value(field->type)};
        (void)snprintf(path, sizeof(path), "%s[%zu]", place->path, i);
        (*count)++;
        int err = read_value(json_object_array_get_idx(json, i), field, &element);
        if (err < 0)
            return err;
    }
    return 0;
}

static int read_field(struct json_object *json, const ProtobufCFieldDescriptor *field,
                      ProtobufCMessage *message, const struct place *place)
{
    struct place member = {
        .source = place->source, .path = place->path, .to = (char *)message + field->offset};

    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return read_array(json, field, &member,
                          (size_t *)((char *)message + field->quantifier_offset));
    assert((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0);
    return read_value(json, field, &member);
}

static void name_member(const struct place *place, const char *name, char path[PATH_SIZE])
{
    const char *dot = place->path[0] == '\0' ? "" : ".";

    (void)snprintf(path, PATH_SIZE, "%s%s%s", place->path, dot, name);
}

/* Every member is a field. */
static int check_members(struct json_object *json, const ProtobufCMessageDescriptor *descriptor,
                         const struct place *place)
{
    struct json_object_iterator at = json_object_iter_begin(json);
    struct json_object_iterator end = json_object_iter_end(json);
    char path[PATH_SIZE];

    for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
        const char *name = json_object_iter_peek_name(&at);
        if (protobuf_c_message_descriptor_get_field_by_name(descriptor, name) != NULL)
            continue;
        name_member(place, name, path);
        return bad(&(struct place){.source = place->source, .path = path}, "unknown field");
    }
    return 0;
}

static int read_members(struct json_object *json, ProtobufCMessage *message,
                        const struct place *place)
{
    char path[PATH_SIZE];

    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        struct json_object *value;
        struct place member = {.source = place->source, .path = path};
        int err = 0;
        name_member(place, field->name, path);
        if (json_object_object_get_ex(json, field->name, &value))
            err = read_field(value, field, message, &member);
        else if (field->id < place->source->required_below)
            err = bad(&member, "missing");
        if (err < 0)
            return err;
    }
    return 0;
}

static int read_message(struct json_object *json, const ProtobufCMessageDescriptor *descriptor,
                        const struct place *place)
{
    if (!json_object_is_type(json, json_type_object))
        return bad(place, "not an object");
    ProtobufCMessage *message = host_alloc(1, descriptor->sizeof_message);
    if (message == NULL)
        return -ENOMEM;
    protobuf_c_message_init(descriptor, message);
    *(ProtobufCMessage **)place->to = message;
    int err = check_members(json, descriptor, place);
    return err < 0 ? err : read_members(json, message, place);
}

int json_to_message(struct json_object *json, const ProtobufCMessageDescriptor *descriptor,
                    const struct json_source *source, ProtobufCMessage **ret)
{
    ProtobufCMessage *message = NULL;
    struct place place = {.source = source, .path = "", .to = &message};
    int err = read_message(json, descriptor, &place);

    if (err == 0)
        *ret = message;
    else
        json_message_free(message);
    return err;
}

void json_message_free(ProtobufCMessage *message)
{
    bool has_no_memory;
    ProtobufCAllocator allocator = message_allocator(&has_no_memory);

    if (message != NULL)
        protobuf_c_message_free_unpacked(message, &allocator);
}
