/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A field that a fixture's save leaves at its default is one that the save may have forgotten.
 */
#include "tests/unit/coverage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static size_t value_size(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    default:
        return 4;
    }
}

static bool is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    static const char zero[8];
    const void *value = message_field(message, field);

    if (field->label == PROTOBUF_C_LABEL_REPEATED || field->type == PROTOBUF_C_TYPE_MESSAGE)
        return message_field_count(message, field) > 0;
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return (*(char *const *)value)[0] != '\0';
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        return ((const ProtobufCBinaryData *)value)->len > 0;
    return memcmp(value, zero, value_size(field->type)) != 0;
}

static void add_field(struct coverage *coverage, const char *path, const ProtobufCMessage *message,
                      const ProtobufCFieldDescriptor *field)
{
    char name[COVERAGE_NAME];
    size_t nr = 0;

    (void)snprintf(name, sizeof(name), "%s.%s", path, field->name);
    while (nr < coverage->count && strcmp(coverage->fields[nr].name, name) != 0)
        nr++;
    if (nr == coverage->count) {
        assert_true(nr < COVERAGE_FIELDS);
        memcpy(coverage->fields[coverage->count++].name, name, sizeof(name));
    }
    coverage->fields[nr].is_set |= is_set(message, field);
}

static int add_message(void *context, ProtobufCMessage *message, const char *path)
{
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0 ||
            message_field_count(message, field) > 0)
            add_field(context, path, message, field);
    }
    return 0;
}

void coverage_add(struct coverage *coverage, ProtobufCMessage *message)
{
    (void)message_visit(message, message->descriptor->name, add_message, coverage);
}

bool coverage_has(const struct coverage *coverage, const ProtobufCMessageDescriptor *message)
{
    size_t length = strlen(message->name);

    for (size_t i = 0; i < coverage->count; i++) {
        const char *name = coverage->fields[i].name;
        if (strncmp(name, message->name, length) == 0 && name[length] == '.')
            return true;
    }
    return message->n_fields == 0;
}

size_t coverage_count_unset(const struct coverage *coverage)
{
    size_t unset = 0;

    for (size_t i = 0; i < coverage->count; i++) {
        if (!coverage->fields[i].is_set) {
            print_error("%s is at its default\n", coverage->fields[i].name);
            unset++;
        }
    }
    return unset;
}
