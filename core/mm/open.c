/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lazy restore: what the stub gets of memory that has been absent. It has nothing of a pma of which
 * some was absent. A fault in a chunk, which is loaded by now, makes it a pma of its own and opens
 * that; at the 8th fault in a folio, or once touches are no longer recorded, together with what is
 * there of its 2 MB. In the end the pager opens the rest. Nothing is opened in part: the stub has
 * all that a pma says, or nothing.
 */
#include "core/mm/space.h"
#include "core/pager.h"

static bool is_loaded(const struct mm *mm, const struct pma *pma, guest_addr_t start,
                      guest_addr_t end)
{
    return memfile_is_loaded(mm->kernel->memfile, pma_offset(pma, start), end - start);
}

/* What of pma, which has absent parts, is opened by a fault in the chunk that has just been loaded.
 */
static void choose_open(struct mm *mm, const struct pma *pma, guest_addr_t address,
                        guest_addr_t *start, guest_addr_t *end)
{
    guest_addr_t low, high;

    pma_grain(pma, address, MEM_CHUNK, start, end);
    if (pager_is_recording(mm->kernel->pager) && !mm_count_fault(mm, address))
        return;
    pma_grain(pma, address, MEM_FOLIO, &low, &high);
    while (*start > low) {
        guest_addr_t next = max_u64(low, *start - MEM_CHUNK);

        if (!is_loaded(mm, pma, next, *start))
            break;
        *start = next;
    }
    while (*end < high && is_loaded(mm, pma, *end, min_u64(high, *end + MEM_CHUNK)))
        *end = min_u64(high, *end + MEM_CHUNK);
}

int mm_split_loaded(struct mm *mm, struct pma **pma, guest_addr_t address, bool *is_part)
{
    guest_addr_t start, end;
    int err;

    if ((*pma)->prot != PROT_NONE || !pma_is_memory(*pma) ||
        (is_loaded(mm, *pma, (*pma)->start, (*pma)->end) && !pager_is_recording(mm->kernel->pager)))
        return 0;
    choose_open(mm, *pma, address, &start, &end);
    err = pma_split_range(mm, start, end);
    if (err < 0)
        return err;
    *pma = pma_at(mm, address);
    *is_part = true;
    return 0;
}

void mm_open_loaded(struct mm *mm)
{
    struct batch batch;
    struct pma *pma;

    mm_lock(mm);
    batch_init(&batch, mm);
    RB_FOREACH(pma, pma_tree, &mm->pmas)
        if (pma->prot == PROT_NONE && !pma->is_partial && pma_is_memory(pma))
            batch_protect(&batch, vma_at(mm, pma->start), pma);
    if (batch_apply(&batch) < 0)
        mm_doubt(mm, 0, UINT64_MAX);
    pma_merge(mm, 0, UINT64_MAX);
    mm_unlock(mm);
}

int mm_open_part(struct mm *mm, const struct vma *vma, struct pma *pma)
{
    struct batch batch;

    batch_init(&batch, mm);
    batch_protect(&batch, vma, pma);
    return batch_apply(&batch);
}
