/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mremap(2): pmas keep their places in the memfile and get other addresses, congruent modulo 64 KB
 * (2 MB if large) where we choose them. An old size of 0 makes a second map of shared memory.
 */
#include <errno.h>

#include "core/mm/space.h"

struct remap {
    guest_addr_t old, new;
    uint64_t old_size, new_size;
    int flags;
};

static int check(const struct remap *remap)
{
    const int known = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;

    if (remap->flags & ~known || remap->old % MEM_PAGE != 0 || remap->new_size == 0 ||
        remap->new_size > GUEST_ADDRESS_END || remap->old_size > GUEST_ADDRESS_END ||
        remap->old > GUEST_ADDRESS_END - remap->old_size)
        return -EINVAL;
    if (remap->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) && !(remap->flags & MREMAP_MAYMOVE))
        return -EINVAL;
    if (remap->flags & MREMAP_DONTUNMAP && remap->old_size != remap->new_size)
        return -EINVAL;
    if (!(remap->flags & MREMAP_FIXED))
        return 0;
    if (remap->new % MEM_PAGE != 0 || remap->new > GUEST_ADDRESS_END - remap->new_size ||
        remap->new < MM_ADDRESS_MIN ||
        (remap->new < remap->old + remap->old_size && remap->old < remap->new + remap->new_size))
        return -EINVAL;
    return 0;
}

/* What is there at old is there at new, too. */
static int map_copies(struct mm *mm, const struct remap *remap, struct vma *to)
{
    uint64_t shift = remap->new - remap->old;
    guest_addr_t end = remap->old + min_u64(remap->old_size, remap->new_size);
    struct pma *pma, *copy;
    struct batch batch;
    int err;

    batch_init(&batch, mm);
    for (pma = pma_find(mm, remap->old); pma && pma->start < end;
         pma = RB_NEXT(pma_tree, &mm->pmas, pma)) {
        struct pma moved = *pma;

        moved.start += shift;
        moved.end = min_u64(pma->end, end) + shift;
        moved.is_owned = false;
        err = pma_add(mm, &moved, &copy);
        if (err < 0)
            return err;
        pma_get_chunks(mm, copy);
        batch_map(&batch, to, copy);
        mm_advise_folios(mm, &batch, to, copy);
    }
    return batch_apply(&batch);
}

static int leave_old(struct mm *mm, const struct remap *remap)
{
    guest_addr_t end = remap->old + remap->old_size;

    return remap->flags & MREMAP_DONTUNMAP ? mm_drop_range(mm, remap->old, end)
                                           : mm_unmap_range(mm, remap->old, end);
}

/* What moving, or growing in place, adds. */
static int check_growth(const struct mm *mm, const struct vma *vma, const struct remap *remap)
{
    uint64_t kept = remap->flags & MREMAP_DONTUNMAP ? 0 : remap->old_size;

    if (mm_has_many_maps(mm))
        return -ENOMEM;
    return remap->new_size > kept ? mm_check_growth(mm, vma, remap->new_size - kept) : 0;
}

static int move(struct mm *mm, const struct remap *remap)
{
    struct vma *to, like;
    int err = check_growth(mm, vma_at(mm, remap->old), remap);

    if (err == 0)
        err = vma_split_range(mm, remap->old, remap->old + remap->old_size);
    if (err == 0)
        err = pma_split_range(mm, remap->old, remap->old + remap->old_size);
    if (err < 0)
        return err;
    like = *vma_at(mm, remap->old);
    like.start = remap->new;
    like.end = remap->new + remap->new_size;
    err = vma_alloc(mm, &like, &to);
    if (err < 0)
        return err;
    vma_insert(mm, to);
    err = map_copies(mm, remap, to);
    if (err == 0)
        err = mm_populate(mm, to, to->start, to->end);
    if (err == 0)
        err = leave_old(mm, remap);
    if (err < 0) {
        (void)mm_unmap_range(mm, remap->new, remap->new + remap->new_size);
        return err;
    }
    vma_merge(mm, remap->new, remap->new + remap->new_size);
    pma_merge(mm, remap->new, remap->new + remap->new_size);
    return 0;
}

