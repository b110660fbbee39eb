/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals: actions, masks and the stack of a thread's handlers. sys_kill.c sends, signal_wait.c
 * waits.
 */
#include <errno.h>

#include "core/kernel.h"
#include "core/signal.h"
#include "core/syscall/syscall_table.h"

/* A new action may make pending signals ignored: they go (POSIX). */
static void forget_ignored(struct process *process, int signal)
{
    struct task *task;

    if (!signal_is_ignored(process->sighand, signal))
        return;
    signal_queue_remove(&process->pending, SIGNAL_BIT(signal));
    TAILQ_FOREACH(task, &process->tasks, link)
        signal_queue_remove(&task->pending, SIGNAL_BIT(signal));
    signal_recompute_told(process);
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
        posix_timer_dropped(process);
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
