/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmap(2): checks, placement (top-down below mmap_base, without randomness), a new vma. Linux: huge
 * pages (MAP_HUGETLB) are never there; MAP_POPULATE is taken for a hint.
 */
#include <errno.h>

#include "core/mm/space.h"
#include "vfs/fs/shmem.h"

#define MAP_32BIT_END UINT64_C(0x80000000)
#define MAP_KNOWN                                                                                  \
    (MAP_SHARED_VALIDATE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT | MAP_GROWSDOWN | MAP_DENYWRITE | \
     MAP_EXECUTABLE | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK |       \
     MAP_FIXED_NOREPLACE)

bool mm_is_free(struct mm *mm, guest_addr_t start, guest_addr_t end)
{
    struct vma *next = vma_find(mm, start);

    if (!next)
        return true;
    if (next->flags & VMA_GROWSDOWN)
        return next->start >= MM_STACK_GAP && end <= next->start - MM_STACK_GAP;
    return end <= next->start;
}

/* The end of the free range below vma. */
static guest_addr_t free_end(const struct vma *vma)
{
    guest_addr_t gap = vma->flags & VMA_GROWSDOWN ? MM_STACK_GAP : 0;

    return vma->start > gap ? vma->start - gap : 0;
}

/* Searches downwards from below; *hole becomes the largest one that was too small, if larger. */
static int search(struct mm *mm, uint64_t size, uint64_t align, uint64_t phase, guest_addr_t below,
                  uint64_t *hole, guest_addr_t *ret)
{
    struct vma *above = vma_find(mm, below), *last;
    guest_addr_t high = below, low, place;

    if (above && above->start < below + MM_STACK_GAP)
        high = min_u64(high, free_end(above));
    last = above ? RB_PREV(vma_tree, &mm->vmas, above) : RB_MAX(vma_tree, &mm->vmas);
    phase &= align - 1;
    for (;;) {
        low = last ? max_u64(last->end, MM_ADDRESS_MIN) : MM_ADDRESS_MIN;
        if (high >= low + size + phase) {
            place = ((high - size - phase) & ~(align - 1)) + phase;
            if (place >= low) {
                *hole = max_u64(*hole, high - place - size);
                *ret = place;
                return 0;
            }
        }
        if (!last)
            return -ENOMEM;
        if (high > low)
            *hole = max_u64(*hole, high - low);
        high = min_u64(high, free_end(last));
        last = RB_PREV(vma_tree, &mm->vmas, last);
    }
}

int mm_find_free(struct mm *mm, uint64_t size, uint64_t align, uint64_t phase, guest_addr_t below,
                 guest_addr_t *ret)
{
    struct mm_search *known = &mm->search;
    uint64_t ignored = 0;
    int err = -ENOMEM;

    if (below != mm->mmap_base)
        return search(mm, size, align, phase, below, &ignored, ret);
    if (known->top != 0 && size > known->hole)
        err = search(mm, size, align, phase, known->top, &known->hole, ret);
    if (err < 0) {
        known->hole = 0;
        err = search(mm, size, align, phase, below, &known->hole, ret);
    }
    if (err == 0)
        known->top = *ret;
    return err;
}

void mm_forget_search(struct mm *mm, const struct vma *gone)
{
    const struct vma *next;

    if (mm->search.top == 0 || gone->end <= mm->search.top)
        return;
    next = vma_find(mm, gone->end);
    mm->search.top = next ? min_u64(next->start, mm->mmap_base) : mm->mmap_base;
}

int mm_insert(struct mm *mm, const struct vma *like)
{
    struct vma *vma;
    int err = vma_alloc(mm, like, &vma);

    if (err < 0)
        return err;
    vma_insert(mm, vma);
    err = mm_populate(mm, vma, vma->start, vma->end);
    if (err < 0) {
        (void)mm_unmap_range(mm, like->start, like->end);
        return err;
    }
    vma_merge(mm, like->start, like->end);
    return 0;
}

static int check_file(struct file *file, int type, int prot, struct vma *vma)
{
    struct mapping *mapping;

    if (!file_is_readable(file))
        return -EACCES;
    if (type != MAP_PRIVATE && prot & PROT_WRITE && !file_is_writable(file))
        return -EACCES;
    mapping = file_mapping(file);
    if (!mapping)
        return -ENODEV;
    vma->mapping = mapping;
    if (type == MAP_PRIVATE)
        vma->flags |= VMA_MAY_WRITE;
    else if (mapping_is_write_sealed(mapping))
        return prot & PROT_WRITE ? -EPERM : 0;
    else if (file_is_writable(file) && (!mapping_is_host(mapping) || mm_host_is_writable(mapping)))
        vma->flags |= VMA_MAY_WRITE;
    else if (prot & PROT_WRITE)
        return -EACCES; /* a bind that the host gave read-only */
    return 0;
}

static int check_flags(int flags, uint64_t size, struct file *file, uint64_t offset)
{
    int type = flags & MAP_TYPE;

    if (type != MAP_SHARED && type != MAP_PRIVATE && type != MAP_SHARED_VALIDATE)
        return -EINVAL;
    if (type == MAP_SHARED_VALIDATE && flags & ~MAP_KNOWN)
        return -EOPNOTSUPP;
    if (size == 0 || offset % MEM_PAGE != 0)
        return -EINVAL;
    if (size > GUEST_ADDRESS_END)
        return -ENOMEM;
    if (flags & MAP_HUGETLB)
        return -ENOMEM;
    if (file && (offset > INT64_MAX || offset + PAGE_UP(size) > INT64_MAX))
        return -EOVERFLOW;
    if (flags & MAP_GROWSDOWN && (file || type != MAP_PRIVATE))
        return -EINVAL;
    return 0;
}

