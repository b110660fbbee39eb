/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prctl, as far as it is about names and settings, and priorities, which are state only: guests
 * share the CPU as their threads of the host do.
 */
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

#include "core/kernel.h"
#include "core/syscall/syscall_table.h"
#include "core/task.h"

enum { CAPABILITY_LAST = 40, NICE_MIN = -20, NICE_MAX = 19 };

static int64_t set_name(struct task *task, guest_addr_t from)
{
    char name[TASK_COMM_SIZE] = "";
    int size = user_copy_string(task->mm, name, from, sizeof(name));

    if (size < 0 && size != -ENAMETOOLONG)
        return size;
    name[TASK_COMM_SIZE - 1] = '\0';
    mutex_lock(&task_kernel(task)->tasks_lock); /* others look at it under it: /proc */
    memcpy(task->comm, name, sizeof(name));
    mutex_unlock(&task_kernel(task)->tasks_lock);
    return 0;
}

static int64_t give_int(struct task *task, guest_addr_t to, int value)
{
    return user_copy_out(task->mm, to, &value, sizeof(value));
}

static int64_t set_parent_death(struct task *task, guest_addr_t signal)
{
    if (signal > SIGNAL_COUNT)
        return -EINVAL;
    mutex_lock(&task_kernel(task)->tasks_lock);
    task->parent_death_signal = (int)signal;
    mutex_unlock(&task_kernel(task)->tasks_lock);
    return 0;
}

static int64_t set_subreaper(struct task *task, bool is_subreaper)
{
    mutex_lock(&task_kernel(task)->tasks_lock);
    task->process->is_subreaper = is_subreaper;
    mutex_unlock(&task_kernel(task)->tasks_lock);
    return 0;
}

static int64_t set_dumpable(struct task *task, guest_addr_t value)
{
    if (value > 1)
        return -EINVAL;
    task->process->is_undumpable = value == 0;
    return 0;
}

int64_t sys_prctl(struct task *task, int option, guest_addr_t a, guest_addr_t b, guest_addr_t c,
                  guest_addr_t d)
{
    (void)b;
    (void)c;
    (void)d;
    switch (option) {
    case PR_SET_NAME:
        return set_name(task, a);
    case PR_GET_NAME:
        return user_copy_out(task->mm, a, task->comm, sizeof(task->comm));
    case PR_SET_PDEATHSIG:
        return set_parent_death(task, a);
    case PR_GET_PDEATHSIG:
        return give_int(task, a, task->parent_death_signal);
    case PR_SET_CHILD_SUBREAPER:
        return set_subreaper(task, a != 0);
    case PR_GET_CHILD_SUBREAPER:
        return give_int(task, a, task->process->is_subreaper);
    case PR_SET_DUMPABLE:
        return set_dumpable(task, a);
    case PR_GET_DUMPABLE:
        return !task->process->is_undumpable;
    case PR_GET_NO_NEW_PRIVS:
        return 1; /* there are no privileges to gain: set-id bits have no effect */
    case PR_SET_NO_NEW_PRIVS:
        return a == 1 ? 0 : -EINVAL;
    case PR_GET_KEEPCAPS:
        return 0;
    case PR_CAPBSET_READ:
        return a <= CAPABILITY_LAST ? 1 : -EINVAL;
    default:
        return -EINVAL;
    }
}

/* --- priorities --- */

struct priority_request {
    const struct task *task;
    int which, who;
    bool is_set, is_found;
    int nice; /* to set; or the highest priority found */
    int err;  /* of one that may not be set */
};

static bool is_meant(const struct priority_request *request, const struct process *process)
{
    const struct process *self = request->task->process;

    switch (request->which) {
    case PRIO_PROCESS:
        return request->who == 0 ? process == self : process->pid == request->who;
    case PRIO_PGRP:
        return process->pgid == (request->who == 0 ? self->pgid : request->who);
    default: /* PRIO_USER: all are of one */
        return request->who == 0 || (uint32_t)request->who == request->task->cred.uid;
    }
}

/* Others' priorities are for root and for their own user; a higher one for root only. */
static int set_nice(const struct priority_request *request, struct process *process)
{
    const struct cred *from = &request->task->cred;
    const struct task *target = TAILQ_FIRST(&process->tasks);

    if (from->euid != 0 && target != NULL && from->euid != target->cred.uid &&
        from->euid != target->cred.euid)
        return -EPERM;
    if (from->euid != 0 && request->nice < process->nice)
        return -EACCES;
    process->nice = request->nice;
    return 0;
}

static int apply(struct process *process, void *context)
{
    struct priority_request *request = context;

    if (process->is_zombie || !is_meant(request, process))
        return 0;
    if (request->is_set) {
        int err = set_nice(request, process);
        request->err = err < 0 ? err : request->err;
    } else if (!request->is_found || process->nice < request->nice) {
        request->nice = process->nice;
    }
    request->is_found = true;
    return 0;
}

static int run_request(struct priority_request *request)
{
    struct kernel *kernel = task_kernel(request->task);

    if (request->which < PRIO_PROCESS || request->which > PRIO_USER)
        return -EINVAL;
    mutex_lock(&kernel->tasks_lock);
    (void)process_list_all(kernel, apply, request);
    mutex_unlock(&kernel->tasks_lock);
    return request->is_found ? request->err : -ESRCH;
}

int64_t sys_getpriority(struct task *task, int which, int who)
{
    const int offset = 20; /* so that the result is not negative */
    struct priority_request request = {.task = task, .which = which, .who = who};
    int err = run_request(&request);

    return err < 0 ? err : offset - request.nice;
}

int64_t sys_setpriority(struct task *task, int which, int who, int nice)
{
    struct priority_request request = {
        .task = task, .which = which, .who = who, .is_set = true, .nice = nice};

    if (nice < NICE_MIN)
        request.nice = NICE_MIN;
    if (nice > NICE_MAX)
        request.nice = NICE_MAX;
    return run_request(&request);
}
