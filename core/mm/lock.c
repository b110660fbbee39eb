/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mlock(2) and its kin. What is locked is counted and made present; it is never taken away here, so
 * nothing else has to be done.
 */
#include <errno.h>

#include "core/mm/space.h"

#ifndef MCL_ONFAULT
#define MCL_ONFAULT 4
#endif

/* Makes [start, end) present as far as it can be touched. -ENOMEM: not all of it. */
static int touch(struct mm *mm, struct vma *vma, guest_addr_t start, guest_addr_t end)
{
    enum fault_access access =
        vma->prot & PROT_WRITE && !vma_is_shared(vma) ? FAULT_WRITE : FAULT_READ;
    struct pma *pma;

    if (vma->flags & (VMA_LAZY | VMA_LOCK_ONFAULT))
        return 0;
    if (!vma_allows(vma, access))
        return -ENOMEM;
    for (; start < end; start = CHUNK_DOWN(start) + MEM_CHUNK) {
        int err = mm_resolve(mm, vma, start, access, &pma);

        if (err < 0)
            return err == -ENOMEM ? -EAGAIN : -ENOMEM;
    }
    return 0;
}

static int touch_range(struct mm *mm, guest_addr_t start, guest_addr_t end)
{
    struct vma *vma;
    int err = 0;

    for (vma = vma_find(mm, start); err == 0 && vma && vma->start < end;
         vma = RB_NEXT(vma_tree, &mm->vmas, vma))
        err = touch(mm, vma, max_u64(vma->start, start), min_u64(vma->end, end));
    return err;
}

/* Sets the flags of what is mapped up to the first hole: -ENOMEM there. */
static int set_locked(struct mm *mm, guest_addr_t start, guest_addr_t end, unsigned flags)
{
    const unsigned all = VMA_LOCKED | VMA_LOCK_ONFAULT;
    guest_addr_t at = start;
    int err = vma_split_range(mm, start, end);

    if (err == 0)
        err = pma_split_range(mm, start, end);
    while (err == 0 && at < end) {
        struct vma *vma = vma_at(mm, at);

        if (!vma) {
            err = -ENOMEM;
            break;
        }
        if (!(vma->flags & (VMA_VDSO | VMA_VVAR)))
            vma->flags = (vma->flags & ~all) | flags;
        at = vma->end;
    }
    vma_merge(mm, start, end);
    pma_merge(mm, start, end);
    return err;
}

/* True: as much more may be locked, of which some is locked already. */
static bool may_lock(const struct mm *mm, guest_addr_t start, guest_addr_t end)
{
    uint64_t locked = mm_locked_size(mm, 0, UINT64_MAX) - mm_locked_size(mm, start, end);

    return mm->limits.may_lock || locked + (end - start) <= mm->limits.locked;
}

static int lock_range(struct mm *mm, guest_addr_t start, guest_addr_t end, unsigned flags)
{
    int err;

    if (flags & VMA_LOCKED && !may_lock(mm, start, end))
        return -ENOMEM;
    err = set_locked(mm, start, end, flags);
    if (err == 0 && flags & VMA_LOCKED)
        err = touch_range(mm, start, end);
    return err;
}

int mm_mlock(struct mm *mm, guest_addr_t address, uint64_t size, bool is_locked, bool on_fault)
{
    unsigned flags = (is_locked ? VMA_LOCKED : 0) | (on_fault ? VMA_LOCK_ONFAULT : 0);
    guest_addr_t start = PAGE_DOWN(address), end = PAGE_UP(address + size);
    int err;

    if (is_locked && mm->limits.locked == 0 && !mm->limits.may_lock)
        return -EPERM;
    if (end < start || size > UINT64_MAX - MEM_PAGE)
        return -EINVAL;
    if (size == 0)
        return 0;
    if (end > GUEST_ADDRESS_END)
        return -ENOMEM;
    mm_lock(mm);
    err = lock_range(mm, start, end, flags);
    mm_unlock(mm);
    return err;
}

/* Every vma that there is. */
static int lock_current(struct mm *mm, unsigned flags)
{
    struct vma *vma;

    RB_FOREACH(vma, vma_tree, &mm->vmas) {
        if (vma->flags & (VMA_VDSO | VMA_VVAR))
            continue;
        vma->flags = (vma->flags & ~(unsigned)(VMA_LOCKED | VMA_LOCK_ONFAULT)) | flags;
        if (flags & VMA_LOCKED)
            (void)touch(mm, vma, vma->start, vma->end); /* as in Linux, what cannot be is left */
    }
    vma_merge(mm, 0, GUEST_ADDRESS_END);
    pma_merge(mm, 0, GUEST_ADDRESS_END);
    return 0;
}

int mm_mlockall(struct mm *mm, unsigned flags)
{
    unsigned set = VMA_LOCKED | (flags & MCL_ONFAULT ? VMA_LOCK_ONFAULT : 0);
    int err = 0;

    if (flags == 0 || flags == MCL_ONFAULT ||
        flags & ~(unsigned)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
        return -EINVAL;
    if (mm->limits.locked == 0 && !mm->limits.may_lock)
        return -EPERM;
    mm_lock(mm);
    if (flags & MCL_CURRENT && mm->mapped_size > mm->limits.locked && !mm->limits.may_lock)
        err = -ENOMEM;
    if (err == 0)
        mm->lock_future = flags & MCL_FUTURE ? set : 0;
    if (err == 0 && flags & MCL_CURRENT)
        err = lock_current(mm, set);
    mm_unlock(mm);
    return err;
}

void mm_munlockall(struct mm *mm)
{
    mm_lock(mm);
    mm->lock_future = 0;
    (void)lock_current(mm, 0);
    mm_unlock(mm);
}
