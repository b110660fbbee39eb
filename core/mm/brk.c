/* SPDX-License-Identifier: Apache-2.0 */
/*
 * brk(2). The heap grows by small steps; so that it stays one map, a run is owned for the addresses
 * above it (mm->reserve), of which each step takes a part. Nothing maps the rest, which reads as
 * zeros. It is not saved: a checkpoint gives it back, and the next step takes another run.
 */
#include <errno.h>

#include "core/mm/space.h"

/* The reserve is a quarter of the heap, within these. */
#define RESERVE_MIN MEM_FOLIO
#define RESERVE_MAX (32 * MEM_FOLIO)

void mm_reserve_free(struct mm *mm)
{
    struct mm_reserve *reserve = &mm->reserve;

    if (reserve->end > 0)
        memfile_put(mm->kernel->memfile, reserve->offset, reserve->end - reserve->start);
    *reserve = (struct mm_reserve){0};
}

void mm_settle(struct mm *mm)
{
    mm_lock(mm);
    mm_reserve_free(mm);
    mm_unlock(mm);
}

/* A reserve that starts at start and covers [start, end), if there is memory for more; else that.
 */
static int make_reserve(struct mm *mm, guest_addr_t start, guest_addr_t end)
{
    uint64_t extra = min_u64(max_u64((end - mm->brk_start) / 4, RESERVE_MIN), RESERVE_MAX);
    struct mm_reserve *reserve = &mm->reserve;
    int err;

    if (reserve->end >= end && reserve->start == start)
        return 0;
    mm_reserve_free(mm);
    reserve->start = start;
    reserve->end = FOLIO_UP(end + extra);
    err = mm_take_run(mm, start, reserve->end, &reserve->offset);
    if (err < 0) {
        reserve->end = end;
        err = mm_take_run(mm, start, end, &reserve->offset);
    }
    if (err < 0)
        *reserve = (struct mm_reserve){0};
    return err;
}

/* The part of the reserve below end becomes pma's, with a count of its own. */
static void take_reserve(struct mm *mm, guest_addr_t end, struct pma *pma)
{
    struct mm_reserve *reserve = &mm->reserve;
    guest_addr_t kept = end == reserve->end ? end : CHUNK_DOWN(end);

    *pma = (struct pma){
        .start = reserve->start, .end = end, .offset = reserve->offset, .source = PMA_RUN};
    pma_get_chunks(mm, pma);
    if (kept > reserve->start)
        memfile_put(mm->kernel->memfile, reserve->offset, kept - reserve->start);
    reserve->offset += end - reserve->start;
    reserve->start = end;
    if (end == reserve->end)
        *reserve = (struct mm_reserve){0};
}

static int map_heap(struct mm *mm, const struct vma *like)
{
    struct vma *vma;
    struct pma pma;
    int err = make_reserve(mm, like->start, like->end);

    if (err == 0)
        err = vma_alloc(mm, like, &vma);
    if (err < 0)
        return err;
    vma_insert(mm, vma);
    take_reserve(mm, like->end, &pma);
    err = mm_add_pma(mm, vma, &pma);
    if (err < 0) {
        (void)mm_unmap_range(mm, like->start, like->end);
        return err;
    }
    vma_merge(mm, like->start, like->end);
    pma_merge(mm, like->start, like->end);
    return 0;
}

static int grow(struct mm *mm, guest_addr_t start, guest_addr_t end)
{
    struct vma like = {.start = start,
                       .end = end,
                       .prot = PROT_READ | PROT_WRITE,
                       .flags = VMA_HEAP | VMA_MAY_WRITE | mm->lock_future};

    if (!mm_is_free(mm, start, end) || mm_has_many_maps(mm) ||
        mm_check_growth(mm, &like, end - start) < 0)
        return -ENOMEM;
    return map_heap(mm, &like);
}

int64_t mm_brk(struct mm *mm, guest_addr_t address)
{
    guest_addr_t start, end;
    int err = 0;
    int64_t result;

    mm_lock(mm);
    start = PAGE_UP(mm->brk);
    end = PAGE_UP(address);
    if (address < mm->brk_start || address > GUEST_ADDRESS_END - MEM_PAGE)
        err = -ENOMEM;
    else if (end > start)
        err = grow(mm, start, end);
    else if (end < start)
        err = mm_unmap_range(mm, end, start);
    if (err == 0)
        mm->brk = address;
    result = (int64_t)mm->brk;
    mm_unlock(mm);
    return result;
}
