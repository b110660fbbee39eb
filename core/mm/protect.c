/* SPDX-License-Identifier: Apache-2.0 */
/* mprotect(2). As in Linux, what is before a hole or a refusal has changed already. */
#include <errno.h>

#include "core/mm/space.h"

void mm_doubt(struct mm *mm, guest_addr_t start, guest_addr_t end)
{
    struct pma *pma = pma_find(mm, start);

    for (; pma && pma->start < end; pma = RB_NEXT(pma_tree, &mm->pmas, pma)) {
        pma->prot = PROT_NONE;
        pma->is_partial = true;
    }
}

/* All of vma. */
static int protect_vma(struct mm *mm, struct vma *vma, int prot)
{
    struct batch batch;
    struct pma *pma;
    int err;

    vma->prot = prot;
    batch_init(&batch, mm);
    for (pma = pma_find(mm, vma->start); pma && pma->start < vma->end;
         pma = RB_NEXT(pma_tree, &mm->pmas, pma))
        batch_protect(&batch, vma, pma);
    err = batch_apply(&batch);
    if (err < 0)
        mm_doubt(mm, vma->start, vma->end);
    return err < 0 ? err : mm_populate(mm, vma, vma->start, vma->end);
}

/* False: RLIMIT_DATA is against size bytes of vma becoming writable. */
static bool may_be_data(const struct mm *mm, const struct vma *vma, int prot, uint64_t size)
{
    const struct vma like = {.prot = prot, .flags = vma->flags & ~(unsigned)VMA_LOCKED};

    return mm->limits.data == RLIM_INFINITY || mm_check_growth(mm, &like, size) == 0;
}

static int protect_range(struct mm *mm, guest_addr_t start, guest_addr_t end, int prot)
{
    guest_addr_t at = start, stop;
    int err = 0;

    while (err == 0 && at < end) {
        struct vma *vma = vma_at(mm, at);

        if (!vma)
            return -ENOMEM;
        if (prot & PROT_WRITE && !(vma->flags & VMA_MAY_WRITE))
            return -EACCES;
        stop = min_u64(end, vma->end);
        if (prot & PROT_WRITE && !vma_is_data(vma) && !may_be_data(mm, vma, prot, stop - at))
            return -ENOMEM;
        if (vma->prot != prot) {
            err = vma_split_range(mm, at, stop);
            if (err == 0)
                err = pma_split_range(mm, at, stop);
            if (err == 0)
                err = protect_vma(mm, vma_at(mm, at), prot);
        }
        at = stop;
    }
    return err;
}

int mm_mprotect(struct mm *mm, guest_addr_t address, uint64_t size, int prot)
{
    const int access = PROT_READ | PROT_WRITE | PROT_EXEC, grows = PROT_GROWSDOWN | PROT_GROWSUP;
    guest_addr_t start = address, end;
    int err = 0;

    if (address % MEM_PAGE != 0 || (prot & grows) == grows || prot & ~(access | grows | 8))
        return -EINVAL;
    if (size == 0)
        return 0;
    if (size > GUEST_ADDRESS_END || address > GUEST_ADDRESS_END - PAGE_UP(size))
        return -ENOMEM;
    end = address + PAGE_UP(size);
    mm_lock(mm);
    if (prot & grows) {
        struct vma *vma = vma_at(mm, start);

        if (!vma)
            err = -ENOMEM;
        else if (prot & PROT_GROWSUP || !(vma->flags & VMA_GROWSDOWN))
            err = -EINVAL;
        else
            start = vma->start;
    }
    if (err == 0)
        err = protect_range(mm, start, end, prot & access);
    if (err == 0 || err == -ENOMEM || err == -EACCES) {
        vma_merge(mm, start, end);
        pma_merge(mm, start, end);
    }
    mm_unlock(mm);
    return err;
}
