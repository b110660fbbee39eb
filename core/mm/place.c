/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a byte of guest memory is for those who share it, told in numbers that hold in every
 * address space and after a restore: futexes in shared memory are known by them.
 */
#include <errno.h>

#include "core/mm/space.h"

int mm_place(struct mm *mm, guest_addr_t address, struct mm_place *ret)
{
    struct vma *vma;
    int err = 0;

    *ret = (struct mm_place){.offset = address};
    mm_lock(mm);
    vma = mm_touch(mm, address);
    if (!vma || !vma_allows(vma, FAULT_READ)) {
        err = -EFAULT;
    } else if (vma_is_shared(vma) && vma->file) {
        ret->is_shared = true;
        ret->dev = vma->file->inode->dev;
        ret->inode = vma->file->inode->attr.nr;
        ret->offset = vma->offset + (address - vma->start);
    }
    mm_unlock(mm);
    return err;
}
