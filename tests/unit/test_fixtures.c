/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every type by its fixture: all fields of its message are saved, and saving, loading and saving
 * again gives the same bytes. Every kind of wait record likewise, by whichever task waits so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "core/base/container.h"
#include "core/base/host.h"
#include "snapshot/message.h"
#include "tests/unit/fixtures.h"

#define LATER (WORLD_NOW * 7)

enum { NAME_SIZE = 160, FIELDS_MAX = 512 };

/* Which fields of a message, over all elements of a repeated one, have been seen set. */
struct coverage {
    struct {
        char name[NAME_SIZE];
        bool is_set;
    } fields[FIELDS_MAX];
    size_t count;
    Object__BodyCase arm; /* of the objects looked at */
    bool has_derived;
};

static const ProtobufCMessageDescriptor *const wait_messages[] = {
#define WAIT(TAG, name) &name##_wait__descriptor,
#include "core/waits.def"
#undef WAIT
};

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

static void cover_field(struct coverage *coverage, const char *path,
                        const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    char name[NAME_SIZE];
    size_t nr = 0;

    (void)snprintf(name, sizeof(name), "%s.%s", path, field->name);
    while (nr < coverage->count && strcmp(coverage->fields[nr].name, name) != 0)
        nr++;
    if (nr == coverage->count) {
        assert_true(nr < FIELDS_MAX);
        memcpy(coverage->fields[coverage->count++].name, name, sizeof(name));
    }
    coverage->fields[nr].is_set |= is_set(message, field);
}

/* The arms of a oneof exclude each other: those that are not set are not asked for here. */
static int cover_message(void *context, ProtobufCMessage *message, const char *path)
{
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0 ||
            message_field_count(message, field) > 0)
            cover_field(context, path, message, field);
    }
    return 0;
}

static int cover_object(void *context, const uint8_t *packed, size_t size)
{
    struct coverage *coverage = context;
    Object *object = object__unpack(NULL, size, packed);

    assert_non_null(object);
    if (object->id == 1) {
        assert_int_equal(object->body_case, coverage->arm);
        coverage->has_derived = object->derived != 0;
    }
    if (object->body_case == coverage->arm) {
        ProtobufCMessage *body = *message_body(&object->base, object->body_case);
        (void)message_visit(body, body->descriptor->name, cover_message, coverage);
    }
    object__free_unpacked(object, NULL);
    return 0;
}

/* Only the bodies of wait records, all by the name of their message. */
static int cover_wait(void *context, ProtobufCMessage *message, const char *path)
{
    (void)path;
    if (message->descriptor == &wait_record__descriptor) {
        const WaitRecord *record = (const WaitRecord *)message;
        if (record->body_case != WAIT_RECORD__BODY__NOT_SET) {
            ProtobufCMessage *body = *message_body(message, record->body_case);
            (void)message_visit(body, body->descriptor->name, cover_message, context);
        }
    }
    return 0;
}

static int cover_waits_of_object(void *context, const uint8_t *packed, size_t size)
{
    Object *object = object__unpack(NULL, size, packed);

    assert_non_null(object);
    (void)message_visit(&object->base, "Object", cover_wait, context);
    object__free_unpacked(object, NULL);
    return 0;
}

static void build(const struct fixture *fixture, struct world *world, struct kernel_image *image)
{
    world_init(world, WORLD_NOW);
    fixture->build(world);
    *image = world_save(world, &object_types);
}

static void check_all_set(const struct coverage *coverage)
{
    size_t unset = 0;

    for (size_t i = 0; i < coverage->count; i++) {
        if (!coverage->fields[i].is_set) {
            print_error("%s is at its default\n", coverage->fields[i].name);
            unset++;
        }
    }
    assert_int_equal(unset, 0);
}

static void test_types_match_arms(void **state)
{
    (void)state;
    assert_int_equal(fixture_count, object_types.count);
    for (size_t i = 0; i < object_types.count; i++) {
        assert_string_equal(fixtures[i].name, object_types.list[i]->object.name);
        assert_ptr_equal(object_types.of(object_types.list[i]->arm), object_types.list[i]);
    }
}

