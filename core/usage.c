/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tasks and processes use: CPU time, faults, sleeps. The host tells the CPU time of an address
 * space, all tasks in it together: that is a process' time in guest code. A task's own is the time
 * it was in guest code by the clock, but no more than its address space had since. Time in the
 * kernel is that of the task's thread. A task is settled now and then: always before it is outside
 * of the gate, and by itself before it reads. So clocks never go back, for others neither.
 */
#include "core/usage.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/base/host.h"
#include "core/kernel.h"

#define SETTLE_SPAN NSEC_PER_MSEC

/* As far as it is known; never less than before. */
static nsec_t aspace_time(const struct mm *mm, nsec_t before)
{
    nsec_t time = mm != NULL && mm->aspace != NULL ? aspace_cpu_time(mm->aspace) : before;

    return time > before ? time : before;
}

void usage_init(struct task_usage *usage)
{
    mutex_init(&usage->lock, LOCK_USAGE);
}

void usage_enter(struct task *task)
{
    struct task_usage *usage = &task->usage;

    mutex_lock(&usage->lock);
    usage->entered = host_clock_now();
    mutex_unlock(&usage->lock);
}

void usage_leave(struct task *task)
{
    struct task_usage *usage = &task->usage;

    mutex_lock(&usage->lock);
    usage->unsettled += host_clock_now() - usage->entered;
    usage->entered = 0;
    bool is_long = usage->unsettled >= SETTLE_SPAN;
    mutex_unlock(&usage->lock);
    if (is_long)
        usage_settle(task);
}

nsec_t usage_entered(struct task *task)
{
    mutex_lock(&task->usage.lock);
    nsec_t entered = task->usage.entered;
    mutex_unlock(&task->usage.lock);
    return entered;
}

void usage_settle(struct task *task)
{
    struct task_usage *usage = &task->usage;

    mutex_lock(&usage->lock);
    if (usage->unsettled > 0) {
        nsec_t aspace = aspace_time(task->mm, usage->aspace_seen);
        nsec_t used = aspace - usage->aspace_seen;
        usage->total.user += used < usage->unsettled ? used : usage->unsettled;
        usage->aspace_seen = aspace;
        usage->unsettled = 0;
    }
    nsec_t thread = host_clock_thread();
    usage->total.system += thread - usage->thread_seen;
    usage->thread_seen = thread;
    mutex_unlock(&usage->lock);
}

void usage_attach(struct task *task)
{
    struct task_usage *usage = &task->usage;

    mutex_lock(&usage->lock);
    usage->aspace_seen = aspace_time(task->mm, 0);
    usage->unsettled = 0;
    mutex_unlock(&usage->lock);
}

void usage_count_fault(struct task *task)
{
    mutex_lock(&task->usage.lock);
    task->usage.total.faults++;
    mutex_unlock(&task->usage.lock);
}

void usage_count_sleep(struct task *task)
{
    mutex_lock(&task->usage.lock);
    task->usage.total.sleeps++;
    mutex_unlock(&task->usage.lock);
    usage_settle(task);
}

void usage_of_task(struct task *task, struct usage *ret)
{
    struct task_usage *usage = &task->usage;

    mutex_lock(&usage->lock);
    *ret = usage->total;
    nsec_t wall = usage->unsettled;
    if (usage->entered != 0)
        wall += host_clock_now() - usage->entered;
    nsec_t used = wall > 0 ? aspace_time(task->mm, usage->aspace_seen) - usage->aspace_seen : 0;
    ret->user += used < wall ? used : wall;
    mutex_unlock(&usage->lock);
}

static const struct mm *mm_of(const struct process *process)
{
    const struct task *task;

    TAILQ_FOREACH(task, &process->tasks, link) {
        if (task->mm != NULL)
            return task->mm;
    }
    return NULL;
}

void usage_of_process(struct process *process, struct usage *ret)
{
    struct usage usage;
    struct task *task;

    mutex_assert_held(&process->kernel->tasks_lock);
    *ret = process->usage;
    TAILQ_FOREACH(task, &process->tasks, link) {
        usage_of_task(task, &usage);
        usage.user = 0;
        usage_add(ret, &usage);
    }
    ret->user += aspace_time(mm_of(process), process->aspace_seen) - process->aspace_seen;
}

void usage_settle_process(struct process *process)
{
    nsec_t time = aspace_time(mm_of(process), process->aspace_seen);

    process->usage.user += time - process->aspace_seen;
    process->aspace_seen = time;
}

void usage_share_process(struct process *child, struct process *parent)
{
    child->aspace_seen = aspace_time(mm_of(parent), parent->aspace_seen);
}

void usage_end_task(struct task *task)
{
    struct usage usage;

    usage_of_task(task, &usage);
    usage.user = 0;
    usage_add(&task->process->usage, &usage);
}

void usage_reap(struct process *parent, struct process *child)
{
    usage_add(&parent->child_usage, &child->usage);
    usage_add(&parent->child_usage, &child->child_usage);
}

void usage_note_resident(struct task *task)
{
    struct kernel *kernel = task_kernel(task);
    struct mm_usage memory;

    mm_usage(task->mm, &memory);
    mutex_lock(&kernel->tasks_lock);
    if (task->process->usage.resident < memory.resident)
        task->process->usage.resident = memory.resident;
    mutex_unlock(&kernel->tasks_lock);
}

void usage_add(struct usage *to, const struct usage *from)
{
    to->user += from->user;
    to->system += from->system;
    to->faults += from->faults;
    to->sleeps += from->sleeps;
    if (to->resident < from->resident)
        to->resident = from->resident;
}

static struct timeval timeval_of(nsec_t time)
{
    return (struct timeval){.tv_sec = time / NSEC_PER_SEC, .tv_usec = time % NSEC_PER_SEC / 1000};
}

struct rusage usage_encode(const struct usage *usage)
{
    return (struct rusage){.ru_utime = timeval_of(usage->user),
                           .ru_stime = timeval_of(usage->system),
                           .ru_maxrss = (long)(usage->resident >> 10),
                           .ru_minflt = (long)usage->faults,
                           .ru_nvcsw = (long)usage->sleeps};
}

int usage_save(const struct usage *usage, struct saver *saver, Usage **ret)
{
    Usage *m = save_message(saver, &usage__descriptor);

    if (m == NULL)
        return -ENOMEM;
    m->user = usage->user;
    m->system = usage->system;
    m->faults = usage->faults;
    m->sleeps = usage->sleeps;
    m->resident = usage->resident;
    *ret = m;
    return 0;
}

void usage_load(struct usage *usage, struct loader *loader, const char *field, const Usage *m)
{
    const nsec_t most = NSEC_NEVER / 4;

    if (m == NULL)
        return;
    if (m->user < 0 || m->user > most || m->system < 0 || m->system > most)
        load_bad(loader, field, "%" PRId64 " and %" PRId64 " ns are not possible", m->user,
                 m->system);
    usage->user = m->user;
    usage->system = m->system;
    usage->faults = m->faults;
    usage->sleeps = m->sleeps;
    usage->resident = m->resident;
}
