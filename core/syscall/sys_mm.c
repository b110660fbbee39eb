/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of mman.h and brk: decoded here, done in core/mm. */
#include <errno.h>

#include "core/base/host.h"
#include "core/limit.h"
#include "core/mm/mm.h"
#include "core/syscall/syscall_table.h"
#include "vfs/fs/devfs.h"
#include "core/task.h"

enum { MINCORE_PART = 4096 };

int64_t sys_mmap(struct task *task, guest_addr_t address, uint64_t size, uint32_t prot,
                 uint32_t flags, int fd, int64_t offset)
{
    struct file *file = NULL;
    int64_t result;

    if (offset % (int64_t)MEM_PAGE != 0)
        return -EINVAL;
    if (!(flags & MAP_ANONYMOUS)) {
        file = files_get_open(task->files, fd);
        if (!file)
            return -EBADF;
    }
    if (file && devfs_is_zero(file->inode)) {
        object_put(&file->object);
        file = NULL;
        flags |= MAP_ANONYMOUS;
    }
    result = mm_mmap(task->mm, address, size, (int)prot, (int)flags, file, (uint64_t)offset);
    object_put((struct object *)file);
    return result;
}

int64_t sys_munmap(struct task *task, guest_addr_t address, uint64_t size)
{
    return mm_munmap(task->mm, address, size);
}

int64_t sys_mprotect(struct task *task, guest_addr_t address, uint64_t size, uint32_t prot)
{
    return mm_mprotect(task->mm, address, size, (int)prot);
}

/* Linux: RLIMIT_DATA counts the program's own data too. */
int64_t sys_brk(struct task *task, guest_addr_t address)
{
    guest_addr_t start = task->mm->brk_start;

    if (address > start && address - start > task_limit(task, RLIMIT_DATA))
        address = 0;
    return mm_brk(task->mm, address);
}

int64_t sys_mremap(struct task *task, guest_addr_t old, uint64_t old_size, uint64_t new_size,
                   uint32_t flags, guest_addr_t new)
{
    return mm_mremap(task->mm, old, old_size, new_size, (int)flags, new);
}

int64_t sys_madvise(struct task *task, guest_addr_t address, uint64_t size, int advice)
{
    return mm_madvise(task->mm, address, size, advice);
}

int64_t sys_msync(struct task *task, guest_addr_t address, uint64_t size, uint32_t flags)
{
    return mm_msync(task->mm, address, size, (int)flags);
}

int64_t sys_mincore(struct task *task, guest_addr_t address, uint64_t size, guest_addr_t to)
{
    unsigned char part[MINCORE_PART];
    uint64_t count = size / MEM_PAGE + (size % MEM_PAGE != 0);
    uint64_t done = 0;

    if (address % MEM_PAGE != 0)
        return -EINVAL;
    while (done < count) {
        size_t n = count - done < MINCORE_PART ? (size_t)(count - done) : MINCORE_PART;
        int err = mm_mincore(task->mm, address + done * MEM_PAGE, n, part);

        if (err == 0)
            err = user_copy_out(task->mm, to + done, part, n);
        if (err < 0)
            return err;
        done += n;
    }
    return 0;
}

/* Memory is never swapped by us: locking only checks. */
static int64_t check_mapped(struct task *task, guest_addr_t address, uint64_t size)
{
    uint64_t skew = address % MEM_PAGE;

    if (size == 0)
        return 0;
    if (size > UINT64_MAX - skew || address > UINT64_MAX - size)
        return -EINVAL;
    return mm_is_mapped(task->mm, address, size) ? 0 : -ENOMEM;
}

int64_t sys_mlock(struct task *task, guest_addr_t address, uint64_t size)
{
    return check_mapped(task, address, size);
}

int64_t sys_munlock(struct task *task, guest_addr_t address, uint64_t size)
{
    return check_mapped(task, address, size);
}
