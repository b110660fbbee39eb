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
    struct file *file;                        /* a reference */
    uint64_t of_file, own, of_fork, resident; /* bytes there, by kind; their sum */
    uint64_t locked;
};

static size_t count_vmas(struct mm *mm)
{
    struct vma *vma;
    size_t count = 0;

    RB_FOREACH(vma, vma_tree, &mm->vmas)
        count++;
    return count;
}

static void note_pma(const struct mm *mm, struct shown_vma *vma, const struct pma *pma)
{
    uint64_t size = mm_resident_size(mm, pma);

    vma->resident += size;
    if (pma->source != PMA_RUN)
        vma->of_file += size;
    else if (pma->is_cow)
        vma->of_fork += size;
    else
        vma->own += size;
}

/* Both trees are walked once: no pma is in two vmas. */
static size_t note_vmas(struct mm *mm, struct shown_vma *to, size_t size)
{
    struct pma *pma = RB_MIN(pma_tree, &mm->pmas);
    struct vma *vma;
    size_t count = 0;

    RB_FOREACH(vma, vma_tree, &mm->vmas) {
        if (count == size)
            break;
        to[count] = (struct shown_vma){.start = vma->start,
                                       .end = vma->end,
                                       .prot = vma->prot,
                                       .flags = vma->flags,
                                       .offset = vma->offset,
                                       .file = object_get((void *)vma->file)};
        for (; pma != NULL && pma->start < vma->end; pma = RB_NEXT(pma_tree, &mm->pmas, pma))
            note_pma(mm, &to[count], pma);
        to[count].locked = vma->flags & VMA_LOCKED ? to[count].resident : 0;
        count++;
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

/* Newlines as \\012: a line is one map. */
static int show_path(const struct path *root, const struct path *path, struct bytes *name)
{
    struct bytes plain = {0};

    int err = path_name(root, path, &plain);
    for (size_t i = 0; err == 0 && i < plain.size; i++)
        err = plain.data[i] == '\n' ? bytes_append(name, "\\012", 4)
                                    : bytes_append(name, &plain.data[i], 1);
    bytes_fini(&plain);
    return err;
}

/* The name of the file, or of what is none. */
static int show_name(const struct shown_vma *vma, const struct path *root, struct bytes *name)
{
    const char *special = special_name(vma->flags);

    if (vma->file && vma->file->path.dentry)
        return show_path(root, &vma->file->path, name);
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

static int show_flags(const struct shown_vma *vma, struct bytes *ret)
{
    const struct {
        bool is_set;
        const char *name;
    } flags[] = {
        {vma->prot & PROT_READ, "rd"},
        {vma->prot & PROT_WRITE, "wr"},
        {vma->prot & PROT_EXEC, "ex"},
        {vma->flags & VMA_SHARED, "sh"},
        {true, "mr"},
        {vma->flags & VMA_MAY_WRITE || !(vma->flags & VMA_SHARED), "mw"},
        {true, "me"},
        {vma->flags & VMA_SHARED, "ms"},
        {vma->flags & (VMA_GROWSDOWN | VMA_STACK), "gd"},
        {vma->flags & VMA_LOCKED, "lo"},
        {vma->flags & VMA_DONTFORK, "dc"},
        {vma->flags & VMA_WIPEONFORK, "wf"},
    };
    int err = bytes_printf(ret, "VmFlags:");

    for (size_t i = 0; err == 0 && i < sizeof(flags) / sizeof(*flags); i++) {
        if (flags[i].is_set)
            err = bytes_printf(ret, " %s", flags[i].name);
    }
    return err < 0 ? err : bytes_printf(ret, " \n");
}

static int show_line(const char *name, uint64_t size, struct bytes *ret)
{
    const int column = 16;

    return bytes_printf(ret, "%s:%*s%8lu kB\n", name, column - 1 - (int)__builtin_strlen(name), "",
                        size / 1024);
}

/* Linux: who else has a page is not known, so that Pss is Rss; what a fork shares is dirty. */
static int show_sizes(const struct shown_vma *vma, bool is_rollup, struct bytes *ret)
{
    uint64_t dirty = vma->own + vma->of_fork;
    bool is_shared = vma->flags & VMA_SHARED;
    const struct {
        const char *name;
        uint64_t size;
        int where; /* 1: maps only, 2: the rollup only */
    } lines[] = {
        {"Size", vma->end - vma->start, 1},
        {"KernelPageSize", MEM_PAGE, 1},
        {"MMUPageSize", MEM_PAGE, 1},
        {"Rss", vma->resident, 0},
        {"Pss", vma->resident, 0},
        {"Pss_Dirty", dirty, 0},
        {"Pss_Anon", dirty, 2},
        {"Pss_File", vma->of_file, 2},
        {"Pss_Shmem", 0, 2},
        {"Shared_Clean", is_shared ? vma->of_file : 0, 0},
        {"Shared_Dirty", vma->of_fork, 0},
        {"Private_Clean", is_shared ? 0 : vma->of_file, 0},
        {"Private_Dirty", vma->own, 0},
        {"Referenced", vma->resident, 0},
        {"Anonymous", dirty, 0},
        {"KSM", 0, 0},
        {"LazyFree", 0, 0},
        {"AnonHugePages", 0, 0},
        {"ShmemPmdMapped", 0, 0},
        {"FilePmdMapped", 0, 0},
        {"Shared_Hugetlb", 0, 0},
        {"Private_Hugetlb", 0, 0},
        {"Swap", 0, 0},
        {"SwapPss", 0, 0},
        {"Locked", vma->locked, 0},
    };
    int err = 0;

    for (size_t i = 0; err == 0 && i < sizeof(lines) / sizeof(*lines); i++) {
        if (lines[i].where == 0 || (lines[i].where == 2) == is_rollup)
            err = show_line(lines[i].name, lines[i].size, ret);
    }
    return err;
}

static int show_smaps(const struct shown_vma *vma, const struct path *root, struct bytes *ret)
{
    int err = show_vma(vma, root, ret);

    if (err == 0)
        err = show_sizes(vma, false, ret);
    if (err == 0)
        err = bytes_printf(ret, "THPeligible:           0\n");
    return err < 0 ? err : show_flags(vma, ret);
}

static void add_up(struct shown_vma *sum, const struct shown_vma *vma)
{
    if (sum->end == 0)
        sum->start = vma->start;
    sum->end = vma->end;
    sum->of_file += vma->of_file;
    sum->own += vma->own;
    sum->of_fork += vma->of_fork;
    sum->resident += vma->resident;
    sum->locked += vma->locked;
}

static int show_rollup(const struct shown_vma *sum, struct bytes *ret)
{
    int err = bytes_printf(ret, "%08lx-%08lx ---p 00000000 00:00 0%26s[rollup]\n", sum->start,
                           sum->end, "");

    return err < 0 ? err : show_sizes(sum, true, ret);
}

int mm_show_maps(struct mm *mm, const struct path *root, enum mm_show how, struct bytes *ret)
{
    struct shown_vma sum = {0};
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
        if (err == 0 && how == MM_SHOW_MAPS)
            err = show_vma(&list[i], root, ret);
        else if (err == 0 && how == MM_SHOW_SMAPS)
            err = show_smaps(&list[i], root, ret);
        add_up(&sum, &list[i]);
        object_put((struct object *)list[i].file);
    }
    host_free(list);
    if (err == 0 && how == MM_SHOW_ROLLUP && count > 0)
        err = show_rollup(&sum, ret);
    return err;
}

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
        uint64_t size = mm_resident_size(mm, pma);

        ret->resident += size;
        if (pma->source != PMA_RUN)
            ret->shared += size;
    }
    mm_unlock(mm);
}
