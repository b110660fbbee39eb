/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tasks: making them and both directions of their saved form. A task is held by its process' list
 * and by its thread. While it is outside the gate all of its state is in the struct: the registers
 * always, vector state fetched before it sleeps or parks.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/base/host.h"
#include "core/kernel.h"
#include "core/task.h"

enum { CALL_STATES = CALL_DONE + 1, XSTATE_SIZE_MAX = 1 << 16 };

DEFINE_OBJECT_TYPE(TASK, task, Task, task);

static void before_sleep(struct waiter *waiter)
{
    struct task *task = task_of(waiter);

    task_fetch_xstate(task);
    usage_count_sleep(task);
    kernel_note_sleep(task);
}

static void interrupt(struct gate_pass *pass)
{
    struct task *task = task_of(container_of(pass, struct waiter, pass));

    mutex_lock(&task->context_lock);
    if (task->context != NULL)
        context_interrupt(task->context);
    mutex_unlock(&task->context_lock);
}

/* What a new and a loaded one have in common. */
static int join_kernel(struct task *task, struct kernel *kernel)
{
    task->waiter.clock = &kernel->clock;
    task->waiter.before_sleep = before_sleep;
    task->waiter.pass.interrupt = interrupt;
    gate_join(&kernel->gate, &task->waiter.pass);
    task->xstate = host_alloc(1, xstate_size());
    if (task->xstate == NULL)
        return -ENOMEM;
    task_reset_xstate(task);
    return 0;
}

int task_create(struct process *process, int tid, struct mm *mm, struct files *files, struct fs *fs,
                struct task **ret)
{
    struct task *task = object_alloc(&task_type.object);

    if (task == NULL)
        return -ENOMEM;
    task->tid = tid;
    task->process = object_get(&process->object);
    task->mm = object_get((struct object *)mm);
    task->files = object_get(&files->object);
    task->fs = object_get(&fs->object);
    if (join_kernel(task, process->kernel) < 0) {
        object_put(&task->object);
        return -ENOMEM;
    }
    *ret = task;
    return 0;
}

int task_link(struct task *task)
{
    struct process *process = task->process;
    struct kernel *kernel = process->kernel;

    mutex_assert_held(&kernel->tasks_lock);
    int err = task_table_add(kernel, task);
    if (err < 0)
        return err;
    task->is_linked = true;
    task->is_listed = true;
    (void)object_get(&task->object);
    mutex_lock(&process->sighand->lock);
    TAILQ_INSERT_TAIL(&process->tasks, task, link);
    signal_recompute(task);
    mutex_unlock(&process->sighand->lock);
    atomic_fetch_add(&process->live, 1);
    atomic_fetch_add(&kernel->live_tasks, 1);
    return 0;
}

void task_unlink(struct task *task)
{
    struct process *process = task->process;

    mutex_assert_held(&process->kernel->tasks_lock);
    task_table_remove(process->kernel, task);
    mutex_lock(&process->sighand->lock);
    TAILQ_REMOVE(&process->tasks, task, link);
    signal_retarget(process, UINT64_MAX);
    mutex_unlock(&process->sighand->lock);
    task->is_linked = task->is_listed = false;
    atomic_fetch_sub(&process->live, 1);
}

int task_start(struct task *task)
{
    pthread_t thread;
    int err;

    object_get(&task->object);
    (void)atomic_fetch_add(&task_kernel(task)->thread_count, 1);
    err = host_thread_start(&thread, task_run, task, "task");
    if (err < 0) {
        kernel_thread_ended(task_kernel(task));
        object_put(&task->object);
        return err;
    }
    host_thread_detach(thread);
    return 0;
}

void task_kick(struct task *task)
{
    waiter_kick(&task->waiter);
    interrupt(&task->waiter.pass);
}

void task_reset_xstate(struct task *task)
{
    const uint64_t features = 3; /* x87 and SSE are in the area, all else is initial */
    const uint16_t control_word = 0x37f;
    const uint32_t mxcsr = 0x1f80;

    memset(task->xstate, 0, xstate_size());
    memcpy(task->xstate, &control_word, sizeof(control_word));
    memcpy(task->xstate + 24, &mxcsr, sizeof(mxcsr));
    memcpy(task->xstate + 512, &features, sizeof(features));
    task->has_xstate_change = true;
}

struct kernel *task_kernel(const struct task *task)
{
    return task->process->kernel;
}

static void task_init(struct task *task)
{
    signal_queue_init(&task->pending);
    mutex_init(&task->context_lock, LOCK_CONTEXT);
    usage_init(&task->usage);
    rseq_init(&task->rseq);
}

