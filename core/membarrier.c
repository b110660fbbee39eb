/* SPDX-License-Identifier: Apache-2.0 */
/*
 * membarrier: barriers in the other tasks. Who is in guest code is interrupted and has left it
 * once; who is not will enter it later, which is a barrier as well. One way out of guest code and
 * back serialises the core and ends a restartable sequence, so the commands differ in whom they
 * mean and in the registration that programs have to make before.
 */
#include "core/membarrier.h"

#include <errno.h>
#include <linux/membarrier.h>

#include "core/base/host.h"
#include "core/kernel.h"

/* Between two looks at whether a task has left guest code. */
#define LOOK_SPAN INT64_C(20000)

uint32_t membarrier_commands(void)
{
    return MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED |
           MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED |
           MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE |
           MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE;
}

/* Who is meant, and since when they may have been in guest code. */
struct barrier {
    const struct task *caller;
    nsec_t begin; /* who entered later is past the barrier */
    bool is_private, is_first;
    bool is_waiting; /* somebody has not left yet */
};

/* Interrupts, the first time, the tasks of a process that are in guest code since before. */
static int look_at(struct process *process, void *context)
{
    struct barrier *barrier = context;
    struct task *task;

    TAILQ_FOREACH(task, &process->tasks, link) {
        nsec_t entered = task == barrier->caller ? 0 : usage_entered(task);
        if (entered == 0 || entered > barrier->begin ||
            (barrier->is_private && task->mm != barrier->caller->mm))
            continue;
        barrier->is_waiting = true;
        if (barrier->is_first)
            task_kick(task);
    }
    return 0;
}

/* Returns when each has left guest code once. is_private: who shares the caller's memory, children
 * of vfork, too. */
static void interrupt_others(struct task *caller, bool is_private)
{
    struct kernel *kernel = task_kernel(caller);
    struct barrier barrier = {
        .caller = caller, .begin = host_clock_now(), .is_private = is_private, .is_first = true};

    for (;;) {
        barrier.is_waiting = false;
        mutex_lock(&kernel->tasks_lock);
        (void)process_list_all(kernel, look_at, &barrier);
        mutex_unlock(&kernel->tasks_lock);
        if (!barrier.is_waiting)
            return;
        barrier.is_first = false;
        host_sleep(LOOK_SPAN);
    }
}

int membarrier_run(struct task *task, uint32_t command)
{
    atomic_uint *registered = &task->mm->membarrier;

    switch (command) {
    case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
        (void)atomic_fetch_or(registered, command);
        return 0;
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
        if ((atomic_load(registered) & command << 1) == 0)
            return -EPERM;
        interrupt_others(task, true);
        return 0;
    default:
        interrupt_others(task, false);
        return 0;
    }
}
