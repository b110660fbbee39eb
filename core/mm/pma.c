/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of what is where. Invariants: pmas do not overlap, each is in one vma; a chunk of the
 * memfile counts one owner for each pma (of any mm) that touches it, so a split inside a chunk
 * counts one more and a merge one less. The stub is not touched here.
 */
#include "core/mm/pma.h"

#include <assert.h>
#include <errno.h>

#include "core/base/host.h"
#include "core/mm/space.h"

static int pma_compare(const struct pma *a, const struct pma *b)
{
    return a->start < b->start ? -1 : a->start > b->start;
}

RB_GENERATE(pma_tree, pma, node, pma_compare)

struct pma *pma_find(const struct mm *mm, guest_addr_t address)
{
    struct pma *pma = RB_ROOT(&mm->pmas), *found = NULL;

    while (pma) {
        if (pma->end > address) {
            found = pma;
            pma = RB_LEFT(pma, node);
        } else {
            pma = RB_RIGHT(pma, node);
        }
    }
    return found;
}

struct pma *pma_at(const struct mm *mm, guest_addr_t address)
{
    struct pma *pma = pma_find(mm, address);

    return pma && pma->start <= address ? pma : NULL;
}

int pma_add(struct mm *mm, const struct pma *like, struct pma **ret)
{
    struct pma *pma = host_alloc(1, sizeof *pma), *clash;

    if (!pma)
        return -ENOMEM;
    *pma = *like;
    assert(pma->start < pma->end);
    clash = RB_INSERT(pma_tree, &mm->pmas, pma);
    assert(!clash);
    (void)clash;
    mm->pma_count++;
    *ret = pma;
    return 0;
}

void pma_get_chunks(struct mm *mm, struct pma *pma)
{
    if (!pma_is_memory(pma) || pma->is_owned)
        return;
    memfile_get(mm->kernel->memfile, pma->offset, pma->end - pma->start);
    pma->is_owned = true;
}

void pma_put_chunks(struct mm *mm, struct pma *pma)
{
    if (pma->is_owned)
        memfile_put(mm->kernel->memfile, pma->offset, pma->end - pma->start);
    pma->is_owned = false;
}

int pma_split(struct mm *mm, guest_addr_t at)
{
    struct pma *pma = pma_at(mm, at), upper;
    guest_addr_t end;
    int err;

    if (!pma || pma->start == at)
        return 0;
    upper = *pma;
    upper.start = at;
    upper.offset = pma_offset(pma, at);
    end = pma->end;
    pma->end = at;
    err = pma_add(mm, &upper, &(struct pma *){NULL});
    if (err < 0) {
        pma->end = end;
        return err;
    }
    if (upper.is_owned && upper.offset % MEM_CHUNK)
        memfile_get(mm->kernel->memfile, upper.offset, 1);
    return 0;
}

int pma_split_range(struct mm *mm, guest_addr_t start, guest_addr_t end)
{
    int err = pma_split(mm, start);

    return err < 0 ? err : pma_split(mm, end);
}

static bool can_merge(const struct mm *mm, const struct pma *a, const struct pma *b)
{
    const struct vma *vma;

    if (a->end != b->start || a->source != b->source || a->is_cow != b->is_cow ||
        a->is_owned != b->is_owned || a->is_hot != b->is_hot || a->prot != b->prot ||
        a->is_partial != b->is_partial || pma_offset(a, a->end) != b->offset)
        return false;
    vma = vma_at(mm, a->start);
    return vma && vma->end > b->start;
}

static void remove_pma(struct mm *mm, struct pma *pma)
{
    RB_REMOVE(pma_tree, &mm->pmas, pma);
    mm->pma_count--;
    host_free(pma);
}

void pma_merge(struct mm *mm, guest_addr_t start, guest_addr_t end)
{
    struct pma *pma = pma_find(mm, start > 0 ? start - 1 : 0), *next;

    while (pma && pma->start < end) {
        next = RB_NEXT(pma_tree, &mm->pmas, pma);
        if (!next || next->start > end)
            break;
        if (!can_merge(mm, pma, next)) {
            pma = next;
            continue;
        }
        if (next->is_owned && next->offset % MEM_CHUNK)
            memfile_put(mm->kernel->memfile, next->offset, 1);
        pma->end = next->end;
        remove_pma(mm, next);
    }
}

void pma_remove_range(struct mm *mm, guest_addr_t start, guest_addr_t end)
{
    struct pma *pma = pma_find(mm, start), *next;

    for (; pma && pma->start < end; pma = next) {
        assert(pma->start >= start && pma->end <= end);
        next = RB_NEXT(pma_tree, &mm->pmas, pma);
        pma_put_chunks(mm, pma);
        remove_pma(mm, pma);
    }
}

/* Owners of the chunk at offset that are parts of pma's own addresses. */
static unsigned count_own(struct mm *mm, const struct pma *pma, uint64_t chunk)
{
    uint64_t shift = pma->start - pma->offset;
    guest_addr_t low = chunk + shift, high = low + MEM_CHUNK;
    unsigned count = 0;

    if (low > high) /* the addresses of the chunk start below 0 */
        low = 0;
    for (struct pma *other = pma_find(mm, low); other && other->start < high;
         other = RB_NEXT(pma_tree, &mm->pmas, other))
        count += other->source == PMA_RUN && other->start - other->offset == shift;
    return count;
}

bool pma_is_sole(struct mm *mm, const struct pma *pma, guest_addr_t start, guest_addr_t end)
{
    uint64_t from = pma_offset(pma, start), size = end - start;
    struct memfile *memfile = mm->kernel->memfile;

    if (pma->source != PMA_RUN)
        return false;
    if (memfile_owners(memfile, from, size) == 1)
        return true;
    for (uint64_t chunk = from & ~(MEM_CHUNK - 1); chunk < from + size; chunk += MEM_CHUNK)
        if (memfile_owners(memfile, chunk, 1) != count_own(mm, pma, chunk))
            return false;
    return true;
}
