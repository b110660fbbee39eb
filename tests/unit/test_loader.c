/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images that do not fit: each is refused with a report that names object and field, and leaves no
 * object behind. Images are built from messages, with toy types.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "core/base/container.h"
#include "tests/unit/toys/toys.h"

enum { NOW = 1000, OBJECTS = 4 };

/* An image in the making: objects are nodes, until a test says otherwise. */
struct draft {
    Object objects[OBJECTS];
    Node nodes[OBJECTS];
    size_t count;
    size_t root_count;
};

/* count nodes: each holds the next. */
static struct draft draft_make(size_t count)
{
    struct draft draft = {.count = count, .root_count = 1};

    for (size_t i = 0; i < count; i++) {
        draft.objects[i] = (Object)OBJECT__INIT;
        draft.nodes[i] = (Node)NODE__INIT;
        draft.objects[i].id = i + 1;
        draft.objects[i].body_case = OBJECT__BODY_NODE;
        draft.nodes[i].value = 1;
        draft.nodes[i].next = i + 1 < count ? i + 2 : 0;
    }
    return draft;
}

static int draft_load(struct draft *draft, struct report *report, struct object *roots[])
{
    struct kernel_image image = {.root_count = draft->root_count};

    for (size_t i = 0; i < draft->count; i++) {
        if (draft->objects[i].body_case == OBJECT__BODY_NODE)
            draft->objects[i].node = &draft->nodes[i];
        assert_int_equal(kernel_image_add(&image, &draft->objects[i]), 0);
    }
    assert_int_equal(kernel_image_close(&image), 0);
    *report = (struct report){0};
    int err = snapshot_load(&toy_types, &image, NOW, NULL, report, roots);
    kernel_image_fini(&image);
    return err;
}

/* Loading fails, says just that, and gives nothing. */
static void expect_bad(struct draft *draft, const char *line)
{
    struct object *roots[OBJECTS] = {0};
    struct report report;

    assert_int_equal(draft_load(draft, &report, roots), -EINVAL);
    assert_true(report.bad_count > 0);
    assert_int_equal(report.line_count, report.bad_count + report.note_count);
    assert_string_equal(report.lines[report.note_count], line); /* notes come first: first pass */
    assert_int_equal(object_live_count(), 0);
    assert_null(roots[0]);
}

static void test_good(void **state)
{
    struct draft draft = draft_make(OBJECTS);
    struct object *root;
    struct report report;

    (void)state;
    assert_int_equal(draft_load(&draft, &report, &root), 0);
    assert_int_equal(report.line_count, 0);
    assert_int_equal(object_live_count(), OBJECTS);
    object_put(root);
}

static void test_ids(void **state)
{
    struct draft draft = draft_make(3);

    (void)state;
    draft.objects[2].id = 2;
    expect_bad(&draft, "node 3: id: is 2");
    draft.objects[2].id = 0;
    expect_bad(&draft, "node 3: id: is 0");
    draft.objects[2].id = UINT64_MAX;
    expect_bad(&draft, "node 3: id: is 18446744073709551615");
}

static void test_dangling_references(void **state)
{
    NodeChild child = NODE_CHILD__INIT;
    NodeChild *children[] = {&child};
    struct draft draft = draft_make(2);

    (void)state;
    draft.nodes[1].next = 3;
    expect_bad(&draft, "node 2: next: refers to object 3 of 2");
    draft.nodes[1].next = 0;
    draft.nodes[1].peer = UINT64_MAX;
    expect_bad(&draft, "node 2: peer: refers to object 18446744073709551615 of 2");
    draft.nodes[1].peer = 0;
    draft.nodes[1].n_children = 1;
    draft.nodes[1].children = children;
    expect_bad(&draft, "node 2: children.node: refers to object 0 of 2");
}

static void test_reference_of_another_type(void **state)
{
    struct draft draft = draft_make(2);
    Sleeper sleeper = SLEEPER__INIT;

    (void)state;
    sleeper.name = "name";
    draft.objects[1].body_case = OBJECT__BODY_SLEEPER;
    draft.objects[1].sleeper = &sleeper;
    expect_bad(&draft, "node 1: next: refers to sleeper 2, which is no node");
    draft.root_count = 2;
    draft.nodes[0].next = 0;
    sleeper.node = 2;
    expect_bad(&draft, "sleeper 2: node: refers to sleeper 2, which is of another kind");
}