static void test_fixtures_set_every_field(void **state)
{
    static struct coverage coverage;
    struct world world;
    struct kernel_image image;
    struct report report = {0};

    (void)state;
    for (size_t i = 0; i < fixture_count; i++) {
        build(&fixtures[i], &world, &image);
        coverage = (struct coverage){.arm = object_types.list[i]->arm};
        assert_int_equal(kernel_image_read(&image, cover_object, &coverage, &report), 0);
        check_all_set(&coverage);
        if (!coverage.has_derived)
            fail_msg("%s: the fixture has no derived state", fixtures[i].name);
        kernel_image_fini(&image);
        world_fini(&world);
    }
}

static bool is_covered(const struct coverage *coverage, const ProtobufCMessageDescriptor *message)
{
    size_t length = strlen(message->name);

    for (size_t i = 0; i < coverage->count; i++) {
        const char *name = coverage->fields[i].name;
        if (strncmp(name, message->name, length) == 0 && name[length] == '.')
            return true;
    }
    return message->n_fields == 0;
}

static void test_every_kind_of_wait_sets_every_field(void **state)
{
    static struct coverage coverage;
    struct world world;
    struct kernel_image image;
    struct report report = {0};

    (void)state;
    coverage = (struct coverage){0};
    for (size_t i = 0; i < fixture_count; i++) {
        build(&fixtures[i], &world, &image);
        assert_int_equal(kernel_image_read(&image, cover_waits_of_object, &coverage, &report), 0);
        kernel_image_fini(&image);
        world_fini(&world);
    }
    check_all_set(&coverage);
    for (size_t i = 0; i < ARRAY_COUNT(wait_messages); i++) {
        if (!is_covered(&coverage, wait_messages[i]))
            fail_msg("%s: no task waits so", wait_messages[i]->name);
    }
}

static bool is_same(const struct kernel_image *a, const struct kernel_image *b)
{
    return a->object_count == b->object_count && a->frames.size == b->frames.size &&
           memcmp(a->frames.data, b->frames.data, a->frames.size) == 0;
}

/* Save, load by another clock, save again: the same bytes. */
static void check_round_trip(const struct fixture *fixture)
{
    struct world world, loaded;
    struct kernel_image first, second = {0};
    struct report report = {0};

    build(fixture, &world, &first);
    world_fini(&world);
    world_init(&loaded, LATER);
    int err = world_load(&loaded, &first, &object_types, &report);
    for (size_t i = 0; i < report.line_count; i++)
        print_error("%s\n", report.lines[i]);
    if (err == 0)
        second = world_save(&loaded, &object_types);
    bool same = err == 0 && is_same(&first, &second);
    world_fini(&loaded);
    kernel_image_fini(&first);
    kernel_image_fini(&second);
    if (!same)
        fail_msg("%s: saved, loaded and saved again gives other bytes", fixture->name);
}

static void test_fixtures_round_trip(void **state)
{
    (void)state;
    for (size_t i = 0; i < fixture_count; i++)
        check_round_trip(&fixtures[i]);
}

/* Whichever allocation fails, the load fails cleanly. */
static void test_no_memory_for_a_load(void **state)
{
    (void)state;
    for (size_t i = 0; i < fixture_count; i++) {
        struct world world, loaded;
        struct kernel_image image;
        int err = -1;
        build(&fixtures[i], &world, &image);
        world_fini(&world);
        world_init(&loaded, WORLD_NOW);
        for (unsigned long n = 1; err < 0; n++) {
            struct report report = {0};
            host_alloc_fail_at(n);
            err = world_load(&loaded, &image, &object_types, &report);
            host_alloc_fail_at(0);
            assert_true(err == 0 || err == -ENOMEM);
            assert_true(err == 0 || object_live_count() == 0);
        }
        world_fini(&loaded);
        kernel_image_fini(&image);
    }
}

static int check_no_objects(void **state)
{
    (void)state;
    assert_int_equal(object_live_count(), 0);
    return 0;
}

#define TEST(name) cmocka_unit_test_teardown(name, check_no_objects)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_types_match_arms),
        TEST(test_fixtures_set_every_field),
        TEST(test_every_kind_of_wait_sets_every_field),
        TEST(test_fixtures_round_trip),
        TEST(test_no_memory_for_a_load),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
