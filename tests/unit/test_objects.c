/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counted objects, saving and loading, with toy types. Every test ends with no object left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "core/base/host.h"
#include "snapshot/message.h"
#include "tests/unit/coverage.h"
#include "tests/unit/toys/toys.h"

enum { NOW = 1000, LATER = 900000, CHAIN = 500000 };

static int load(const struct kernel_image *image, int64_t now, struct object *roots[])
{
    struct report report = {0};
    int err = snapshot_load(&toy_types, image, now, NULL, &report, roots);

    for (size_t i = 0; err < 0 && i < report.line_count; i++)
        print_message("%s\n", report.lines[i]);
    return err;
}

/* Saves what the roots reach, lets go of it, loads it in its place. */
static void replace(struct object *roots[], size_t count, int64_t now)
{
    struct kernel_image image = toy_save(roots, count, now);

    for (size_t i = 0; i < count; i++)
        object_put(roots[i]);
    assert_int_equal(object_live_count(), 0);
    assert_int_equal(load(&image, now, roots), 0);
    kernel_image_fini(&image);
}

static bool is_same(const struct kernel_image *a, const struct kernel_image *b)
{
    return a->object_count == b->object_count && a->frames.size == b->frames.size &&
           memcmp(a->frames.data, b->frames.data, a->frames.size) == 0;
}

/* A root with two children that share a third node and point at each other weakly. */
static struct node *make_family(void)
{
    struct node *shared = node_create(3, NULL);
    struct node *root = node_create(1, shared);
    struct node *first = node_create(21, object_get(&shared->object));
    struct node *second = node_create(22, object_get(&shared->object));

    node_add_child(root, 3, first);
    node_add_child(root, 9, second);
    root->deadline = NOW + 50;
    first->deadline = NSEC_NEVER;
    node_set_peer(first, second);
    node_set_peer(second, first);
    return root;
}

static void test_counts_and_live_objects(void **state)
{
    struct node *node = node_create(1, NULL);

    (void)state;
    assert_int_equal(object_live_count(), 1);
    assert_ptr_equal(object_get(&node->object), node);
    object_put(&node->object);
    assert_ptr_equal(object_get_live(&node->object), node);
    object_put(&node->object);
    assert_int_equal(object_live_count(), 1);
    atomic_store(&node->object.count, 0); /* as another thread that puts the last one would */
    assert_null(object_get_live(&node->object));
    atomic_store(&node->object.count, 1);
    object_put(&node->object);
    object_put(NULL);
    assert_null(object_get(NULL));
}

static void test_no_memory_for_an_object(void **state)
{
    (void)state;
    host_alloc_fail_at(1);
    assert_null(object_alloc(&node_type.object));
}

static void test_shape_survives(void **state)
{
    struct object *root = &make_family()->object;

    (void)state;
    replace(&root, 1, NOW);
    const struct node *node = (const struct node *)root;
    assert_int_equal(node->value, 1);
    assert_int_equal(node->child_count, 2);
    assert_int_equal(node->children[0].node->value, 21);
    assert_int_equal(node->children[1].node->value, 22);
    assert_ptr_equal(node->children[0].node->next, node->next);
    assert_ptr_equal(node->children[1].node->next, node->next);
    assert_ptr_equal(node->children[0].node->peer, node->children[1].node);
    assert_int_equal(node->next->value, 3);
    object_put(root);
}

static void test_only_strong_references_count(void **state)
{
    struct object *root = &make_family()->object;

    (void)state;
    replace(&root, 1, NOW);
    const struct node *node = (const struct node *)root;
    assert_int_equal(atomic_load(&root->count), 1);
    assert_int_equal(atomic_load(&node->next->object.count), 3);
    assert_int_equal(atomic_load(&node->children[1].node->object.count), 1);
    object_put(root);
}

static void test_times_are_relative(void **state)
{
    struct object *root = &make_family()->object;
    struct kernel_image image = toy_save(&root, 1, NOW);

    (void)state;
    object_put(root);
    assert_int_equal(load(&image, LATER, &root), 0);
    const struct node *node = (const struct node *)root;
    assert_int_equal(node->deadline, LATER + 50);
    assert_int_equal(node->children[0].node->deadline, NSEC_NEVER);
    object_put(root);
    kernel_image_fini(&image);
}

static void test_same_state_same_bytes(void **state)
{
    struct object *root = &make_family()->object;
    struct kernel_image first = toy_save(&root, 1, NOW);
    struct kernel_image second = toy_save(&root, 1, NOW);

    (void)state;
    assert_true(is_same(&first, &second));
    kernel_image_fini(&second);
    object_put(root);
    assert_int_equal(load(&first, LATER, &root), 0);
    second = toy_save(&root, 1, LATER);
    assert_true(is_same(&first, &second));
    object_put(root);
    kernel_image_fini(&first);
    kernel_image_fini(&second);
}

