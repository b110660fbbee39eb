/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may change how a task is scheduled: root everything, others what is theirs, downwards or
 * within RLIMIT_NICE and RLIMIT_RTPRIO (sched(7)).
 */
#include "core/sched_rights.h"

#include <errno.h>
#include <sched.h>

static bool is_privileged(const struct task *task)
{
    return task->cred.euid == 0;
}

bool sched_is_owner(const struct task *task, const struct task *target)
{
    const struct cred *to = &target->cred;

    return is_privileged(task) || task->cred.euid == to->euid || task->cred.euid == to->uid;
}

static uint64_t limit_of(const struct task *target, unsigned resource)
{
    struct process *process = target->process;

    mutex_lock(&process->sighand->lock);
    uint64_t limit = process->limits[resource].rlim_cur;
    mutex_unlock(&process->sighand->lock);
    return limit;
}

bool sched_may_nice(const struct task *task, const struct task *target, int nice)
{
    const int limit_of_nice_0 = 20;

    return is_privileged(task) ||
           (uint64_t)(limit_of_nice_0 - nice) <= limit_of(target, RLIMIT_NICE);
}

static bool may_realtime(const struct task *target, const struct sched_state *new)
{
    uint64_t limit = limit_of(target, RLIMIT_RTPRIO);

    if (new->policy != target->sched.policy && limit == 0)
        return false;
    return new->priority <= target->sched.priority || new->priority <= limit;
}

int sched_may_change(const struct task *task, const struct task *target,
                     const struct sched_state *new)
{
    const struct sched_state *now = &target->sched;
    bool is_allowed = true;

    if (is_privileged(task))
        return 0;
    if (sched_is_realtime(new->policy))
        is_allowed = may_realtime(target, new);
    else if (new->nice < now->nice)
        is_allowed = sched_may_nice(task, target, new->nice);
    if (now->policy == SCHED_IDLE && new->policy != SCHED_IDLE)
        is_allowed = is_allowed && sched_may_nice(task, target, now->nice);
    if (now->resets_on_fork && !new->resets_on_fork)
        is_allowed = false;
    return is_allowed && sched_is_owner(task, target) ? 0 : -EPERM;
}
