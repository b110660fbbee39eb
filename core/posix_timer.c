/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POSIX timers. As in Linux a timer that has sent its signal does nothing more until the signal is
 * taken: then it is computed how often it ran out meanwhile, and it goes on from there. So no
 * signals pile up, and none are made for the time that a sandbox was an image. Timers on CPU clocks
 * are looked at now and then (cpu_timer.c) and count what they missed. A signal that is ignored
 * when it is due is not sent, and the timer goes on; a timer that is set or deleted takes its
 * signal out of the queue. *Linux:* 6.1 delivers it still.
 */
#include <errno.h>
#include <limits.h>

#include "core/base/container.h"
#include "core/base/host.h"
#include "core/kernel.h"
#include "core/timers.h"

/* An interval that nobody is told of is not looked at more often. */
#define IGNORED_SPAN (4 * NSEC_PER_MSEC)

static void lock_both(struct process *process)
{
    mutex_lock(&process->kernel->tasks_lock);
    mutex_lock(&process->sighand->lock);
}

static void unlock_both(struct process *process)
{
    mutex_unlock(&process->sighand->lock);
    mutex_unlock(&process->kernel->tasks_lock);
}

/* Now, as its deadline counts; not of CPU clocks. */
static nsec_t now_of(const struct posix_timer *timer)
{
    return timer->is_realtime ? host_clock_realtime() : clock_now(&timer->process->kernel->clock);
}

void posix_timer_start(struct posix_timer *timer)
{
    struct kernel *kernel = timer->process->kernel;
    nsec_t deadline = timer->deadline;

    if (deadline == NSEC_NEVER || posix_timer_is_cpu(timer) || timer->is_pending)
        return;
    if (timer->is_realtime && __builtin_add_overflow(deadline - host_clock_realtime(),
                                                     clock_now(&kernel->clock), &deadline))
        return;
    timer_start(kernel->vfs.events, &timer->timer, deadline);
}

static void count(int *counter, uint64_t more)
{
    *counter = more > (uint64_t)(INT_MAX - *counter) ? INT_MAX : *counter + (int)more;
}

/* Moves the deadline behind now; how many of them are passed besides the first. */
static uint64_t move_on(struct posix_timer *timer, nsec_t now)
{
    if (timer->interval == 0) {
        timer->deadline = NSEC_NEVER;
        return 0;
    }
    if (timer->deadline > now)
        return 0;
    uint64_t passed = (uint64_t)(now - timer->deadline) / (uint64_t)timer->interval;
    if (__builtin_add_overflow(timer->deadline, (nsec_t)(passed + 1) * timer->interval,
                               &timer->deadline))
        timer->deadline = NSEC_NEVER;
    return passed;
}

struct posix_timer *posix_timer_find(struct process *process, int id)
{
    struct posix_timer *timer;

    TAILQ_FOREACH(timer, &process->timers.list, link) {
        if (timer->id == id)
            return timer;
    }
    return NULL;
}

/* Is its signal in a queue? Under the sighand's lock. */
static bool is_queued(const struct process *process, int id)
{
    const struct task *task;

    if (signal_queue_has_timer(&process->pending, id))
        return true;
    TAILQ_FOREACH(task, &process->tasks, link) {
        if (signal_queue_has_timer(&task->pending, id))
            return true;
    }
    return false;
}

static void unqueue(struct process *process, struct posix_timer *timer)
{
    struct task *task;

    if (!timer->is_pending)
        return;
    signal_queue_remove_timer(&process->pending, timer->id);
    TAILQ_FOREACH(task, &process->tasks, link) {
        signal_queue_remove_timer(&task->pending, timer->id);
        signal_recompute(task);
    }
    timer->is_pending = false;
}

/* --- running out --- */

/* Sends, under the tasks lock. False: nobody will take it. */
static bool send(struct posix_timer *timer)
{
    struct process *process = timer->process;
    const struct signal_info info = {.signal = timer->signal,
                                     .code = SI_TIMER,
                                     .timer = timer->id + 1,
                                     .pid = timer->id,
                                     .value = timer->value};
    struct task *task = NULL;
    int err;

    if (timer->notify == SIGEV_THREAD_ID) {
        task = task_find(process->kernel, timer->tid);
        if (task == NULL || task->process != process)
            return false;
    }
    err = task != NULL ? signal_send_task(task, &info) : signal_send_process(process, &info);
    return err == 0;
}

