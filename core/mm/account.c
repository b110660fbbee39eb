/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits of an address space, and what counts towards them: RLIMIT_AS, RLIMIT_DATA, RLIMIT_MEMLOCK,
 * the number of maps. RLIMIT_STACK is fault.c's. Who calls says what the limits are now
 * (mm_set_limits). Sums are made when a limit asks for them.
 */
#include <errno.h>

#include "core/mm/space.h"

void mm_set_limits(struct mm *mm, const struct mm_limits *limits)
{
    atomic_store_explicit(&mm->limits.size, limits->size, memory_order_relaxed);
    atomic_store_explicit(&mm->limits.data, limits->data, memory_order_relaxed);
    atomic_store_explicit(&mm->limits.stack, limits->stack, memory_order_relaxed);
    atomic_store_explicit(&mm->limits.locked, limits->locked, memory_order_relaxed);
    atomic_store_explicit(&mm->limits.may_lock, limits->may_lock, memory_order_relaxed);
}

bool vma_is_data(const struct vma *vma)
{
    return vma->prot & PROT_WRITE && !(vma->flags & (VMA_SHARED | VMA_GROWSDOWN));
}

static uint64_t data_size(const struct mm *mm)
{
    struct vma *vma;
    uint64_t size = 0;

    RB_FOREACH(vma, vma_tree, (struct vma_tree *)&mm->vmas)
        size += vma_is_data(vma) ? vma->end - vma->start : 0;
    return size;
}

uint64_t mm_locked_size(const struct mm *mm, guest_addr_t start, guest_addr_t end)
{
    struct vma *vma;
    uint64_t size = 0;

    for (vma = vma_find(mm, start); vma && vma->start < end;
         vma = RB_NEXT(vma_tree, (struct vma_tree *)&mm->vmas, vma))
        if (vma->flags & VMA_LOCKED)
            size += min_u64(vma->end, end) - max_u64(vma->start, start);
    return size;
}

uint64_t mm_mapped_size(const struct mm *mm, guest_addr_t start, guest_addr_t end)
{
    struct vma *vma;
    uint64_t size = 0;

    for (vma = vma_find(mm, start); vma && vma->start < end;
         vma = RB_NEXT(vma_tree, (struct vma_tree *)&mm->vmas, vma))
        size += min_u64(vma->end, end) - max_u64(vma->start, start);
    return size;
}

int mm_check_growth(const struct mm *mm, const struct vma *like, uint64_t size)
{
    uint64_t data = mm->limits.data;

    if (mm->mapped_size + size > mm->limits.size)
        return -ENOMEM;
    if (data != RLIM_INFINITY && vma_is_data(like) && data_size(mm) + size > data)
        return -ENOMEM;
    if (like->flags & VMA_LOCKED && !mm->limits.may_lock &&
        mm_locked_size(mm, 0, UINT64_MAX) + size > mm->limits.locked)
        return -EAGAIN;
    return 0;
}

bool mm_has_many_maps(const struct mm *mm)
{
    return mm->vma_count >= MM_MAP_COUNT_MAX;
}
