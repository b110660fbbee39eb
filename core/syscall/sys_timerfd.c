/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timerfd_create, timerfd_settime, timerfd_gettime: arguments.
 */
#include <errno.h>

#include "core/clocks.h"
#include "core/kernel.h"
#include "core/limit.h"
#include "core/syscall/syscall_table.h"
#include "core/timerfd.h"

int64_t sys_timerfd_create(struct task *task, int clock, uint32_t flags)
{
    struct file *file;

    if ((flags & ~(uint32_t)(TFD_CLOEXEC | TFD_NONBLOCK)) != 0)
        return -EINVAL;
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME &&
        clock != CLOCK_REALTIME_ALARM && clock != CLOCK_BOOTTIME_ALARM)
        return -EINVAL;
    bool is_alarm = clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
    if (is_alarm && task->cred.euid != 0)
        return -EPERM;
    int err =
        timerfd_create_file(task_kernel(task), clock, flags & TFD_NONBLOCK, &task->cred, &file);
    if (err < 0)
        return err;
    return files_add(task->files, file, 0, (flags & TFD_CLOEXEC) != 0,
                     task_limit(task, RLIMIT_NOFILE));
}

/* Returns a reference. */
static int get_file(struct task *task, int fd, struct file **ret)
{
    struct file *file = files_get(task->files, fd);

    if (file == NULL)
        return -EBADF;
    if (!timerfd_is(file)) {
        object_put(&file->object);
        return -EINVAL;
    }
    *ret = file;
    return 0;
}

int64_t sys_timerfd_settime(struct task *task, int fd, int flags, guest_addr_t from,
                            guest_addr_t old_to)
{
    struct timer_setting setting, old;
    struct file *file = NULL;

    int err = user_copy_setting(task->mm, from, &setting);
    if (err == 0 && (flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) != 0)
        err = -EINVAL;
    if (err == 0)
        err = get_file(task, fd, &file);
    if (err < 0)
        return err;
    timerfd_set(file, flags, &setting, &old);
    object_put(&file->object);
    return old_to == 0 ? 0 : user_put_setting(task->mm, old_to, &old);
}

int64_t sys_timerfd_gettime(struct task *task, int fd, guest_addr_t to)
{
    struct timer_setting setting;
    struct file *file;

    int err = get_file(task, fd, &file);
    if (err < 0)
        return err;
    timerfd_get(file, &setting);
    object_put(&file->object);
    return user_put_setting(task->mm, to, &setting);
}
