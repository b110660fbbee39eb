/* SPDX-License-Identifier: Apache-2.0 */
/*
 * madvise(2), msync(2). Advice that changes nothing a guest can see is checked
 * and forgotten. MADV_DONTNEED gives memory back by whole chunks; the rest of a range is zeroed in
 * place where it is the mm's own. Linux: MADV_FREE frees at once.
 */
#include <errno.h>
#include <linux/falloc.h>

#include "core/base/host.h"
#include "core/mm/space.h"

/* Zeroes what the mm owns alone in the memfile: by a hole, but where huge folios would be split. */
static bool zero_memory(struct memfile *memfile, const struct pma *pma, uint64_t offset,
                        uint64_t size)
{
    const int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

    if (memfile_prepare_write(memfile, offset, size) < 0)
        return false;
    if (pma->end - pma->start < MEM_FOLIO &&
        host_fallocate(memfile_fd(memfile), punch, offset, size) == 0)
        return true;
    return host_zero_guarded(memfile_at(memfile, offset), size) == 0;
}

/* Zeroes [start, end), part of a chunk, where it lies. False: it is not the mm's own. */
static bool zero_in_place(struct mm *mm, guest_addr_t start, guest_addr_t end)
{
    struct memfile *memfile = mm->kernel->memfile;
    struct pma *pma = pma_at(mm, start);

    if (!pma || pma->source != PMA_RUN || pma->is_cow || pma->end < end)
        return false;
    return zero_memory(memfile, pma, pma_offset(pma, start), end - start);
}

/* Forgets the content of [start, end) of private anonymous memory. */
static int forget_anonymous(struct mm *mm, struct vma *vma, guest_addr_t start, guest_addr_t end)
{
    guest_addr_t low = min_u64(CHUNK_UP(start), end), high = max_u64(CHUNK_DOWN(end), low);
    int err;

    if (start < low && zero_in_place(mm, start, low))
        start = low;
    if (high < end && zero_in_place(mm, high, end))
        end = high;
    if (start >= end)
        return 0;
    err = mm_drop_range(mm, start, end);
    return err < 0 ? err : mm_populate(mm, vma, start, end);
}

static int forget(struct mm *mm, struct vma *vma, guest_addr_t start, guest_addr_t end, int advice)
{
    int err;

    if (vma->flags & VMA_LOCKED && advice != MADV_DONTNEED_LOCKED)
        return -EINVAL;
    if (vma_is_shared(vma) || vma->flags & (VMA_VDSO | VMA_VVAR))
        return 0; /* its pages are the file's, and stay */
    if (vma_is_anonymous(vma))
        return forget_anonymous(mm, vma, start, end);
    err = mm_drop_range(mm, start, end);
    return err < 0 ? err : mm_populate(mm, vma, start, end);
}

/* Makes every page present, as a touch would. */
static int touch_all(struct mm *mm, struct vma *vma, guest_addr_t start, guest_addr_t end,
                     enum fault_access access)
{
    struct pma *pma;

    if (!vma_allows(vma, access))
        return -EINVAL;
    for (; start < end; start = CHUNK_DOWN(start) + MEM_CHUNK) {
        int err = mm_resolve(mm, vma, start, access, &pma);

        if (err < 0)
            return err;
    }
    return 0;
}

static int set_flags(struct mm *mm, guest_addr_t start, guest_addr_t end, unsigned set,
                     unsigned clear)
{
    struct vma *vma;
    int err = vma_split_range(mm, start, end);

    if (err == 0)
        err = pma_split_range(mm, start, end);
    if (err < 0)
        return err;
    for (vma = vma_find(mm, start); vma && vma->start < end;
         vma = RB_NEXT(vma_tree, &mm->vmas, vma))
        vma->flags = (vma->flags & ~clear) | set;
    vma_merge(mm, start, end);
    pma_merge(mm, start, end);
    return 0;
}

static int advise_folios(struct mm *mm, struct vma *vma, guest_addr_t start, guest_addr_t end)
{
    struct pma *pma = pma_find(mm, start);
    struct batch batch;

    batch_init(&batch, mm);
    for (; pma && pma->start < end; pma = RB_NEXT(pma_tree, &mm->pmas, pma))
        mm_advise_folios(mm, &batch, vma, pma);
    (void)batch_apply(&batch);
    return 0;
}

/* [start, end) is in vma. */
static int advise_part(struct mm *mm, struct vma *vma, guest_addr_t start, guest_addr_t end,
                       int advice)
{
    switch (advice) {
    case MADV_DONTNEED:
    case MADV_DONTNEED_LOCKED:
        return forget(mm, vma, start, end, advice);
    case MADV_FREE:
        return vma_is_anonymous(vma) ? forget(mm, vma, start, end, advice) : -EINVAL;
    case MADV_POPULATE_READ:
        return touch_all(mm, vma, start, end, FAULT_READ);
    case MADV_POPULATE_WRITE:
        return touch_all(mm, vma, start, end, FAULT_WRITE);
    case MADV_DONTFORK:
        return set_flags(mm, start, end, VMA_DONTFORK, 0);
    case MADV_DOFORK:
        return set_flags(mm, start, end, 0, VMA_DONTFORK);
    case MADV_WIPEONFORK:
        return vma_is_anonymous(vma) ? set_flags(mm, start, end, VMA_WIPEONFORK, 0) : -EINVAL;
    case MADV_KEEPONFORK:
        return set_flags(mm, start, end, 0, VMA_WIPEONFORK);
    case MADV_NOHUGEPAGE:
        return set_flags(mm, start, end, VMA_SMALL, 0);
    case MADV_HUGEPAGE:
        (void)set_flags(mm, start, end, 0, VMA_SMALL);
        return advise_folios(mm, vma_at(mm, start), start, end);
    default:
        return 0;
    }
}

