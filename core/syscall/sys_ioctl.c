/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ioctl: what holds for every file is done here, the rest is the file's.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "core/rw.h"
#include "core/syscall/syscall_table.h"

static int64_t set_nonblocking(struct task *task, struct file *file, guest_addr_t argument)
{
    int is_on;

    int err = user_copy_in(task->mm, &is_on, argument, sizeof(is_on));
    if (err < 0)
        return err;
    file_set_flags(file, O_NONBLOCK, is_on != 0 ? O_NONBLOCK : 0);
    return 0;
}

/* FIONREAD of a regular file: what is left of it. */
static int64_t bytes_left(struct task *task, struct file *file, guest_addr_t argument)
{
    struct stat stat;

    int err = inode_getattr(file->inode, &stat);
    if (err < 0)
        return err;
    if (!S_ISREG(stat.st_mode) || file->ops->seek == NULL)
        return -ENOTTY;
    int64_t position = rw_seek(file, 0, SEEK_CUR);
    if (position < 0)
        return position;
    int left = (int)(stat.st_size - position);
    return user_copy_out(task->mm, argument, &left, sizeof(left));
}

static int64_t block_size(struct task *task, struct file *file, guest_addr_t argument)
{
    struct stat stat;

    int err = inode_getattr(file->inode, &stat);
    if (err < 0)
        return err;
    int size = (int)stat.st_blksize;
    return user_copy_out(task->mm, argument, &size, sizeof(size));
}

static int64_t control_file(struct task *task, struct file *file, uint32_t request,
                            guest_addr_t argument)
{
    const struct user_memory user = user_memory_of(task->mm);

    if (request == FIONBIO)
        return set_nonblocking(task, file, argument);
    if (file->ops->ioctl != NULL)
        return file->ops->ioctl(file, request, argument, &user);
    if (request == FIGETBSZ)
        return block_size(task, file, argument);
    if (request == FICLONE || request == FICLONERANGE || request == FIDEDUPERANGE ||
        request == FS_IOC_FIEMAP)
        return S_ISREG(inode_mode(file->inode)) ? -EOPNOTSUPP : -EINVAL;
    return request == FIONREAD ? bytes_left(task, file, argument) : -ENOTTY;
}

int64_t sys_ioctl(struct task *task, int fd, uint32_t request, guest_addr_t argument)
{
    struct file *file = files_get_open(task->files, fd);
    int64_t result;

    if (file == NULL)
        return -EBADF;
    if (request == FIOCLEX || request == FIONCLEX)
        result = files_set_cloexec(task->files, fd, request == FIOCLEX);
    else
        result = control_file(task, file, request, argument);
    object_put(&file->object);
    return result;
}
