/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New tasks: processes and threads. The child's registers are the parent's with result 0; its
 * thread starts as that of a restored task does. Nobody sees the child before all of it is there;
 * then it enters the tables and the list of its process at once, so whoever kills, stops or signals
 * a process meets all of its tasks. What can fail is done before, but for the start of the thread.
 */
#include "core/clone.h"

#include <errno.h>
#include <linux/sched.h>
#include <string.h>

#include "core/base/host.h"
#include "core/kernel.h"
#include "core/limit.h"
#include "core/pidfd.h"

/* References to what the child shares, or copies of it. */
struct clone_parts {
    struct mm *mm;
    struct files *files;
    struct fs *fs;
    struct sighand *sighand;
};

static void parts_put(struct clone_parts *parts)
{
    object_put((struct object *)parts->mm);
    object_put((struct object *)parts->files);
    object_put((struct object *)parts->fs);
    object_put((struct object *)parts->sighand);
}

static int parts_clone(struct task *task, uint64_t flags, struct clone_parts *parts)
{
    struct sighand *sighand = task->process->sighand;
    int err = 0;

    if ((flags & CLONE_FILES) != 0)
        parts->files = object_get(&task->files->object);
    else
        err = files_fork(task->files, &parts->files);
    if (err == 0 && (flags & CLONE_FS) != 0)
        parts->fs = object_get(&task->fs->object);
    else if (err == 0)
        err = fs_fork(task->fs, &parts->fs);
    if (err == 0 && (flags & CLONE_SIGHAND) != 0)
        parts->sighand = object_get(&sighand->object);
    else if (err == 0)
        err = sighand_fork(sighand, &parts->sighand);
    if (err == 0 && (flags & CLONE_CLEAR_SIGHAND) != 0)
        sighand_reset(parts->sighand);
    if (err == 0 && (flags & CLONE_VM) != 0)
        parts->mm = object_get(&task->mm->object);
    else if (err == 0)
        err = mm_fork(task->mm, &parts->mm);
    return err;
}

/* Others may change these of the parent meanwhile. */
static void inherit_process(struct process *child, struct process *parent,
                            const struct clone_request *request)
{
    mutex_lock(&parent->kernel->tasks_lock);
    child->pgid = parent->pgid;
    child->sid = parent->sid;
    child->exit_signal =
        (request->flags & CLONE_PARENT) != 0 ? parent->exit_signal : request->exit_signal;
    child->is_undumpable = parent->is_undumpable;
    if ((request->flags & CLONE_VM) != 0)
        usage_share_process(child, parent);
    child->oom_adjustment = parent->oom_adjustment;
    child->oom_adjustment_min = parent->oom_adjustment_min;
    memcpy(child->limits, parent->limits, sizeof(child->limits));
    mutex_unlock(&parent->kernel->tasks_lock);
}

/* Registers, credentials and signal state of the new task. */
static void inherit_task(struct task *child, struct task *parent,
                         const struct clone_request *request)
{
    child->regs = parent->regs;
    child->regs.rax = 0;
    if (request->stack != 0)
        child->regs.rsp = request->stack;
    if ((request->flags & CLONE_SETTLS) != 0)
        child->regs.fs_base = request->tls;
    if ((request->flags & CLONE_CHILD_CLEARTID) != 0)
        child->clear_child_tid = request->child_tid;
    if ((request->flags & CLONE_VM) == 0)
        rseq_inherit(child, parent);
    child->cred = parent->cred;
    settings_inherit(&child->settings, &parent->settings);
    mutex_lock(&task_kernel(parent)->tasks_lock); /* others may change these of the parent */
    sched_inherit(&child->sched, &parent->sched);
    memcpy(child->comm, parent->comm, sizeof(child->comm));
    mutex_unlock(&task_kernel(parent)->tasks_lock);
    child->blocked = parent->blocked;
    bool keeps_altstack = (request->flags & (CLONE_VM | CLONE_VFORK)) != CLONE_VM;
    if (keeps_altstack) {
        child->altstack_base = parent->altstack_base;
        child->altstack_size = parent->altstack_size;
        child->altstack_flags = parent->altstack_flags;
    }
    task_fetch_xstate(parent);
    memcpy(child->xstate, parent->xstate, xstate_size());
}

/* Makes the task, and its process if it is to have its own; in no table yet. Takes the sighand of
 * parts for a process. */
static int make(struct task *task, int tid, uint64_t flags, struct clone_parts *parts,
                struct task **ret)
{
    struct process *process = task->process;
    struct task *child;
    int err = 0;

    if ((flags & CLONE_THREAD) != 0) {
        (void)object_get(&process->object);
    } else {
        struct sighand *sighand = parts->sighand;
        parts->sighand = NULL;
        err = process_create(task_kernel(task), tid, sighand, &process);
    }
    if (err < 0)
        return err;
    err = task_create(process, tid, parts->mm, parts->files, parts->fs, &child);
    object_put(&process->object);
    if (err < 0)
        return err;
    if ((flags & CLONE_VM) != 0) /* an address space has only so many */
        err = context_create(parts->mm->aspace, &child->context);
    if (err < 0) {
        object_put(&child->object);
        return err;
    }
    *ret = child;
    return 0;
}

