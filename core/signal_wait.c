/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for a signal. pause and rt_sigsuspend are one kind of wait that only a handler ends.
 * rt_sigtimedwait takes a signal itself: while it waits, those that it wants are in task->awaited,
 * so that they come to this task although it blocks them, and yet meet no handler.
 */
#include <errno.h>

#include "core/clocks.h"
#include "core/kernel.h"
#include "core/signal.h"
#include "core/syscall/syscall_table.h"
#include "core/waits.h"

DEFINE_WAIT_TYPE(SIGNAL, signal, SignalWait, signal);
DEFINE_WAIT_TYPE(SIGTIMEDWAIT, sigtimedwait, SigtimedwaitWait, sigtimedwait);

static int64_t signal_step(struct waiter *waiter, struct signal_wait *record)
{
    (void)waiter;
    (void)record;
    return WAIT_AGAIN;
}

static int64_t signal_cancel(struct waiter *waiter, struct signal_wait *record, int why)
{
    (void)waiter;
    (void)record;
    (void)why;
    return -ERESTARTNOHAND;
}

static void signal_release(struct signal_wait *record)
{
    (void)record;
}

static void signal_relink(struct waiter *waiter, struct signal_wait *record)
{
    (void)waiter;
    (void)record;
}

static int signal_wait_save(const struct signal_wait *record, struct saver *saver, SignalWait *m)
{
    (void)saver;
    m->is_suspend = record->is_suspend;
    return 0;
}

static int signal_wait_load(struct signal_wait *record, struct loader *loader, const SignalWait *m)
{
    (void)loader;
    record->is_suspend = m->is_suspend;
    return 0;
}

int64_t sys_pause(struct task *task)
{
    (void)wait_begin(&task->waiter, &signal_wait_type.ops);
    return wait_run(&task->waiter);
}

int64_t sys_rt_sigsuspend(struct task *task, guest_addr_t from, uint64_t size)
{
    uint64_t mask;

    if (size != sizeof(mask))
        return -EINVAL;
    int err = user_copy_in(task->mm, &mask, from, sizeof(mask));
    if (err < 0)
        return err;
    struct signal_wait *record = wait_begin(&task->waiter, &signal_wait_type.ops);
    record->is_suspend = true;
    record->base.is_masked = true;
    record->base.saved_mask = signal_set_mask(task, mask);
    return wait_run(&task->waiter);
}

static int64_t sigtimedwait_step(struct waiter *waiter, struct sigtimedwait_wait *record)
{
    struct task *task = task_of(waiter);
    struct signal_info info;
    uint8_t encoded[128];

    if (!signal_await(task, record->set, &info))
        return WAIT_AGAIN;
    signal_info_encode(&info, encoded);
    int err =
        record->info == 0 ? 0 : user_copy_out(task->mm, record->info, encoded, sizeof(encoded));
    return err < 0 ? err : info.signal;
}

static int64_t sigtimedwait_cancel(struct waiter *waiter, struct sigtimedwait_wait *record, int why)
{
    (void)record;
    signal_await_end(task_of(waiter));
    return why == -ETIMEDOUT ? -EAGAIN : -EINTR;
}

static void sigtimedwait_release(struct sigtimedwait_wait *record)
{
    (void)record;
}

static void sigtimedwait_relink(struct waiter *waiter, struct sigtimedwait_wait *record)
{
    task_of(waiter)->awaited = record->set;
}

static int sigtimedwait_wait_save(const struct sigtimedwait_wait *record, struct saver *saver,
                                  SigtimedwaitWait *m)
{
    (void)saver;
    m->set = record->set;
    m->info = record->info;
    return 0;
}

static int sigtimedwait_wait_load(struct sigtimedwait_wait *record, struct loader *loader,
                                  const SigtimedwaitWait *m)
{
    (void)loader;
    record->set = m->set & ~SIGNAL_UNBLOCKABLE;
    record->info = m->info;
    return 0;
}

int64_t sys_rt_sigtimedwait(struct task *task, guest_addr_t from, guest_addr_t info,
                            guest_addr_t timeout, uint64_t size)
{
    nsec_t time = NSEC_NEVER;
    uint64_t set;

    if (size != sizeof(set))
        return -EINVAL;
    int err = user_copy_in(task->mm, &set, from, sizeof(set));
    if (err == 0 && timeout != 0)
        err = user_copy_timespec(task->mm, timeout, &time);
    if (err < 0)
        return err;
    struct sigtimedwait_wait *record = wait_begin(&task->waiter, &sigtimedwait_wait_type.ops);
    record->set = set & ~SIGNAL_UNBLOCKABLE;
    record->info = info;
    nsec_t now = clock_now(task->waiter.clock);
    if (__builtin_add_overflow(now, time, &record->base.deadline))
        record->base.deadline = NSEC_NEVER;
    return wait_run(&task->waiter);
}

/* What restart_syscall stands for in Linux is a record that goes on by itself: there is never
 * anything left to restart. */
int64_t sys_restart_syscall(struct task *task)
{
    (void)task;
    return -EINTR;
}
