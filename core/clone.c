/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork, vfork and clone for processes. The child's registers are the parent's with result 0; its
 * thread starts as that of a restored task does. A vfork's parent waits in a record that only death
 * ends. Threads (CLONE_THREAD) are absent.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>

#include "core/base/host.h"
#include "core/kernel.h"
#include "core/syscall/syscall_table.h"
#include "core/waits.h"

DEFINE_WAIT_TYPE(VFORK, vfork, VforkWait, vfork);

struct clone_request {
    uint64_t flags; /* CLONE_*, with the exit signal in the low byte */
    guest_addr_t stack, parent_tid, child_tid, tls;
};

static int64_t vfork_step(struct waiter *waiter, struct vfork_wait *record)
{
    struct process *child = record->child;
    struct kernel *kernel = child->kernel;

    mutex_lock(&kernel->tasks_lock);
    bool is_done = child->is_vfork_done;
    if (is_done)
        wait_remove(&child->vfork_wait, &record->entry);
    else
        wait_add(&child->vfork_wait, &record->entry, waiter);
    mutex_unlock(&kernel->tasks_lock);
    return is_done ? record->pid : WAIT_AGAIN;
}

static int64_t vfork_cancel(struct waiter *waiter, struct vfork_wait *record, int why)
{
    (void)waiter;
    (void)why;
    wait_leave(&record->entry);
    return record->pid;
}

static void vfork_release(struct vfork_wait *record)
{
    wait_leave(&record->entry);
    object_put((struct object *)record->child);
    record->child = NULL;
}

static void vfork_relink(struct waiter *waiter, struct vfork_wait *record)
{
    wait_relink(&record->child->vfork_wait, &record->entry, waiter);
}

static int vfork_wait_save(const struct vfork_wait *record, struct saver *saver, VforkWait *m)
{
    m->child = save_ref(saver, &record->child->object);
    m->pid = record->pid;
    return save_wait_entry(saver, &record->entry, &m->entry);
}

static int vfork_wait_load(struct vfork_wait *record, struct loader *loader, const VforkWait *m)
{
    record->child = load_ref(loader, "wait.vfork.child", m->child, &process_type);
    record->pid = m->pid;
    load_wait_entry(loader, "wait.vfork.entry", &record->entry, m->entry);
    return 0;
}

static int check_flags(uint64_t flags)
{
    const uint64_t known = CSIGNAL | CLONE_VM | CLONE_VFORK | CLONE_FS | CLONE_FILES |
                           CLONE_SIGHAND | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID |
                           CLONE_CHILD_CLEARTID | CLONE_SETTLS | CLONE_PARENT | CLONE_SYSVSEM |
                           CLONE_UNTRACED | CLONE_IO | CLONE_DETACHED;

    if ((flags & CLONE_SIGHAND) != 0 && (flags & CLONE_VM) == 0)
        return -EINVAL;
    if ((flags & ~known) != 0 || (flags & CSIGNAL) > SIGNAL_COUNT)
        return -EINVAL;
    return 0;
}

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
    if (err == 0 && (flags & CLONE_VM) != 0)
        parts->mm = object_get(&task->mm->object);
    else if (err == 0)
        err = mm_fork(task->mm, &parts->mm);
    return err;
}

/* Others may change these of the parent meanwhile. */
static void inherit_process(struct process *child, struct process *parent, uint64_t flags)
{
    mutex_lock(&parent->kernel->tasks_lock);
    child->pgid = parent->pgid;
    child->sid = parent->sid;
    child->exit_signal = (int)(flags & CSIGNAL);
    child->is_undumpable = parent->is_undumpable;
    child->nice = parent->nice;
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
    child->cred = parent->cred;
    child->blocked = parent->blocked;
    memcpy(child->comm, parent->comm, sizeof(child->comm));
    bool keeps_altstack = (request->flags & (CLONE_VM | CLONE_VFORK)) != CLONE_VM;
    if (keeps_altstack) {
        child->altstack_base = parent->altstack_base;
        child->altstack_size = parent->altstack_size;
        child->altstack_flags = parent->altstack_flags;
    }
    task_fetch_xstate(parent);
    memcpy(child->xstate, parent->xstate, xstate_size());
}

