/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page faults. What a touch needs is made ready by mm_resolve, for guests and for pins alike; a
 * guest's stub then gets the permission. After a checkpoint's freeze a write finds its chunk of an
 * older epoch: memfile_prepare_write hands the old content on, then 64 KB are made writable again;
 * at the 8th fault in a folio all 2 MB are, and are collapsed into one map.
 *
 * What is absent after a lazy restore is loaded by the touch, and opened to the stub by the chunk;
 * at the 8th fault in a folio, or once touches are no longer recorded, together with what is there
 * of its 2 MB.
 *
 * A platform that cannot tell the access (FAULT_UNKNOWN) has a mapping that refused it: that was a
 * write, if the guest may write there. A fault that finds all it needs is retried once, and again
 * while other threads change the stub (they may have been faster), then delivered.
 */
#include <errno.h>
#include <signal.h>

#include "core/base/hash.h"
#include "core/mm/space.h"
#include "core/pager.h"

enum { HEAL_FAULTS = 8, RETRIES = 100 };

/* Write faults in a folio since the last freeze. */
struct mm_heal {
    uint64_t folio; /* address / 2 MB */
    unsigned faults;
    UT_hash_handle hh;
};

void mm_forget_heals(struct mm *mm)
{
    struct mm_heal *heal, *next;

    HASH_ITER(hh, mm->heals, heal, next) {
        HASH_DEL(mm->heals, heal);
        host_free(heal);
    }
}

/* Counts a fault; without memory to count it is the first. */
static unsigned count_heal(struct mm *mm, guest_addr_t address)
{
    uint64_t folio = address / MEM_FOLIO;
    struct mm_heal *heal;

    HASH_FIND(hh, mm->heals, &folio, sizeof folio, heal);
    if (heal)
        return ++heal->faults;
    heal = host_alloc(1, sizeof *heal);
    if (!heal)
        return 1;
    heal->folio = folio;
    heal->faults = 1;
    HASH_ADD(hh, mm->heals, folio, sizeof heal->folio, heal);
    if (!HASH_IS_IN(heal))
        host_free(heal);
    return 1;
}

bool mm_count_fault(struct mm *mm, guest_addr_t address)
{
    return count_heal(mm, address) >= HEAL_FAULTS;
}

bool vma_allows(const struct vma *vma, enum fault_access access)
{
    int prot = vma_host_prot(vma);

    return (!(access & FAULT_READ) || prot & PROT_READ) &&
           (!(access & FAULT_WRITE) || prot & PROT_WRITE) &&
           (!(access & FAULT_EXEC) || prot & PROT_EXEC);
}

/* A stack whose range is to begin at or below address: 64 KB at a time (Linux: a page). */
static bool grow_stack(struct mm *mm, struct vma *vma, guest_addr_t address)
{
    struct vma *last = RB_PREV(vma_tree, &mm->vmas, vma);
    uint64_t size = mm->limits.stack;
    guest_addr_t low = vma->end > size ? vma->end - size : 0;
    guest_addr_t start = CHUNK_DOWN(address);

    if (last)
        low = max_u64(low, last->end + (last->flags & VMA_GROWSDOWN ? 0 : MM_STACK_GAP));
    start = max_u64(start, max_u64(low, MM_ADDRESS_MIN));
    if (start > address || start >= vma->start || mm_check_growth(mm, vma, vma->start - start) < 0)
        return false;
    mm->mapped_size += vma->start - start;
    vma->start = start;
    return true;
}

struct vma *mm_touch(struct mm *mm, guest_addr_t address)
{
    struct vma *vma;

    if (address >= GUEST_ADDRESS_END)
        return NULL;
    vma = vma_find(mm, address);
    if (!vma || vma->start <= address)
        return vma;
    return vma->flags & VMA_GROWSDOWN && grow_stack(mm, vma, PAGE_DOWN(address)) ? vma : NULL;
}

int mm_resolve(struct mm *mm, struct vma *vma, guest_addr_t address, enum fault_access access,
               struct pma **ret)
{
    struct memfile *memfile = mm->kernel->memfile;
    struct pma *pma = pma_at(mm, address);
    guest_addr_t start, end;
    int err = 0;

    if (!pma) {
        err = mm_populate_at(mm, vma, address);
        if (err < 0)
            return err;
        pma = pma_at(mm, address);
    }
    if (access & FAULT_WRITE && pma->is_cow)
        err = mm_break_cow(mm, vma, pma, address, &pma);
    if (err == 0 && pma_is_memory(pma)) {
        pma_grain(pma, address, MEM_CHUNK, &start, &end);
        err = access & FAULT_WRITE
                  ? memfile_prepare_write(memfile, pma_offset(pma, start), end - start)
                  : memfile_prepare_read(memfile, pma_offset(pma, start), end - start);
    }
    if (err == 0 && pma_is_memory(pma))
        pager_note_touch(mm->kernel->pager, pma_offset(pma, address));
    if (err == 0)
        *ret = pma;
    return err;
}

/* Gives the stub [start, end) of pma as the vma allows; its chunks are written in this epoch. */
static int protect_part(struct mm *mm, const struct vma *vma, struct pma *pma, guest_addr_t start,
                        guest_addr_t end, bool collapse)
{
    int prot = vma_host_prot(vma);
    struct aspace_op op = {
        .kind = ASPACE_PROTECT, .prot = prot, .address = start, .size = end - start};
    struct batch batch;

    batch_init(&batch, mm);
    batch_add(&batch, &op);
    if (collapse)
        batch_advise(&batch, start, end, MADV_COLLAPSE);
    pma->prot |= prot;
    pma->is_partial = start > pma->start || end < pma->end;
    return batch_apply(&batch);
}

