/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nanosleep and clock_nanosleep: a record with a deadline on the sandbox clock and nothing else. A
 * sleep until a point of CLOCK_REALTIME keeps that point and computes its deadline anew whenever it
 * looks, since the host's time moves on while a sandbox is an image. A sleep until a point in CPU
 * time has no deadline: it is kicked whenever the process' usage is looked at (cpu_timer.c).
 */
#include <errno.h>
#include <inttypes.h>

#include "core/base/host.h"
#include "core/clocks.h"
#include "core/kernel.h"
#include "core/syscall/syscall_table.h"
#include "core/waits.h"

DEFINE_WAIT_TYPE(NANOSLEEP, nanosleep, NanosleepWait, nanosleep);

static int64_t cpu_step(struct task *task, struct nanosleep_wait *record)
{
    struct process *process = task->process;
    nsec_t now;
    int err = cpu_clock_read(task, &record->cpu, &now);

    if (err < 0 || now >= record->target) {
        wait_leave(&record->entry);
        return err;
    }
    mutex_lock(&process->kernel->tasks_lock);
    wait_add(&process->timers.sleepers, &record->entry, &task->waiter);
    cpu_timer_start(process);
    mutex_unlock(&process->kernel->tasks_lock);
    return WAIT_AGAIN;
}

static int64_t nanosleep_step(struct waiter *waiter, struct nanosleep_wait *record)
{
    nsec_t *deadline = &record->base.deadline;

    if (record->is_cpu)
        return cpu_step(task_of(waiter), record);
    if (record->is_realtime &&
        __builtin_add_overflow(clock_now(waiter->clock) - host_clock_realtime(), record->target,
                               deadline))
        *deadline = NSEC_NEVER;
    return WAIT_AGAIN;
}

static int64_t nanosleep_cancel(struct waiter *waiter, struct nanosleep_wait *record, int why)
{
    struct timespec left;
    nsec_t now = clock_now(waiter->clock);
    nsec_t end = record->base.deadline;

    wait_leave(&record->entry);
    if (record->is_cpu) {
        end = record->target;
        (void)cpu_clock_read(task_of(waiter), &record->cpu, &now);
    }
    if (why == -ETIMEDOUT)
        return 0;
    if (record->is_absolute)
        return -ERESTARTNOHAND;
    left = timespec_of(end > now ? end - now : 0);
    if (record->remaining != 0 &&
        user_copy_out(task_of(waiter)->mm, record->remaining, &left, sizeof(left)) < 0)
        return -EFAULT;
    return -ERESTART_RESTARTBLOCK;
}

static void nanosleep_release(struct nanosleep_wait *record)
{
    wait_leave(&record->entry);
}

static void nanosleep_relink(struct waiter *waiter, struct nanosleep_wait *record)
{
    struct process *process = task_of(waiter)->process;

    wait_relink(&process->timers.sleepers, &record->entry, waiter);
    cpu_timer_start(process);
}

static int nanosleep_wait_save(const struct nanosleep_wait *record, struct saver *saver,
                               NanosleepWait *m)
{
    m->is_cpu = record->is_cpu;
    m->cpu_id = (uint32_t)record->cpu.id;
    m->cpu_is_thread = record->cpu.is_thread;
    m->cpu_is_user = record->cpu.is_user;
    m->remaining = record->remaining;
    m->is_absolute = record->is_absolute;
    m->is_realtime = record->is_realtime;
    m->target = record->target;
    return save_wait_entry(saver, &record->entry, &m->entry);
}

static int nanosleep_wait_load(struct nanosleep_wait *record, struct loader *loader,
                               const NanosleepWait *m)
{
    if (m->target < 0)
        load_bad(loader, "wait.nanosleep.target", "%" PRId64 " is not possible", m->target);
    if (m->cpu_id > KERNEL_PID_MAX)
        load_bad(loader, "wait.nanosleep.cpu_id", "%" PRIu32 " is not possible", m->cpu_id);
    load_wait_entry(loader, "wait.nanosleep.entry", &record->entry, m->entry);
    record->is_cpu = m->is_cpu;
    record->cpu = (struct cpu_clock){
        .id = (int)m->cpu_id, .is_thread = m->cpu_is_thread, .is_user = m->cpu_is_user};
    record->remaining = m->remaining;
    record->is_absolute = m->is_absolute;
    record->is_realtime = m->is_realtime;
    record->target = m->target;
    return 0;
}

static int64_t start(struct task *task, int clock, bool is_absolute, nsec_t time,
                     guest_addr_t remaining)
{
    struct nanosleep_wait *record;
    bool is_realtime = is_absolute && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM ||
                                       clock == CLOCK_TAI);
    nsec_t now = clock_now(task->waiter.clock);

    record = wait_begin(&task->waiter, &nanosleep_wait_type.ops);
    record->is_absolute = is_absolute;
    record->is_realtime = is_realtime;
    record->remaining = is_absolute ? 0 : remaining;
    record->target = is_realtime ? time : 0;
    if (!is_realtime && __builtin_add_overflow(is_absolute ? 0 : now, time, &record->base.deadline))
        record->base.deadline = NSEC_NEVER;
    return wait_run(&task->waiter);
}

int64_t sys_nanosleep(struct task *task, guest_addr_t duration, guest_addr_t remaining)
{
    nsec_t time;
    int err = user_copy_timespec(task->mm, duration, &time);

    return err < 0 ? err : start(task, CLOCK_MONOTONIC, false, time, remaining);
}

/* Until the clock shows, or has moved on by, time. */
static int64_t start_cpu(struct task *task, const struct cpu_clock *clock, bool is_absolute,
                         nsec_t time, guest_addr_t remaining)
{
    nsec_t now;
    int err = cpu_clock_read(task, clock, &now);

    if (err < 0)
        return err;
    struct nanosleep_wait *record = wait_begin(&task->waiter, &nanosleep_wait_type.ops);
    record->is_cpu = true;
    record->cpu = *clock;
    record->is_absolute = is_absolute;
    record->remaining = is_absolute ? 0 : remaining;
    if (__builtin_add_overflow(is_absolute ? 0 : now, time, &record->target))
        record->target = NSEC_NEVER;
    return wait_run(&task->waiter);
}

int64_t sys_clock_nanosleep(struct task *task, int clock, uint32_t flags, guest_addr_t duration,
                            guest_addr_t remaining)
{
    bool is_absolute = (flags & TIMER_ABSTIME) != 0;
    struct cpu_clock cpu;
    nsec_t time;

    if (!clock_is_known(clock))
        return -EINVAL;
    if (clock == CLOCK_THREAD_CPUTIME_ID || clock == CLOCK_MONOTONIC_RAW ||
        clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE)
        return -EOPNOTSUPP;
    bool is_alarm = clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
    if (is_alarm && task->cred.euid != 0)
        return -EPERM;
    int err = user_copy_timespec(task->mm, duration, &time);
    if (err < 0)
        return err;
    if (!clock_is_cpu(clock))
        return start(task, clock, is_absolute, time, remaining);
    err = cpu_clock_decode(clock, &cpu);
    bool is_own = cpu.is_thread && (cpu.id == 0 || cpu.id == task->tid);
    if (err < 0 || is_own)
        return -EINVAL; /* it would not move on while we sleep */
    return start_cpu(task, &cpu, is_absolute, time, remaining);
}
