/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Freezing, in stages; each may rely on the earlier ones. Closing the gate stops the tasks and the
 * host events (whose thread passes it too); then nobody reads the clock, and it stops. Thawing runs
 * backwards, and so does giving up half way. Invariant of the frozen kernel: the gate is closed and
 * nobody is inside, every task is parked between two steps or asleep with its record, nobody is
 * dying.
 */
#include "core/freeze.h"

#include <assert.h>

#include "core/kernel.h"

static void check_task(const struct task *task)
{
    const struct waiter *waiter = &task->waiter;
    const struct wait_record *record = waiter_record((struct waiter *)waiter);

    assert(!atomic_load(&waiter->is_killed));
    assert(waiter->pass.place == GATE_PARKED || waiter->pass.place == GATE_ASLEEP);
    assert(task->call != CALL_WAITING || record->ops != NULL);
}

static int check_process(struct process *process, void *context)
{
    const struct task *task;

    (void)context;
    assert(process->is_zombie == (atomic_load(&process->live) == 0));
    TAILQ_FOREACH(task, &process->tasks, link)
        check_task(task);
    return 0;
}

void kernel_assert_frozen(struct kernel *kernel)
{
    assert(gate_is_frozen(&kernel->gate));
    assert(kernel->clock.is_stopped);
    (void)process_list_all(kernel, check_process, NULL);
}

int kernel_freeze(struct kernel *kernel, nsec_t deadline)
{
    int err = gate_close(&kernel->gate, deadline);

    if (err < 0)
        return err;
    clock_stop(&kernel->clock);
    kernel_assert_frozen(kernel);
    return 0;
}

void kernel_thaw(struct kernel *kernel)
{
    clock_start(&kernel->clock);
    vdso_update(kernel);
    gate_open(&kernel->gate);
}
