/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of vmas against a flat model: one entry a page. No stub, no memory: PROT_NONE maps. */
#include "tests/unit/mm_world.h"

#include <string.h>

#define BASE UINT64_C(0x10000000)

enum { PAGES = 64, ROUNDS = 20000 };

/* Of each page: 0: not mapped; else flags + 1. */
struct model {
    unsigned pages[PAGES];
};

static uint64_t seed = 42;

static unsigned pick(unsigned count)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed % count);
}

static guest_addr_t address_of(unsigned page)
{
    return BASE + page * MEM_PAGE;
}

static void compare(struct mm *mm, const struct model *model)
{
    for (unsigned i = 0; i < PAGES; i++) {
        struct vma *vma = vma_at(mm, address_of(i)), *found = vma_find(mm, address_of(i));

        assert_int_equal(vma != NULL, model->pages[i] != 0);
        assert_true(!vma || (vma == found && vma->flags + 1 == model->pages[i]));
        assert_true(!found || found->end > address_of(i));
    }
    mm_check(mm);
}

/* As few vmas as there can be. */
static void check_merged(struct mm *mm)
{
    struct vma *vma, *next;

    RB_FOREACH(vma, vma_tree, &mm->vmas) {
        next = RB_NEXT(vma_tree, &mm->vmas, vma);
        assert_true(!next || vma->end < next->start || vma->flags != next->flags);
    }
}

static void change(struct mm *mm, struct model *model, unsigned first, unsigned count)
{
    struct vma like = {.start = address_of(first), .end = address_of(first + count)};

    like.flags = pick(3) ? 0 : VMA_SMALL;
    mm_lock(mm);
    assert_int_equal(mm_unmap_range(mm, like.start, like.end), 0);
    if (pick(2))
        assert_int_equal(mm_insert(mm, &like), 0);
    mm_unlock(mm);
    for (unsigned i = first; i < first + count; i++)
        model->pages[i] = vma_at(mm, address_of(first)) ? like.flags + 1 : 0;
}

static void split_and_merge(struct mm *mm, unsigned first, unsigned count)
{
    guest_addr_t start = address_of(first), end = address_of(first + count);

    mm_lock(mm);
    assert_int_equal(vma_split_range(mm, start, end), 0);
    for (struct vma *vma = vma_find(mm, start); vma && vma->start < end;
         vma = RB_NEXT(vma_tree, &mm->vmas, vma))
        assert_true(vma->start >= start && vma->end <= end);
    vma_merge(mm, start, end);
    mm_unlock(mm);
}

static void test_random(void **state)
{
    struct model model = {0};
    struct mm *mm = mm_new();

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        unsigned first = pick(PAGES), count = pick(PAGES - first) + 1;

        if (pick(2))
            change(mm, &model, first, count);
        else
            split_and_merge(mm, first, count);
        if (i % 16 == 0)
            compare(mm, &model);
        check_merged(mm);
    }
    object_put(&mm->object);
}

static void test_covers(void **state)
{
    struct mm *mm = mm_new();

    (void)state;
    (void)mm_map(mm, BASE, 3 * MEM_PAGE, PROT_NONE, PRIVATE | MAP_FIXED);
    (void)mm_map(mm, BASE + 3 * MEM_PAGE, MEM_PAGE, PROT_NONE, PRIVATE | MAP_FIXED | MAP_STACK);
    assert_true(vma_covers(mm, BASE, BASE + 4 * MEM_PAGE));
    assert_false(vma_covers(mm, BASE, BASE + 5 * MEM_PAGE));
    assert_false(vma_covers(mm, BASE - MEM_PAGE, BASE + MEM_PAGE));
    assert_true(vma_covers(mm, BASE, BASE));
    object_put(&mm->object);
}

/* Placement: top-down, large maps at 2 MB, the gap of a stack is kept. */
static void test_placement(void **state)
{
    struct mm *mm = mm_new();
    guest_addr_t a, b, c, stack;

    (void)state;
    a = mm_map(mm, ANYWHERE, MEM_PAGE, PROT_NONE, PRIVATE);
    assert_int_equal(a, mm->mmap_base - MEM_PAGE);
    b = mm_map(mm, ANYWHERE, MEM_FOLIO + MEM_PAGE, PROT_NONE, PRIVATE);
    assert_int_equal(b % MEM_FOLIO, 0);
    assert_true(b + MEM_FOLIO + MEM_PAGE <= a);
    c = mm_map(mm, ANYWHERE, MEM_PAGE, PROT_NONE, PRIVATE);
    assert_int_equal(c, a - MEM_PAGE); /* the hole above b */
    stack = mm_map(mm, 0x20000000, MEM_PAGE, PROT_NONE, PRIVATE | MAP_GROWSDOWN);
    assert_int_equal(stack, 0x20000000);
    assert_int_not_equal(mm_map(mm, stack - MEM_PAGE, MEM_PAGE, PROT_NONE, PRIVATE),
                         stack - MEM_PAGE);
    assert_int_equal(mm_map(mm, stack - MM_STACK_GAP - MEM_PAGE, MEM_PAGE, PROT_NONE, PRIVATE),
                     stack - MM_STACK_GAP - MEM_PAGE);
    assert_true(mm_map(mm, ANYWHERE, MEM_PAGE, PROT_NONE, PRIVATE | MAP_32BIT) < 0x80000000);
    object_put(&mm->object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_random, mm_world_set_up, mm_world_tear_down),
        cmocka_unit_test_setup_teardown(test_covers, mm_world_set_up, mm_world_tear_down),
        cmocka_unit_test_setup_teardown(test_placement, mm_world_set_up, mm_world_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