/* What the guest asked for, as far as it does not depend on what is there already. */
static int make_vma(struct vma *vma, uint64_t size, int prot, int flags, struct file *file,
                    uint64_t offset)
{
    int err = check_flags(flags, size, file, offset);

    if (err < 0)
        return err;
    vma->prot = prot & (PROT_READ | PROT_WRITE | PROT_EXEC);
    if ((flags & MAP_TYPE) != MAP_PRIVATE)
        vma->flags |= VMA_SHARED;
    if (flags & MAP_STACK)
        vma->flags |= VMA_SMALL;
    if (flags & MAP_LOCKED)
        vma->flags |= VMA_LOCKED;
    if (file) {
        vma->file = file;
        vma->offset = offset;
        return check_file(file, flags & MAP_TYPE, prot, vma);
    }
    vma->flags |= VMA_MAY_WRITE;
    if (flags & MAP_GROWSDOWN)
        vma->flags |= VMA_GROWSDOWN;
    if (flags & MAP_NORESERVE && size > MM_LAZY_SIZE)
        vma->flags |= VMA_LAZY;
    return 0;
}

static int place_fixed(struct mm *mm, guest_addr_t address, uint64_t size, int flags)
{
    if (address % MEM_PAGE != 0)
        return -EINVAL;
    if (address > GUEST_ADDRESS_END - size)
        return -ENOMEM;
    if (address < MM_ADDRESS_MIN)
        return -EPERM;
    if (flags & MAP_FIXED_NOREPLACE) {
        struct vma *next = vma_find(mm, address);

        return next && next->start < address + size ? -EEXIST : 0;
    }
    return mm_unmap_range(mm, address, address + size);
}

static int place(struct mm *mm, struct vma *vma, guest_addr_t hint, uint64_t size, int flags)
{
    uint64_t align = vma_is_anonymous(vma) && size >= MEM_FOLIO ? MEM_FOLIO : MEM_PAGE;
    guest_addr_t below = flags & MAP_32BIT ? MAP_32BIT_END : mm->mmap_base;
    int err = 0;

    if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
        err = place_fixed(mm, hint, size, flags);
        vma->start = hint;
    } else {
        hint = PAGE_DOWN(hint);
        if (hint >= MM_ADDRESS_MIN && hint <= GUEST_ADDRESS_END - size &&
            mm_is_free(mm, hint, hint + size))
            vma->start = hint;
        else
            err = mm_find_free(mm, size, align, 0, below, &vma->start);
    }
    vma->end = vma->start + size;
    return err;
}

static int insert(struct mm *mm, const struct vma *vma)
{
    int err = mm_insert(mm, vma);

    /* A seal that came since it was checked has not seen us. */
    if (err == 0 && vma_is_shared(vma) && vma->flags & VMA_MAY_WRITE &&
        mapping_is_write_sealed(vma->mapping)) {
        (void)mm_unmap_range(mm, vma->start, vma->end);
        err = -EPERM;
    }
    return err;
}

static int check_limits(struct mm *mm, const struct vma *vma, guest_addr_t address, uint64_t size,
                        int flags)
{
    uint64_t replaced = 0;

    if (mm_has_many_maps(mm))
        return -ENOMEM;
    if (flags & MAP_LOCKED && mm->limits.locked == 0 && !mm->limits.may_lock)
        return -EPERM;
    if (flags & MAP_FIXED && mm->limits.size != RLIM_INFINITY &&
        address <= GUEST_ADDRESS_END - size)
        replaced = mm_mapped_size(mm, address, address + size);
    return mm_check_growth(mm, vma, size - replaced);
}

static int64_t map(struct mm *mm, guest_addr_t address, uint64_t size, int prot, int flags,
                   struct file *file, uint64_t offset)
{
    struct vma vma = {0};
    int err = make_vma(&vma, size, prot, flags, file, offset);

    if (err < 0)
        return err;
    mm_lock(mm);
    vma.flags |= mm->lock_future;
    err = check_limits(mm, &vma, address, PAGE_UP(size), flags);
    if (err == 0)
        err = place(mm, &vma, address, PAGE_UP(size), flags);
    if (err == 0)
        err = insert(mm, &vma);
    mm_unlock(mm);
    if (err == 0 && file && file_mapping(file) != vma.mapping)
        mm_check_files(mm); /* it moved before we were its user */
    return err < 0 ? err : (int64_t)vma.start;
}

/* Memory that is to be shared has a file without a name, as in Linux. */
static int64_t map_shared_memory(struct mm *mm, guest_addr_t address, uint64_t size, int prot,
                                 int flags)
{
    static const struct cred root = {0};
    struct file *file;
    int64_t result = check_flags(flags, size, NULL, 0);

    if (result == 0)
        result = shmem_create("/dev/zero", PAGE_UP(size), 0777, F_SEAL_SEAL, &root, &file);
    if (result < 0)
        return result;
    result = map(mm, address, size, prot, flags, file, 0);
    object_put(&file->object);
    return result;
}

int64_t mm_mmap(struct mm *mm, guest_addr_t address, uint64_t size, int prot, int flags,
                struct file *file, uint64_t offset)
{
    if (!file && (flags & MAP_TYPE) != MAP_PRIVATE)
        return map_shared_memory(mm, address, size, prot, flags);
    return map(mm, address, size, prot, flags, file, offset);
}
