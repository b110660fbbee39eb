/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of pmas against a flat model, and the counts of owners: at all times each chunk has as
 * many as there are pmas that touch it. No stub.
 */
#include "tests/unit/mm_world.h"

#include <string.h>

#define BASE UINT64_C(0x10000000)

enum { PAGES = 96, ROUNDS = 10000 }; /* six chunks */

/* Of each page: its place, 0: nothing is there. */
struct model {
    uint64_t offsets[PAGES];
};

static uint64_t seed = 4242;

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

static unsigned touching(struct mm *mm, uint64_t chunk)
{
    unsigned count = 0;
    struct pma *pma;

    RB_FOREACH(pma, pma_tree, &mm->pmas)
        count += CHUNK_DOWN(pma->offset) <= chunk &&
                 chunk < CHUNK_UP(pma->offset + (pma->end - pma->start));
    return count;
}

static void compare(struct mm *mm, const struct model *model)
{
    struct pma *pma;

    for (unsigned i = 0; i < PAGES; i++) {
        pma = pma_at(mm, address_of(i));
        assert_int_equal(pma ? pma_offset(pma, address_of(i)) : 0, model->offsets[i]);
    }
    RB_FOREACH(pma, pma_tree, &mm->pmas)
        for (uint64_t chunk = CHUNK_DOWN(pma->offset);
             chunk < pma->offset + (pma->end - pma->start); chunk += MEM_CHUNK)
            assert_int_equal(memfile_owners(mm_kernel->memfile, chunk, 1), touching(mm, chunk));
    mm_check(mm);
}

static void put_run(struct mm *mm, struct model *model, unsigned first, unsigned count)
{
    struct pma pma = {.start = address_of(first),
                      .end = address_of(first + count),
                      .source = PMA_RUN,
                      .is_owned = true},
               *added;

    assert_int_equal(mm_take_run(mm, pma.start, pma.end, &pma.offset), 0);
    assert_int_equal(pma_add(mm, &pma, &added), 0);
    for (unsigned i = 0; i < count; i++)
        model->offsets[first + i] = pma.offset + i * MEM_PAGE;
}

static void replace(struct mm *mm, struct model *model, unsigned first, unsigned count)
{
    guest_addr_t start = address_of(first), end = address_of(first + count);

    assert_int_equal(pma_split_range(mm, start, end), 0);
    pma_remove_range(mm, start, end);
    memset(&model->offsets[first], 0, count * sizeof model->offsets[0]);
    if (pick(2))
        put_run(mm, model, first, count);
}

static void test_random(void **state)
{
    struct model model = {0};
    struct mm *mm = mm_new();

    (void)state;
    /* An offset of 0 would read as nothing. */
    uint64_t first_chunk;
    assert_int_equal(memfile_alloc(mm_kernel->memfile, MEM_CHUNK, 0, &first_chunk), 0);
    (void)mm_map(mm, BASE, PAGES / 2 * MEM_PAGE, PROT_NONE, PRIVATE | MAP_FIXED);
    (void)mm_map(mm, address_of(PAGES / 2), PAGES / 2 * MEM_PAGE, PROT_NONE,
                 PRIVATE | MAP_FIXED | MAP_STACK);
    for (int i = 0; i < ROUNDS; i++) {
        unsigned half = pick(2) * PAGES / 2, first = half + pick(PAGES / 2);
        unsigned count = pick(half + PAGES / 2 - first) + 1;

        mm_lock(mm);
        if (pick(2)) {
            replace(mm, &model, first, count);
        } else {
            assert_int_equal(pma_split_range(mm, address_of(first), address_of(first + count)), 0);
            if (pick(2))
                pma_merge(mm, BASE, address_of(PAGES));
        }
        mm_unlock(mm);
        if (i % 8 == 0)
            compare(mm, &model);
    }
    object_put(&mm->object);
    memfile_put(mm_kernel->memfile, first_chunk, MEM_CHUNK);
}

static void test_merge(void **state)
{
    struct mm *mm = mm_new();
    struct model model = {0};

    (void)state;
    (void)mm_map(mm, BASE, PAGES * MEM_PAGE, PROT_NONE, PRIVATE | MAP_FIXED);
    mm_lock(mm);
    put_run(mm, &model, 3, 40);
    assert_int_equal(pma_split(mm, address_of(20)), 0);
    assert_int_equal(pma_split(mm, address_of(32)), 0);
    assert_int_equal(mm->pma_count, 3);
    pma_at(mm, address_of(32))->is_cow = true;
    pma_merge(mm, address_of(20), address_of(21));
    assert_int_equal(mm->pma_count, 2); /* what differs stays apart */
    pma_at(mm, address_of(32))->is_cow = false;
    pma_merge(mm, address_of(32), address_of(33));
    assert_int_equal(mm->pma_count, 1);
    mm_unlock(mm);
    compare(mm, &model);
    object_put(&mm->object);
}

/* Sole: own parts of the same addresses do not count as others. */
static void test_sole(void **state)
{
    struct mm *mm = mm_new();
    struct model model = {0};
    struct pma *pma;

    (void)state;
    (void)mm_map(mm, BASE, PAGES * MEM_PAGE, PROT_NONE, PRIVATE | MAP_FIXED);
    mm_lock(mm);
    put_run(mm, &model, 0, 32);
    assert_int_equal(pma_split(mm, address_of(5)), 0);
    pma = pma_at(mm, address_of(5));
    assert_true(pma_is_sole(mm, pma, pma->start, pma->end));
    memfile_get(mm_kernel->memfile, pma_offset(pma, address_of(16)), 1); /* another owner */
    assert_false(pma_is_sole(mm, pma, pma->start, pma->end));
    assert_true(pma_is_sole(mm, pma, pma->start, address_of(16)));
    assert_false(pma_is_sole(mm, pma, address_of(31), address_of(32)));
    memfile_put(mm_kernel->memfile, pma_offset(pma, address_of(16)), 1);
    mm_unlock(mm);
    object_put(&mm->object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_random, mm_world_set_up, mm_world_tear_down),
        cmocka_unit_test_setup_teardown(test_merge, mm_world_set_up, mm_world_tear_down),
        cmocka_unit_test_setup_teardown(test_sole, mm_world_set_up, mm_world_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