/* Enters the tables; from then on the child can be seen, signalled and killed. Whoever is killed
 * makes no more tasks, so those who wait for all to be gone wait for the ones they saw. */
static int link_child(struct task *child, struct task *parent, uint64_t flags)
{
    struct process *above = parent->process;
    bool is_thread = (flags & CLONE_THREAD) != 0;
    int err = 0;

    mutex_assert_held(&above->kernel->tasks_lock);
    if (atomic_load(&parent->waiter.is_killed))
        return -EINTR;
    if ((flags & CLONE_PARENT) != 0 && above->parent != NULL)
        above = above->parent;
    if (!is_thread)
        err = process_link(child->process, above);
    if (err < 0)
        return err;
    err = task_link(child);
    if (err < 0 && !is_thread) {
        process_unlink(child->process);
        object_put(&child->process->object);
    }
    return err;
}

/* It may have been killed meanwhile, but has no thread to end. */
static void unlink_child(struct task *child, bool is_thread)
{
    struct kernel *kernel = task_kernel(child);

    mutex_lock(&kernel->tasks_lock);
    gate_drop(&child->waiter.pass);
    task_unlink(child);
    if (!is_thread)
        process_unlink(child->process);
    mutex_unlock(&kernel->tasks_lock);
    atomic_fetch_sub(&kernel->live_tasks, 1);
    if (!is_thread)
        object_put(&child->process->object);
    object_put(&child->object);
}

static int start_child(struct task *child, struct task *parent, const struct clone_request *request)
{
    struct kernel *kernel = task_kernel(parent);
    int tid = child->tid;

    if ((request->flags & CLONE_PARENT_SETTID) != 0)
        (void)user_copy_out(parent->mm, request->parent_tid, &tid, sizeof(tid));
    if ((request->flags & CLONE_CHILD_SETTID) != 0)
        (void)user_copy_out(child->mm, request->child_tid, &tid, sizeof(tid));
    mutex_lock(&kernel->tasks_lock);
    int err = link_child(child, parent, request->flags);
    mutex_unlock(&kernel->tasks_lock);
    if (err < 0)
        return err;
    err = task_start(child);
    if (err < 0)
        unlink_child(child, (request->flags & CLONE_THREAD) != 0);
    return err;
}

struct user_count {
    uint32_t uid;
    uint64_t tasks;
};

static int count_tasks(struct process *process, void *context)
{
    struct user_count *count = context;
    const struct task *task;

    TAILQ_FOREACH(task, &process->tasks, link)
        count->tasks += task->cred.uid == count->uid;
    return 0;
}

/* RLIMIT_NPROC, which root is not held to. Under the tasks lock. */
static bool has_too_many(const struct task *task)
{
    struct user_count count = {.uid = task->cred.uid};

    if (count.uid == 0 || task->cred.euid == 0)
        return false;
    (void)process_list_all(task_kernel(task), count_tasks, &count);
    return count.tasks >= task->process->limits[RLIMIT_NPROC].rlim_cur;
}

static int alloc_tid(struct task *task)
{
    struct kernel *kernel = task_kernel(task);

    mutex_lock(&kernel->tasks_lock);
    int tid = has_too_many(task) ? -EAGAIN : pid_alloc(kernel);
    mutex_unlock(&kernel->tasks_lock);
    return tid;
}

/* A descriptor of the parent for the child, which is told to it; *fd is that or -1. */
static int add_pidfd(struct task *task, struct task *child, const struct clone_request *request,
                     int *fd)
{
    struct file *file;

    if ((request->flags & CLONE_PIDFD) == 0)
        return 0;
    int err = pidfd_create(child->process, 0, &file);
    if (err < 0)
        return err;
    *fd = files_add(task->files, file, 0, true, task_limit(task, RLIMIT_NOFILE));
    if (*fd < 0)
        return *fd;
    return user_copy_out(task->mm, request->pidfd, fd, sizeof(*fd));
}

int64_t task_clone(struct task *task, const struct clone_request *request)
{
    const uint64_t waits = CLONE_VFORK;
    struct clone_parts parts = {0};
    struct process *awaited = NULL; /* once started, the child may be gone at any time */
    struct task *child = NULL;
    int tid = alloc_tid(task);
    int fd = -1;

    if (tid < 0)
        return tid;
    int err = parts_clone(task, request->flags, &parts);
    if (err == 0)
        err = make(task, tid, request->flags, &parts, &child);
    if (err == 0) {
        if ((request->flags & CLONE_THREAD) == 0)
            inherit_process(child->process, task->process, request);
        inherit_task(child, task, request);
        err = add_pidfd(task, child, request, &fd);
    }
    if (err == 0) {
        if ((request->flags & (CLONE_VFORK | CLONE_THREAD)) == waits)
            awaited = object_get(&child->process->object);
        err = start_child(child, task, request);
    }
    parts_put(&parts);
    object_put((struct object *)child);
    if (err == 0 && awaited != NULL)
        return vfork_wait_for(task, awaited);
    object_put((struct object *)awaited);
    if (err < 0 && fd >= 0)
        (void)files_close(task->files, fd);
    return err < 0 ? err : tid;
}
