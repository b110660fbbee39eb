/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing attributes: modes, owners, times, sizes (chmod(2), chown(2), utimensat(2), truncate(2)).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <utime.h>

#include "core/base/host.h"
#include "core/limit.h"
#include "core/syscall/path_argument.h"
#include "core/syscall/syscall_table.h"

static int64_t change_at(struct task *task, int fd, guest_addr_t name, unsigned lookup,
                         const struct attr_change *change)
{
    struct path_argument argument;
    struct path path;
    int err = path_argument_get(task, fd, name, &argument);

    if (err < 0)
        return err;
    err = path_lookup(&argument.view, path_argument_at(&argument), argument.name, lookup, &path);
    if (err == 0) {
        err = vfs_setattr(&argument.view, &path, change);
        path_put(&path);
    }
    path_argument_put(&argument);
    return err;
}

static int64_t change_fd(struct task *task, int fd, const struct attr_change *change)
{
    struct file *file = files_get(task->files, fd);

    if (file == NULL)
        return -EBADF;
    int err = vfs_fsetattr(&task->cred, file, change);
    object_put(&file->object);
    return err;
}

static struct attr_change mode_change(uint32_t mode)
{
    return (struct attr_change){.set = ATTR_MODE, .mode = mode & 07777};
}

int64_t sys_fchmodat(struct task *task, int fd, guest_addr_t name, uint32_t mode)
{
    struct attr_change change = mode_change(mode);

    return change_at(task, fd, name, 0, &change);
}

