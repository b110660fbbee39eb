/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork's copy of an address space. Private memory becomes copy-on-write on both sides, so the
 * parent's stub loses its permission to write there before it is copied. Write pins are waited for:
 * what they write must be in one of the two. Other threads may run meanwhile; each goes on until it
 * writes where it may not any more, and then waits for the lock: so of what each has written the
 * child has all up to some instant. Copies made at once would break that, so they are for those who
 * are alone.
 */
#include <errno.h>
#include <string.h>

#include "core/base/host.h"
#include "core/mm/space.h"

static void wait_for_pins(struct mm *mm)
{
    while (mm->pin_count > 0) {
        unsigned turn = atomic_load(&mm->pin_turn);

        mm_unlock(mm);
        (void)host_futex_wait(&mm->pin_turn, turn, NSEC_NEVER);
        mm_lock(mm);
    }
}

static int copy_vmas(struct mm *from, struct mm *to)
{
    struct vma *vma, *copy;

    RB_FOREACH(vma, vma_tree, &from->vmas) {
        int err;

        if (vma->flags & VMA_DONTFORK)
            continue;
        err = vma_alloc(to, vma, &copy);
        if (err < 0)
            return err;
        copy->flags &= ~(unsigned)(VMA_LOCKED | VMA_LOCK_ONFAULT);
        vma_insert(to, copy);
    }
    return 0;
}

static bool is_private(const struct vma *vma)
{
    return !vma_is_shared(vma) && !(vma->flags & VMA_VVAR);
}

/* Bytes that a fork copies at once, in pieces of at most a chunk. */
#define HOT_SIZE_MAX (UINT64_C(128) << 10)

static bool is_hot(const struct vma *vma, const struct pma *pma)
{
    return is_private(vma) && pma->source == PMA_RUN && !pma->is_cow && vma->prot & PROT_WRITE &&
           pma->end - pma->start <= MEM_CHUNK && (pma->is_hot || vma->file);
}

/* Makes copy a copy of pma's content; it shares with pma if that fails. */
static bool copy_hot(struct mm *mm, const struct pma *pma, struct pma *copy)
{
    struct memfile *memfile = mm->kernel->memfile;
    size_t size = pma->end - pma->start;
    uint64_t to;

    if (mm_take_run(mm, pma->start, pma->end, &to) < 0)
        return false;
    if (memfile_prepare_write(memfile, to, size) < 0 ||
        memfile_prepare_read(memfile, pma->offset, size) < 0 ||
        host_copy_guarded(memfile_at(memfile, to), memfile_at(memfile, pma->offset), size) < 0) {
        mm_drop_run(mm, pma->start, pma->end, to);
        return false;
    }
    copy->offset = to;
    copy->is_owned = true;
    return true;
}

static int copy_pmas(struct mm *from, struct mm *to)
{
    bool is_alone = from->object.count == 1;
    uint64_t hot = 0;
    struct pma *pma;

    RB_FOREACH(pma, pma_tree, &from->pmas) {
        struct vma *vma = vma_at(from, pma->start);
        struct pma copy = *pma, *added;
        int err;

        if (vma->flags & (VMA_DONTFORK | VMA_WIPEONFORK))
            continue;
        copy.is_owned = false;
        if (is_alone && is_hot(vma, pma) && hot + (pma->end - pma->start) <= HOT_SIZE_MAX &&
            copy_hot(to, pma, &copy))
            hot += pma->end - pma->start;
        else
            copy.is_cow |= is_private(vma);
        err = pma_add(to, &copy, &added);
        if (err < 0) {
            pma_put_chunks(to, &copy);
            return err;
        }
        pma_get_chunks(to, added);
    }
    return 0;
}

/* True: the child has it, too, so neither may write to it. */
static bool is_shared_with(const struct mm *child, const struct pma *pma)
{
    const struct pma *copy = pma_at(child, pma->start);

    return copy && copy->is_cow;
}

static void copy_numbers(const struct mm *from, struct mm *to)
{
    to->mmap_base = from->mmap_base;
    to->brk_start = from->brk_start;
    to->brk = from->brk;
    atomic_store(&to->membarrier, atomic_load(&from->membarrier));
    to->stack_top = from->stack_top;
    to->arg_start = from->arg_start;
    to->arg_end = from->arg_end;
    to->env_start = from->env_start;
    to->env_end = from->env_end;
    to->entry = from->entry;
    to->vdso = from->vdso;
    mm_set_limits(to, &from->limits);
}

