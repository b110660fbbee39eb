/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoints at calls, for tests: at the entry of the N-th call, or of every one, and once in each
 * call that blocks. The task that meets the place asks for a checkpoint; before a call it waits
 * outside of the gate, with the call not dispatched, until the checkpoint is over. What has been
 * noted already is not noted again after the restore, so every piece of a run makes progress.
 */
#include "core/checkpoint_at.h"

#include "core/base/host.h"
#include "core/kernel.h"
#include "core/syscall/syscall_table.h"

void checkpoint_at_set(struct kernel *kernel, bool is_every, uint64_t call)
{
    kernel->checkpoint_at.is_on = true;
    kernel->checkpoint_at.is_every = is_every;
    kernel->checkpoint_at.call = call;
}

/* True: this request is the one that counts. */
static bool request(struct task *task, bool is_blocked)
{
    struct checkpoint_at *at = &task_kernel(task)->checkpoint_at;
    bool expected = false;

    if (!atomic_compare_exchange_strong(&at->is_pending, &expected, true))
        return false;
    at->call_nr = task->call_nr;
    at->is_blocked = is_blocked;
    atomic_store(&at->is_requested, true);
    kernel_notify(task_kernel(task));
    return true;
}

bool kernel_note_call(struct task *task)
{
    struct checkpoint_at *at = &task_kernel(task)->checkpoint_at;

    if (!at->is_on)
        return false;
    if (task->is_noted) {
        bool is_held = task->is_holding && atomic_load(&at->is_pending) &&
                       !atomic_load(&task->waiter.is_killed);
        if (!is_held)
            task->is_holding = false;
        return is_held;
    }
    uint64_t nr = atomic_fetch_add(&at->count, 1) + 1;
    if (!(at->is_every || nr == at->call) || !request(task, false))
        return false;
    task->is_noted = task->is_holding = true;
    task_fetch_xstate(task);
    return true;
}

void kernel_note_sleep(struct task *task)
{
    struct checkpoint_at *at = &task_kernel(task)->checkpoint_at;
    struct wait_record *record = waiter_record(&task->waiter);

    if (!at->is_on || record->ops == NULL || record->is_noted || task->call != CALL_WAITING)
        return;
    if (!at->is_every && !task->is_noted)
        return;
    if (request(task, true))
        record->is_noted = true;
}

bool checkpoint_at_take(struct kernel *kernel, struct checkpoint_at_place *ret)
{
    struct checkpoint_at *at = &kernel->checkpoint_at;

    if (!atomic_exchange(&at->is_requested, false))
        return false;
    bool is_known = at->call_nr < SYSCALL_COUNT && syscall_table[at->call_nr].name != NULL;
    ret->call_nr = at->call_nr;
    ret->name = is_known ? syscall_table[at->call_nr].name : "unknown";
    ret->is_blocked = at->is_blocked;
    return true;
}

void checkpoint_at_done(struct kernel *kernel)
{
    kernel->checkpoint_at.is_on = false;
    atomic_store(&kernel->checkpoint_at.is_pending, false);
    mutex_lock(&kernel->tasks_lock);
    kernel_kick_all(kernel);
    mutex_unlock(&kernel->tasks_lock);
}
