/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address spaces: making, freeing, saving, loading.
 *
 * Two trees. vmas: what the guest asked for. pmas: what is there. Invariants, under mm->lock:
 *  1. Every pma is within one vma; where a vma has no pma the stub has no map, and a touch comes
 * here.
 *  2. The stub's maps are never more than the pmas allow: see batch.c.
 *  3. The stub lets go of a range before its chunks are put, so that it never sees a reused one.
 *  4. A change is first made ready (splits, memory), then told to the stub, then booked. A stub
 * that refuses (the host's limit of maps) leaves both trees as they were, but for splits.
 *  5. A dead stub takes every change.
 */
#include "core/mm/mm.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/base/host.h"
#include "core/mm/space.h"

DEFINE_OBJECT_TYPE(MM, mm, Mm, mm);

enum { AUXV_SIZE_MAX = 4096 };

void mm_lock(struct mm *mm)
{
    mutex_lock(&mm->lock);
}

void mm_unlock(struct mm *mm)
{
    SLIST_HEAD(, vma) doomed = SLIST_HEAD_INITIALIZER(doomed);
    struct vma *vma;

    if (mm->window_pins == 0) {
        doomed.slh_first = mm->doomed.slh_first;
        SLIST_INIT(&mm->doomed);
    }
    mutex_unlock(&mm->lock);
    while ((vma = SLIST_FIRST(&doomed)) != NULL) {
        SLIST_REMOVE_HEAD(&doomed, doomed);
        vma_free(vma);
    }
}

void mm_list(struct mm *mm)
{
    mutex_lock(&mm->kernel->mms_lock);
    LIST_INSERT_HEAD(&mm->kernel->mms, mm, link);
    mm->is_listed = true;
    mutex_unlock(&mm->kernel->mms_lock);
}

static void unlist_mm(struct mm *mm)
{
    if (!mm->is_listed)
        return;
    mutex_lock(&mm->kernel->mms_lock);
    LIST_REMOVE(mm, link);
    mm->is_listed = false;
    mutex_unlock(&mm->kernel->mms_lock);
}

static void mm_init(struct mm *mm)
{
    mutex_init(&mm->lock, LOCK_MM);
    mutex_init(&mm->rseq_cpus.lock, LOCK_RSEQ);
    RB_INIT(&mm->vmas);
    RB_INIT(&mm->pmas);
    SLIST_INIT(&mm->doomed);
    mm_set_limits(mm, &(struct mm_limits){.size = RLIM_INFINITY,
                                          .data = RLIM_INFINITY,
                                          .stack = MM_STACK_SIZE,
                                          .locked = RLIM_INFINITY});
}

static void mm_fini(struct mm *mm)
{
    struct vma *vma;

    unlist_mm(mm);
    aspace_free(mm->aspace);
    mm->aspace = NULL;
    pma_remove_range(mm, 0, UINT64_MAX);
    mm_reserve_free(mm);
    mm_forget_heals(mm);
    while ((vma = RB_MIN(vma_tree, &mm->vmas)) != NULL)
        vma_remove(mm, vma);
    while ((vma = SLIST_FIRST(&mm->doomed)) != NULL) {
        SLIST_REMOVE_HEAD(&mm->doomed, doomed);
        vma_free(vma);
    }
    object_put((struct object *)mm->exe);
    mm->exe = NULL;
    host_free(mm->auxv);
    mm->auxv = NULL;
    mm->auxv_size = 0;
}

int mm_alloc(struct kernel *kernel, struct mm **ret)
{
    struct mm *mm = object_alloc(&mm_type.object);

    if (!mm)
        return -ENOMEM;
    mm->kernel = kernel;
    mm->stack_top = MM_STACK_TOP;
    mm->mmap_base = MM_MMAP_BASE;
    *ret = mm;
    return 0;
}

int mm_create(struct kernel *kernel, struct mm **ret)
{
    struct aspace *aspace;
    struct mm *mm;
    int err = mm_alloc(kernel, &mm);

    if (err < 0)
        return err;
    err = aspace_create(kernel->platform, &aspace);
    if (err < 0) {
        object_put(&mm->object);
        return err;
    }
    mm->aspace = aspace;
    mm_list(mm);
    *ret = mm;
    return 0;
}

/* --- saving and loading --- */

static int vma_save(const struct vma *vma, struct saver *saver, Vma *m)
{
    m->start = vma->start;
    m->end = vma->end;
    m->prot = (uint32_t)vma->prot;
    m->flags = vma->flags;
    m->offset = vma->offset;
    m->file = save_ref(saver, (const struct object *)vma->file);
    return 0;
}

static void pma_save(const struct pma *pma, Pma *m)
{
    m->start = pma->start;
    m->end = pma->end;
    m->offset = pma->offset;
    m->source = pma->source;
    m->is_cow = pma->is_cow;
}

static int save_vmas(const struct mm *mm, struct saver *saver, Mm *m)
{
    size_t count = 0, i = 0;
    struct vma *vma;

    RB_FOREACH(vma, vma_tree, (struct vma_tree *)&mm->vmas)
        count++;
    if (count == 0)
        return 0;
    m->vmas = save_messages(saver, &vma__descriptor, count);
    if (!m->vmas)
        return -ENOMEM;
    m->n_vmas = count;
    RB_FOREACH(vma, vma_tree, (struct vma_tree *)&mm->vmas)
        (void)vma_save(vma, saver, m->vmas[i++]);
    return 0;
}

static int save_pmas(const struct mm *mm, struct saver *saver, Mm *m)
{
    struct pma *pma;
    size_t i = 0;

    if (mm->pma_count == 0)
        return 0;
    m->pmas = save_messages(saver, &pma__descriptor, mm->pma_count);
    if (!m->pmas)
        return -ENOMEM;
    m->n_pmas = mm->pma_count;
    RB_FOREACH(pma, pma_tree, (struct pma_tree *)&mm->pmas)
        pma_save(pma, m->pmas[i++]);
    return 0;
}

static int mm_save(const struct mm *mm, struct saver *saver, Mm *m)
{
    int err;

    if (!RB_EMPTY(&mm->vmas) && (err = save_vmas(mm, saver, m)) < 0)
        return err;
    if (!RB_EMPTY(&mm->pmas) && (err = save_pmas(mm, saver, m)) < 0)
        return err;
    m->mmap_base = mm->mmap_base;
    m->brk_start = mm->brk_start;
    m->brk = mm->brk;
    m->stack_top = mm->stack_top;
    m->arg_start = mm->arg_start;
    m->arg_end = mm->arg_end;
    m->env_start = mm->env_start;
    m->env_end = mm->env_end;
    m->entry = mm->entry;
    m->vdso = mm->vdso;
    m->exe = save_ref(saver, (const struct object *)mm->exe);
    m->auxv.data = mm->auxv;
    m->auxv.len = mm->auxv_size;
    m->lock_future = mm->lock_future;
    m->membarrier = atomic_load(&mm->membarrier);
    return 0;
}

static bool is_range(uint64_t start, uint64_t end)
{
    return start < end && end <= GUEST_ADDRESS_END && start % MEM_PAGE == 0 && end % MEM_PAGE == 0;
}

static int vma_load(struct vma *vma, struct loader *loader, const Vma *m)
{
    const uint32_t prot = PROT_READ | PROT_WRITE | PROT_EXEC;

    if (!is_range(m->start, m->end))
        load_bad(loader, "vmas", "%" PRIx64 "-%" PRIx64 " is no range", m->start, m->end);
    if ((m->prot & ~prot) != 0 || (m->flags & ~(uint32_t)VMA_ALL) != 0)
        load_bad(loader, "vmas", "%" PRIx64 ": unknown protection or flag", m->start);
    if (m->offset % MEM_PAGE != 0 || m->offset > INT64_MAX - (m->end - m->start))
        load_bad(loader, "vmas", "%" PRIx64 ": bad offset", m->start);
    if (m->file == 0 && (m->flags & VMA_SHARED) != 0)
        load_bad(loader, "vmas", "%" PRIx64 " is shared, but has no file", m->start);
    vma->start = m->start;
    vma->end = m->end;
    vma->prot = (int)(m->prot & prot);
    vma->flags = m->flags & VMA_ALL;
    vma->offset = m->offset;
    vma->file = load_ref_opt(loader, "vmas.file", m->file, &file_type);
    return 0;
}

static int load_vmas(struct mm *mm, struct loader *loader, const Mm *m)
{
    guest_addr_t last = 0;

    for (size_t i = 0; i < m->n_vmas; i++) {
        struct vma *vma = host_alloc(1, sizeof *vma);

        if (!vma)
            return -ENOMEM;
        vma->mm = mm;
        (void)vma_load(vma, loader, m->vmas[i]);
        if (!is_range(vma->start, vma->end) || vma->start < last) {
            load_bad(loader, "vmas", "%" PRIx64 " is out of order", vma->start);
            vma_free(vma);
            continue;
        }
        last = vma->end;
        RB_INSERT(vma_tree, &mm->vmas, vma);
    }
    return 0;
}

static void pma_load(struct pma *pma, const Pma *m)
{
    pma->start = m->start;
    pma->end = m->end;
    pma->offset = m->offset;
    pma->source = m->source;
    pma->is_cow = m->is_cow;
}

/* A page of a range that is to be one of a run or of a file: NULL, or what is wrong. */
static const char *check_pma(const struct mm *mm, const struct pma *pma, guest_addr_t last)
{
    const struct vma *vma;

    if (!is_range(pma->start, pma->end) || pma->start < last)
        return "is no range, or out of order";
    if (pma->offset % MEM_PAGE != 0 || pma->offset > INT64_MAX - (pma->end - pma->start))
        return "has a bad offset";
    vma = vma_at(mm, pma->start);
    if (!vma || vma->end < pma->end)
        return "is outside of what was mapped";
    if (pma->source != PMA_RUN && (pma->source != PMA_FILE || !vma->file) &&
        (pma->source != PMA_HOST || !vma->file))
        return "has an unknown source";
    if (!pma->is_cow && pma->source != PMA_RUN && !vma_is_shared(vma))
        return "shares a file though it is private";
    return NULL;
}

static int load_pmas(struct mm *mm, struct loader *loader, const Mm *m)
{
    guest_addr_t last = 0;

    for (size_t i = 0; i < m->n_pmas; i++) {
        struct pma *pma = host_alloc(1, sizeof *pma);
        const char *problem;

        if (!pma)
            return -ENOMEM;
        pma_load(pma, m->pmas[i]);
        problem = check_pma(mm, pma, last);
        if (problem) {
            load_bad(loader, "pmas", "%" PRIx64 " %s", pma->start, problem);
            host_free(pma);
            continue;
        }
        last = pma->end;
        RB_INSERT(pma_tree, &mm->pmas, pma);
    }
    return 0;
}

static int load_auxv(struct mm *mm, struct loader *loader, const Mm *m)
{
    if (m->auxv.len > AUXV_SIZE_MAX) {
        load_bad(loader, "auxv", "%zu bytes", m->auxv.len);
        return 0;
    }
    if (m->auxv.len == 0)
        return 0;
    mm->auxv = host_alloc(1, m->auxv.len);
    if (!mm->auxv)
        return -ENOMEM;
    memcpy(mm->auxv, m->auxv.data, m->auxv.len);
    mm->auxv_size = m->auxv.len;
    return 0;
}

/* An address of the message, which guests cannot go past. */
static guest_addr_t load_address(struct loader *loader, const char *field, uint64_t address)
{
    if (address <= GUEST_ADDRESS_END)
        return address;
    load_bad(loader, field, "%" PRIx64 " is no address", address);
    return 0;
}

static void load_addresses(struct mm *mm, struct loader *loader, const Mm *m)
{
    mm->mmap_base = load_address(loader, "mmap_base", m->mmap_base);
    mm->brk_start = load_address(loader, "brk_start", m->brk_start);
    mm->brk = load_address(loader, "brk", m->brk);
    atomic_store(&mm->membarrier, m->membarrier);
    if (mm->brk < mm->brk_start)
        load_bad(loader, "brk", "is below brk_start");
    mm->stack_top = load_address(loader, "stack_top", m->stack_top);
    mm->arg_start = load_address(loader, "arg_start", m->arg_start);
    mm->arg_end = load_address(loader, "arg_end", m->arg_end);
    mm->env_start = load_address(loader, "env_start", m->env_start);
    mm->env_end = load_address(loader, "env_end", m->env_end);
    mm->entry = load_address(loader, "entry", m->entry);
    mm->vdso = load_address(loader, "vdso", m->vdso);
}

static int mm_load(struct mm *mm, struct loader *loader, const Mm *m)
{
    int err;

    load_addresses(mm, loader, m);
    mm->lock_future = m->lock_future;
    if (m->lock_future & ~(uint32_t)(VMA_LOCKED | VMA_LOCK_ONFAULT))
        load_bad(loader, "lock_future", "unknown flag in %#x", m->lock_future);
    mm->exe = load_ref_opt(loader, "exe", m->exe, &file_type);
    err = load_vmas(mm, loader, m);
    if (err == 0)
        err = load_pmas(mm, loader, m);
    if (err == 0)
        err = load_auxv(mm, loader, m);
    return err;
}

static void vma_relink(struct vma *vma, struct loader *loader)
{
    if (vma->file)
        vma_set_mapping(vma, file_mapping(vma->file));
    if (vma->file && !vma->mapping)
        load_bad(loader, "vmas.file", "%" PRIx64 ": the file cannot be mapped", vma->start);
}

static void pma_relink(struct pma *pma, struct mm *mm, struct loader *loader)
{
    const struct vma *vma = vma_at(mm, pma->start);

    if (pma->source != PMA_RUN &&
        (!vma->mapping || (pma->source == PMA_FILE && mapping_is_host(vma->mapping))))
        load_bad(loader, "pmas", "%" PRIx64 ": the file has no such pages", pma->start);
    if (!pma_is_memory(pma))
        return;
    if (memfile_claim(mm->kernel->memfile, pma->offset, pma->end - pma->start) < 0)
        load_bad(loader, "pmas", "%" PRIx64 ": %" PRIx64 " is not in memory", pma->start,
                 pma->offset);
    else
        pma->is_owned = true;
}

static void mm_relink(struct mm *mm, struct loader *loader)
{
    struct vma *vma;
    struct pma *pma;

    mm->kernel = kernel_of_context(loader_context(loader));
    RB_FOREACH(vma, vma_tree, &mm->vmas) {
        vma_relink(vma, loader);
        mm->mapped_size += vma->end - vma->start;
        mm->vma_count++;
    }
    RB_FOREACH(pma, pma_tree, &mm->pmas) {
        pma_relink(pma, mm, loader);
        mm->pma_count++;
    }
}

static uint64_t mm_derived(const struct mm *mm)
{
    return mm->mapped_size + mm->pma_count + ((uint64_t)mm->vma_count << 48);
}

/* Pages of host files that have become memory (deleted ones, which travelled in the image) are
 * there no longer: the next touch finds them in the memory. */
static int use_ghosts(struct mm *mm)
{
    struct pma *pma;
    struct pma *next;
    struct vma *mapped;

    RB_FOREACH(mapped, vma_tree, &mm->vmas) {
        if (mapped->file && !file_mapping(mapped->file))
            return -ENOMEM; /* the content has no room */
    }
    RB_FOREACH_SAFE(pma, pma_tree, &mm->pmas, next) {
        const struct vma *vma = vma_at(mm, pma->start);
        if (pma->source == PMA_HOST && !mapping_is_host(vma->mapping))
            pma_remove_range(mm, pma->start, pma->end);
    }
    return 0;
}

int mm_restore(struct mm *mm)
{
    struct aspace *aspace;
    struct batch batch;
    struct pma *pma;
    int err = aspace_create(mm->kernel->platform, &aspace);

    if (err < 0)
        return err;
    mm->aspace = aspace;
    mm_list(mm);
    mm_lock(mm);
    err = use_ghosts(mm);
    batch_init(&batch, mm);
    RB_FOREACH(pma, pma_tree, &mm->pmas) {
        struct vma *vma = vma_at(mm, pma->start);

        batch_map(&batch, vma, pma);
        mm_advise_folios(mm, &batch, vma, pma);
    }
    if (err == 0)
        err = batch_apply(&batch);
    mm_unlock(mm);
    return err;
}