static void task_fini(struct task *task)
{
    if (task->is_linked)
        task_table_remove(task->process->kernel, task);
    task->is_linked = false;
    wait_end(&task->waiter);
    if (task->context != NULL) /* of one that never ran */
        context_free(task->context);
    task->context = NULL;
    signal_queue_fini(&task->pending);
    host_free(task->xstate);
    task->xstate = NULL;
    object_put((struct object *)task->mm);
    object_put((struct object *)task->files);
    object_put((struct object *)task->fs);
    object_put((struct object *)task->process);
    task->mm = NULL;
    task->files = NULL;
    task->fs = NULL;
    task->process = NULL;
}

static int cred_save(const struct cred *cred, struct saver *saver, Cred **ret)
{
    Cred *m = save_message(saver, &cred__descriptor);

    if (m == NULL)
        return -ENOMEM;
    m->uid = cred->uid;
    m->euid = cred->euid;
    m->suid = cred->suid;
    m->fsuid = cred->fsuid;
    m->gid = cred->gid;
    m->egid = cred->egid;
    m->sgid = cred->sgid;
    m->fsgid = cred->fsgid;
    m->cap_dropped = cred->cap_dropped;
    m->cap_lowered = cred->cap_lowered;
    m->cap_inheritable = cred->cap_inheritable;
    m->n_groups = cred->group_count;
    m->groups = (uint32_t *)cred->groups;
    *ret = m;
    return 0;
}

static void cred_load(struct cred *cred, struct loader *loader, const Cred *m)
{
    if (m == NULL || m->n_groups > CRED_GROUPS_MAX) {
        load_bad(loader, "cred", m == NULL ? "is missing" : "has too many groups");
        return;
    }
    cred->uid = m->uid;
    cred->euid = m->euid;
    cred->suid = m->suid;
    cred->fsuid = m->fsuid;
    cred->gid = m->gid;
    cred->egid = m->egid;
    cred->sgid = m->sgid;
    cred->fsgid = m->fsgid;
    cred->cap_dropped = m->cap_dropped;
    cred->cap_lowered = m->cap_lowered;
    cred->cap_inheritable = m->cap_inheritable;
    cred->group_count = (uint32_t)m->n_groups;
    if (m->n_groups > 0)
        memcpy(cred->groups, m->groups, m->n_groups * sizeof(*m->groups));
}

/* Registers one by one, in both directions. */
#define REGISTERS(X)                                                                               \
    X(r15)                                                                                         \
    X(r14)                                                                                         \
    X(r13)                                                                                         \
    X(r12)                                                                                         \
    X(rbp)                                                                                         \
    X(rbx)                                                                                         \
    X(r11)                                                                                         \
    X(r10)                                                                                         \
    X(r9)                                                                                          \
    X(r8)                                                                                          \
    X(rax)                                                                                         \
    X(rcx)                                                                                         \
    X(rdx)                                                                                         \
    X(rsi)                                                                                         \
    X(rdi)                                                                                         \
    X(rip)                                                                                         \
    X(eflags)                                                                                      \
    X(rsp)                                                                                         \
    X(fs_base)                                                                                     \
    X(gs_base)

static int regs_save(const struct guest_regs *regs, struct saver *saver, Regs **ret)
{
    Regs *m = save_message(saver, &regs__descriptor);

    if (m == NULL)
        return -ENOMEM;
#define SAVE_REGISTER(name) m->name = regs->name;
    REGISTERS(SAVE_REGISTER)
#undef SAVE_REGISTER
    *ret = m;
    return 0;
}

static void regs_load(struct guest_regs *regs, struct loader *loader, const Regs *m)
{
    if (m == NULL) {
        load_bad(loader, "regs", "are missing");
        return;
    }
#define LOAD_REGISTER(name) regs->name = m->name;
    REGISTERS(LOAD_REGISTER)
#undef LOAD_REGISTER
}

static int task_save(const struct task *task, struct saver *saver, Task *m)
{
    m->tid = (uint32_t)task->tid;
    m->process = save_ref(saver, &task->process->object);
    m->mm = save_ref(saver, (const struct object *)task->mm);
    m->files = save_ref(saver, (const struct object *)task->files);
    m->fs = save_ref(saver, (const struct object *)task->fs);
    m->xstate.data = task->xstate;
    m->xstate.len = xstate_size();
    m->call = task->call;
    m->call_nr = task->call_nr;
    m->call_result = task->call_result;
    m->comm = save_string(saver, task->comm);
    m->blocked = task->blocked;
    m->altstack_base = task->altstack_base;
    m->altstack_size = task->altstack_size;
    m->altstack_flags = task->altstack_flags;
    m->parent_death_signal = (uint32_t)task->parent_death_signal;
    m->clear_child_tid = task->clear_child_tid;
    m->robust_list = task->robust_list;
    m->rseq_area = task->rseq.area;
    m->rseq_size = task->rseq.size;
    m->rseq_signature = task->rseq.signature;
    int err = signal_queue_save(&task->pending, saver, &m->pending, &m->n_pending);
    if (err == 0)
        err = cred_save(&task->cred, saver, &m->cred);
    if (err == 0)
        err = sched_save(&task->sched, saver, &m->sched);
    if (err == 0)
        err = settings_save(&task->settings, saver, &m->settings);
    if (err == 0)
        err = regs_save(&task->regs, saver, &m->regs);
    if (err == 0)
        err = usage_save(&task->usage.total, saver, &m->usage);
    if (err == 0)
        err = save_wait(saver, &task->waiter, &m->wait);
    return err;
}