static int check_ids(void *context, const uint8_t *packed, size_t size)
{
    static const uint32_t values[] = {1, 3, 21, 22}; /* in the order of the first visit */
    uint64_t *count = context;
    Object *object = object__unpack(NULL, size, packed);

    assert_int_equal(object->id, *count + 1);
    assert_int_equal(object->node->value, values[*count]);
    (*count)++;
    object__free_unpacked(object, NULL);
    return 0;
}

static void test_ids_are_given_at_first_sight(void **state)
{
    struct object *root = &make_family()->object;
    struct kernel_image image = toy_save(&root, 1, NOW);
    struct report report = {0};
    uint64_t count = 0;

    (void)state;
    assert_int_equal(kernel_image_read(&image, check_ids, &count, &report), 0);
    assert_int_equal(count, 4);
    assert_int_equal(image.object_count, 4);
    assert_int_equal(image.root_count, 1);
    object_put(root);
    kernel_image_fini(&image);
}

static void test_long_chain(void **state)
{
    struct node *node = NULL;

    (void)state;
    for (size_t i = 0; i < CHAIN; i++)
        node = node_create(7, node);
    struct object *root = &node->object;
    replace(&root, 1, NOW);
    assert_int_equal(object_live_count(), CHAIN);
    object_put(root);
}

static void test_cycle(void **state)
{
    struct node *first = node_create(1, NULL);
    struct object *root = &first->object;

    (void)state;
    first->next = node_create(2, object_get(root));
    struct kernel_image image = toy_save(&root, 1, NOW);
    root->type->fini(root); /* whoever makes a cycle breaks it */
    object_put(root);
    assert_int_equal(object_live_count(), 0);
    assert_int_equal(load(&image, NOW, &root), 0);
    assert_int_equal(atomic_load(&root->count), 2);
    assert_ptr_equal(((struct node *)root)->next->next, root);
    root->type->fini(root);
    object_put(root);
    kernel_image_fini(&image);
}

static void test_queue_is_relinked_by_ticket(void **state)
{
    struct object *roots[3] = {&sleeper_create("a", 30, NULL)->object,
                               &sleeper_create("b", 10, NULL)->object,
                               &sleeper_create("c", 20, NULL)->object};
    struct sleeper *order[3] = {0};
    const struct wait_entry *entry;
    size_t count = 0;

    (void)state;
    waiter_record(&((struct sleeper *)roots[0])->waiter)->deadline = NOW + 7;
    replace(roots, 3, NOW);
    TAILQ_FOREACH(entry, &toy_queue.entries, link)
        order[count++] =
            (struct sleeper *)((char *)entry->waiter - offsetof(struct sleeper, waiter));
    assert_int_equal(count, 3);
    assert_string_equal(order[0]->name, "b");
    assert_string_equal(order[1]->name, "c");
    assert_string_equal(order[2]->name, "a");
    assert_int_equal(toy_queue.last_ticket, 30);
    assert_int_equal(waiter_record(&order[2]->waiter)->deadline, NOW + 7);
    assert_int_equal(waiter_record(&order[0]->waiter)->deadline, NSEC_NEVER);
    for (size_t i = 0; i < 3; i++)
        object_put(roots[i]);
    assert_true(TAILQ_EMPTY(&toy_queue.entries));
}

static void test_idle_waiter_has_no_record(void **state)
{
    struct sleeper *sleeper = sleeper_create("idle", 1, NULL);
    struct object *root = &sleeper->object;

    (void)state;
    wait_abandon(&sleeper->waiter);
    replace(&root, 1, NOW);
    assert_null(waiter_record(&((struct sleeper *)root)->waiter)->ops);
    object_put(root);
}

/* What the first object of a fixture's image has set. */
static int cover_first(void *context, const uint8_t *packed, size_t size)
{
    Object *object = object__unpack(NULL, size, packed);

    if (object->id == 1) {
        assert_int_not_equal(object->derived, 0);
        coverage_add(context, *message_body(&object->base, object->body_case));
    }
    object__free_unpacked(object, NULL);
    return 0;
}