/* Write permission for the stub at address, which mm_resolve made ready. */
static int allow_write(struct mm *mm, const struct vma *vma, struct pma *pma, guest_addr_t address)
{
    struct memfile *memfile = mm->kernel->memfile;
    guest_addr_t start = pma->start, end = pma->end;

    if (!pma_is_memory(pma) || memfile_is_writable(memfile, pma->offset, end - start))
        return protect_part(mm, vma, pma, start, end, false);
    pma_grain(pma, address, MEM_FOLIO, &start, &end);
    if (end - start == MEM_FOLIO && (pma->start - pma->offset) % MEM_FOLIO == 0 &&
        mm_count_fault(mm, address) &&
        memfile_prepare_write(memfile, pma_offset(pma, start), end - start) == 0)
        return protect_part(mm, vma, pma, start, end, true);
    pma_grain(pma, address, MEM_CHUNK, &start, &end);
    return protect_part(mm, vma, pma, start, end, false);
}

static int map_again(struct mm *mm, const struct vma *vma, struct pma *pma)
{
    struct batch batch;

    batch_init(&batch, mm);
    batch_map(&batch, vma, pma);
    return batch_apply(&batch);
}

/* The stub's part of a fault: true in *changed if it lacked something. */
static int allow(struct mm *mm, const struct vma *vma, struct pma *pma, guest_addr_t address,
                 enum fault_access access, bool *changed)
{
    int prot = vma_host_prot(vma), err;

    if (pma->is_partial && access & FAULT_WRITE)
        *changed = true;
    else if (!(access & FAULT_WRITE))
        prot &= ~PROT_WRITE;
    if (prot & ~pma->prot)
        *changed = true;
    if (!*changed)
        return 0;
    if (pma->prot == PROT_NONE && !pma->is_partial) {
        err = mm_open_part(mm, vma, pma);
        if (err < 0)
            return map_again(mm, vma, pma);
        if (!(prot & ~pma->prot))
            return 0;
    }
    return access & FAULT_WRITE ? allow_write(mm, vma, pma, address) : map_again(mm, vma, pma);
}

/* What an access was that the platform could not tell; 0: what the guest may not do. */
static enum fault_access guess_access(const struct vma *vma, const struct pma *pma,
                                      const struct trap *trap)
{
    if (trap->access != FAULT_UNKNOWN)
        return vma_allows(vma, trap->access) ? trap->access : 0;
    if (vma->prot == PROT_NONE)
        return 0;
    return trap->is_mapped && pma && pma->prot & PROT_READ && vma->prot & PROT_WRITE ? FAULT_WRITE
                                                                                     : FAULT_READ;
}

/* A fault that found all it needs: true, once, and again while others change the stub: they may
 * have taken what was given. */
static bool is_retry(const struct mm *mm, struct mm_last_fault *last, guest_addr_t address,
                     enum fault_access access)
{
    bool again = last->address == address && last->access == access;

    if (again && (last->turn == mm->turn || last->count == RETRIES)) {
        last->address = 0;
        return false;
    }
    *last = (struct mm_last_fault){address, access, mm->turn, again ? last->count + 1 : 0};
    return true;
}

/* SIGBUS of the host: a file that was cut off under us, or a full memfile (-ENOMEM). */
static int host_bus_error(const struct pma *pma, int *code)
{
    if (pma && pma_is_memory(pma))
        return -ENOMEM;
    *code = BUS_ADRERR;
    return SIGBUS;
}

static int fault_in(struct mm *mm, const struct trap *trap, struct mm_last_fault *last, int *code)
{
    guest_addr_t address = PAGE_DOWN(trap->address);
    struct vma *vma = mm_touch(mm, address);
    struct pma *pma = pma_at(mm, address);
    bool changed = pma == NULL, is_part = false;
    enum fault_access access;
    int err;

    *code = vma ? SEGV_ACCERR : SEGV_MAPERR;
    if (!vma)
        return SIGSEGV;
    if (trap->signal == SIGBUS)
        return host_bus_error(pma, code);
    access = guess_access(vma, pma, trap);
    if (access == 0)
        return SIGSEGV;
    if (pma && access & FAULT_WRITE && pma->is_cow)
        changed = true;
    err = mm_resolve(mm, vma, address, access, &pma);
    if (err == 0)
        err = mm_split_loaded(mm, &pma, address, &is_part);
    if (err == 0)
        err = allow(mm, vma, pma, address, access, &changed);
    if (err == 0 && changed)
        last->address = 0;
    if (is_part)
        pma_merge(mm, pma->start, pma->end);
    if (err == 0)
        return changed || is_retry(mm, last, trap->address, access) ? 0 : SIGSEGV;
    *code = BUS_ADRERR;
    return err == -ENOMEM ? -ENOMEM : SIGBUS;
}

int mm_fault(struct mm *mm, const struct trap *trap, struct mm_last_fault *last, int *code)
{
    int result;

    mm_lock(mm);
    result = fault_in(mm, trap, last, code);
    mm_unlock(mm);
    return result;
}