static void xstate_load(struct task *task, struct loader *loader, const Task *m)
{
    if (m->xstate.len != xstate_size()) {
        load_bad(loader, "xstate", "has %zu bytes, this CPU needs %zu", m->xstate.len,
                 xstate_size());
        return;
    }
    memcpy(task->xstate, m->xstate.data, m->xstate.len);
}

static void call_load(struct task *task, struct loader *loader, const Task *m)
{
    if (m->call >= CALL_STATES)
        load_bad(loader, "call", "%" PRIu32 " is unknown", m->call);
    else if (m->call == CALL_WAITING && m->wait == NULL)
        load_bad(loader, "wait", "is missing");
    else if (m->call < CALL_WAITING && m->wait != NULL)
        load_bad(loader, "wait", "is there, but no call is in progress");
    else
        task->call = m->call;
    task->call_nr = m->call_nr;
    task->call_result = m->call_result;
}

static int task_load(struct task *task, struct loader *loader, const Task *m)
{
    if (m->tid == 0 || m->tid > KERNEL_PID_MAX)
        load_bad(loader, "tid", "%" PRIu32 " is not possible", m->tid);
    task->tid = (int)m->tid;
    int err = join_kernel(task, kernel_of_context(loader_context(loader)));
    if (err < 0)
        return err;
    task->process = load_ref(loader, "process", m->process, &process_type);
    task->mm = load_ref(loader, "mm", m->mm, &mm_type);
    task->files = load_ref(loader, "files", m->files, &files_type);
    task->fs = load_ref(loader, "fs", m->fs, &fs_type);
    if (strlen(m->comm) >= TASK_COMM_SIZE)
        load_bad(loader, "comm", "is too long");
    else
        memcpy(task->comm, m->comm, strlen(m->comm) + 1);
    task->blocked = m->blocked & ~SIGNAL_UNBLOCKABLE;
    task->altstack_base = m->altstack_base;
    task->altstack_size = m->altstack_size;
    task->altstack_flags = m->altstack_flags;
    if (m->parent_death_signal > SIGNAL_COUNT)
        load_bad(loader, "parent_death_signal", "%" PRIu32 " is no signal", m->parent_death_signal);
    task->parent_death_signal = (int)m->parent_death_signal;
    task->clear_child_tid = m->clear_child_tid;
    task->robust_list = m->robust_list;
    task->rseq.area = m->rseq_area;
    task->rseq.size = m->rseq_size;
    task->rseq.signature = m->rseq_signature;
    usage_load(&task->usage.total, loader, "usage", m->usage);
    xstate_load(task, loader, m);
    cred_load(&task->cred, loader, m->cred);
    regs_load(&task->regs, loader, m->regs);
    sched_load(&task->sched, loader, m->sched);
    settings_load(&task->settings, loader, m->settings);
    call_load(task, loader, m);
    err = signal_queue_load(&task->pending, loader, "pending", m->pending, m->n_pending);
    return err < 0 ? err : load_wait(loader, &task->waiter, m->wait);
}

/* What is pending for all goes to one task, so all have to be there. */
static bool is_last_linked(const struct process *process)
{
    const struct task *task;

    TAILQ_FOREACH(task, &process->tasks, link) {
        if (!task->is_linked)
            return false;
    }
    return true;
}

static void task_relink(struct task *task, struct loader *loader)
{
    struct wait_record *record = waiter_record(&task->waiter);
    struct process *process = task->process;
    struct kernel *kernel = process->kernel;

    if (!task->is_listed)
        load_bad(loader, "process", "does not list it");
    if (task_find(kernel, task->tid) != NULL || task_table_add(kernel, task) < 0) {
        load_bad(loader, "tid", "%d is there twice", task->tid);
        return;
    }
    task->is_linked = true;
    atomic_fetch_add(&process->live, 1);
    atomic_fetch_add(&kernel->live_tasks, 1);
    task->is_noted = task->call == CALL_ENTERED;
    if (record->ops != NULL)
        record->ops->relink(&task->waiter, record);
    mutex_lock(&process->sighand->lock);
    atomic_store(&task->waiter.has_signal, signal_has_own(task));
    if (is_last_linked(process))
        signal_retarget(process, UINT64_MAX);
    mutex_unlock(&process->sighand->lock);
}

static uint64_t task_derived(const struct task *task)
{
    /* Which task was told of a signal for the process may change. */
    bool has_own = atomic_load(&task->waiter.has_signal) && signal_has_own(task);

    return (uint64_t)task->is_linked << 1 | has_own | (uint64_t)task->process->pid << 8;
}