static bool is_advice(int advice)
{
    switch (advice) {
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_WILLNEED:
    case MADV_DONTNEED:
    case MADV_FREE:
    case MADV_REMOVE:
    case MADV_DONTFORK:
    case MADV_DOFORK:
    case MADV_MERGEABLE:
    case MADV_UNMERGEABLE:
    case MADV_HUGEPAGE:
    case MADV_NOHUGEPAGE:
    case MADV_DONTDUMP:
    case MADV_DODUMP:
    case MADV_WIPEONFORK:
    case MADV_KEEPONFORK:
    case MADV_COLD:
    case MADV_PAGEOUT:
    case MADV_POPULATE_READ:
    case MADV_POPULATE_WRITE:
    case MADV_DONTNEED_LOCKED:
    case MADV_COLLAPSE:
        return true;
    default:
        return false;
    }
}

/* What is mapped is advised; holes are an error at the end. */
static int advise_range(struct mm *mm, guest_addr_t start, guest_addr_t end, int advice)
{
    bool has_hole = false;

    while (start < end) {
        struct vma *vma = vma_find(mm, start);
        guest_addr_t stop;
        int err;

        if (!vma || vma->start >= end)
            return -ENOMEM;
        has_hole |= vma->start > start;
        start = max_u64(start, vma->start);
        stop = min_u64(end, vma->end);
        err = advise_part(mm, vma, start, stop, advice);
        if (err < 0)
            return err;
        start = stop;
    }
    return has_hole ? -ENOMEM : 0;
}

/* The file of the vma at *start, a reference, and the part of it that ends at *stop, for holes. */
static int find_shared(struct mm *mm, guest_addr_t start, guest_addr_t end, guest_addr_t *stop,
                       uint64_t *offset, struct file **ret)
{
    struct vma *vma;
    int err = 0;

    mm_lock(mm);
    vma = vma_at(mm, start);
    if (!vma)
        err = -ENOMEM;
    else if (!vma->file || vma->flags & VMA_LOCKED)
        err = -EINVAL;
    else if (!vma_is_shared(vma) || !(vma->flags & VMA_MAY_WRITE))
        err = -EACCES;
    if (err == 0) {
        *stop = min_u64(vma->end, end);
        *offset = vma->offset + (start - vma->start);
        *ret = object_get(&vma->file->object);
    }
    mm_unlock(mm);
    return err;
}

/* MADV_REMOVE: holes in the files that are mapped there; no lock is held. */
static int remove_range(struct mm *mm, guest_addr_t start, guest_addr_t end)
{
    while (start < end) {
        struct file *file;
        guest_addr_t stop;
        uint64_t offset;
        int err = find_shared(mm, start, end, &stop, &offset, &file);

        if (err < 0)
            return err;
        err = file->ops && file->ops->fallocate
                  ? file->ops->fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
                                         stop - start)
                  : -EOPNOTSUPP;
        object_put(&file->object);
        if (err < 0)
            return err;
        start = stop;
    }
    return 0;
}

int mm_madvise(struct mm *mm, guest_addr_t address, uint64_t size, int advice)
{
    int err;

    if (!is_advice(advice) || address % MEM_PAGE != 0 || size > UINT64_MAX - MEM_PAGE ||
        PAGE_UP(size) > UINT64_MAX - address)
        return -EINVAL;
    if (advice == MADV_REMOVE)
        return remove_range(mm, address, address + PAGE_UP(size));
    mm_lock(mm);
    err = advise_range(mm, address, address + PAGE_UP(size), advice);
    mm_unlock(mm);
    return err;
}

/* A reference to the file of the first shared vma from *at on, below end. */
static struct file *next_shared_file(struct mm *mm, guest_addr_t *at, guest_addr_t end)
{
    struct file *file = NULL;
    struct vma *vma;

    mm_lock(mm);
    for (vma = vma_find(mm, *at); vma && vma->start < end; vma = RB_NEXT(vma_tree, &mm->vmas, vma))
        if (vma->file && vma_is_shared(vma)) {
            file = object_get(&vma->file->object);
            *at = vma->end;
            break;
        }
    mm_unlock(mm);
    return file;
}

bool mm_is_mapped(struct mm *mm, guest_addr_t address, uint64_t size)
{
    bool result;

    if (size > GUEST_ADDRESS_END || address > GUEST_ADDRESS_END - size)
        return false;
    mm_lock(mm);
    result = vma_covers(mm, PAGE_DOWN(address), PAGE_UP(address + size));
    mm_unlock(mm);
    return result;
}

int mm_msync(struct mm *mm, guest_addr_t address, uint64_t size, int flags)
{
    guest_addr_t at = address, end = address + PAGE_UP(size);
    struct file *file;
    int err = 0;

    if (address % MEM_PAGE != 0 || flags & ~(MS_ASYNC | MS_SYNC | MS_INVALIDATE) ||
        (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
        return -EINVAL;
    if (end < address)
        return -ENOMEM;
    while (flags & MS_SYNC && err == 0 && (file = next_shared_file(mm, &at, end)) != NULL) {
        if (file->ops && file->ops->sync)
            err = file->ops->sync(file);
        object_put(&file->object);
    }
    if (err == 0 && flags & MS_INVALIDATE) {
        mm_lock(mm);
        err = mm_locked_size(mm, address, end) > 0 ? -EBUSY : 0;
        mm_unlock(mm);
    }
    return err < 0 ? err : mm_is_mapped(mm, address, PAGE_UP(size)) ? 0 : -ENOMEM;
}
