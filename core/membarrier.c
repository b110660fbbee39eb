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

/* Interrupts the tasks of a process but for the caller, and waits until each has left guest code.
 */
static int interrupt_tasks(struct process *process, void *context)
{
    struct task *task;

    TAILQ_FOREACH(task, &process->tasks, link) {
        nsec_t entered = task == context ? 0 : usage_entered(task);
        if (entered == 0)
            continue;
        task_kick(task);
        while (usage_entered(task) == entered)
            host_sleep(LOOK_SPAN);
    }
    return 0;
}

/* Also processes that share the memory, as children of vfork do. */
static int interrupt_sharers(struct process *process, void *context)
{
    const struct task *caller = context;
    const struct task *task = TAILQ_FIRST(&process->tasks);

    return task != NULL && task->mm == caller->mm ? interrupt_tasks(process, context) : 0;
}

int membarrier_run(struct task *task, uint32_t command)
{
    struct kernel *kernel = task_kernel(task);
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
        mutex_lock(&kernel->tasks_lock);
        (void)process_list_all(kernel, interrupt_sharers, task);
        mutex_unlock(&kernel->tasks_lock);
        return 0;
    default:
        mutex_lock(&kernel->tasks_lock);
        (void)process_list_all(kernel, interrupt_tasks, task);
        mutex_unlock(&kernel->tasks_lock);
        return 0;
    }
}