/* It has run out, and is not pending. Under the tasks lock. */
static void tell(struct posix_timer *timer, nsec_t now)
{
    struct process *process = timer->process;

    if (timer->notify == SIGEV_NONE)
        return; /* who asks computes */
    mutex_lock(&process->sighand->lock);
    timer->is_pending = true;
    timer->missed = 0;
    if (timer->interval == 0)
        timer->deadline = NSEC_NEVER;
    else if (posix_timer_is_cpu(timer))
        count(&timer->missed, move_on(timer, now));
    mutex_unlock(&process->sighand->lock);
    bool is_sent = send(timer);
    mutex_lock(&process->sighand->lock);
    if (timer->is_pending && (!is_sent || !is_queued(process, timer->id))) {
        timer->is_pending = false;
        if (timer->interval != 0 && timer->interval < IGNORED_SPAN)
            timer->deadline = now + IGNORED_SPAN;
        else
            (void)move_on(timer, now);
        posix_timer_start(timer);
    }
    mutex_unlock(&process->sighand->lock);
}

static void expired(struct timer *host_timer)
{
    struct posix_timer *timer = container_of(host_timer, struct posix_timer, timer);
    struct kernel *kernel = timer->process->kernel;

    mutex_lock(&kernel->tasks_lock);
    nsec_t now = now_of(timer);
    if (!timer->is_pending && timer->deadline <= now)
        tell(timer, now);
    else
        posix_timer_start(timer);
    mutex_unlock(&kernel->tasks_lock);
}

/* The time on its CPU clock; false: what it counts has gone. Under the tasks lock. */
static bool cpu_now(const struct posix_timer *timer, nsec_t *ret)
{
    struct kernel *kernel = timer->process->kernel;
    struct usage usage;

    if (timer->cpu.is_thread) {
        struct task *task = task_find(kernel, timer->cpu.id);
        if (task == NULL)
            return false;
        usage_of_task(task, &usage);
    } else {
        struct process *process = process_find(kernel, timer->cpu.id);
        if (process == NULL)
            return false;
        usage_of_process(process, &usage);
    }
    *ret = timer->cpu.is_user ? usage.user : usage.user + usage.system;
    return true;
}

void posix_timer_look(struct process *process, nsec_t *next)
{
    struct posix_timer *timer;
    nsec_t now;

    TAILQ_FOREACH(timer, &process->timers.list, link) {
        if (!posix_timer_is_cpu(timer) || timer->deadline == NSEC_NEVER || !cpu_now(timer, &now))
            continue;
        if (timer->deadline <= now && timer->is_pending)
            count(&timer->missed, move_on(timer, now) + 1);
        else if (timer->deadline <= now)
            tell(timer, now);
        if (timer->deadline != NSEC_NEVER && timer->deadline - now < *next)
            *next = timer->deadline > now ? timer->deadline - now : 0;
    }
}

void posix_timer_taken(struct process *process, struct signal_info *info)
{
    struct posix_timer *timer = posix_timer_find(process, info->timer - 1);

    mutex_assert_held(&process->sighand->lock);
    if (timer == NULL || !timer->is_pending)
        return;
    timer->is_pending = false;
    timer->overrun = 0;
    count(&timer->overrun, (uint64_t)timer->missed);
    if (!posix_timer_is_cpu(timer) && timer->deadline != NSEC_NEVER)
        count(&timer->overrun, move_on(timer, now_of(timer)));
    info->uid = (uint32_t)timer->overrun;
    posix_timer_start(timer);
}

void posix_timer_dropped(struct process *process)
{
    struct posix_timer *timer;

    TAILQ_FOREACH(timer, &process->timers.list, link) {
        if (!timer->is_pending || is_queued(process, timer->id))
            continue;
        timer->is_pending = false;
        if (!posix_timer_is_cpu(timer) && timer->deadline != NSEC_NEVER)
            (void)move_on(timer, now_of(timer));
        posix_timer_start(timer);
    }
}

/* --- the calls --- */

/* Its CPU clock in ids that hold for others, too. */
static void name_clock(struct task *task, struct posix_timer *timer)
{
    if (clock_is_cpu(timer->clock) && timer->cpu.id == 0)
        timer->cpu.id = timer->cpu.is_thread ? task->tid : task->process->pid;
}

unsigned posix_timer_count(const struct process *process)
{
    const struct posix_timer *timer;
    unsigned result = 0;

    TAILQ_FOREACH(timer, &process->timers.list, link)
        result++;
    return result;
}

/* Under both locks. */
static int insert(struct process *process, struct posix_timer *timer)
{
    struct process_timers *timers = &process->timers;

    if (posix_timer_count(process) >= POSIX_TIMERS_MAX)
        return -EAGAIN;
    while (posix_timer_find(process, timers->next_id) != NULL)
        timers->next_id = timers->next_id == INT_MAX ? 0 : timers->next_id + 1;
    timer->id = timers->next_id;
    timers->next_id = timers->next_id == INT_MAX ? 0 : timers->next_id + 1;
    if (timer->is_named_by_id)
        timer->value = (uint64_t)timer->id;
    TAILQ_INSERT_TAIL(&timers->list, timer, link);
    return timer->id;
}

