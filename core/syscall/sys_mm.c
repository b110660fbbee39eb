/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of mman.h and brk: decoded here, done in core/mm. */
#include <errno.h>
#include <sys/personality.h>

#include "core/base/host.h"
#include "core/limit.h"
#include "core/mm/mm.h"
#include "core/syscall/syscall_table.h"
#include "vfs/fs/devfs.h"
#include "core/task.h"

enum { MINCORE_PART = 4096 };

/* What may be read may be executed where the personality says so. */
static int full_prot(const struct task *task, uint32_t prot)
{
    bool implies = (task->sched.personality & READ_IMPLIES_EXEC) != 0 && (prot & PROT_READ) != 0;

    return (int)(implies ? prot | PROT_EXEC : prot);
}

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
    task_tell_limits(task);
    result =
        mm_mmap(task->mm, address, size, full_prot(task, prot), (int)flags, file, (uint64_t)offset);
    object_put((struct object *)file);
    return result;
}

int64_t sys_munmap(struct task *task, guest_addr_t address, uint64_t size)
{
    return mm_munmap(task->mm, address, size);
}

int64_t sys_mprotect(struct task *task, guest_addr_t address, uint64_t size, uint32_t prot)
{
    task_tell_limits(task);
    return mm_mprotect(task->mm, address, size, full_prot(task, prot));
}

int64_t sys_brk(struct task *task, guest_addr_t address)
{
    task_tell_limits(task);
    return mm_brk(task->mm, address);
}

int64_t sys_mremap(struct task *task, guest_addr_t old, uint64_t old_size, uint64_t new_size,
                   uint32_t flags, guest_addr_t new)
{
    task_tell_limits(task);
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

int64_t sys_mlock(struct task *task, guest_addr_t address, uint64_t size)
{
    task_tell_limits(task);
    return mm_mlock(task->mm, address, size, true, false);
}

int64_t sys_mlock2(struct task *task, guest_addr_t address, uint64_t size, uint32_t flags)
{
    if (flags & ~(uint32_t)MLOCK_ONFAULT)
        return -EINVAL;
    task_tell_limits(task);
    return mm_mlock(task->mm, address, size, true, (flags & MLOCK_ONFAULT) != 0);
}

int64_t sys_munlock(struct task *task, guest_addr_t address, uint64_t size)
{
    return mm_mlock(task->mm, address, size, false, false);
}

int64_t sys_mlockall(struct task *task, uint32_t flags)
{
    task_tell_limits(task);
    return mm_mlockall(task->mm, flags);
}

int64_t sys_munlockall(struct task *task)
{
    mm_munlockall(task->mm);
    return 0;
}

/* --- protection keys: there are none --- */

int64_t sys_pkey_mprotect(struct task *task, guest_addr_t address, uint64_t size, uint32_t prot,
                          int key)
{
    return key == -1 ? sys_mprotect(task, address, size, prot) : -EINVAL;
}

int64_t sys_pkey_alloc(struct task *task, uint32_t flags, uint32_t rights)
{
    (void)task;
    return flags != 0 || rights > (PKEY_DISABLE_ACCESS | PKEY_DISABLE_WRITE) ? -EINVAL : -ENOSPC;
}

int64_t sys_pkey_free(struct task *task, int key)
{
    (void)task;
    (void)key;
    return -EINVAL;
}
