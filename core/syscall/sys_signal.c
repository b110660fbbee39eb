/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals: actions, masks, sending, waiting for one. pause and rt_sigsuspend are one kind of wait
 * that only a signal ends.
 */
#include <errno.h>

#include "core/kernel.h"
#include "core/signal.h"
#include "core/syscall/syscall_table.h"
#include "core/waits.h"

DEFINE_WAIT_TYPE(SIGNAL, signal, SignalWait, signal);

static int64_t signal_step(struct waiter *waiter, struct signal_wait *record)
{
    (void)waiter;
    (void)record;
    return WAIT_AGAIN;
}

static int64_t signal_cancel(struct waiter *waiter, struct signal_wait *record, int why)
{
    (void)waiter;
    (void)record;
    (void)why;
    return -ERESTARTNOHAND;
}

static void signal_release(struct signal_wait *record)
{
    (void)record;
}

static void signal_relink(struct waiter *waiter, struct signal_wait *record)
{
    (void)waiter;
    (void)record;
}

static int signal_wait_save(const struct signal_wait *record, struct saver *saver, SignalWait *m)
{
    (void)saver;
    m->is_suspend = record->is_suspend;
    return 0;
}

static int signal_wait_load(struct signal_wait *record, struct loader *loader, const SignalWait *m)
{
    (void)loader;
    record->is_suspend = m->is_suspend;
    return 0;
}

int64_t sys_pause(struct task *task)
{
    (void)wait_begin(&task->waiter, &signal_wait_type.ops);
    return wait_run(&task->waiter);
}

int64_t sys_rt_sigsuspend(struct task *task, guest_addr_t from, uint64_t size)
{
    uint64_t mask;

    if (size != sizeof(mask))
        return -EINVAL;
    int err = user_copy_in(task->mm, &mask, from, sizeof(mask));
    if (err < 0)
        return err;
    struct signal_wait *record = wait_begin(&task->waiter, &signal_wait_type.ops);
    record->is_suspend = true;
    record->base.is_masked = true;
    record->base.saved_mask = signal_set_mask(task, mask);
    return wait_run(&task->waiter);
}

/* A new action may make pending signals ignored: they go (POSIX). */
static void forget_ignored(struct process *process, int signal)
{
    struct task *task;

    if (!signal_is_ignored(process->sighand, signal))
        return;
    signal_queue_remove(&process->pending, SIGNAL_BIT(signal));
    TAILQ_FOREACH(task, &process->tasks, link) {
        signal_queue_remove(&task->pending, SIGNAL_BIT(signal));
        signal_recompute(task);
    }
}

int64_t sys_rt_sigaction(struct task *task, int signal, guest_addr_t from, guest_addr_t old_to,
                         uint64_t size)
{
    struct process *process = task->process;
    struct kernel *kernel = process->kernel;
    struct signal_action action;
    struct signal_action old;

    if (size != sizeof(uint64_t) || signal < 1 || signal > SIGNAL_COUNT)
        return -EINVAL;
    if (from != 0 && (signal == SIGKILL || signal == SIGSTOP))
        return -EINVAL;
    int err = from == 0 ? 0 : user_copy_in(task->mm, &action, from, sizeof(action));
    if (err < 0)
        return err;
    mutex_lock(&kernel->tasks_lock);
    mutex_lock(&process->sighand->lock);
    old = process->sighand->actions[signal - 1];
    if (from != 0) {
        action.mask &= ~SIGNAL_UNBLOCKABLE;
        process->sighand->actions[signal - 1] = action;
        forget_ignored(process, signal);
    }
    mutex_unlock(&process->sighand->lock);
    mutex_unlock(&kernel->tasks_lock);
    return old_to == 0 ? 0 : user_copy_out(task->mm, old_to, &old, sizeof(old));
}

int64_t sys_rt_sigprocmask(struct task *task, int how, guest_addr_t from, guest_addr_t old_to,
                           uint64_t size)
{
    uint64_t old = task->blocked;
    uint64_t set;

    if (size != sizeof(set))
        return -EINVAL;
    if (from != 0) {
        int err = user_copy_in(task->mm, &set, from, sizeof(set));
        if (err < 0)
            return err;
        if (how == SIG_BLOCK)
            set |= old;
        else if (how == SIG_UNBLOCK)
            set = old & ~set;
        else if (how != SIG_SETMASK)
            return -EINVAL;
        (void)signal_set_mask(task, set);
    }
    return old_to == 0 ? 0 : user_copy_out(task->mm, old_to, &old, sizeof(old));
}

int64_t sys_rt_sigpending(struct task *task, guest_addr_t to, uint64_t size)
{
    uint64_t set = signal_pending_set(task) & task->blocked;

    return size > sizeof(set) ? -EINVAL : user_copy_out(task->mm, to, &set, size);
}

int64_t sys_rt_sigreturn(struct task *task)
{
    if (signal_frame_pop(task) < 0) {
        struct signal_info info = {.signal = SIGSEGV, .code = SI_KERNEL};
        signal_force(task, &info);
    }
    return CALL_KEEPS_REGS;
}

