/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both directions of the saved form of a process' timers. Deadlines on the sandbox clock are spans,
 * those of CLOCK_REALTIME points, those in CPU time points of the usage that is saved with them.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>

#include "core/base/host.h"
#include "core/kernel.h"
#include "core/timers.h"

static void timer_save(const struct posix_timer *timer, struct saver *saver, PosixTimer *m)
{
    bool is_span = !timer->is_realtime && !posix_timer_is_cpu(timer);

    m->id = (uint32_t)timer->id;
    m->clock = timer->clock;
    m->cpu_id = (uint32_t)timer->cpu.id;
    m->cpu_is_thread = timer->cpu.is_thread;
    m->cpu_is_user = timer->cpu.is_user;
    m->notify = (uint32_t)timer->notify;
    m->signal = (uint32_t)timer->signal;
    m->tid = timer->tid;
    m->value = timer->value;
    m->is_realtime = timer->is_realtime;
    m->deadline = is_span ? save_time(saver, timer->deadline) : timer->deadline;
    m->interval = timer->interval;
    m->missed = (uint32_t)timer->missed;
    m->overrun = (uint32_t)timer->overrun;
    m->is_pending = timer->is_pending;
}

static int cpu_timer_save(const struct cpu_timer *timer, struct saver *saver, CpuTimer **ret)
{
    CpuTimer *m = save_message(saver, &cpu_timer__descriptor);

    if (m == NULL)
        return -ENOMEM;
    m->deadline = timer->deadline;
    m->interval = timer->interval;
    *ret = m;
    return 0;
}

int timers_save(const struct process *process, struct saver *saver, ProcessTimers **ret)
{
    const struct process_timers *timers = &process->timers;
    ProcessTimers *m = save_message(saver, &process_timers__descriptor);
    const struct posix_timer *timer;

    if (m == NULL)
        return -ENOMEM;
    m->timers = save_messages(saver, &posix_timer__descriptor, posix_timer_count(process));
    if (m->timers == NULL)
        return -ENOMEM;
    TAILQ_FOREACH(timer, &timers->list, link)
        timer_save(timer, saver, m->timers[m->n_timers++]);
    m->next_id = (uint32_t)timers->next_id;
    int err = cpu_timer_save(&timers->virtual, saver, &m->virtual_);
    if (err == 0)
        err = cpu_timer_save(&timers->prof, saver, &m->prof);
    *ret = m;
    return err;
}

static bool is_possible(const PosixTimer *m)
{
    bool has_signal = m->signal >= 1 && m->signal <= SIGNAL_COUNT;
    bool is_told = m->notify == SIGEV_SIGNAL || m->notify == SIGEV_THREAD_ID;

    return m->id <= INT_MAX && clock_is_known(m->clock) && m->cpu_id <= KERNEL_PID_MAX &&
           clock_is_cpu(m->clock) == (m->cpu_id != 0) && (is_told || m->notify == SIGEV_NONE) &&
           (has_signal || !is_told) && m->interval >= 0 && m->interval <= TIMER_INTERVAL_MAX &&
           m->deadline >= -TIMER_INTERVAL_MAX && m->missed <= INT_MAX && m->overrun <= INT_MAX;
}

static int timer_load(struct process *process, struct loader *loader, const PosixTimer *m)
{
    struct process_timers *timers = &process->timers;

    if (!is_possible(m) || posix_timer_find(process, (int)m->id) != NULL) {
        load_bad(loader, "timers", "timer %" PRIu32 " is not possible", m->id);
        return 0;
    }
    struct posix_timer *timer = host_alloc(1, sizeof(*timer));
    if (timer == NULL)
        return -ENOMEM;
    posix_timer_init(timer, process);
    timer->id = (int)m->id;
    timer->clock = m->clock;
    timer->cpu = (struct cpu_clock){
        .id = (int)m->cpu_id, .is_thread = m->cpu_is_thread, .is_user = m->cpu_is_user};
    timer->notify = (int)m->notify;
    timer->signal = (int)m->signal;
    timer->tid = m->tid;
    timer->value = m->value;
    timer->is_realtime = m->is_realtime;
    timer->deadline = m->is_realtime || posix_timer_is_cpu(timer)
                          ? m->deadline
                          : load_time(loader, "timers", m->deadline);
    timer->interval = m->interval;
    timer->missed = (int)m->missed;
    timer->overrun = (int)m->overrun;
    timer->is_pending = m->is_pending;
    TAILQ_INSERT_TAIL(&timers->list, timer, link);
    return 0;
}

static void cpu_timer_load(struct cpu_timer *timer, struct loader *loader, const CpuTimer *m)
{
    if (m == NULL || m->deadline < 0 || m->interval < 0 || m->interval > TIMER_INTERVAL_MAX) {
        load_bad(loader, "timers", "a CPU timer is not possible");
        return;
    }
    timer->deadline = m->deadline;
    timer->interval = m->interval;
}

int timers_load(struct process *process, struct loader *loader, const ProcessTimers *m)
{
    struct process_timers *timers = &process->timers;
    int err = 0;

    if (m == NULL)
        return 0;
    if (m->n_timers > POSIX_TIMERS_MAX || m->next_id > INT_MAX) {
        load_bad(loader, "timers", "are too many");
        return 0;
    }
    for (size_t i = 0; i < m->n_timers && err == 0; i++)
        err = timer_load(process, loader, m->timers[i]);
    timers->next_id = (int)m->next_id;
    cpu_timer_load(&timers->virtual, loader, m->virtual_);
    cpu_timer_load(&timers->prof, loader, m->prof);
    return err;
}

void timers_relink(struct process *process)
{
    struct posix_timer *timer;

    TAILQ_FOREACH(timer, &process->timers.list, link)
        posix_timer_start(timer);
    cpu_timer_start(process);
}