int64_t sys_fchmodat2(struct task *task, int fd, guest_addr_t name, uint32_t mode, uint32_t flags)
{
    struct attr_change change = mode_change(mode);
    unsigned lookup = ((flags & AT_SYMLINK_NOFOLLOW) != 0 ? LOOKUP_NOFOLLOW : 0u) |
                      ((flags & AT_EMPTY_PATH) != 0 ? LOOKUP_EMPTY : 0u);

    if ((flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0)
        return -EINVAL;
    return change_at(task, fd, name, lookup, &change);
}

int64_t sys_chmod(struct task *task, guest_addr_t name, uint32_t mode)
{
    return sys_fchmodat(task, AT_FDCWD, name, mode);
}

int64_t sys_fchmod(struct task *task, int fd, uint32_t mode)
{
    struct attr_change change = mode_change(mode);

    return change_fd(task, fd, &change);
}

static struct attr_change owner_change(uint32_t uid, uint32_t gid)
{
    return (struct attr_change){.set = (uid != UINT32_MAX ? ATTR_UID : 0u) |
                                       (gid != UINT32_MAX ? ATTR_GID : 0u),
                                .uid = uid,
                                .gid = gid};
}

int64_t sys_fchownat(struct task *task, int fd, guest_addr_t name, uint32_t uid, uint32_t gid,
                     uint32_t flags)
{
    struct attr_change change = owner_change(uid, gid);
    unsigned lookup = ((flags & AT_SYMLINK_NOFOLLOW) != 0 ? LOOKUP_NOFOLLOW : 0u) |
                      ((flags & AT_EMPTY_PATH) != 0 ? LOOKUP_EMPTY : 0u);

    if ((flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0)
        return -EINVAL;
    return change_at(task, fd, name, lookup, &change);
}

int64_t sys_chown(struct task *task, guest_addr_t name, uint32_t uid, uint32_t gid)
{
    return sys_fchownat(task, AT_FDCWD, name, uid, gid, 0);
}

int64_t sys_lchown(struct task *task, guest_addr_t name, uint32_t uid, uint32_t gid)
{
    return sys_fchownat(task, AT_FDCWD, name, uid, gid, AT_SYMLINK_NOFOLLOW);
}

int64_t sys_fchown(struct task *task, int fd, uint32_t uid, uint32_t gid)
{
    struct attr_change change = owner_change(uid, gid);

    return change_fd(task, fd, &change);
}

/* --- sizes --- */

static struct attr_change size_change(struct task *task, int64_t size)
{
    return (struct attr_change){.set = ATTR_SIZE,
                                .size = (uint64_t)size,
                                .has_limit = true,
                                .size_limit = task_limit(task, RLIMIT_FSIZE)};
}

/* Past the limit a signal is sent, too. */
static int64_t size_result(struct task *task, const struct attr_change *change, int64_t result)
{
    if (result == -EFBIG && change->size > change->size_limit)
        signal_send_self(task, SIGXFSZ, SI_USER);
    return result;
}

int64_t sys_truncate(struct task *task, guest_addr_t name, int64_t size)
{
    struct attr_change change = size_change(task, size);

    if (size < 0)
        return -EINVAL;
    return size_result(task, &change, change_at(task, AT_FDCWD, name, 0, &change));
}

int64_t sys_ftruncate(struct task *task, int fd, int64_t size)
{
    struct attr_change change = size_change(task, size);

    if (size < 0)
        return -EINVAL;
    return size_result(task, &change, change_fd(task, fd, &change));
}

/* --- times --- */

/* One of the two: UTIME_NOW, UTIME_OMIT or a time. -EINVAL. */
static int time_of(const struct timespec *time, nsec_t now, unsigned which, unsigned *set,
                   int64_t *ret)
{
    if (time->tv_nsec == UTIME_OMIT)
        return 0;
    *set |= which;
    if (time->tv_nsec == UTIME_NOW) {
        *ret = now;
        return 0;
    }
    if (time->tv_nsec < 0 || time->tv_nsec >= NSEC_PER_SEC)
        return -EINVAL;
    if (__builtin_mul_overflow(time->tv_sec, NSEC_PER_SEC, ret) ||
        __builtin_add_overflow(*ret, time->tv_nsec, ret))
        *ret = time->tv_sec < 0 ? INT64_MIN : INT64_MAX;
    return 0;
}

/* times NULL: now, for which the right to write is enough. */
static int64_t change_times(struct task *task, int fd, guest_addr_t name, uint32_t flags,
                            const struct timespec *times)
{
    static const struct timespec now_times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
    nsec_t now = host_clock_realtime();
    struct attr_change change = {0};

    if (times == NULL)
        times = now_times;
    int err = time_of(&times[0], now, ATTR_ATIME, &change.set, &change.atime);
    if (err == 0)
        err = time_of(&times[1], now, ATTR_MTIME, &change.set, &change.mtime);
    if (err < 0)
        return err;
    if (times[0].tv_nsec == UTIME_NOW && times[1].tv_nsec == UTIME_NOW)
        change.set |= ATTR_TOUCH;
    if (name == 0)
        return fd == AT_FDCWD ? -EFAULT : change_fd(task, fd, &change);
    unsigned lookup = ((flags & AT_SYMLINK_NOFOLLOW) != 0 ? LOOKUP_NOFOLLOW : 0u) |
                      ((flags & AT_EMPTY_PATH) != 0 ? LOOKUP_EMPTY : 0u);
    return change_at(task, fd, name, lookup, &change);
}

int64_t sys_utimensat(struct task *task, int fd, guest_addr_t name, guest_addr_t from,
                      uint32_t flags)
{
    struct timespec times[2];

    if ((flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0)
        return -EINVAL;
    if (from == 0)
        return change_times(task, fd, name, flags, NULL);
    int err = user_copy_in(task->mm, times, from, sizeof(times));
    return err < 0 ? err : change_times(task, fd, name, flags, times);
}

int64_t sys_futimesat(struct task *task, int fd, guest_addr_t name, guest_addr_t from)
{
    struct timeval values[2];
    struct timespec times[2];

    if (from == 0)
        return change_times(task, fd, name, 0, NULL);
    int err = user_copy_in(task->mm, values, from, sizeof(values));
    if (err < 0)
        return err;
    for (int i = 0; i < 2; i++) {
        if (values[i].tv_usec < 0 || values[i].tv_usec >= 1000000)
            return -EINVAL;
        times[i] = (struct timespec){values[i].tv_sec, values[i].tv_usec * 1000};
    }
    return change_times(task, fd, name, 0, times);
}

int64_t sys_utimes(struct task *task, guest_addr_t name, guest_addr_t from)
{
    return sys_futimesat(task, AT_FDCWD, name, from);
}

int64_t sys_utime(struct task *task, guest_addr_t name, guest_addr_t from)
{
    struct utimbuf values;

    if (from == 0)
        return change_times(task, AT_FDCWD, name, 0, NULL);
    int err = user_copy_in(task->mm, &values, from, sizeof(values));
    if (err < 0)
        return err;
    const struct timespec times[2] = {{.tv_sec = values.actime}, {.tv_sec = values.modtime}};
    return change_times(task, AT_FDCWD, name, 0, times);
}
