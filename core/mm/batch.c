/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of the stub's maps. The rule that stands behind all of them: a stub may write to a chunk
 * of the memfile only when the chunk is written in the current epoch (memfile_is_writable) and is
 * not shared copy-on-write; and it may read only what is loaded. pma->prot says what the stub has
 * of a pma at most, is_partial that parts may have less. A pma of which some is absent has none.
 */
#include "core/mm/space.h"

#include <errno.h>

void batch_init(struct batch *batch, struct mm *mm)
{
    batch->mm = mm;
    batch->err = 0;
    batch->count = 0;
}

static void flush(struct batch *batch)
{
    size_t done = 0;
    int err;

    batch->mm->turn++;
    if (batch->count == 0 || batch->err < 0 || !batch->mm->aspace) {
        batch->count = 0;
        return;
    }
    err = aspace_apply(batch->mm->aspace, batch->ops, batch->count, &done);
    batch->count = 0;
    if (err < 0 && err != -ESRCH)
        batch->err = err;
}

int batch_apply(struct batch *batch)
{
    flush(batch);
    return batch->err;
}

static bool can_join(const struct aspace_op *a, const struct aspace_op *b)
{
    if (a->kind != b->kind || a->prot != b->prot || a->advice != b->advice || a->file != b->file ||
        a->address + a->size != b->address)
        return false;
    return a->kind != ASPACE_MAP || a->offset + a->size == b->offset;
}

void batch_add(struct batch *batch, const struct aspace_op *op)
{
    struct aspace_op *last = batch->count > 0 ? &batch->ops[batch->count - 1] : NULL;

    if (last && can_join(last, op)) {
        last->size += op->size;
        return;
    }
    if (batch->count == BATCH_OPS)
        flush(batch);
    batch->ops[batch->count++] = *op;
}

void batch_unmap(struct batch *batch, guest_addr_t start, guest_addr_t end)
{
    struct aspace_op op = {.kind = ASPACE_UNMAP, .address = start, .size = end - start};

    batch_add(batch, &op);
}

void batch_advise(struct batch *batch, guest_addr_t start, guest_addr_t end, int advice)
{
    struct aspace_op op = {
        .kind = ASPACE_ADVISE, .advice = advice, .address = start, .size = end - start};

    batch_add(batch, &op);
}

int pma_readable_prot(const struct vma *vma, const struct pma *pma)
{
    return pma->prot == PROT_NONE ? PROT_NONE : vma_host_prot(vma) & ~PROT_WRITE;
}

/* What the stub may have of pma now. */
static int allowed_prot(const struct mm *mm, const struct vma *vma, const struct pma *pma)
{
    int prot = vma_host_prot(vma);

    if (pma_is_memory(pma) &&
        !memfile_is_loaded(mm->kernel->memfile, pma->offset, pma->end - pma->start))
        return PROT_NONE;

    if (!(prot & PROT_WRITE))
        return prot;
    if (pma->is_cow || (pma_is_memory(pma) && !memfile_is_writable(mm->kernel->memfile, pma->offset,
                                                                   pma->end - pma->start)))
        return prot & ~PROT_WRITE;
    return prot;
}

void batch_map(struct batch *batch, const struct vma *vma, struct pma *pma)
{
    struct aspace_op op = {.kind = ASPACE_MAP,
                           .file = PLATFORM_MEMFILE,
                           .address = pma->start,
                           .size = pma->end - pma->start,
                           .offset = pma->offset};
    int err;

    pma->prot = op.prot = allowed_prot(batch->mm, vma, pma);
    pma->is_partial = false;
    if (pma->source == PMA_HOST && batch->mm->aspace) {
        err = mm_host_file(batch->mm, vma->mapping, &op.file);
        if (err < 0 && batch->err == 0)
            batch->err = err;
    }
    batch_add(batch, &op);
}

void batch_protect(struct batch *batch, const struct vma *vma, struct pma *pma)
{
    struct aspace_op op = {
        .kind = ASPACE_PROTECT, .address = pma->start, .size = pma->end - pma->start};

    op.prot = allowed_prot(batch->mm, vma, pma);
    if (op.prot == pma->prot && !pma->is_partial)
        return;
    pma->prot = op.prot;
    pma->is_partial = false;
    batch_add(batch, &op);
}