int64_t sys_sigaltstack(struct task *task, guest_addr_t from, guest_addr_t old_to)
{
    const uint64_t size_min = 2048;
    bool is_active = task->altstack_size > 0 && task->regs.rsp > task->altstack_base &&
                     task->regs.rsp - task->altstack_base <= task->altstack_size;
    stack_t old = {.ss_sp = (void *)(uintptr_t)task->altstack_base,
                   .ss_size = task->altstack_size,
                   .ss_flags = (int)task->altstack_flags};
    stack_t stack;

    old.ss_flags |= task->altstack_size == 0 ? SS_DISABLE : is_active ? SS_ONSTACK : 0;
    if (from != 0) {
        int err = user_copy_in(task->mm, &stack, from, sizeof(stack));
        if (err < 0)
            return err;
        uint32_t flags = (uint32_t)stack.ss_flags & (UINT32_C(1) << 31);
        uint32_t mode = (uint32_t)stack.ss_flags & ~flags;
        if (is_active)
            return -EPERM;
        if (mode != 0 && mode != SS_DISABLE && mode != SS_ONSTACK)
            return -EINVAL;
        if (mode != SS_DISABLE && stack.ss_size < size_min)
            return -ENOMEM;
        task->altstack_base = mode == SS_DISABLE ? 0 : (guest_addr_t)(uintptr_t)stack.ss_sp;
        task->altstack_size = mode == SS_DISABLE ? 0 : stack.ss_size;
        task->altstack_flags = flags;
    }
    return old_to == 0 ? 0 : user_copy_out(task->mm, old_to, &old, sizeof(old));
}

/* --- sending --- */

struct kill_request {
    struct task *task;
    struct signal_info info;
    int pgid; /* 0: all but pid 1 and the sender */
    bool is_found, is_permitted;
};

/* Any task of it stands for the process when rights are checked. */
static int kill_process(struct kill_request *request, struct process *process)
{
    const struct task *target = TAILQ_FIRST(&process->tasks);

    request->is_found = true;
    if (target != NULL && !signal_is_permitted(request->task, target, request->info.signal))
        return -EPERM;
    request->is_permitted = true;
    return request->info.signal == 0 ? 0 : signal_send_process(process, &request->info);
}

static int kill_if_meant(struct process *process, void *context)
{
    struct kill_request *request = context;
    bool is_meant = request->pgid != 0 ? process->pgid == request->pgid
                                       : process->pid != 1 && process != request->task->process;

    if (is_meant)
        (void)kill_process(request, process);
    return 0;
}

static int64_t send_kill(struct kill_request *request, int pid)
{
    struct kernel *kernel = task_kernel(request->task);

    mutex_assert_held(&kernel->tasks_lock);
    if (pid > 0) {
        struct process *process = process_find(kernel, pid);
        return process == NULL ? -ESRCH : kill_process(request, process);
    }
    request->pgid = pid == 0 ? request->task->process->pgid : pid == -1 ? 0 : -pid;
    (void)process_list_all(kernel, kill_if_meant, request);
    if (!request->is_found)
        return -ESRCH;
    return request->is_permitted ? 0 : -EPERM;
}

int64_t sys_kill(struct task *task, int pid, int signal)
{
    struct kill_request request = {
        .task = task,
        .info = {
            .signal = signal, .code = SI_USER, .pid = task->process->pid, .uid = task->cred.uid}};

    if (signal < 0 || signal > SIGNAL_COUNT)
        return -EINVAL;
    if (pid == INT32_MIN)
        return -ESRCH;
    mutex_lock(&task_kernel(task)->tasks_lock);
    int64_t result = send_kill(&request, pid);
    mutex_unlock(&task_kernel(task)->tasks_lock);
    return result;
}

static int64_t thread_kill(struct task *task, int tgid, int tid, int signal)
{
    struct kernel *kernel = task_kernel(task);
    struct signal_info info = {
        .signal = signal, .code = SI_TKILL, .pid = task->process->pid, .uid = task->cred.uid};
    int64_t result = -ESRCH;

    if (tid <= 0 || signal < 0 || signal > SIGNAL_COUNT)
        return -EINVAL;
    mutex_lock(&kernel->tasks_lock);
    struct task *target = task_find(kernel, tid);
    if (target != NULL && (tgid < 0 || target->process->pid == tgid)) {
        result = signal_is_permitted(task, target, signal) ? 0 : -EPERM;
        if (result == 0 && signal != 0)
            result = signal_send_task(target, &info);
    }
    mutex_unlock(&kernel->tasks_lock);
    return result;
}

int64_t sys_tgkill(struct task *task, int tgid, int tid, int signal)
{
    return tgid <= 0 ? -EINVAL : thread_kill(task, tgid, tid, signal);
}

int64_t sys_tkill(struct task *task, int tid, int signal)
{
    return thread_kill(task, -1, tid, signal);
}

int64_t sys_rt_sigqueueinfo(struct task *task, int pid, int signal, guest_addr_t from)
{
    struct kill_request request = {.task = task};
    uint8_t encoded[128];
    int err = user_copy_in(task->mm, encoded, from, sizeof(encoded));

    if (err < 0)
        return err;
    if (signal < 0 || signal > SIGNAL_COUNT || pid <= 0)
        return signal < 0 || signal > SIGNAL_COUNT ? -EINVAL : -ESRCH;
    signal_info_decode(encoded, &request.info);
    request.info.signal = signal;
    if ((request.info.code >= 0 || request.info.code == SI_TKILL) && pid != task->process->pid)
        return -EPERM;
    mutex_lock(&task_kernel(task)->tasks_lock);
    int64_t result = send_kill(&request, pid);
    mutex_unlock(&task_kernel(task)->tasks_lock);
    return result;
}