static void test_cycle_is_freed(void **state)
{
    struct draft draft = draft_make(3);

    (void)state;
    draft.nodes[2].next = 1;
    draft.nodes[1].value = 667;
    expect_bad(&draft, "node 2: value: is 667");
}

static void test_nothing_holds_it(void **state)
{
    struct draft draft = draft_make(3);

    (void)state;
    draft.nodes[0].next = 0;
    draft.nodes[0].peer = 2; /* weak */
    expect_bad(&draft, "node 2: count: no object holds it");
}

static void test_derived_is_compared(void **state)
{
    struct draft draft = draft_make(2);
    struct object *root;
    struct report report;

    (void)state;
    draft.nodes[0].peer = 2;
    draft.objects[1].derived = 1;
    assert_int_equal(draft_load(&draft, &report, &root), 0);
    object_put(root);
    draft.objects[1].derived = 0x22;
    expect_bad(&draft, "node 2: derived: is 1 after relink, was 22");
}

static void test_spans(void **state)
{
    struct draft draft = draft_make(1);

    (void)state;
    draft.nodes[0].deadline = INT64_MAX - 1;
    expect_bad(&draft, "node 1: deadline: a span of 9223372036854775806 ns is out of range");
    draft.nodes[0].deadline = -NOW - 1;
    expect_bad(&draft, "node 1: deadline: a span of -1001 ns is out of range");
}

static void test_all_that_is_bad_is_reported(void **state)
{
    struct draft draft = draft_make(4);
    struct report report;

    (void)state;
    draft.nodes[0].value = 667;
    draft.nodes[1].peer = 9;
    draft.nodes[3].deadline = INT64_MIN;
    assert_int_equal(draft_load(&draft, &report, NULL), -EINVAL);
    assert_int_equal(report.bad_count, 3);
    assert_string_equal(report.lines[0], "node 1: value: is 667");
    assert_string_equal(report.lines[1], "node 2: peer: refers to object 9 of 4");
    assert_non_null(strstr(report.lines[2], "node 4: deadline: "));
}

static uint8_t unknown_data[] = {5};
static ProtobufCMessageUnknownField unknown = {
    .wire_type = PROTOBUF_C_WIRE_TYPE_VARINT, .len = 1, .data = unknown_data};

static void test_unknown_field(void **state)
{
    struct draft draft = draft_make(2);
    struct object *root;
    struct report report;

    (void)state;
    draft.nodes[1].base.n_unknown_fields = 1;
    draft.nodes[1].base.unknown_fields = &unknown;
    unknown.tag = 999;
    expect_bad(&draft, "node 2: Object.node: field 999 is unknown here");
    unknown.tag = 1000;
    assert_int_equal(draft_load(&draft, &report, &root), 0);
    assert_int_equal(report.note_count, 1);
    assert_int_equal(report.bad_count, 0);
    object_put(root);
}

/* An object of a type that only a newer writer knows. */
static void test_unknown_type(void **state)
{
    struct draft draft = draft_make(2);
    struct object *root;
    struct report report;

    (void)state;
    draft.objects[1].body_case = OBJECT__BODY__NOT_SET;
    expect_bad(&draft, "object 2: body: is missing");
    draft.objects[1].base.n_unknown_fields = 1;
    draft.objects[1].base.unknown_fields = &unknown;
    unknown.tag = 99;
    expect_bad(&draft, "object 2: Object: field 99 is unknown here");
    unknown.tag = 1099;
    expect_bad(&draft, "node 1: next: refers to object 2, whose type is unknown here");
    draft.nodes[0].next = 0;
    assert_int_equal(draft_load(&draft, &report, &root), 0);
    assert_int_equal(report.note_count, 1);
    object_put(root);
    draft.root_count = 2;
    expect_bad(&draft, "object 2: body: a root is missing");
}

