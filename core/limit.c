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
