/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resource limits as the calls see them.
 */
#include "core/limit.h"

uint64_t task_limit(struct task *task, unsigned resource)
{
    struct process *process = task->process;

    assert(resource < RLIM_NLIMITS);
    mutex_lock(&process->sighand->lock);
    uint64_t limit = process->limits[resource].rlim_cur;
    mutex_unlock(&process->sighand->lock);
    return limit;
}

void task_memory_limits(struct task *task, struct mm_limits *ret)
{
    struct process *process = task->process;

    mutex_lock(&process->sighand->lock);
    atomic_init(&ret->size, process->limits[RLIMIT_AS].rlim_cur);
    atomic_init(&ret->data, process->limits[RLIMIT_DATA].rlim_cur);
    atomic_init(&ret->stack, process->limits[RLIMIT_STACK].rlim_cur);
    atomic_init(&ret->locked, process->limits[RLIMIT_MEMLOCK].rlim_cur);
    mutex_unlock(&process->sighand->lock);
    atomic_init(&ret->may_lock, task->cred.euid == 0);
}

void task_tell_limits(struct task *task)
{
    struct mm_limits limits;

    task_memory_limits(task, &limits);
    mm_set_limits(task->mm, &limits);
}
