/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets: pairs of AF_UNIX, messages, options. The waiting is done by core/message.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "core/base/host.h"
#include "core/limit.h"
#include "core/message.h"
#include "core/syscall/syscall_table.h"
#include "netstack/socket/socket.h"

enum {
    TYPE_MASK = 15,          /* of a socket's type: the rest are flags */
    TYPE_MAX = 10,           /* SOCK_PACKET */
    FAMILY_MAX = 45,         /* AF_MCTP */
    MESSAGES_MAX = 1024,     /* UIO_MAXIOV */
    FLAG_COMPAT = INT32_MIN, /* MSG_CMSG_COMPAT: for 32-bit machines */
};

/* --- pairs --- */

/* Is it possible? type without flags; *ret: the type that it stands for. */
static int check_kind(int family, int type, int protocol, int *ret)
{
    if (family < 0 || family > FAMILY_MAX)
        return -EAFNOSUPPORT;
    if (type < 0 || type > TYPE_MAX)
        return -EINVAL;
    if (family == AF_INET || family == AF_INET6)
        return -EOPNOTSUPP;
    if (family != AF_UNIX)
        return -EAFNOSUPPORT;
    if (protocol != 0 && protocol != PF_UNIX)
        return -EPROTONOSUPPORT;
    if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET && type != SOCK_RAW)
        return -ESOCKTNOSUPPORT;
    *ret = type == SOCK_RAW ? SOCK_DGRAM : type;
    return 0;
}

/* Enters both files (references, taken) into the table and tells their numbers. */
static int add_pair(struct task *task, struct file *files[2], bool is_cloexec, guest_addr_t to)
{
    uint64_t limit = task_limit(task, RLIMIT_NOFILE);
    int fds[2];

    fds[0] = files_add(task->files, files[0], 0, is_cloexec, limit);
    if (fds[0] < 0) {
        object_put(&files[1]->object);
        return fds[0];
    }
    fds[1] = files_add(task->files, files[1], 0, is_cloexec, limit);
    int err = fds[1] < 0 ? fds[1] : user_copy_out(task->mm, to, fds, sizeof(fds));
    if (err < 0)
        (void)files_close(task->files, fds[0]);
    if (err < 0 && fds[1] >= 0)
        (void)files_close(task->files, fds[1]);
    return err;
}

int64_t sys_socketpair(struct task *task, int family, int type, int protocol, guest_addr_t to)
{
    const struct socket_owner owner = {task->process->pid, task->cred.euid, task->cred.egid};
    int flags = type & ~TYPE_MASK;
    struct file *files[2];

    if ((flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) != 0)
        return -EINVAL;
    int err = check_kind(family, type & TYPE_MASK, protocol, &type);
    if (err < 0)
        return err;
    err = socket_create_pair(type, &owner, &task->cred, (uint32_t)flags & O_NONBLOCK, files);
    return err < 0 ? err : add_pair(task, files, (flags & SOCK_CLOEXEC) != 0, to);
}

/* --- messages --- */

int64_t sys_sendto(struct task *task, int fd, guest_addr_t from, uint64_t size, uint32_t flags,
                   guest_addr_t name, int name_size)
{
    struct message_wait *record;

    int err = message_begin(task, fd, true, flags, &record);
    if (err == 0)
        err = ranges_set(&record->ranges, from, size);
    if (err == 0 && name != 0)
        err = message_check_name(task->mm, record, name, name_size);
    return err < 0 ? err : wait_run(&task->waiter);
}

int64_t sys_recvfrom(struct task *task, int fd, guest_addr_t to, uint64_t size, uint32_t flags,
                     guest_addr_t name, guest_addr_t name_size)
{
    struct message_wait *record;

    int err = message_begin(task, fd, false, flags, &record);
    if (err < 0)
        return err;
    record->form = name != 0 ? MESSAGE_FROM : MESSAGE_PLAIN;
    record->header = name_size;
    err = ranges_set(&record->ranges, to, size);
    return err < 0 ? err : wait_run(&task->waiter);
}

/* A call with one header. */
static int64_t run_header(struct task *task, int fd, bool is_send, guest_addr_t header,
                          uint32_t flags)
{
    struct message_wait *record;

    if ((flags & (uint32_t)FLAG_COMPAT) != 0)
        return -EINVAL;
    int err = message_begin(task, fd, is_send, flags, &record);
    if (err < 0)
        return err;
    record->form = MESSAGE_ONE;
    record->header = header;
    err = message_read_header(task->mm, record);
    return err < 0 ? err : wait_run(&task->waiter);
}

int64_t sys_sendmsg(struct task *task, int fd, guest_addr_t header, uint32_t flags)
{
    return run_header(task, fd, true, header, flags);
}

int64_t sys_recvmsg(struct task *task, int fd, guest_addr_t header, uint32_t flags)
{
    return run_header(task, fd, false, header, flags);
}

