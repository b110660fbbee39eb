/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipe and pipe2.
 */
#include <errno.h>
#include <fcntl.h>

#include "core/limit.h"
#include "core/syscall/syscall_table.h"
#include "vfs/pipe.h"

/* Enters both files (references, taken) into the table. */
static int add_both(struct task *task, struct file *reader, struct file *writer, bool is_cloexec,
                    int fds[2])
{
    uint64_t limit = task_limit(task, RLIMIT_NOFILE);

    fds[0] = files_add(task->files, reader, 0, is_cloexec, limit);
    if (fds[0] < 0) {
        object_put(&writer->object);
        return fds[0];
    }
    fds[1] = files_add(task->files, writer, 0, is_cloexec, limit);
    if (fds[1] < 0)
        (void)files_close(task->files, fds[0]);
    return fds[1] < 0 ? fds[1] : 0;
}

int64_t sys_pipe2(struct task *task, guest_addr_t to, uint32_t flags)
{
    struct file *reader, *writer;
    int fds[2];

    if ((flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK | O_DIRECT)) != 0)
        return -EINVAL;
    int err = pipe_create(&task->cred, flags & (O_NONBLOCK | O_DIRECT), &reader, &writer);
    if (err < 0)
        return err;
    err = add_both(task, reader, writer, (flags & O_CLOEXEC) != 0, fds);
    if (err < 0)
        return err;
    err = user_copy_out(task->mm, to, fds, sizeof(fds));
    if (err < 0) {
        (void)files_close(task->files, fds[0]);
        (void)files_close(task->files, fds[1]);
    }
    return err;
}

int64_t sys_pipe(struct task *task, guest_addr_t to)
{
    return sys_pipe2(task, to, 0);
}