static int move_somewhere(struct mm *mm, struct remap *remap)
{
    uint64_t align = remap->new_size >= MEM_FOLIO ? MEM_FOLIO : MEM_CHUNK;
    int err = mm_find_free(mm, remap->new_size, align, remap->old, mm->mmap_base, &remap->new);

    return err < 0 ? err : move(mm, remap);
}

static bool can_grow(struct mm *mm, const struct vma *vma, const struct remap *remap)
{
    guest_addr_t end = remap->old + remap->new_size;

    return vma->end == remap->old + remap->old_size && end <= GUEST_ADDRESS_END &&
           mm_is_free(mm, vma->end, end);
}

static int grow(struct mm *mm, struct vma *vma, const struct remap *remap)
{
    guest_addr_t old_end = vma->end;
    int err = check_growth(mm, vma, remap);

    if (err < 0)
        return err;
    vma->end = remap->old + remap->new_size;
    mm->mapped_size += vma->end - old_end;
    err = mm_populate(mm, vma, old_end, vma->end);
    if (err == 0) {
        vma_merge(mm, vma->start, remap->old + remap->new_size);
        return 0;
    }
    (void)mm_drop_range(mm, old_end, vma->end);
    mm->mapped_size -= vma->end - old_end;
    vma->end = old_end;
    return err;
}

/* A second map of the shared file that is mapped at old. */
static int duplicate(struct mm *mm, const struct vma *vma, struct remap *remap)
{
    struct vma like = *vma;
    int err = 0;

    if (!vma_is_shared(vma) || !(remap->flags & MREMAP_MAYMOVE))
        return -EINVAL;
    if (!(remap->flags & MREMAP_FIXED))
        err = mm_find_free(mm, remap->new_size, MEM_PAGE, 0, mm->mmap_base, &remap->new);
    if (err < 0)
        return err;
    like.start = remap->new;
    like.end = remap->new + remap->new_size;
    like.offset += remap->old - vma->start;
    return mm_insert(mm, &like);
}

static int remap_range(struct mm *mm, struct remap *remap)
{
    struct vma *vma = vma_at(mm, remap->old);
    int err;

    if (vma && remap->old_size == 0 && !(remap->flags & MREMAP_FIXED))
        return duplicate(mm, vma, remap);
    if (!vma || vma->flags & (VMA_VDSO | VMA_VVAR) || vma->end - remap->old < remap->old_size)
        return -EFAULT;
    if (remap->flags & MREMAP_FIXED) {
        err = mm_unmap_range(mm, remap->new, remap->new + remap->new_size);
        if (err < 0)
            return err;
        return remap->old_size > 0 ? move(mm, remap) : duplicate(mm, vma, remap);
    }
    if (remap->flags & MREMAP_DONTUNMAP)
        return move_somewhere(mm, remap);
    remap->new = remap->old;
    if (remap->new_size < remap->old_size)
        return mm_unmap_range(mm, remap->old + remap->new_size, remap->old + remap->old_size);
    if (remap->new_size == remap->old_size)
        return 0;
    if (can_grow(mm, vma, remap))
        return grow(mm, vma, remap);
    return remap->flags & MREMAP_MAYMOVE ? move_somewhere(mm, remap) : -ENOMEM;
}

int64_t mm_mremap(struct mm *mm, guest_addr_t old, uint64_t old_size, uint64_t new_size, int flags,
                  guest_addr_t new)
{
    struct remap remap = {old, new, PAGE_UP(old_size), PAGE_UP(new_size), flags};
    int err = check(&remap);

    if (err < 0)
        return err;
    mm_lock(mm);
    err = remap_range(mm, &remap);
    mm_unlock(mm);
    return err < 0 ? err : (int64_t)remap.new;
}
