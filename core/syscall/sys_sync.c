/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file has on its storage: fsync, fallocate, advice. sync and syncfs answer at once: what is
 * in files of the host is written back by the host.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <signal.h>

#include "core/limit.h"
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

static bool is_past_limit(struct task *task, struct file *file, int64_t end)
{
    struct stat stat;

    return (uint64_t)end > task_limit(task, RLIMIT_FSIZE) &&
           inode_getattr(file->inode, &stat) == 0 && end > stat.st_size;
}

/* The modes that Linux lets through to the file system. */
static int check_allocation(uint32_t mode)
{
    const uint32_t known = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE |
                           FALLOC_FL_ZERO_RANGE | FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE;
    const uint32_t lone = FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE;

    if ((mode & ~known) != 0)
        return -EOPNOTSUPP;
    if ((mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) ==
        (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
        return -EOPNOTSUPP;
    if ((mode & FALLOC_FL_PUNCH_HOLE) != 0 && (mode & FALLOC_FL_KEEP_SIZE) == 0)
        return -EOPNOTSUPP;
    return (mode & lone) != 0 && (mode & (mode - 1)) != 0 ? -EOPNOTSUPP : 0;
}

static int64_t allocate(struct task *task, struct file *file, uint32_t mode, int64_t offset,
                        int64_t size)
{
    if (offset < 0 || size <= 0)
        return -EINVAL;
    int err = check_allocation(mode);
    if (err < 0)
        return err;
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
    if ((mode & FALLOC_FL_KEEP_SIZE) == 0 && is_past_limit(task, file, offset + size)) {
        signal_send_self(task, SIGXFSZ, SI_USER);
        return -EFBIG;
    }
    err = vfs_drop_set_id(&task->cred, file->inode);
    if (err < 0)
        return err;
    return file->ops->fallocate(file, (int)mode, (uint64_t)offset, (uint64_t)size);
}

int64_t sys_fallocate(struct task *task, int fd, uint32_t mode, int64_t offset, int64_t size)
{
    struct file *file = files_get_open(task->files, fd);

    if (file == NULL)
        return -EBADF;
    int64_t result = allocate(task, file, mode, offset, size);
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

/* What is read ahead is the host's business. */
int64_t sys_readahead(struct task *task, int fd, int64_t offset, uint64_t count)
{
    struct file *file = files_get(task->files, fd);
    int64_t result = 0;

    (void)offset;
    (void)count;
    if (file == NULL)
        return -EBADF;
    if (!file_is_readable(file))
        result = -EBADF;
    else if (!S_ISREG(file->inode->attr.mode) && !S_ISBLK(file->inode->attr.mode))
        result = -EINVAL;
    object_put(&file->object);
    return result;
}

int64_t sys_sync_file_range(struct task *task, int fd, int64_t offset, int64_t size, uint32_t flags)
{
    const uint32_t known =
        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    struct file *file = files_get_open(task->files, fd);
    int64_t result = 0;

    if (file == NULL)
        return -EBADF;
    if ((flags & ~known) != 0 || offset < 0 || size < 0 || offset > INT64_MAX - size)
        result = -EINVAL;
    else if (!has_storage(file) && !S_ISLNK(file->inode->attr.mode))
        result = -ESPIPE;
    else if (file->ops->sync != NULL && S_ISREG(file->inode->attr.mode) && flags != 0)
        result = file->ops->sync(file);
    object_put(&file->object);
    return result;
}