/* Makes the process and its task, in no table yet. Takes parts->sighand. */
static int make(struct task *task, int pid, struct clone_parts *parts, struct task **ret)
{
    struct process *process;
    struct sighand *sighand = parts->sighand;

    parts->sighand = NULL;
    int err = process_create(task_kernel(task), pid, sighand, &process);
    if (err < 0)
        return err;
    err = task_create(process, pid, parts->mm, parts->files, parts->fs, ret);
    object_put(&process->object);
    return err;
}

/* Enters the tables; from then on the child can be seen, signalled and killed. */
static int link_child(struct task *child, struct process *parent)
{
    struct kernel *kernel = parent->kernel;
    int err = parent->is_exiting ? -EINTR : process_link(child->process, parent);

    mutex_assert_held(&kernel->tasks_lock);
    if (err < 0)
        return err;
    err = task_link(child);
    if (err < 0) {
        process_unlink(child->process);
        object_put(&child->process->object);
    }
    return err;
}

/* It may have been killed meanwhile, but has no thread to end. */
static void unlink_child(struct task *child)
{
    struct kernel *kernel = task_kernel(child);

    mutex_lock(&kernel->tasks_lock);
    gate_drop(&child->waiter.pass);
    task_unlink(child);
    process_unlink(child->process);
    mutex_unlock(&kernel->tasks_lock);
    atomic_fetch_sub(&kernel->live_tasks, 1);
    object_put(&child->process->object);
    object_put(&child->object);
}

static int start_child(struct task *child, struct task *parent, const struct clone_request *request)
{
    struct process *process = parent->process;
    struct kernel *kernel = process->kernel;
    int tid = child->tid;
    int err = 0;

    if ((request->flags & CLONE_PARENT_SETTID) != 0)
        err = user_copy_out(parent->mm, request->parent_tid, &tid, sizeof(tid));
    if ((request->flags & CLONE_CHILD_SETTID) != 0)
        (void)user_copy_out(child->mm, request->child_tid, &tid, sizeof(tid));
    if (err < 0)
        return err;
    mutex_lock(&kernel->tasks_lock);
    bool is_sibling = (request->flags & CLONE_PARENT) != 0 && process->parent != NULL;
    err = link_child(child, is_sibling ? process->parent : process);
    mutex_unlock(&kernel->tasks_lock);
    if (err < 0)
        return err;
    err = task_start(child);
    if (err < 0)
        unlink_child(child);
    return err;
}

/* Takes the reference to the child. */
static int64_t wait_for_vfork(struct task *task, struct process *child)
{
    struct vfork_wait *record = wait_begin(&task->waiter, &vfork_wait_type.ops);

    record->base.is_killable = true;
    record->child = child;
    record->pid = child->pid;
    return wait_run(&task->waiter);
}

static int64_t clone_process(struct task *task, const struct clone_request *request)
{
    struct kernel *kernel = task_kernel(task);
    struct clone_parts parts = {0};
    struct process *awaited = NULL; /* once started, the child may be gone at any time */
    struct task *child = NULL;
    int err = check_flags(request->flags);

    if (err < 0)
        return err;
    mutex_lock(&kernel->tasks_lock);
    int pid = pid_alloc(kernel);
    mutex_unlock(&kernel->tasks_lock);
    if (pid < 0)
        return pid;
    err = parts_clone(task, request->flags, &parts);
    if (err == 0)
        err = make(task, pid, &parts, &child);
    if (err == 0) {
        inherit_process(child->process, task->process, request->flags);
        inherit_task(child, task, request);
        if ((request->flags & CLONE_VFORK) != 0)
            awaited = object_get(&child->process->object);
        err = start_child(child, task, request);
    }
    parts_put(&parts);
    object_put((struct object *)child);
    if (err == 0 && awaited != NULL)
        return wait_for_vfork(task, awaited);
    object_put((struct object *)awaited);
    return err < 0 ? err : pid;
}

int64_t sys_fork(struct task *task)
{
    return clone_process(task, &(struct clone_request){.flags = SIGCHLD});
}

int64_t sys_vfork(struct task *task)
{
    return clone_process(task, &(struct clone_request){.flags = CLONE_VM | CLONE_VFORK | SIGCHLD});
}

int64_t sys_clone(struct task *task, uint32_t flags, guest_addr_t stack, guest_addr_t parent_tid,
                  guest_addr_t child_tid, guest_addr_t tls)
{
    return clone_process(task, &(struct clone_request){.flags = flags,
                                                       .stack = stack,
                                                       .parent_tid = parent_tid,
                                                       .child_tid = child_tid,
                                                       .tls = tls});
}
