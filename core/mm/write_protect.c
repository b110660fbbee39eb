/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The freeze's part: after memfile_freeze every chunk is of an older epoch, so no stub may write.
 * Cost: one operation a row of mapped ranges that could be written.
 */
#include "core/mm/space.h"

static bool may_write(const struct pma *pma)
{
    return pma->prot & PROT_WRITE || pma->is_partial;
}

/* A refused change: some of it may be as before. */
static void doubt_all(struct mm *mm)
{
    struct pma *pma;

    RB_FOREACH(pma, pma_tree, &mm->pmas)
        pma->is_partial |= pma_is_memory(pma);
}

int mm_write_protect(struct mm *mm)
{
    struct batch batch;
    struct pma *pma;
    int err;

    mm_lock(mm);
    batch_init(&batch, mm);
    RB_FOREACH(pma, pma_tree, &mm->pmas) {
        struct aspace_op op = {.kind = ASPACE_PROTECT, .address = pma->start};

        if (!may_write(pma) || !pma_is_memory(pma))
            continue;
        op.size = pma->end - pma->start;
        op.prot = pma_readable_prot(vma_at(mm, pma->start), pma);
        pma->prot = op.prot;
        pma->is_partial = false;
        batch_add(&batch, &op);
    }
    err = batch_apply(&batch);
    if (err < 0)
        doubt_all(mm);
    mm_forget_heals(mm);
    mm_unlock(mm);
    return err;
}
