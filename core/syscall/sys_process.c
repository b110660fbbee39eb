/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids of processes, their groups and sessions (as numbers), and what a thread tells of itself.
 */
#include <errno.h>

#include "core/kernel.h"
#include "core/syscall/syscall_table.h"
#include "core/task.h"

int64_t sys_getpid(struct task *task)
{
    return task->process->pid;
}

int64_t sys_gettid(struct task *task)
{
    return task->tid;
}

int64_t sys_getppid(struct task *task)
{
    struct kernel *kernel = task_kernel(task);

    mutex_lock(&kernel->tasks_lock);
    const struct process *parent = task->process->parent;
    int pid = parent != NULL ? parent->pid : 0;
    mutex_unlock(&kernel->tasks_lock);
    return pid;
}

static int has_group(struct process *process, void *context)
{
    const struct process *leader = context; /* of the wanted group, in the wanted session */

    return process->pgid == leader->pgid && process->sid == leader->sid;
}

/* Under the tasks lock. */
static int set_group(struct task *task, int pid, int pgid)
{
    struct process *self = task->process;
    struct kernel *kernel = self->kernel;
    struct process *target = process_find(kernel, pid);

    if (target == NULL && task_find(kernel, pid) != NULL) /* a thread, but not the first */
        return task_find(kernel, pid)->process == self ? -EINVAL : -ESRCH;
    if (target == NULL || target->is_zombie || (target != self && target->parent != self))
        return -ESRCH;
    if (target != self && target->sid != self->sid)
        return -EPERM;
    if (target != self && target->has_execed)
        return -EACCES;
    if (target->sid == target->pid)
        return -EPERM;
    struct process wanted = {.pgid = pgid, .sid = self->sid};
    if (pgid != target->pid && process_list_all(kernel, has_group, &wanted) == 0)
        return -EPERM;
    target->pgid = pgid;
    return 0;
}

int64_t sys_setpgid(struct task *task, int pid, int pgid)
{
    struct kernel *kernel = task_kernel(task);

    if (pid < 0 || pgid < 0)
        return pgid < 0 ? -EINVAL : -ESRCH;
    if (pid == 0)
        pid = task->process->pid;
    mutex_lock(&kernel->tasks_lock);
    int result = set_group(task, pid, pgid == 0 ? pid : pgid);
    mutex_unlock(&kernel->tasks_lock);
    return result;
}

/* pgid or sid of pid (0: the caller). */
static int64_t get_id(struct task *task, int pid, bool is_session)
{
    struct kernel *kernel = task_kernel(task);

    mutex_lock(&kernel->tasks_lock);
    const struct process *process = pid == 0 ? task->process : process_find_any(kernel, pid);
    int result = process == NULL ? -ESRCH : is_session ? process->sid : process->pgid;
    mutex_unlock(&kernel->tasks_lock);
    return result;
}

int64_t sys_getpgid(struct task *task, int pid)
{
    return get_id(task, pid, false);
}

int64_t sys_getpgrp(struct task *task)
{
    return get_id(task, 0, false);
}

int64_t sys_getsid(struct task *task, int pid)
{
    return get_id(task, pid, true);
}

static int is_group_used(struct process *process, void *context)
{
    return process->pgid == *(int *)context;
}

int64_t sys_setsid(struct task *task)
{
    struct process *process = task->process;
    struct kernel *kernel = process->kernel;
    int pid = process->pid;

    mutex_lock(&kernel->tasks_lock);
    bool is_leader = process_list_all(kernel, is_group_used, &pid) != 0;
    if (!is_leader)
        process->pgid = process->sid = pid;
    mutex_unlock(&kernel->tasks_lock);
    return is_leader ? -EPERM : pid;
}

int64_t sys_set_tid_address(struct task *task, guest_addr_t address)
{
    task->clear_child_tid = address;
    return task->tid;
}
