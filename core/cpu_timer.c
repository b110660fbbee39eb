/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens at points in CPU time: ITIMER_VIRTUAL and ITIMER_PROF, RLIMIT_CPU, timers and sleeps
 * on CPU clocks. Nobody tells us when a process has used so much, so its usage is looked at: when
 * it can have used enough at the earliest, and less and less often while it uses nothing. What is
 * due is up to LOOK_MAX late, as it is late by ticks in Linux.
 */
#include <sys/time.h>

#include "core/base/container.h"
#include "core/base/host.h"
#include "core/kernel.h"
#include "core/timers.h"

#define LOOK_MIN NSEC_PER_MSEC
#define LOOK_IDLE_MAX (32 * NSEC_PER_MSEC)
#define LOOK_MAX NSEC_PER_SEC

/* Linux: what is due, but not told yet. */
#define TICK (4 * NSEC_PER_MSEC)

static void send(struct process *process, int signal)
{
    const struct signal_info info = {.signal = signal, .code = SI_KERNEL};

    (void)signal_send_process(process, &info);
}

static void note_next(nsec_t *next, nsec_t left)
{
    if (left < *next)
        *next = left > 0 ? left : 0;
}

static void look_at_timer(struct process *process, struct cpu_timer *timer, nsec_t now, int signal,
                          nsec_t *next)
{
    if (timer->deadline == NSEC_NEVER)
        return;
    if (timer->deadline <= now) {
        timer->deadline = timer->interval > 0 ? timer->deadline + timer->interval : NSEC_NEVER;
        if (timer->deadline <= now)
            timer->deadline = now + timer->interval;
        send(process, signal);
    }
    if (timer->deadline != NSEC_NEVER)
        note_next(next, timer->deadline - now);
}

/* Above the soft limit a signal each second, above the hard one death. */
static void look_at_limit(struct process *process, nsec_t now, nsec_t *next)
{
    struct rlimit *limit = &process->limits[RLIMIT_CPU];
    rlim_t seconds = (rlim_t)(now / NSEC_PER_SEC);
    bool is_over = false;

    mutex_lock(&process->sighand->lock);
    rlim_t hard = limit->rlim_max;
    if (limit->rlim_cur != RLIM_INFINITY && seconds >= limit->rlim_cur) {
        is_over = true;
        limit->rlim_cur = seconds + 1 < hard ? seconds + 1 : hard;
    }
    rlim_t soft = limit->rlim_cur;
    mutex_unlock(&process->sighand->lock);
    if (hard != RLIM_INFINITY && seconds >= hard) {
        process_kill(process, SIGKILL);
        return;
    }
    if (is_over)
        send(process, SIGXCPU);
    if (soft < NSEC_NEVER / NSEC_PER_SEC)
        note_next(next, (nsec_t)soft * NSEC_PER_SEC - now);
}

/* How much CPU time it can use at least until something is due; NSEC_NEVER: nothing will be. */
static nsec_t look(struct process *process, nsec_t *now)
{
    struct process_timers *timers = &process->timers;
    struct usage usage;
    nsec_t next = NSEC_NEVER;

    usage_of_process(process, &usage);
    *now = usage.user + usage.system;
    look_at_timer(process, &timers->virtual, usage.user, SIGVTALRM, &next);
    look_at_timer(process, &timers->prof, *now, SIGPROF, &next);
    look_at_limit(process, *now, &next);
    posix_timer_look(process, &next);
    if (!TAILQ_EMPTY(&timers->sleepers.entries)) {
        note_next(&next, LOOK_MIN);
        wait_kick_all(&timers->sleepers);
    }
    return next;
}

static nsec_t clamp(nsec_t span, nsec_t low, nsec_t high)
{
    return span < low ? low : span > high ? high : span;
}

