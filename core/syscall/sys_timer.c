/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timer_create and its kin: arguments.
 */
#include <errno.h>
#include <signal.h>

#include "core/clocks.h"
#include "core/kernel.h"
#include "core/syscall/syscall_table.h"
#include "core/timers.h"

/* struct sigevent of the ABI, as far as it is read. */
struct event {
    uint64_t value;
    int32_t signal, notify, tid, unused;
};

/* -EINVAL: there is no such clock; -EOPNOTSUPP: it has no timers. */
static int check_clock(struct task *task, int clock)
{
    nsec_t time;

    if (!clock_is_known(clock))
        return -EINVAL;
    if (clock_is_cpu(clock))
        return task_clock(task, clock, &time);
    if (clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_REALTIME_COARSE ||
        clock == CLOCK_MONOTONIC_COARSE)
        return -EOPNOTSUPP;
    bool is_alarm = clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
    return is_alarm && task->cred.euid != 0 ? -EPERM : 0;
}

static int check_event(struct task *task, const struct posix_timer *timer)
{
    struct kernel *kernel = task_kernel(task);

    if (timer->notify == SIGEV_NONE)
        return 0;
    if (timer->signal < 1 || timer->signal > SIGNAL_COUNT)
        return -EINVAL;
    if (timer->notify != SIGEV_THREAD_ID)
        return timer->notify == SIGEV_SIGNAL ? 0 : -EINVAL;
    mutex_lock(&kernel->tasks_lock);
    const struct task *target = task_find(kernel, timer->tid);
    bool is_ours = target != NULL && target->process == task->process;
    mutex_unlock(&kernel->tasks_lock);
    return is_ours ? 0 : -EINVAL;
}

/* Without an event: SIGALRM with the timer's id. SIGEV_THREAD is the C library's; here a signal. */
static int decode_event(struct task *task, guest_addr_t from, struct posix_timer *timer)
{
    struct event event = {.signal = SIGALRM, .notify = SIGEV_SIGNAL};
    int err = from == 0 ? 0 : user_copy_in(task->mm, &event, from, sizeof(event));

    if (err < 0)
        return err;
    timer->notify = event.notify == SIGEV_THREAD ? SIGEV_SIGNAL : event.notify;
    timer->signal = event.signal;
    timer->tid = event.notify == SIGEV_THREAD_ID ? event.tid : 0;
    timer->value = event.value;
    timer->is_named_by_id = from == 0;
    return check_event(task, timer);
}

int64_t sys_timer_create(struct task *task, int clock, guest_addr_t event, guest_addr_t to)
{
    struct posix_timer timer = {.clock = clock};

    int err = decode_event(task, event, &timer);
    if (err == 0)
        err = check_clock(task, clock);
    if (err < 0)
        return err;
    (void)cpu_clock_decode(clock, &timer.cpu);
    int id = posix_timer_create(task, &timer);
    if (id < 0)
        return id;
    err = user_copy_out(task->mm, to, &id, sizeof(id));
    if (err < 0)
        (void)posix_timer_delete(task, id);
    return err;
}

int64_t sys_timer_settime(struct task *task, int id, int flags, guest_addr_t from,
                          guest_addr_t old_to)
{
    struct timer_setting setting, old;

    if (from == 0)
        return -EINVAL;
    int err = user_copy_setting(task->mm, from, &setting);
    if (err == 0)
        err = posix_timer_set(task, id, (flags & TIMER_ABSTIME) != 0, &setting, &old);
    if (err < 0 || old_to == 0)
        return err;
    return user_put_setting(task->mm, old_to, &old);
}

int64_t sys_timer_gettime(struct task *task, int id, guest_addr_t to)
{
    struct timer_setting setting;

    int err = posix_timer_get(task, id, &setting);
    return err < 0 ? err : user_put_setting(task->mm, to, &setting);
}

int64_t sys_timer_getoverrun(struct task *task, int id)
{
    return posix_timer_overrun(task, id);
}

int64_t sys_timer_delete(struct task *task, int id)
{
    return posix_timer_delete(task, id);
}
