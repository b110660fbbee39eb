/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is pending, blocked and ignored. waiter.has_signal is derived of these: whoever changes one
 * of them calls signal_recompute under the sighand's lock.
 */
#include <errno.h>

#include "core/kernel.h"
#include "core/signal.h"
#include "core/task.h"
#include "core/timers.h"

enum signal_default signal_default_of(int signal)
{
    switch (signal) {
    case SIGCHLD:
    case SIGURG:
    case SIGWINCH:
        return SIGNAL_IGNORES;
    case SIGCONT:
        return SIGNAL_CONTINUES;
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
        return SIGNAL_STOPS;
    default:
        return SIGNAL_TERMINATES;
    }
}

bool signal_is_ignored(const struct sighand *sighand, int signal)
{
    guest_addr_t handler = sighand->actions[signal - 1].handler;

    if (handler == (guest_addr_t)(uintptr_t)SIG_IGN)
        return true;
    enum signal_default what = signal_default_of(signal);
    return handler == 0 && (what == SIGNAL_IGNORES || what == SIGNAL_CONTINUES);
}

bool signal_has_own(const struct task *task)
{
    bool is_stopped = atomic_load(&task->process->stop_signal) != 0;

    return is_stopped || (task->pending.set & (~task->blocked | task->awaited)) != 0;
}

void signal_recompute(struct task *task)
{
    const struct process *process = task->process;

    mutex_assert_held(&process->sighand->lock);
    uint64_t ready = process->pending.set & (~task->blocked | task->awaited);
    atomic_store(&task->waiter.has_signal, ready != 0 || signal_has_own(task));
}

void signal_recompute_told(struct process *process)
{
    struct task *task;

    TAILQ_FOREACH(task, &process->tasks, link) {
        if (atomic_load(&task->waiter.has_signal))
            signal_recompute(task);
    }
}

uint64_t signal_set_mask(struct task *task, uint64_t mask)
{
    struct sighand *sighand = task->process->sighand;

    mutex_lock(&sighand->lock);
    uint64_t old = task->blocked;
    task->blocked = mask & ~SIGNAL_UNBLOCKABLE;
    signal_recompute(task);
    signal_retarget(task->process, task->blocked & ~old);
    mutex_unlock(&sighand->lock);
    return old;
}

int signal_mask_begin(struct task *task, struct wait_record *record, guest_addr_t from,
                      uint64_t size)
{
    uint64_t mask;

    if (from == 0)
        return 0;
    if (size != sizeof(mask))
        return -EINVAL;
    int err = user_copy_in(task->mm, &mask, from, sizeof(mask));
    if (err < 0)
        return err;
    record->saved_mask = signal_set_mask(task, mask);
    record->is_masked = true;
    return 0;
}

void signal_mask_end(struct task *task)
{
    struct wait_record *record = waiter_record(&task->waiter);

    if (record->ops == NULL || !record->is_masked)
        return;
    record->is_masked = false;
    (void)signal_set_mask(task, record->saved_mask);
}

uint64_t signal_pending_set(struct task *task)
{
    struct sighand *sighand = task->process->sighand;

    mutex_lock(&sighand->lock);
    uint64_t set = task->pending.set | task->process->pending.set;
    mutex_unlock(&sighand->lock);
    return set;
}

bool signal_take(struct task *task, uint64_t mask, struct signal_info *ret)
{
    struct process *process = task->process;

    mutex_assert_held(&process->sighand->lock);
    bool is_taken = signal_queue_take(&task->pending, mask, ret);
    if (!is_taken) {
        is_taken = signal_queue_take(&process->pending, mask, ret);
        if (is_taken)
            signal_recompute_told(process);
    }
    if (is_taken && ret->timer != 0)
        posix_timer_taken(process, ret);
    signal_recompute(task);
    return is_taken;
}

bool signal_await(struct task *task, uint64_t set, struct signal_info *ret)
{
    struct sighand *sighand = task->process->sighand;

    mutex_lock(&sighand->lock);
    task->awaited = 0;
    bool is_taken = signal_take(task, ~set, ret);
    if (!is_taken) {
        task->awaited = set;
        signal_recompute(task);
    }
    mutex_unlock(&sighand->lock);
    return is_taken;
}

void signal_await_end(struct task *task)
{
    struct sighand *sighand = task->process->sighand;

    mutex_lock(&sighand->lock);
    uint64_t awaited = task->awaited;
    task->awaited = 0;
    signal_recompute(task);
    signal_retarget(task->process, awaited & task->blocked);
    mutex_unlock(&sighand->lock);
}
