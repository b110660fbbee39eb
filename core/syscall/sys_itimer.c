/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interval timers: ITIMER_REAL, which alarm(2) shares, and those in CPU time.
 */
#include <errno.h>
#include <sys/time.h>

#include "core/kernel.h"
#include "core/syscall/syscall_table.h"
#include "core/timers.h"

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

static struct timeval timeval_of(nsec_t time)
{
    return (struct timeval){.tv_sec = time / NSEC_PER_SEC, .tv_usec = time % NSEC_PER_SEC / 1000};
}

static void itimer_encode(const struct timer_setting *setting, struct itimerval *ret)
{
    nsec_t span = setting->span > 0 && setting->span < 1000 ? 1000 : setting->span;

    *ret = (struct itimerval){.it_interval = timeval_of(setting->interval),
                              .it_value = timeval_of(span)};
}

int64_t sys_getitimer(struct task *task, int which, guest_addr_t to)
{
    struct timer_setting setting;
    struct itimerval value;

    if (which != ITIMER_REAL && which != ITIMER_VIRTUAL && which != ITIMER_PROF)
        return -EINVAL;
    usage_settle(task);
    mutex_lock(&task_kernel(task)->tasks_lock);
    if (which == ITIMER_REAL) {
        alarm_get(task->process, &value);
    } else {
        cpu_timer_get(task->process, which, &setting);
        itimer_encode(&setting, &value);
    }
    mutex_unlock(&task_kernel(task)->tasks_lock);
    return user_copy_out(task->mm, to, &value, sizeof(value));
}

static void cpu_set(struct task *task, int which, nsec_t span, nsec_t interval,
                    struct itimerval *ret)
{
    const struct timer_setting setting = {.span = span, .interval = interval};
    struct timer_setting old;

    usage_settle(task);
    mutex_lock(&task_kernel(task)->tasks_lock);
    cpu_timer_set(task->process, which, &setting, &old);
    mutex_unlock(&task_kernel(task)->tasks_lock);
    itimer_encode(&old, ret);
}

int64_t sys_setitimer(struct task *task, int which, guest_addr_t from, guest_addr_t old_to)
{
    struct itimerval value = {0};
    struct itimerval old;
    nsec_t span = 0;
    nsec_t interval = 0;

    if (which != ITIMER_REAL && which != ITIMER_VIRTUAL && which != ITIMER_PROF)
        return -EINVAL;
    int64_t err = from == 0 ? 0 : user_copy_in(task->mm, &value, from, sizeof(value));
    if (err == 0)
        err = timeval_decode(&value.it_value, &span);
    if (err == 0)
        err = timeval_decode(&value.it_interval, &interval);
    if (err < 0)
        return err;
    if (which == ITIMER_REAL)
        alarm_set(task->process, span, interval, &old);
    else
        cpu_set(task, which, span, interval, &old);
    return old_to == 0 ? 0 : user_copy_out(task->mm, old_to, &old, sizeof(old));
}
