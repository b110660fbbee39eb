/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ends: of a task, and with its last task of a process. A killed task outranks a freeze: it passes
 * a closing gate, and the closer waits until it has quit; so a frozen kernel has nobody half dead.
 * The end of pid 1 is the end of all.
 */
#include <errno.h>
#include <limits.h>

#include "core/base/host.h"
#include "core/futex.h"
#include "core/kernel.h"
#include "core/syscall/syscall_table.h"
#include "core/task.h"

/* Gives back what a task holds: its stub thread first, then what others may share. */
static void drop_parts(struct task *task)
{
    struct kernel *kernel = task_kernel(task);

    futex_exit(task);
    rseq_release(task);
    task_drop_context(task);
    usage_settle(task);
    usage_note_resident(task);
    mutex_lock(&kernel->tasks_lock); /* others look at them under it: /proc */
    struct object *mm = (struct object *)task->mm;
    struct object *files = (struct object *)task->files;
    struct object *fs = (struct object *)task->fs;
    usage_settle_process(task->process);
    task->mm = NULL;
    task->files = NULL;
    task->fs = NULL;
    mutex_unlock(&kernel->tasks_lock);
    object_put(mm);
    object_put(files);
    object_put(fs);
}

/* Reaped at once: nobody wants to know. */
static bool is_ignored_by(struct process *parent)
{
    struct signal_action action = sighand_action(parent->sighand, SIGCHLD);

    return action.handler == (guest_addr_t)(uintptr_t)SIG_IGN || (action.flags & SA_NOCLDWAIT) != 0;
}

/* Tells the parent; *reaped is set when the parent's reference has come to us. */
static void tell_parent(struct process *process, struct process **reaped)
{
    struct process *parent = process->parent;
    int status = process->exit_status;
    struct signal_info info = {.signal = process->exit_signal,
                               .code = exit_status_code(status),
                               .pid = process->pid,
                               .status = (status & 0x7f) == 0 ? status >> 8 & 0xff : status & 0x7f};

    if (parent == NULL)
        return;
    process_describe(process, &info);
    bool is_chld = process->exit_signal == SIGCHLD;
    if (is_chld && is_ignored_by(parent)) {
        usage_reap(parent, process);
        process_unlink(process);
        *reaped = process;
    }
    if (process->exit_signal != 0 && (*reaped == NULL || is_chld))
        (void)signal_send_process(parent, &info);
    wait_kick_all(&parent->child_wait);
}

/* Who gets the children: the nearest ancestor that asked for them, else pid 1. */
static struct process *find_reaper(const struct process *process)
{
    struct process *ancestor = process->parent;

    while (ancestor != NULL && (!ancestor->is_subreaper || ancestor->is_exiting))
        ancestor = ancestor->parent;
    return ancestor != NULL ? ancestor : process->kernel->machine->init;
}

/* Tasks that asked for a signal when their parent dies. */
static void send_parent_death(struct process *child)
{
    struct task *task;

    TAILQ_FOREACH(task, &child->tasks, link) {
        struct signal_info info = {.signal = task->parent_death_signal, .code = SI_USER};
        if (info.signal != 0)
            (void)signal_send_task(task, &info);
    }
}

/* Children go to the reaper; those that ended are told again. */
static void reparent_children(struct process *process, struct process_list *reaped)
{
    struct process *reaper = find_reaper(process);
    struct process *child;

    while ((child = TAILQ_FIRST(&process->children)) != NULL) {
        struct process *gone = NULL;
        TAILQ_REMOVE(&process->children, child, sibling);
        child->parent = reaper;
        child->exit_signal = SIGCHLD;
        TAILQ_INSERT_TAIL(&reaper->children, child, sibling);
        send_parent_death(child);
        if (child->is_zombie)
            tell_parent(child, &gone);
        if (gone != NULL)
            TAILQ_INSERT_TAIL(reaped, gone, sibling);
    }
}

