/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file has on its storage: fsync, fallocate, advice. sync and syncfs answer at once: what is
 * in files of the host is written back by the host.
 */
#include <errno.h>
#include <fcntl.h>

#include "core/files.h"
#include "core/syscall/syscall_table.h"
#include "core/task.h"

static bool has_storage(const struct file *file)
{
    return S_ISREG(file->inode->attr.mode) || S_ISDIR(file->inode->attr.mode);
}

int64_t sys_fsync(struct task *task, int fd)
{
    struct file *file = files_get_open(task->files, fd);
    int64_t result;

    if (file == NULL)
        return -EBADF;
    if (file->ops->sync != NULL)
        result = file->ops->sync(file);
    else
        result = has_storage(file) ? 0 : -EINVAL;
    object_put(&file->object);
    return result;
}

int64_t sys_fdatasync(struct task *task, int fd)
{
    return sys_fsync(task, fd);
}

int64_t sys_sync(struct task *task)
{
    (void)task;
    return 0;
}

int64_t sys_syncfs(struct task *task, int fd)
{
    struct file *file = files_get_open(task->files, fd);

    if (file == NULL)
        return -EBADF;
    object_put(&file->object);
    return 0;
}

static int64_t allocate(struct file *file, uint32_t mode, int64_t offset, int64_t size)
{
    if (offset < 0 || size <= 0)
        return -EINVAL;
    if (!file_is_writable(file))
        return -EBADF;
    if (S_ISFIFO(file->inode->attr.mode))
        return -ESPIPE;
    if (S_ISDIR(file->inode->attr.mode))
        return -EISDIR;
    if (!S_ISREG(file->inode->attr.mode))
        return -ENODEV;
    if (offset > INT64_MAX - size)
        return -EFBIG;
    if (file->ops->fallocate == NULL)
        return -EOPNOTSUPP;
    return file->ops->fallocate(file, (int)mode, (uint64_t)offset, (uint64_t)size);
}

int64_t sys_fallocate(struct task *task, int fd, uint32_t mode, int64_t offset, int64_t size)
{
    struct file *file = files_get_open(task->files, fd);

    if (file == NULL)
        return -EBADF;
    int64_t result = allocate(file, mode, offset, size);
    object_put(&file->object);
    return result;
}

int64_t sys_fadvise64(struct task *task, int fd, int64_t offset, uint64_t size, int advice)
{
    struct file *file = files_get_open(task->files, fd);
    int64_t result = 0;

    (void)offset;
    if (file == NULL)
        return -EBADF;
    if (S_ISFIFO(file->inode->attr.mode))
        result = -ESPIPE;
    else if ((int64_t)size < 0 || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE)
        result = -EINVAL;
    object_put(&file->object);
    return result;
}
