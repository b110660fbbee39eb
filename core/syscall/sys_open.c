/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening files (open(2), openat2(2)).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>

#include "core/open_fifo.h"
#include "core/syscall/path_argument.h"
#include "core/syscall/syscall_table.h"

static int64_t open_at(struct task *task, int fd, guest_addr_t name, int flags, uint32_t mode,
                       uint64_t resolve)
{
    struct path_argument argument;
    struct file *file;
    int err = path_argument_get(task, fd, name, &argument);

    if (err < 0)
        return err;
    argument.view.resolve = resolve;
    flags &= ~FILE_RUN;
    err = vfs_open(&argument.view, path_argument_at(&argument), argument.name, flags, mode, &file);
    path_argument_put(&argument);
    if (err < 0)
        return err;
    return open_finish(task, file, (flags & O_CLOEXEC) != 0);
}

int64_t sys_open(struct task *task, guest_addr_t name, uint32_t flags, uint32_t mode)
{
    return open_at(task, AT_FDCWD, name, (int)flags, mode, 0);
}

int64_t sys_openat(struct task *task, int fd, guest_addr_t name, uint32_t flags, uint32_t mode)
{
    return open_at(task, fd, name, (int)flags, mode, 0);
}

int64_t sys_creat(struct task *task, guest_addr_t name, uint32_t mode)
{
    return open_at(task, AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode, 0);
}

/* struct open_how, which may grow at its end: what is not known here must be zero. */
static int copy_how(struct task *task, guest_addr_t from, uint64_t size, struct open_how *ret)
{
    uint8_t rest[MEM_PAGE];

    if (size < sizeof(*ret))
        return -EINVAL;
    if (size > sizeof(rest))
        return -E2BIG;
    int err = user_copy_in(task->mm, rest, from, size);
    if (err < 0)
        return err;
    memcpy(ret, rest, sizeof(*ret));
    for (uint64_t i = sizeof(*ret); i < size; i++) {
        if (rest[i] != 0)
            return -E2BIG;
    }
    return 0;
}

int64_t sys_openat2(struct task *task, int fd, guest_addr_t name, guest_addr_t from, uint64_t size)
{
    const uint64_t resolve_known = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS |
                                   RESOLVE_BENEATH | RESOLVE_IN_ROOT;
    const uint64_t scoped = RESOLVE_BENEATH | RESOLVE_IN_ROOT;
    struct open_how how;
    int err = copy_how(task, from, size, &how);

    if (err < 0)
        return err;
    if (how.flags > INT32_MAX || (how.mode & ~UINT64_C(07777)) != 0 ||
        (how.resolve & ~resolve_known) != 0 || (how.resolve & scoped) == scoped)
        return -EINVAL;
    if ((how.flags & (O_CREAT | __O_TMPFILE)) == 0 && how.mode != 0)
        return -EINVAL;
    return open_at(task, fd, name, (int)how.flags, (uint32_t)how.mode, how.resolve);
}
