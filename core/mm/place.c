/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a byte of guest memory is for those who share it, told in numbers that hold in every
 * address space and after a restore: futexes in shared memory are known by them.
 */
#include <errno.h>

#include "core/mm/space.h"

/* What a shared map shows at address. */
static int shared_place(struct mm *mm, struct vma *vma, guest_addr_t address, struct mm_place *ret)
{
    struct pma *pma;

    if (vma->file) {
        ret->kind = MM_PLACE_FILE;
        ret->dev = vma->file->inode->dev;
        ret->inode = vma->file->inode->attr.nr;
        ret->offset = vma->offset + (address - vma->start);
        return 0;
    }
    int err = mm_resolve(mm, vma, PAGE_DOWN(address), FAULT_READ, &pma);
    if (err < 0)
        return -EFAULT;
    ret->kind = MM_PLACE_MEMORY;
    ret->offset = pma_offset(pma, address);
    return 0;
}

int mm_place(struct mm *mm, guest_addr_t address, struct mm_place *ret)
{
    struct vma *vma;
    int err = 0;

    *ret = (struct mm_place){.kind = MM_PLACE_OWN, .offset = address};
    mm_lock(mm);
    vma = mm_touch(mm, address);
    if (!vma || !vma_allows(vma, FAULT_READ))
        err = -EFAULT;
    else if (vma_is_shared(vma))
        err = shared_place(mm, vma, address, ret);
    mm_unlock(mm);
    return err;
}
