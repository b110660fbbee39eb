/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors: close, close_range, dup and its kin.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>

#include "core/kernel.h"
#include "core/limit.h"
#include "core/syscall/syscall_table.h"

int64_t sys_close(struct task *task, int fd)
{
    return files_close(task->files, fd);
}

/* The table's own copy for this task: CLOSE_RANGE_UNSHARE. */
static int unshare_files(struct task *task)
{
    struct files *files;

    int err = files_fork(task->files, &files);
    if (err < 0)
        return err;
    struct kernel *kernel = task_kernel(task);
    mutex_lock(&kernel->tasks_lock);
    struct files *old = task->files;
    task->files = files;
    mutex_unlock(&kernel->tasks_lock);
    object_put(&old->object);
    return 0;
}

int64_t sys_close_range(struct task *task, uint32_t first, uint32_t last, uint32_t flags)
{
    if ((flags & ~(uint32_t)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) != 0 || first > last)
        return -EINVAL;
    if ((flags & CLOSE_RANGE_UNSHARE) != 0) {
        int err = unshare_files(task);
        if (err < 0)
            return err;
    }
    if ((flags & CLOSE_RANGE_CLOEXEC) != 0)
        files_set_cloexec_range(task->files, first, last);
    else
        files_close_range(task->files, first, last);
    return 0;
}

int64_t sys_dup(struct task *task, int fd)
{
    struct file *file = files_get(task->files, fd);

    if (file == NULL)
        return -EBADF;
    return files_add(task->files, file, 0, false, task_limit(task, RLIMIT_NOFILE));
}

static int64_t dup_to(struct task *task, int from, int to, bool is_cloexec)
{
    uint64_t limit = task_limit(task, RLIMIT_NOFILE);

    if (to < 0 || (uint64_t)to >= limit)
        return -EBADF;
    struct file *file = files_get(task->files, from);
    if (file == NULL)
        return -EBADF;
    return files_set(task->files, to, file, is_cloexec, limit);
}

int64_t sys_dup2(struct task *task, int from, int to)
{
    if (from == to)
        return files_get_cloexec(task->files, from) < 0 ? -EBADF : to;
    return dup_to(task, from, to, false);
}

int64_t sys_dup3(struct task *task, int from, int to, uint32_t flags)
{
    if ((flags & ~(uint32_t)O_CLOEXEC) != 0 || from == to)
        return -EINVAL;
    return dup_to(task, from, to, (flags & O_CLOEXEC) != 0);
}
