/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every type by its fixture: all fields of its message are saved, and saving, loading and saving
 * again gives the same bytes. Every kind of wait record likewise, by whichever task waits so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "core/base/container.h"
#include "core/base/host.h"
#include "tests/unit/coverage.h"
#include "tests/unit/fixtures.h"

#define LATER (WORLD_NOW * 7)

static const ProtobufCMessageDescriptor *const wait_messages[] = {
#define WAIT(TAG, name) &name##_wait__descriptor,
#include "core/waits.def"
#undef WAIT
};

static void build(const struct fixture *fixture, struct world *world, struct kernel_image *image)
{
    world_init(world, WORLD_NOW);
    fixture->build(world);
    *image = world_save(world, &object_types);
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

/* What the objects of one type have set. */
struct type_coverage {
    struct coverage fields;
    Object__BodyCase arm;
    bool has_derived; /* the first object */
};

static int cover_object(void *context, const uint8_t *packed, size_t size)
{
    struct type_coverage *coverage = context;
    Object *object = object__unpack(NULL, size, packed);

    assert_non_null(object);
    if (object->id == 1) {
        assert_int_equal(object->body_case, coverage->arm);
        coverage->has_derived = object->derived != 0;
    }
    if (object->body_case == coverage->arm)
        coverage_add(&coverage->fields, *message_body(&object->base, object->body_case));
    object__free_unpacked(object, NULL);
    return 0;
}

static void test_fixtures_set_every_field(void **state)
{
    static struct type_coverage coverage;
    size_t bad = 0;
    struct world world;
    struct kernel_image image;
    struct report report = {0};

    (void)state;
    for (size_t i = 0; i < fixture_count; i++) {
        build(&fixtures[i], &world, &image);
        coverage = (struct type_coverage){.arm = object_types.list[i]->arm};
        assert_int_equal(kernel_image_read(&image, cover_object, &coverage, &report), 0);
        bad += coverage_count_unset(&coverage.fields);
        if (!coverage.has_derived) {
            print_error("%s: the fixture has no derived state\n", fixtures[i].name);
            bad++;
        }
        kernel_image_fini(&image);
        world_fini(&world);
    }
    assert_int_equal(bad, 0);
}

/* Only the bodies of wait records, all by the name of their message. */
static int cover_wait(void *context, ProtobufCMessage *message, const char *path)
{
    const WaitRecord *record = (const WaitRecord *)message;

    (void)path;
    if (message->descriptor == &wait_record__descriptor &&
        record->body_case != WAIT_RECORD__BODY__NOT_SET)
        coverage_add(context, *message_body(message, record->body_case));
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

static void test_every_kind_of_wait_sets_every_field(void **state)
{
    static struct coverage coverage;
    struct world world;
    struct kernel_image image;
    struct report report = {0};

    (void)state;
    for (size_t i = 0; i < fixture_count; i++) {
        build(&fixtures[i], &world, &image);
        assert_int_equal(kernel_image_read(&image, cover_waits_of_object, &coverage, &report), 0);
        kernel_image_fini(&image);
        world_fini(&world);
    }
    assert_int_equal(coverage_count_unset(&coverage), 0);
    for (size_t i = 0; i < ARRAY_COUNT(wait_messages); i++) {
        if (!coverage_has(&coverage, wait_messages[i]))
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

/* Whichever allocation fails, the load fails cleanly: -ENOMEM, or what a relink has reported. */
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
            assert_true(err == 0 || err == -ENOMEM || report.bad_count > 0);
            assert_true(n < 20000); /* it loads when nothing fails */
            assert_true(err == 0 || object_live_count() == 0);
            assert_true(err == 0 || memfile_owned_size(loaded.kernel->memfile) == 0);
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
