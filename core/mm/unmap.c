/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking away: munmap(2), and what a change of a file's size takes. The stub lets go first; then
 * the trees, then the chunks.
 */
#include <errno.h>

#include "core/mm/space.h"

/* Drops the pmas of [start, end), split at its borders, here and in the stub. */
static int drop_pmas(struct mm *mm, guest_addr_t start, guest_addr_t end)
{
    struct pma *first = pma_find(mm, start);
    struct batch batch;
    int err;

    if (!first || first->start >= end)
        return 0;
    batch_init(&batch, mm);
    batch_unmap(&batch, start, end);
    err = batch_apply(&batch);
    if (err < 0)
        return err;
    pma_remove_range(mm, start, end);
    return 0;
}

int mm_drop_range(struct mm *mm, guest_addr_t start, guest_addr_t end)
{
    int err = pma_split_range(mm, start, end);

    return err < 0 ? err : drop_pmas(mm, start, end);
}

int mm_unmap_range(struct mm *mm, guest_addr_t start, guest_addr_t end)
{
    struct vma *vma, *next;
    int err = vma_split_range(mm, start, end);

    if (err == 0)
        err = mm_drop_range(mm, start, end);
    if (err < 0)
        return err;
    for (vma = vma_find(mm, start); vma && vma->start < end; vma = next) {
        next = RB_NEXT(vma_tree, &mm->vmas, vma);
        vma_remove(mm, vma);
    }
    return 0;
}

int mm_munmap(struct mm *mm, guest_addr_t address, uint64_t size)
{
    int err;

    if (address % MEM_PAGE != 0 || size == 0 || size > GUEST_ADDRESS_END ||
        address > GUEST_ADDRESS_END - PAGE_UP(size))
        return -EINVAL;
    mm_lock(mm);
    err = mm_unmap_range(mm, address, address + PAGE_UP(size));
    mm_unlock(mm);
    return err;
}

/* Where the byte at offset of the file is in vma, at most its end. */
static guest_addr_t vma_address(const struct vma *vma, uint64_t offset)
{
    if (offset <= vma->offset)
        return vma->start;
    return vma->start + min_u64(offset - vma->offset, vma->end - vma->start);
}

/* The file's own pages from changed on are others now; private copies go only with the file's end.
 */
static void drop_changed(struct mm *mm, struct vma *vma, guest_addr_t changed,
                         guest_addr_t file_end)
{
    struct pma *pma = pma_find(mm, changed);

    while (pma && pma->start < vma->end) {
        guest_addr_t start = max_u64(pma->start, changed), end = pma->end;

        if (pma->source == PMA_RUN)
            start = max_u64(start, file_end);
        if (start < end)
            (void)mm_drop_range(mm, start, end);
        pma = pma_find(mm, end);
    }
}

/* The first vma from *at on with these pages (NULL: of any file): a reference to its file, or NULL.
 */
static struct file *next_user(struct mm *mm, const struct mapping *mapping, guest_addr_t *at)
{
    struct file *file = NULL;
    struct vma *vma;

    mm_lock(mm);
    vma = vma_find(mm, *at);
    while (vma && (mapping ? vma->mapping != mapping : vma->file == NULL))
        vma = RB_NEXT(vma_tree, &mm->vmas, vma);
    if (vma) {
        file = object_get(&vma->file->object);
        *at = vma->start;
    }
    mm_unlock(mm);
    return file;
}

/* The pages of vma's file are now those; from offset on they are not what they were. */
static guest_addr_t change_vma(struct mm *mm, struct vma *vma, struct mapping *now, uint64_t offset)
{
    uint64_t size = PAGE_UP(mapping_size(now));

    if (now != vma->mapping) {
        vma_set_mapping(vma, now);
        offset = 0;
    }
    drop_changed(mm, vma, vma_address(vma, min_u64(offset, size)), vma_address(vma, size));
    return vma->end;
}

static void change_users(struct mm *mm, struct mapping *mapping, uint64_t offset)
{
    struct mapping *now;
    guest_addr_t at = 0;
    struct file *file;
    struct vma *vma;

    while ((file = next_user(mm, mapping, &at)) != NULL) {
        now = file_mapping(file);
        mm_lock(mm);
        vma = vma_at(mm, at);
        at += MEM_PAGE;
        if (vma && vma->file == file && vma->mapping && (!mapping || vma->mapping == mapping))
            at = change_vma(mm, vma, now ? now : vma->mapping, offset);
        mm_unlock(mm);
        object_put(&file->object);
    }
}

void mm_mapping_changed(struct object *owner, struct mapping *mapping, uint64_t offset)
{
    change_users((struct mm *)owner, mapping, offset);
}

void mm_check_files(struct mm *mm)
{
    change_users(mm, NULL, UINT64_MAX);
}
