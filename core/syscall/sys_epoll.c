/* SPDX-License-Identifier: Apache-2.0 */
/*
 * epoll and eventfd: what their calls are given; the rest is in vfs/epoll.c, epoll_wait.c and
 * vfs/eventfd.c.
 */
#include <errno.h>
#include <sys/eventfd.h>

#include "core/clocks.h"
#include "core/epoll_wait.h"
#include "core/limit.h"
#include "core/syscall/syscall_table.h"
#include "vfs/eventfd.h"

/* Takes the reference. flags: those that are O_CLOEXEC and nothing else here. */
static int64_t add_file(struct task *task, struct file *file, uint32_t flags)
{
    return files_add(task->files, file, 0, (flags & O_CLOEXEC) != 0,
                     task_limit(task, RLIMIT_NOFILE));
}

int64_t sys_eventfd2(struct task *task, uint32_t count, uint32_t flags)
{
    struct file *file;

    if ((flags & ~(uint32_t)(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK)) != 0)
        return -EINVAL;
    int err = eventfd_create(count, (flags & EFD_SEMAPHORE) != 0, flags & O_NONBLOCK, &file);
    return err < 0 ? err : add_file(task, file, flags);
}

int64_t sys_eventfd(struct task *task, uint32_t count)
{
    return sys_eventfd2(task, count, 0);
}

int64_t sys_epoll_create1(struct task *task, uint32_t flags)
{
    struct file *file;

    if ((flags & ~(uint32_t)EPOLL_CLOEXEC) != 0)
        return -EINVAL;
    int err = epoll_create_file(&file);
    return err < 0 ? err : add_file(task, file, flags);
}

int64_t sys_epoll_create(struct task *task, int size)
{
    return size <= 0 ? -EINVAL : sys_epoll_create1(task, 0);
}

static int control(struct file *set, int operation, struct file *file, int fd,
                   const struct epoll_event *event)
{
    struct epoll *epoll = epoll_of_file(set);

    if (file->ops->poll == NULL)
        return -EPERM;
    if (epoll == NULL || set == file)
        return -EINVAL;
    switch (operation) {
    case EPOLL_CTL_ADD:
        return epoll_add(epoll, file, fd, event);
    case EPOLL_CTL_MOD:
        return epoll_modify(epoll, file, fd, event);
    case EPOLL_CTL_DEL:
        return epoll_remove(epoll, file, fd);
    default:
        return -EINVAL;
    }
}

int64_t sys_epoll_ctl(struct task *task, int set_fd, int operation, int fd, guest_addr_t from)
{
    struct epoll_event event = {0};
    int err = -EBADF;

    if (operation != EPOLL_CTL_DEL && user_copy_in(task->mm, &event, from, sizeof(event)) < 0)
        return -EFAULT;
    struct file *set = files_get_open(task->files, set_fd);
    struct file *file = files_get_open(task->files, fd);
    if (set != NULL && file != NULL)
        err = control(set, operation, file, fd, &event);
    object_put((struct object *)set);
    object_put((struct object *)file);
    return err;
}

int64_t sys_epoll_pwait(struct task *task, int fd, guest_addr_t to, int max, int timeout,
                        guest_addr_t mask, uint64_t mask_size)
{
    const struct epoll_wait_request request = {
        .fd = fd,
        .to = to,
        .max = max,
        .span = timeout < 0 ? NSEC_NEVER : timeout * NSEC_PER_MSEC,
        .mask = mask,
        .mask_size = mask_size,
    };

    return epoll_wait_run(task, &request);
}

int64_t sys_epoll_wait(struct task *task, int fd, guest_addr_t to, int max, int timeout)
{
    return sys_epoll_pwait(task, fd, to, max, timeout, 0, 0);
}

int64_t sys_epoll_pwait2(struct task *task, int fd, guest_addr_t to, int max, guest_addr_t timeout,
                         guest_addr_t mask, uint64_t mask_size)
{
    struct epoll_wait_request request = {
        .fd = fd,
        .to = to,
        .max = max,
        .span = NSEC_NEVER,
        .mask = mask,
        .mask_size = mask_size,
    };

    int err = timeout == 0 ? 0 : user_copy_timespec(task->mm, timeout, &request.span);
    return err < 0 ? err : epoll_wait_run(task, &request);
}
