/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An address space as /proc shows it. Names of files are found without mm->lock, so the vmas are
 * noted first; a list that is read while it changes shows a moment of it.
 */
#include <errno.h>
#include <sys/sysmacros.h>

#include "core/base/bytes.h"
#include "core/base/host.h"
#include "core/mm/space.h"

struct shown_vma {
    guest_addr_t start, end;
    int prot;
    unsigned flags;
    uint64_t offset;
    struct file *file; /* a reference */
};

static size_t count_vmas(struct mm *mm)
{
    struct vma *vma;
    size_t count = 0;

    RB_FOREACH(vma, vma_tree, &mm->vmas)
        count++;
    return count;
}

static size_t note_vmas(struct mm *mm, struct shown_vma *to, size_t size)
{
    struct vma *vma;
    size_t count = 0;

    RB_FOREACH(vma, vma_tree, &mm->vmas) {
        if (count == size)
            break;
        to[count++] = (struct shown_vma){vma->start, vma->end,    vma->prot,
                                         vma->flags, vma->offset, object_get((void *)vma->file)};
    }
    return count;
}

static const char *special_name(unsigned flags)
{
    if (flags & VMA_HEAP)
        return "[heap]";
    if (flags & VMA_STACK)
        return "[stack]";
    if (flags & VMA_VDSO)
        return "[vdso]";
    if (flags & VMA_VVAR)
        return "[vvar]";
    return NULL;
}

/* The name of the file, or of what is none. */
static int show_name(const struct shown_vma *vma, const struct path *root, struct bytes *name)
{
    const char *special = special_name(vma->flags);

    if (vma->file && vma->file->path.dentry)
        return path_name(root, &vma->file->path, name);
    if (special)
        return bytes_printf(name, "%s", special);
    return 0;
}

static int show_vma(const struct shown_vma *vma, const struct path *root, struct bytes *ret)
{
    struct bytes name = {0};
    struct stat stat = {0};
    int err, width;

    if (vma->file)
        (void)inode_getattr(vma->file->inode, &stat);
    err = show_name(vma, root, &name);
    width = name.size > 0 ? 73 : 0;
    if (err == 0) {
        size_t start = ret->size;

        err = bytes_printf(ret, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", vma->start, vma->end,
                           vma->prot & PROT_READ ? 'r' : '-', vma->prot & PROT_WRITE ? 'w' : '-',
                           vma->prot & PROT_EXEC ? 'x' : '-', vma->flags & VMA_SHARED ? 's' : 'p',
                           vma->offset, major(stat.st_dev), minor(stat.st_dev),
                           (unsigned long)stat.st_ino);
        width -= (int)(ret->size - start);
    }
    if (err == 0)
        err = bytes_printf(ret, "%*s%.*s\n", width > 0 ? width : 0, "", (int)name.size,
                           name.size > 0 ? (const char *)name.data : "");
    bytes_fini(&name);
    return err;
}

int mm_show_maps(struct mm *mm, const struct path *root, struct bytes *ret)
{
    struct shown_vma *list;
    size_t count, size;
    int err = 0;

    mm_lock(mm);
    size = count_vmas(mm);
    list = host_alloc(size + 1, sizeof *list);
    count = list ? note_vmas(mm, list, size) : 0;
    mm_unlock(mm);
    if (!list)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        if (err == 0)
            err = show_vma(&list[i], root, ret);
        object_put((struct object *)list[i].file);
    }
    host_free(list);
    return err;
}

/* Linux: resident is what is mapped in the stub, touched or not. */
void mm_usage(struct mm *mm, struct mm_usage *ret)
{
    struct vma *vma;
    struct pma *pma;

    *ret = (struct mm_usage){0};
    mm_lock(mm);
    ret->size = mm->mapped_size;
    ret->locked = mm_locked_size(mm, 0, GUEST_ADDRESS_END);
    RB_FOREACH(vma, vma_tree, &mm->vmas) {
        uint64_t size = vma->end - vma->start;

        if (vma->flags & VMA_STACK)
            ret->stack += size;
        else if (vma->file && vma->prot & PROT_EXEC)
            ret->text += size;
        else if (vma->prot & PROT_WRITE && !vma_is_shared(vma))
            ret->data += size;
    }
    RB_FOREACH(pma, pma_tree, &mm->pmas) {
        ret->resident += pma->end - pma->start;
        if (pma->source != PMA_RUN)
            ret->shared += pma->end - pma->start;
    }
    mm_unlock(mm);
}