static int kill_one(struct process *process, void *context)
{
    if (process != context)
        process_kill(process, SIGKILL);
    return 0;
}

/* The last task has gone. */
static void process_end(struct process *process, struct process_list *reaped)
{
    struct kernel *kernel = process->kernel;
    struct process *self = NULL;

    mutex_assert_held(&kernel->tasks_lock);
    process->is_exiting = process->is_zombie = true;
    atomic_store(&process->stop_signal, 0);
    process->has_stop_event = process->has_continue_event = false;
    process->alarm_deadline = NSEC_NEVER;
    process_vfork_done(process);
    wait_kick(&process->exit_wait, POLLIN | POLLRDNORM);
    mutex_lock(&process->sighand->lock);
    signal_queue_remove(&process->pending, UINT64_MAX);
    mutex_unlock(&process->sighand->lock);
    if (process == kernel->machine->init)
        (void)process_list_all(kernel, kill_one, process);
    else
        reparent_children(process, reaped);
    tell_parent(process, &self);
    if (self != NULL)
        TAILQ_INSERT_TAIL(reaped, self, sibling);
}

void task_exit(struct task *task)
{
    struct process *process = task->process;
    struct kernel *kernel = process->kernel;
    struct process_list reaped = TAILQ_HEAD_INITIALIZER(reaped);
    struct process *gone;

    wait_abandon(&task->waiter);
    task->call = CALL_NONE;
    drop_parts(task);
    mutex_lock(&kernel->tasks_lock);
    usage_end_task(task);
    task_unlink(task);
    bool is_last = atomic_load(&process->live) == 0;
    process->exit_uid = task->cred.uid;
    if (is_last)
        process_end(process, &reaped);
    mutex_unlock(&kernel->tasks_lock);
    if (is_last) {
        (void)timer_stop(kernel->vfs.events, &process->alarm);
        timers_end(process);
    }
    host_futex_wake(&process->live, INT_MAX);
    while ((gone = TAILQ_FIRST(&reaped)) != NULL) {
        TAILQ_REMOVE(&reaped, gone, sibling);
        object_put(&gone->object);
    }
    object_put(&process->object);
    task->process = NULL;
    gate_quit(&task->waiter.pass);
    object_put(&task->object); /* the list's reference */
    kernel_task_ended(kernel);
}

void task_kill(struct task *task)
{
    mutex_assert_held(&task_kernel(task)->tasks_lock);
    atomic_store(&task->waiter.is_killed, true);
    gate_outrank(&task->waiter.pass);
    task_kick(task);
}

void process_kill(struct process *process, int status)
{
    struct task *task;

    mutex_assert_held(&process->kernel->tasks_lock);
    if (process->is_exiting || process->is_zombie)
        return;
    process->is_exiting = true;
    process->exit_status = status;
    TAILQ_FOREACH(task, &process->tasks, link)
        task_kill(task);
}

void process_die(struct process *process, int status)
{
    mutex_lock(&process->kernel->tasks_lock);
    process_kill(process, status);
    mutex_unlock(&process->kernel->tasks_lock);
}

/* All others are dying. */
static bool is_last_to_die(const struct task *task)
{
    const struct task *other;

    TAILQ_FOREACH(other, &task->process->tasks, link) {
        if (other != task && !atomic_load(&other->waiter.is_killed))
            return false;
    }
    return true;
}

int64_t sys_exit(struct task *task, int code)
{
    struct process *process = task->process;

    mutex_lock(&process->kernel->tasks_lock);
    if (!process->is_exiting && is_last_to_die(task)) /* the code of the last is the process' */
        process_kill(process, (code & 0xff) << 8);
    else
        task_kill(task);
    mutex_unlock(&process->kernel->tasks_lock);
    return 0;
}

int64_t sys_exit_group(struct task *task, int code)
{
    process_die(task->process, (code & 0xff) << 8);
    return 0;
}