void posix_timer_init(struct posix_timer *timer, struct process *process)
{
    timer->process = process;
    timer->deadline = timer->timer.deadline = NSEC_NEVER;
    timer->timer.expired = expired;
}

int posix_timer_create(struct task *task, const struct posix_timer *like)
{
    struct process *process = task->process;
    struct posix_timer *timer = host_alloc(1, sizeof(*timer));

    if (timer == NULL)
        return -ENOMEM;
    *timer = *like;
    posix_timer_init(timer, process);
    name_clock(task, timer);
    lock_both(process);
    int id = insert(process, timer);
    unlock_both(process);
    if (id < 0)
        host_free(timer);
    return id;
}

/* Under the tasks lock. */
static void get_setting(const struct posix_timer *timer, struct timer_setting *ret)
{
    nsec_t now = 0;

    *ret = (struct timer_setting){.interval = timer->interval};
    if (timer->deadline == NSEC_NEVER || (posix_timer_is_cpu(timer) && !cpu_now(timer, &now)))
        return;
    if (!posix_timer_is_cpu(timer))
        now = now_of(timer);
    ret->span = timer->deadline - now;
    if (ret->span <= 0 && timer->interval > 0)
        ret->span = timer->interval - -ret->span % timer->interval;
    if (ret->span <= 0)
        ret->span = timer->notify == SIGEV_NONE ? 0 : 1; /* due, but not told yet */
}

/* Under both locks. */
static void set(struct posix_timer *timer, bool is_absolute, const struct timer_setting *setting)
{
    nsec_t now = 0;

    timer->missed = timer->overrun = 0;
    timer->interval =
        setting->interval < TIMER_INTERVAL_MAX ? setting->interval : TIMER_INTERVAL_MAX;
    timer->is_realtime =
        is_absolute && (timer->clock == CLOCK_REALTIME || timer->clock == CLOCK_REALTIME_ALARM ||
                        timer->clock == CLOCK_TAI);
    timer->deadline = setting->span != 0 ? setting->span : NSEC_NEVER;
    if (!is_absolute && posix_timer_is_cpu(timer))
        (void)cpu_now(timer, &now);
    else if (!is_absolute)
        now = now_of(timer);
    if (timer->deadline != NSEC_NEVER &&
        __builtin_add_overflow(timer->deadline, now, &timer->deadline))
        timer->deadline = NSEC_NEVER;
    posix_timer_start(timer);
}

int posix_timer_set(struct task *task, int id, bool is_absolute,
                    const struct timer_setting *setting, struct timer_setting *old)
{
    struct process *process = task->process;

    usage_settle(task);
    lock_both(process);
    struct posix_timer *timer = posix_timer_find(process, id);
    if (timer != NULL) {
        get_setting(timer, old);
        unqueue(process, timer);
        set(timer, is_absolute, setting);
    }
    mutex_unlock(&process->sighand->lock);
    if (timer != NULL && posix_timer_is_cpu(timer))
        cpu_timer_look(process);
    mutex_unlock(&process->kernel->tasks_lock);
    return timer != NULL ? 0 : -EINVAL;
}

int posix_timer_get(struct task *task, int id, struct timer_setting *ret)
{
    struct process *process = task->process;

    usage_settle(task);
    lock_both(process);
    const struct posix_timer *timer = posix_timer_find(process, id);
    if (timer != NULL)
        get_setting(timer, ret);
    unlock_both(process);
    return timer != NULL ? 0 : -EINVAL;
}

int posix_timer_overrun(struct task *task, int id)
{
    lock_both(task->process);
    const struct posix_timer *timer = posix_timer_find(task->process, id);
    int result = timer != NULL ? timer->overrun : -EINVAL;
    unlock_both(task->process);
    return result;
}

/* Out of the list; the caller stops and frees it, without a lock. */
static void take_out(struct process *process, struct posix_timer *timer)
{
    unqueue(process, timer);
    TAILQ_REMOVE(&process->timers.list, timer, link);
    timer->deadline = NSEC_NEVER;
}

void posix_timer_free(struct posix_timer *timer)
{
    (void)timer_stop(timer->process->kernel->vfs.events, &timer->timer);
    host_free(timer);
}

int posix_timer_delete(struct task *task, int id)
{
    struct process *process = task->process;

    lock_both(process);
    struct posix_timer *timer = posix_timer_find(process, id);
    if (timer != NULL)
        take_out(process, timer);
    unlock_both(process);
    if (timer == NULL)
        return -EINVAL;
    posix_timer_free(timer);
    return 0;
}

void posix_timer_delete_all(struct process *process)
{
    struct posix_timer *timer;

    do {
        lock_both(process);
        timer = TAILQ_FIRST(&process->timers.list);
        if (timer != NULL)
            take_out(process, timer);
        unlock_both(process);
        if (timer != NULL)
            posix_timer_free(timer);
    } while (timer != NULL);
}