/* The record of a call with many headers; *ret NULL: there are none. */
static int begin_many(struct task *task, int fd, bool is_send, guest_addr_t headers, uint32_t count,
                      uint32_t flags, struct message_wait **ret)
{
    *ret = NULL;
    if ((flags & (uint32_t)FLAG_COMPAT) != 0)
        return -EINVAL;
    int err = message_begin(task, fd, is_send, flags, ret);
    if (err < 0)
        return err;
    (*ret)->form = MESSAGE_MANY;
    (*ret)->header = headers;
    (*ret)->has_header = false;
    (*ret)->count = count < MESSAGES_MAX ? count : MESSAGES_MAX;
    return 0;
}

int64_t sys_sendmmsg(struct task *task, int fd, guest_addr_t headers, uint32_t count,
                     uint32_t flags)
{
    struct message_wait *record;

    int err = begin_many(task, fd, true, headers, count, flags, &record);
    return err < 0 || count == 0 ? err : wait_run(&task->waiter);
}

int64_t sys_recvmmsg(struct task *task, int fd, guest_addr_t headers, uint32_t count,
                     uint32_t flags, guest_addr_t timeout)
{
    struct message_wait *record;
    struct timespec time;
    int err = timeout == 0 ? 0 : user_copy_in(task->mm, &time, timeout, sizeof(time));

    if (err < 0)
        return err;
    if (timeout != 0 && (time.tv_sec < 0 || time.tv_nsec < 0 || time.tv_nsec >= NSEC_PER_SEC))
        return -EINVAL;
    err = begin_many(task, fd, false, headers, count, flags, &record);
    if (err < 0 || count == 0)
        return err;
    if (timeout != 0 && time.tv_sec < INT32_MAX) {
        nsec_t end = clock_now(task->waiter.clock) + time.tv_sec * NSEC_PER_SEC + time.tv_nsec;
        record->base.deadline = end < record->base.deadline ? end : record->base.deadline;
    }
    return wait_run(&task->waiter);
}

int64_t sys_shutdown(struct task *task, int fd, int how)
{
    struct file *file;

    int err = socket_get(task, fd, &file);
    if (err < 0)
        return err;
    err = socket_shutdown(file, how);
    object_put(&file->object);
    return err;
}

/* --- names --- */

/* All are unnamed: the family is all that is told. */
static int put_name(struct task *task, guest_addr_t to, guest_addr_t size_at)
{
    const sa_family_t family = AF_UNIX;
    int size;

    int err = user_copy_in(task->mm, &size, size_at, sizeof(size));
    if (err < 0)
        return err;
    if (size < 0)
        return -EINVAL;
    size = size < (int)sizeof(family) ? size : (int)sizeof(family);
    err = user_copy_out(task->mm, to, &family, (size_t)size);
    size = sizeof(family);
    return err < 0 ? err : user_copy_out(task->mm, size_at, &size, sizeof(size));
}

int64_t sys_getsockname(struct task *task, int fd, guest_addr_t to, guest_addr_t size_at)
{
    struct file *file;

    int err = socket_get(task, fd, &file);
    if (err < 0)
        return err;
    object_put(&file->object);
    return put_name(task, to, size_at);
}

int64_t sys_getpeername(struct task *task, int fd, guest_addr_t to, guest_addr_t size_at)
{
    struct file *file;

    int err = socket_get(task, fd, &file);
    if (err < 0)
        return err;
    bool is_connected = socket_is_connected(file);
    object_put(&file->object);
    return is_connected ? put_name(task, to, size_at) : -ENOTCONN;
}

/* --- options --- */

int64_t sys_setsockopt(struct task *task, int fd, int level, int option, guest_addr_t from,
                       int size)
{
    uint8_t value[SOCKET_OPTION_SIZE] = {0};
    struct file *file;

    if (size < 0)
        return -EINVAL;
    int err = socket_get(task, fd, &file);
    if (err < 0)
        return err;
    size_t used = (size_t)size < sizeof(value) ? (size_t)size : sizeof(value);
    if (level != SOL_SOCKET)
        err = -EOPNOTSUPP;
    else if (used >= sizeof(int))
        err = user_copy_in(task->mm, value, from, used);
    if (err == 0)
        err = socket_set_option(file, &task->cred, option, value, used);
    object_put(&file->object);
    return err;
}

static int get_option(struct task *task, struct file *file, int option, guest_addr_t to,
                      guest_addr_t size_at)
{
    uint8_t value[SOCKET_OPTION_SIZE];
    int size;

    int err = user_copy_in(task->mm, &size, size_at, sizeof(size));
    if (err < 0)
        return err;
    if (size < 0)
        return -EINVAL;
    size = socket_get_option(file, option, value,
                             (size_t)size < sizeof(value) ? (size_t)size : sizeof(value));
    if (size < 0)
        return size;
    err = user_copy_out(task->mm, to, value, (size_t)size);
    return err < 0 ? err : user_copy_out(task->mm, size_at, &size, sizeof(size));
}

int64_t sys_getsockopt(struct task *task, int fd, int level, int option, guest_addr_t to,
                       guest_addr_t size_at)
{
    struct file *file;

    int err = socket_get(task, fd, &file);
    if (err < 0)
        return err;
    err = level == SOL_SOCKET ? get_option(task, file, option, to, size_at) : -EOPNOTSUPP;
    object_put(&file->object);
    return err;
}