static int copy_auxv(const struct mm *from, struct mm *to)
{
    if (from->auxv_size == 0)
        return 0;
    to->auxv = host_alloc(1, from->auxv_size);
    if (!to->auxv)
        return -ENOMEM;
    memcpy(to->auxv, from->auxv, from->auxv_size);
    to->auxv_size = from->auxv_size;
    return 0;
}

/* What the parent's stub may no longer write, and what the child is not to have. */
static struct aspace_op *collect_protects(struct mm *mm, const struct mm *child, size_t *count)
{
    struct aspace_op *ops = host_alloc(mm->pma_count + 1, sizeof *ops);
    struct pma *pma;
    size_t n = 0;

    if (!ops)
        return NULL;
    RB_FOREACH(pma, pma_tree, &mm->pmas) {
        struct vma *vma = vma_at(mm, pma->start);
        int prot = pma_readable_prot(vma, pma);
        struct aspace_op *last = n > 0 ? &ops[n - 1] : NULL;

        if (!is_shared_with(child, pma) || !(pma->prot & PROT_WRITE || pma->is_partial))
            continue;
        if (last && last->address + last->size == pma->start && last->prot == prot)
            last->size += pma->end - pma->start;
        else
            ops[n++] = (struct aspace_op){.kind = ASPACE_PROTECT,
                                          .prot = prot,
                                          .address = pma->start,
                                          .size = pma->end - pma->start};
    }
    *count = n;
    return ops;
}

/* The parent's stub has lost the right to write to what is shared, or (is_sure: false) may have. */
static void mark_shared(struct mm *mm, const struct mm *child, bool is_sure)
{
    struct pma *pma;

    RB_FOREACH(pma, pma_tree, &mm->pmas) {
        struct vma *vma = vma_at(mm, pma->start);

        if (!is_shared_with(child, pma))
            continue;
        pma->is_cow = true;
        pma->is_hot = false;
        if (pma->prot & PROT_WRITE || pma->is_partial)
            pma->prot = pma_readable_prot(vma, pma);
        pma->is_partial = !is_sure;
    }
}

static int fork_stub(struct mm *from, const struct mm *child, struct aspace **ret)
{
    struct aspace_op *ops;
    size_t count = 0;
    int err;

    if (!from->aspace)
        return -ESRCH;
    ops = collect_protects(from, child, &count);
    if (!ops)
        return -ENOMEM;
    from->turn++;
    err = aspace_fork(from->aspace, ops, count, ret);
    host_free(ops);
    return err;
}

/* The child's stub has what the parent's has: makes it what its pmas say. */
static int correct_child(struct mm *from, struct mm *to)
{
    struct batch batch;
    struct vma *vma;
    struct pma *pma;

    batch_init(&batch, to);
    RB_FOREACH(vma, vma_tree, &from->vmas)
        if (vma->flags & (VMA_DONTFORK | VMA_WIPEONFORK))
            batch_unmap(&batch, vma->start, vma->end);
    RB_FOREACH(pma, pma_tree, &to->pmas) {
        const struct pma *parent = pma_at(from, pma->start);

        pma->prot = parent->prot;
        pma->is_partial = parent->is_partial;
        if (pma->offset != parent->offset)
            batch_map(&batch, vma_at(to, pma->start), pma);
        if (pma->is_cow)
            pma->is_hot = false;
    }
    return batch_apply(&batch);
}

static int copy_all(struct mm *from, struct mm *to)
{
    struct aspace *aspace;
    int err = copy_vmas(from, to);

    if (err == 0)
        err = copy_pmas(from, to);
    if (err == 0)
        err = copy_auxv(from, to);
    if (err < 0)
        return err;
    err = fork_stub(from, to, &aspace);
    mark_shared(from, to, err == 0);
    if (err < 0)
        return err;
    to->aspace = aspace;
    return correct_child(from, to);
}

int mm_fork(struct mm *from, struct mm **ret)
{
    struct mm *mm;
    int err = mm_alloc(from->kernel, &mm);

    if (err < 0)
        return err;
    mm_lock(from);
    wait_for_pins(from);
    mutex_lock_nested(&mm->lock); /* nobody else has it and another one */
    copy_numbers(from, mm);
    mm->exe = object_get((struct object *)from->exe);
    err = copy_all(from, mm);
    mutex_unlock(&mm->lock);
    mm_unlock(from);
    if (err < 0) {
        object_put(&mm->object);
        return err;
    }
    mm_list(mm);
    mm_check_files(mm);
    *ret = mm;
    return 0;
}
