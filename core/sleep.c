/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nanosleep and clock_nanosleep: a record with a deadline on the sandbox clock and nothing else. A
 * sleep until a point of CLOCK_REALTIME keeps that point and computes its deadline anew whenever it
 * looks, since the host's time moves on while a sandbox is an image.
 */
#include <errno.h>
#include <inttypes.h>

#include "core/base/host.h"
#include "core/clocks.h"
#include "core/kernel.h"
#include "core/syscall/syscall_table.h"
#include "core/waits.h"

DEFINE_WAIT_TYPE(NANOSLEEP, nanosleep, NanosleepWait, nanosleep);

static int64_t nanosleep_step(struct waiter *waiter, struct nanosleep_wait *record)
{
    nsec_t *deadline = &record->base.deadline;

    if (record->is_realtime &&
        __builtin_add_overflow(clock_now(waiter->clock) - host_clock_realtime(), record->target,
                               deadline))
        *deadline = NSEC_NEVER;
    return WAIT_AGAIN;
}

static int64_t nanosleep_cancel(struct waiter *waiter, struct nanosleep_wait *record, int why)
{
    struct timespec left;

    if (why == -ETIMEDOUT)
        return 0;
    if (record->is_absolute)
        return -ERESTARTNOHAND;
    nsec_t rest = record->base.deadline - clock_now(waiter->clock);
    left = timespec_of(rest > 0 ? rest : 0);
    if (record->remaining != 0 &&
        user_copy_out(task_of(waiter)->mm, record->remaining, &left, sizeof(left)) < 0)
        return -EFAULT;
    return -ERESTART_RESTARTBLOCK;
}

static void nanosleep_release(struct nanosleep_wait *record)
{
    (void)record;
}

static void nanosleep_relink(struct waiter *waiter, struct nanosleep_wait *record)
{
    (void)waiter;
    (void)record;
}

static int nanosleep_wait_save(const struct nanosleep_wait *record, struct saver *saver,
                               NanosleepWait *m)
{
    (void)saver;
    m->remaining = record->remaining;
    m->is_absolute = record->is_absolute;
    m->is_realtime = record->is_realtime;
    m->target = record->target;
    return 0;
}

static int nanosleep_wait_load(struct nanosleep_wait *record, struct loader *loader,
                               const NanosleepWait *m)
{
    if (m->target < 0)
        load_bad(loader, "wait.nanosleep.target", "%" PRId64 " is not possible", m->target);
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
    bool is_realtime = is_absolute && (clock == CLOCK_REALTIME || clock == CLOCK_TAI);
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

int64_t sys_clock_nanosleep(struct task *task, int clock, uint32_t flags, guest_addr_t duration,
                            guest_addr_t remaining)
{
    nsec_t time;

    if (clock == CLOCK_THREAD_CPUTIME_ID || !clock_is_known(clock))
        return -EINVAL;
    if (clock == CLOCK_PROCESS_CPUTIME_ID || clock < 0)
        return -EOPNOTSUPP;
    int err = user_copy_timespec(task->mm, duration, &time);
    return err < 0 ? err : start(task, clock, (flags & TIMER_ABSTIME) != 0, time, remaining);
}