static void test_strings(void **state)
{
    struct draft draft = draft_make(1);
    Sleeper sleeper = SLEEPER__INIT;

    (void)state;
    draft.objects[0].body_case = OBJECT__BODY_SLEEPER;
    draft.objects[0].sleeper = &sleeper;
    expect_bad(&draft, "sleeper 1: name: is empty");
    sleeper.name = "0123456789abcdef";
    expect_bad(&draft, "sleeper 1: name: is longer than 15 bytes");
}

static void test_wait_records(void **state)
{
    struct draft draft = draft_make(1);
    Sleeper sleeper = SLEEPER__INIT;
    WaitRecord wait = WAIT_RECORD__INIT;
    ToyWait toy = TOY_WAIT__INIT;
    WaitEntry entry = WAIT_ENTRY__INIT;

    (void)state;
    draft.objects[0].body_case = OBJECT__BODY_SLEEPER;
    draft.objects[0].sleeper = &sleeper;
    sleeper.name = "name";
    sleeper.wait = &wait;
    expect_bad(&draft, "sleeper 1: wait: of no kind known here");
    OtherWait other = OTHER_WAIT__INIT;
    wait.body_case = WAIT_RECORD__BODY_OTHER;
    wait.other = &other;
    expect_bad(&draft, "sleeper 1: wait: of no kind known here");
    wait.body_case = WAIT_RECORD__BODY_TOY;
    wait.toy = &toy;
    wait.deadline = INT64_MAX - 1;
    expect_bad(&draft,
               "sleeper 1: wait.deadline: a span of 9223372036854775806 ns is out of range");
    wait.deadline = INT64_MAX;
    toy.entry = &entry;
    entry.state = 3;
    expect_bad(&draft, "sleeper 1: wait.entry: state 3");
    entry.state = WAIT_QUEUED;
    expect_bad(&draft, "sleeper 1: wait.entry: no ticket");
    entry.ticket = UINT64_MAX;
    expect_bad(&draft, "sleeper 1: wait.entry: ticket 18446744073709551615");
    assert_true(TAILQ_EMPTY(&toy_queue.entries));
}

/* A failed load leaves the queue that a relink has filled. */
static void test_failure_after_relink(void **state)
{
    struct draft draft = draft_make(1);
    Sleeper sleeper = SLEEPER__INIT;
    WaitRecord wait = WAIT_RECORD__INIT;
    ToyWait toy = TOY_WAIT__INIT;
    WaitEntry entry = WAIT_ENTRY__INIT;

    (void)state;
    draft.objects[0].body_case = OBJECT__BODY_SLEEPER;
    draft.objects[0].sleeper = &sleeper;
    draft.objects[0].derived = 9;
    sleeper.name = "name";
    sleeper.wait = &wait;
    wait.body_case = WAIT_RECORD__BODY_TOY;
    wait.toy = &toy;
    toy.entry = &entry;
    entry.state = WAIT_QUEUED;
    entry.ticket = 4;
    expect_bad(&draft, "sleeper 1: derived: is 1 after relink, was 9");
    assert_true(TAILQ_EMPTY(&toy_queue.entries));
}

static void test_report_is_bounded(void **state)
{
    struct report report = {0};

    (void)state;
    for (int i = 0; i < 2 * REPORT_LINES; i++)
        report_bad(&report, "line %d: %0*d", i, 2 * REPORT_LINE_SIZE, 1);
    report_note(&report, "a note");
    assert_int_equal(report.line_count, REPORT_LINES);
    assert_int_equal(report.bad_count, 2 * REPORT_LINES);
    assert_int_equal(report.note_count, 1);
    assert_int_equal(strlen(report.lines[0]), REPORT_LINE_SIZE - 1);
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
        TEST(test_good),
        TEST(test_ids),
        TEST(test_dangling_references),
        TEST(test_reference_of_another_type),
        TEST(test_cycle_is_freed),
        TEST(test_nothing_holds_it),
        TEST(test_derived_is_compared),
        TEST(test_spans),
        TEST(test_all_that_is_bad_is_reported),
        TEST(test_unknown_field),
        TEST(test_unknown_type),
        TEST(test_strings),
        TEST(test_wait_records),
        TEST(test_failure_after_relink),
        TEST(test_report_is_bounded),
    };

    toy_queue_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