static void test_fixtures_set_every_field(void **state)
{
    static struct coverage coverage;

    (void)state;
    assert_int_equal(toy_fixture_count, toy_types.count);
    for (size_t i = 0; i < toy_fixture_count; i++) {
        struct report report = {0};
        struct object *root = toy_fixtures[i].build();
        struct kernel_image image = toy_save(&root, 1, NOW);
        coverage = (struct coverage){0};
        assert_int_equal(kernel_image_read(&image, cover_first, &coverage, &report), 0);
        assert_int_equal(coverage_count_unset(&coverage), 0);
        root->type->fini(root);
        object_put(root);
        kernel_image_fini(&image);
    }
}

static void test_fixtures_round_trip(void **state)
{
    (void)state;
    for (size_t i = 0; i < toy_fixture_count; i++) {
        struct object *root = toy_fixtures[i].build();
        struct kernel_image first = toy_save(&root, 1, NOW);
        object_put(root);
        assert_int_equal(load(&first, LATER, &root), 0);
        struct kernel_image second = toy_save(&root, 1, LATER);
        assert_true(is_same(&first, &second));
        object_put(root);
        kernel_image_fini(&first);
        kernel_image_fini(&second);
    }
}

static void test_types_match_arms(void **state)
{
    (void)state;
    for (size_t i = 0; i < toy_types.count; i++)
        assert_ptr_equal(toy_types.of(toy_types.list[i]->arm), toy_types.list[i]);
}

static void test_a_save_that_cannot_go_on(void **state)
{
    struct object *root = &node_create(1, node_create(666, NULL))->object;
    struct report report = {0};
    struct kernel_image image = {0};
    const struct snapshot_save_options options = {.types = &toy_types, .report = &report};

    (void)state;
    assert_int_equal(snapshot_save(&root, 1, &options, &image), -EBUSY);
    assert_int_equal(report.bad_count, 1);
    assert_string_equal(report.lines[0], "node 666 is busy");
    kernel_image_fini(&image);
    object_put(root);
}

static void make_world(struct object *roots[2])
{
    struct node *family = make_family();

    roots[0] = &family->object;
    roots[1] = &sleeper_create("sleeper", 5, family->children[0].node)->object;
}

static void test_no_memory_for_a_save(void **state)
{
    struct object *roots[2];
    unsigned long failures = 0;
    int err = -ENOMEM;

    (void)state;
    make_world(roots);
    for (unsigned long n = 1; err < 0; n++) {
        const struct snapshot_save_options options = {.now = NOW, .types = &toy_types};
        struct kernel_image image = {0};
        host_alloc_fail_at(n);
        err = snapshot_save(roots, 2, &options, &image);
        host_alloc_fail_at(0);
        assert_true(err == 0 || err == -ENOMEM);
        failures += err < 0;
        kernel_image_fini(&image);
    }
    assert_true(failures > 10);
    object_put(roots[0]);
    object_put(roots[1]);
}

static void test_no_memory_for_a_load(void **state)
{
    struct object *roots[2];
    unsigned long failures = 0;
    int err = -ENOMEM;

    (void)state;
    make_world(roots);
    struct kernel_image image = toy_save(roots, 2, NOW);
    object_put(roots[0]);
    object_put(roots[1]);
    for (unsigned long n = 1; err < 0; n++) {
        struct report report = {0};
        host_alloc_fail_at(n);
        err = snapshot_load(&toy_types, &image, NOW, NULL, &report, roots);
        host_alloc_fail_at(0);
        assert_true(err == 0 || err == -ENOMEM);
        assert_int_equal(report.bad_count, 0);
        assert_int_equal(object_live_count(), err < 0 ? 0 : 5);
        failures += err < 0;
    }
    assert_true(failures > 10);
    object_put(roots[0]);
    object_put(roots[1]);
    kernel_image_fini(&image);
}

static int check_no_objects(void **state)
{
    (void)state;
    host_alloc_fail_at(0);
    assert_int_equal(object_live_count(), 0);
    return 0;
}

#define TEST(name) cmocka_unit_test_teardown(name, check_no_objects)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_counts_and_live_objects),
        TEST(test_no_memory_for_an_object),
        TEST(test_shape_survives),
        TEST(test_only_strong_references_count),
        TEST(test_times_are_relative),
        TEST(test_same_state_same_bytes),
        TEST(test_ids_are_given_at_first_sight),
        TEST(test_long_chain),
        TEST(test_cycle),
        TEST(test_queue_is_relinked_by_ticket),
        TEST(test_idle_waiter_has_no_record),
        TEST(test_types_match_arms),
        TEST(test_fixtures_set_every_field),
        TEST(test_fixtures_round_trip),
        TEST(test_a_save_that_cannot_go_on),
        TEST(test_no_memory_for_a_save),
        TEST(test_no_memory_for_a_load),
    };

    toy_queue_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