void cpu_timer_look(struct process *process)
{
    struct process_timers *timers = &process->timers;
    struct kernel *kernel = process->kernel;
    unsigned tasks = atomic_load(&process->live);
    nsec_t now;

    mutex_assert_held(&kernel->tasks_lock);
    if (process->is_zombie || process->is_exiting)
        return;
    nsec_t next = look(process, &now);
    if (next == NSEC_NEVER)
        return;
    next = clamp(next / (tasks > 0 ? tasks : 1), LOOK_MIN, LOOK_MAX);
    bool is_idle = now - timers->look_usage < LOOK_MIN / 4;
    nsec_t idle_span = clamp(2 * timers->look_span, LOOK_MIN, LOOK_IDLE_MAX);
    timers->look_span = is_idle && next < idle_span ? idle_span : next;
    timers->look_usage = now;
    timer_start(kernel->vfs.events, &timers->look, clock_now(&kernel->clock) + timers->look_span);
}

static bool has_cpu_timer(const struct process *process)
{
    const struct posix_timer *timer;

    TAILQ_FOREACH(timer, &process->timers.list, link) {
        if (posix_timer_is_cpu(timer))
            return true;
    }
    return false;
}

void cpu_timer_start(struct process *process)
{
    struct process_timers *timers = &process->timers;
    struct kernel *kernel = process->kernel;

    if (timers->virtual.deadline != NSEC_NEVER || timers->prof.deadline != NSEC_NEVER ||
        process->limits[RLIMIT_CPU].rlim_cur != RLIM_INFINITY || has_cpu_timer(process) ||
        !TAILQ_EMPTY(&timers->sleepers.entries))
        timer_start(kernel->vfs.events, &timers->look, clock_now(&kernel->clock) + LOOK_MIN);
}

static void expired(struct timer *timer)
{
    struct process_timers *timers = container_of(timer, struct process_timers, look);
    struct process *process = container_of(timers, struct process, timers);
    struct kernel *kernel = process->kernel;

    mutex_lock(&kernel->tasks_lock);
    cpu_timer_look(process);
    mutex_unlock(&kernel->tasks_lock);
}

static struct cpu_timer *timer_of(struct process *process, int which)
{
    return which == ITIMER_VIRTUAL ? &process->timers.virtual : &process->timers.prof;
}

static nsec_t time_of(struct process *process, int which)
{
    struct usage usage;

    usage_of_process(process, &usage);
    return which == ITIMER_VIRTUAL ? usage.user : usage.user + usage.system;
}

void cpu_timer_get(struct process *process, int which, struct timer_setting *ret)
{
    const struct cpu_timer *timer = timer_of(process, which);

    *ret = (struct timer_setting){.interval = timer->interval};
    if (timer->deadline == NSEC_NEVER)
        return;
    ret->span = timer->deadline - time_of(process, which);
    if (ret->span <= 0)
        ret->span = TICK;
}

void cpu_timer_set(struct process *process, int which, const struct timer_setting *setting,
                   struct timer_setting *old)
{
    struct cpu_timer *timer = timer_of(process, which);

    cpu_timer_get(process, which, old);
    timer->interval = setting->interval;
    timer->deadline = NSEC_NEVER;
    if (setting->span > 0)
        timer->deadline = time_of(process, which) + setting->span;
    process->timers.look_span = 0;
    cpu_timer_look(process);
}

void timers_init(struct process *process)
{
    struct process_timers *timers = &process->timers;

    TAILQ_INIT(&timers->list);
    timers->virtual.deadline = timers->prof.deadline = NSEC_NEVER;
    timers->look.deadline = NSEC_NEVER;
    timers->look.expired = expired;
    TAILQ_INIT(&timers->sleepers.entries);
}

void timers_end(struct process *process)
{
    (void)timer_stop(process->kernel->vfs.events, &process->timers.look);
    posix_timer_delete_all(process);
}

void timers_fini(struct process *process)
{
    struct posix_timer *timer;

    if (process->timers.look.is_queued)
        (void)timer_stop(process->kernel->vfs.events, &process->timers.look);
    while ((timer = TAILQ_FIRST(&process->timers.list)) != NULL) {
        TAILQ_REMOVE(&process->timers.list, timer, link);
        posix_timer_free(timer);
    }
}
