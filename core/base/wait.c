/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sleeping. A lost wake-up would be: a sleeper looks, finds nothing, is overtaken by the waker, and
 * sleeps for ever. Invariants that exclude it:
 * 1. The kick is forgotten before looking, never after; what is looked at (queue state under its
 *    lock, clock, signals, death) changes before the kick. So a change is seen or the kick stays.
 * 2. An entry is queued under the lock under which the condition was found false.
 * 3. A wake that may be consumed by one only (futex) is state: WAIT_WOKEN, in the record. A kick
 *    carries no meaning, so it may be lost with its thread: a resumed thread looks first.
 * 4. Between looking and sleeping there is no lock and no pin, and nothing on the stack.
 * Whether time is up is read from the sandbox clock inside the gate, never from the host's answer.
 */
#include "core/base/wait.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "core/base/host.h"

struct wait_record *waiter_record(struct waiter *waiter)
{
    return (struct wait_record *)waiter->record;
}

void *wait_begin(struct waiter *waiter, const struct wait_ops *ops)
{
    struct wait_record *record = waiter_record(waiter);

    assert(record->ops == NULL);
    assert(ops->size >= sizeof(*record) && ops->size <= WAIT_RECORD_SIZE);
    memset(waiter->record, 0, ops->size);
    record->ops = ops;
    record->deadline = NSEC_NEVER;
    return record;
}

void wait_end(struct waiter *waiter)
{
    struct wait_record *record = waiter_record(waiter);

    if (record->ops != NULL)
        record->ops->release(record);
    record->ops = NULL;
}

void wait_abandon(struct waiter *waiter)
{
    struct wait_record *record = waiter_record(waiter);

    if (record->ops != NULL)
        (void)record->ops->cancel(waiter, record, -ERESTARTSYS);
    wait_end(waiter);
}

/* Sleeps outside the gate until kicked or deadline (sandbox clock), which the caller checks. */
static int sleep_outside(struct waiter *waiter, nsec_t deadline)
{
    assert(locks_are_free());
    if (waiter->before_sleep != NULL)
        waiter->before_sleep(waiter);
    nsec_t host_deadline = clock_to_host(waiter->clock, deadline);
    gate_leave(&waiter->pass, GATE_ASLEEP);
    while (atomic_load(&waiter->kicked) == 0) {
        if (host_futex_wait(&waiter->kicked, 0, host_deadline) == -ETIMEDOUT)
            break;
    }
    host_stall();
    return gate_enter(&waiter->pass) < 0 ? WAIT_SHUTDOWN : 0;
}

int64_t wait_run(struct waiter *waiter)
{
    struct wait_record *record = waiter_record(waiter);
    const struct wait_ops *ops = record->ops;

    assert(ops != NULL);
    for (;;) {
        atomic_store(&waiter->kicked, 0);
        if (atomic_load(&waiter->is_killed))
            return ops->cancel(waiter, record, -ERESTARTSYS);
        int64_t result = ops->step(waiter, record);
        if (result != WAIT_AGAIN)
            return result;
        host_stall();
        if (record->deadline != NSEC_NEVER && clock_now(waiter->clock) >= record->deadline)
            return ops->cancel(waiter, record, -ETIMEDOUT);
        if (atomic_load(&waiter->has_signal) && !record->is_killable)
            return ops->cancel(waiter, record, -ERESTARTSYS);
        int err = sleep_outside(waiter, record->deadline);
        if (err < 0)
            return err;
    }
}

void wait_forget_kick(struct waiter *waiter)
{
    atomic_store(&waiter->kicked, 0);
}

int wait_doze(struct waiter *waiter)
{
    return sleep_outside(waiter, NSEC_NEVER);
}

void waiter_kick(struct waiter *waiter)
{
    atomic_store(&waiter->kicked, 1);
    host_futex_wake(&waiter->kicked, 1);
}
