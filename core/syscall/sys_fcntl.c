/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcntl. *Linux:* leases and signals on readiness are absent: F_GETOWN is 0, F_SETOWN EINVAL.
 */
#include <errno.h>
#include <fcntl.h>

#include "core/limit.h"
#include "core/syscall/lock_control.h"
#include "core/syscall/syscall_table.h"
#include "vfs/fs/shmem.h"
#include "vfs/pipe.h"

enum { SETTABLE_FLAGS = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME };

/* Takes the reference. */
static int64_t duplicate(struct task *task, struct file *file, uint64_t from, bool is_cloexec)
{
    uint64_t limit = task_limit(task, RLIMIT_NOFILE);

    if (from >= limit || from > INT32_MAX) {
        object_put(&file->object);
        return -EINVAL;
    }
    return files_add(task->files, file, (int)from, is_cloexec, limit);
}

static int64_t pipe_size(struct file *file, int command, uint64_t argument)
{
    struct pipe *pipe = pipe_of_file(file);

    if (pipe == NULL)
        return -EBADF;
    if (command == F_GETPIPE_SZ)
        return pipe_capacity(pipe);
    return pipe_set_capacity(pipe, argument);
}

/* Commands on the open file itself. */
static int64_t control_file(struct file *file, int command, uint64_t argument)
{
    switch (command) {
    case F_SETFL:
        file_set_flags(file, SETTABLE_FLAGS, (uint32_t)argument);
        return 0;
    case F_GETPIPE_SZ:
    case F_SETPIPE_SZ:
        return pipe_size(file, command, argument);
    case F_ADD_SEALS:
        return argument > UINT32_MAX ? -EINVAL : shmem_add_seals(file, (unsigned)argument);
    case F_GET_SEALS:
        return shmem_seals(file);
    case F_NOTIFY: /* nothing is told; to stop telling is allowed */
        if (((uint32_t)argument & ~DN_MULTISHOT) == 0)
            return 0;
        return S_ISDIR(inode_mode(file->inode)) ? -EINVAL : -ENOTDIR;
    case F_GETLEASE:
        return F_UNLCK;
    case F_GETOWN:
        return 0;
    default:
        return -EINVAL;
    }
}

int64_t sys_fcntl(struct task *task, int fd, int command, uint64_t argument)
{
    struct file *file = files_get(task->files, fd);
    int64_t result;

    if (file == NULL)
        return -EBADF;
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return duplicate(task, file, argument, command == F_DUPFD_CLOEXEC);
    case F_GETFD:
        result = files_get_cloexec(task->files, fd) > 0 ? FD_CLOEXEC : 0;
        break;
    case F_SETFD:
        result = files_set_cloexec(task->files, fd, (argument & FD_CLOEXEC) != 0);
        break;
    case F_GETFL:
        result = file_flags(file);
        break;
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return lock_control(task, fd, file, command, argument);
    default:
        result = (file_flags(file) & O_PATH) != 0 ? -EBADF : control_file(file, command, argument);
        break;
    }
    object_put(&file->object);
    return result;
}
