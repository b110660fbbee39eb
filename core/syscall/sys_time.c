/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading clocks, and the one interval timer so far, ITIMER_REAL, which alarm(2) shares.
 */
#include <errno.h>
#include <sys/time.h>

#include "core/base/host.h"
#include "core/clocks.h"
#include "core/kernel.h"
#include "core/syscall/syscall_table.h"
#include "core/task.h"

int64_t sys_clock_gettime(struct task *task, int clock, guest_addr_t to)
{
    nsec_t time;
    int err = task_clock(task, clock, &time);

    if (err < 0)
        return err;
    struct timespec value = timespec_of(time);
    return user_copy_out(task->mm, to, &value, sizeof(value));
}

/* CPU clocks of what is not there are unknown. */
static int check_clock(struct task *task, int clock)
{
    nsec_t time;

    if (!clock_is_known(clock))
        return -EINVAL;
    return clock_is_cpu(clock) ? task_clock(task, clock, &time) : 0;
}

int64_t sys_clock_getres(struct task *task, int clock, guest_addr_t to)
{
    struct timespec value = {.tv_nsec = 1};
    bool counts_ticks = clock < 0 && (clock & 2) == 0; /* Linux: CPUCLOCK_PROF and VIRT */
    int err = check_clock(task, clock);

    if (err < 0)
        return err;
    if (clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE || counts_ticks)
        value.tv_nsec = 4 * NSEC_PER_MSEC;
    return to == 0 ? 0 : user_copy_out(task->mm, to, &value, sizeof(value));
}

int64_t sys_gettimeofday(struct task *task, guest_addr_t to, guest_addr_t zone)
{
    nsec_t now;
    (void)task_clock(task, CLOCK_REALTIME, &now);
    struct timeval value = {.tv_sec = now / NSEC_PER_SEC, .tv_usec = now % NSEC_PER_SEC / 1000};
    struct timezone utc = {0};
    int err = 0;

    if (to != 0)
        err = user_copy_out(task->mm, to, &value, sizeof(value));
    if (err == 0 && zone != 0)
        err = user_copy_out(task->mm, zone, &utc, sizeof(utc));
    return err;
}

int64_t sys_time(struct task *task, guest_addr_t to)
{
    nsec_t time;
    (void)task_clock(task, CLOCK_REALTIME, &time);
    int64_t now = time / NSEC_PER_SEC;
    int err = to == 0 ? 0 : user_copy_out(task->mm, to, &now, sizeof(now));

    return err < 0 ? err : now;
}

/* What is left of the timer and its interval. */
static void alarm_get(struct process *process, struct itimerval *ret)
{
    nsec_t deadline = process->alarm_deadline;
    nsec_t left = deadline == NSEC_NEVER ? 0 : deadline - clock_now(&process->kernel->clock);

    if (deadline != NSEC_NEVER && left < 1000)
        left = 1000; /* due, but not told yet: not 0, which means none */
    *ret = (struct itimerval){
        .it_interval = {.tv_sec = process->alarm_interval / NSEC_PER_SEC,
                        .tv_usec = process->alarm_interval % NSEC_PER_SEC / 1000},
        .it_value = {.tv_sec = left / NSEC_PER_SEC, .tv_usec = left % NSEC_PER_SEC / 1000}};
}

/* Sets the timer; 0 stops it. *old is what it was. */
static void alarm_set(struct process *process, nsec_t span, nsec_t interval, struct itimerval *old)
{
    struct kernel *kernel = process->kernel;

    mutex_lock(&kernel->tasks_lock);
    alarm_get(process, old);
    process->alarm_interval = interval;
    process->alarm_deadline = span > 0 ? clock_now(&kernel->clock) + span : NSEC_NEVER;
    if (span > 0)
        timer_start(kernel->vfs.events, &process->alarm, process->alarm_deadline);
    mutex_unlock(&kernel->tasks_lock);
}

int64_t sys_alarm(struct task *task, uint32_t seconds)
{
    struct itimerval old;

    alarm_set(task->process, seconds * NSEC_PER_SEC, 0, &old);
    bool is_rounded_up =
        old.it_value.tv_usec >= 500000 || (old.it_value.tv_sec == 0 && old.it_value.tv_usec > 0);
    return old.it_value.tv_sec + is_rounded_up;
}

static int64_t timeval_decode(const struct timeval *value, nsec_t *ret)
{
    const int64_t seconds_max = NSEC_NEVER / NSEC_PER_SEC / 4;

    if (value->tv_sec < 0 || value->tv_usec < 0 || value->tv_usec >= 1000000)
        return -EINVAL;
    int64_t seconds = value->tv_sec < seconds_max ? value->tv_sec : seconds_max;
    *ret = seconds * NSEC_PER_SEC + value->tv_usec * 1000;
    return 0;
}

int64_t sys_getitimer(struct task *task, int which, guest_addr_t to)
{
    struct itimerval value;

    if (which != ITIMER_REAL)
        return -EINVAL;
    mutex_lock(&task_kernel(task)->tasks_lock);
    alarm_get(task->process, &value);
    mutex_unlock(&task_kernel(task)->tasks_lock);
    return user_copy_out(task->mm, to, &value, sizeof(value));
}

int64_t sys_setitimer(struct task *task, int which, guest_addr_t from, guest_addr_t old_to)
{
    struct itimerval value = {0};
    struct itimerval old;
    nsec_t span = 0;
    nsec_t interval = 0;

    if (which != ITIMER_REAL)
        return -EINVAL;
    int64_t err = from == 0 ? 0 : user_copy_in(task->mm, &value, from, sizeof(value));
    if (err == 0)
        err = timeval_decode(&value.it_value, &span);
    if (err == 0)
        err = timeval_decode(&value.it_interval, &interval);
    if (err < 0)
        return err;
    alarm_set(task->process, span, interval, &old);
    return old_to == 0 ? 0 : user_copy_out(task->mm, old_to, &old, sizeof(old));
}
