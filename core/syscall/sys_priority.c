/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Priorities by nice value and for input and output, of a thread, a process group or a user: state
 * only.
 */
#include <errno.h>
#include <linux/ioprio.h>
#include <sys/resource.h>

#include "core/kernel.h"
#include "core/sched_rights.h"
#include "core/syscall/syscall_table.h"
#include "core/task.h"

/* One who is asked about or changed, under the tasks lock. */
struct priority_request {
    struct task *task; /* who asks */
    int which, who;
    void (*apply)(struct priority_request *request, struct task *target);
    int value; /* to set, or the highest priority found */
    bool is_found;
    int err; /* of one that may not be set */
};

static void apply_to(struct priority_request *request, struct task *target)
{
    request->apply(request, target);
    request->is_found = true;
}

/* All of a group, or of a user. */
static int apply_to_process(struct process *process, void *context)
{
    struct priority_request *request = context;
    const struct task *self = request->task;
    bool is_group = request->which == PRIO_PGRP;
    uint32_t user = request->who == 0 ? self->cred.uid : (uint32_t)request->who;
    int group = request->who == 0 ? self->process->pgid : request->who;
    struct task *target;

    TAILQ_FOREACH(target, &process->tasks, link) {
        if (is_group ? process->pgid == group : target->cred.uid == user)
            apply_to(request, target);
    }
    return 0;
}

static int run_request(struct priority_request *request)
{
    struct kernel *kernel = task_kernel(request->task);

    mutex_lock(&kernel->tasks_lock);
    if (request->which == PRIO_PROCESS) {
        struct task *target = request->who == 0 ? request->task : task_find(kernel, request->who);
        if (target != NULL)
            apply_to(request, target);
    } else {
        (void)process_list_all(kernel, apply_to_process, request);
    }
    mutex_unlock(&kernel->tasks_lock);
    return request->is_found ? request->err : -ESRCH;
}

/* --- nice --- */

static void get_nice(struct priority_request *request, struct task *target)
{
    if (!request->is_found || target->sched.nice < request->value)
        request->value = target->sched.nice;
}

static void set_nice(struct priority_request *request, struct task *target)
{
    const struct task *task = request->task;
    bool is_owner = task->cred.euid == 0 || target->cred.uid == task->cred.euid ||
                    target->cred.euid == task->cred.euid;

    if (!is_owner)
        request->err = -EPERM;
    else if (request->value < target->sched.nice && !sched_may_nice(task, target, request->value))
        request->err = -EACCES;
    else
        target->sched.nice = request->value;
}

int64_t sys_getpriority(struct task *task, int which, int who)
{
    const int offset = 20; /* so that the result is not negative */
    struct priority_request request = {.task = task, .which = which, .who = who, .apply = get_nice};

    if (which < PRIO_PROCESS || which > PRIO_USER)
        return -EINVAL;
    int err = run_request(&request);
    return err < 0 ? err : offset - request.value;
}

int64_t sys_setpriority(struct task *task, int which, int who, int nice)
{
    struct priority_request request = {
        .task = task, .which = which, .who = who, .apply = set_nice, .value = nice};

    if (which < PRIO_PROCESS || which > PRIO_USER)
        return -EINVAL;
    if (nice < NICE_MIN)
        request.value = NICE_MIN;
    if (nice > NICE_MAX)
        request.value = NICE_MAX;
    return run_request(&request);
}

/* --- input and output --- */

/* One that is not set follows the nice value. */
static int io_priority_of(const struct task *target)
{
    int class = IOPRIO_PRIO_CLASS(target->sched.io_priority);

    if (class != IOPRIO_CLASS_NONE)
        return (int)target->sched.io_priority;
    if (target->sched.policy == 5 /* SCHED_IDLE */)
        class = IOPRIO_CLASS_IDLE;
    else
        class = sched_is_realtime(target->sched.policy) ? IOPRIO_CLASS_RT : IOPRIO_CLASS_BE;
    return IOPRIO_PRIO_VALUE(class, (target->sched.nice + 20) / 5);
}

/* The best of all: a lower class, then a lower level. Of one thread: what was set. */
static void get_io_priority(struct priority_request *request, struct task *target)
{
    bool is_one = request->which == PRIO_PROCESS;
    int value = is_one ? (int)target->sched.io_priority : io_priority_of(target);

    if (!request->is_found || value < request->value)
        request->value = value;
}

static void set_io_priority(struct priority_request *request, struct task *target)
{
    const struct cred *from = &request->task->cred;

    if (from->euid != 0 && target->cred.uid != from->euid && target->cred.uid != from->uid)
        request->err = -EPERM;
    else
        target->sched.io_priority = (uint32_t)request->value;
}

/* IOPRIO_WHO_* as PRIO_*. */
static int64_t run_io_request(struct priority_request *request)
{
    if (request->which < IOPRIO_WHO_PROCESS || request->which > IOPRIO_WHO_USER)
        return -EINVAL;
    request->which -= IOPRIO_WHO_PROCESS - PRIO_PROCESS;
    return run_request(request);
}

int64_t sys_ioprio_get(struct task *task, int which, int who)
{
    struct priority_request request = {
        .task = task, .which = which, .who = who, .apply = get_io_priority};
    int64_t err = run_io_request(&request);

    return err < 0 ? err : request.value;
}

static int check_io_priority(const struct task *task, int value)
{
    int level = value & 7;

    switch (value >> IOPRIO_CLASS_SHIFT) {
    case IOPRIO_CLASS_RT:
        return task->cred.euid == 0 ? 0 : -EPERM;
    case IOPRIO_CLASS_BE:
    case IOPRIO_CLASS_IDLE:
        return 0;
    case IOPRIO_CLASS_NONE:
        return level == 0 ? 0 : -EINVAL;
    default:
        return -EINVAL;
    }
}

int64_t sys_ioprio_set(struct task *task, int which, int who, int value)
{
    struct priority_request request = {
        .task = task, .which = which, .who = who, .apply = set_io_priority, .value = value};
    int err = check_io_priority(task, value);

    return err < 0 ? err : run_io_request(&request);
}
