/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of what the guest asked for. Vmas do not overlap and are not empty. One that leaves the
 * tree goes to mm->doomed, as the file that it holds is put without the lock: see mm_unlock.
 */
#include "core/mm/vma.h"

#include <assert.h>
#include <errno.h>

#include "core/base/host.h"
#include "core/mm/space.h"

static int vma_compare(const struct vma *a, const struct vma *b)
{
    return a->start < b->start ? -1 : a->start > b->start;
}

RB_GENERATE(vma_tree, vma, node, vma_compare)

struct vma *vma_find(const struct mm *mm, guest_addr_t address)
{
    struct vma *vma = RB_ROOT(&mm->vmas), *found = NULL;

    while (vma) {
        if (vma->end > address) {
            found = vma;
            vma = RB_LEFT(vma, node);
        } else {
            vma = RB_RIGHT(vma, node);
        }
    }
    return found;
}

struct vma *vma_at(const struct mm *mm, guest_addr_t address)
{
    struct vma *vma = vma_find(mm, address);

    return vma && vma->start <= address ? vma : NULL;
}

bool vma_covers(const struct mm *mm, guest_addr_t start, guest_addr_t end)
{
    while (start < end) {
        struct vma *vma = vma_at(mm, start);

        if (!vma)
            return false;
        start = vma->end;
    }
    return true;
}

int vma_alloc(struct mm *mm, const struct vma *like, struct vma **ret)
{
    struct vma *vma = host_alloc(1, sizeof *vma);

    if (!vma)
        return -ENOMEM;
    vma->mm = mm;
    vma->start = like->start;
    vma->end = like->end;
    vma->prot = like->prot;
    vma->flags = like->flags;
    vma->offset = like->offset;
    vma->file = like->file ? object_get(&like->file->object) : NULL;
    vma_set_mapping(vma, like->mapping);
    *ret = vma;
    return 0;
}

void vma_free(struct vma *vma)
{
    if (!vma)
        return;
    vma_set_mapping(vma, NULL);
    object_put((struct object *)vma->file);
    host_free(vma);
}

void vma_set_mapping(struct vma *vma, struct mapping *mapping)
{
    if (vma->mapping)
        mapping_remove_user(vma->mapping, &vma->user);
    vma->mapping = mapping;
    if (!mapping)
        return;
    vma->user.owner = &vma->mm->object;
    vma->user.changed = mm_mapping_changed;
    vma->user.is_writer = vma_is_shared(vma) && vma->flags & VMA_MAY_WRITE;
    mapping_add_user(mapping, &vma->user);
}

struct mapping *file_mapping(const struct file *file)
{
    struct inode *inode = file->inode;

    return inode && inode->ops && inode->ops->mapping ? inode->ops->mapping(inode) : NULL;
}

void vma_insert(struct mm *mm, struct vma *vma)
{
    assert(vma->start < vma->end);
    RB_INSERT(vma_tree, &mm->vmas, vma);
    mm->vma_count++;
    mm->mapped_size += vma->end - vma->start;
}

void vma_remove(struct mm *mm, struct vma *vma)
{
    RB_REMOVE(vma_tree, &mm->vmas, vma);
    mm->vma_count--;
    mm_forget_search(mm, vma);
    mm->mapped_size -= vma->end - vma->start;
    SLIST_INSERT_HEAD(&mm->doomed, vma, doomed);
}

int vma_split(struct mm *mm, guest_addr_t at)
{
    struct vma *vma = vma_at(mm, at), *upper;
    int err;

    if (!vma || vma->start == at)
        return 0;
    if (mm_has_many_maps(mm))
        return -ENOMEM;
    err = vma_alloc(mm, vma, &upper);
    if (err < 0)
        return err;
    upper->start = at;
    if (upper->file)
        upper->offset += at - vma->start;
    mm->mapped_size -= vma->end - at;
    vma->end = at;
    vma_insert(mm, upper);
    return 0;
}

int vma_split_range(struct mm *mm, guest_addr_t start, guest_addr_t end)
{
    int err = vma_split(mm, start);

    return err < 0 ? err : vma_split(mm, end);
}

static bool can_merge(const struct vma *a, const struct vma *b)
{
    if (a->end != b->start || a->prot != b->prot || a->flags != b->flags || a->file != b->file)
        return false;
    return !a->file || a->offset + (a->end - a->start) == b->offset;
}

void vma_merge(struct mm *mm, guest_addr_t start, guest_addr_t end)
{
    struct vma *vma = vma_find(mm, start > 0 ? start - 1 : 0), *next;

    while (vma && vma->start < end) {
        next = RB_NEXT(vma_tree, &mm->vmas, vma);
        if (!next || next->start > end)
            break;
        if (!can_merge(vma, next)) {
            vma = next;
            continue;
        }
        vma_remove(mm, next);
        mm->mapped_size += next->end - next->start;
        vma->end = next->end;
    }
}

int vma_host_prot(const struct vma *vma)
{
    return vma->prot & (PROT_WRITE | PROT_EXEC) ? vma->prot | PROT_READ : vma->prot;
}
