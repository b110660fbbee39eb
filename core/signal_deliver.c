/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking signals before guest code goes on, and what they do to a call that has ended. Restart
 * codes come from a wait record's cancel, on a signal only; what becomes of them is decided here,
 * by the first handler that runs, as signal(7) says for each kind. A stop leaves the call DONE: the
 * first handler after the stop decides, as in Linux.
 */
#include <errno.h>

#include "core/kernel.h"
#include "core/signal.h"
#include "core/task.h"

static bool is_restart_code(int64_t result)
{
    return result == -ERESTARTSYS || result == -ERESTARTNOINTR || result == -ERESTARTNOHAND ||
           result == -ERESTART_RESTARTBLOCK;
}

void signal_call_done(struct task *task)
{
    if (!is_restart_code(task->call_result) && task->call_result != -EINTR)
        signal_mask_end(task);
}

/* The next signal with its action; SA_RESETHAND takes effect. False: none. */
static bool take(struct task *task, struct signal_info *info, struct signal_action *ret)
{
    struct sighand *sighand = task->process->sighand;

    mutex_lock(&sighand->lock);
    bool is_taken = signal_take(task, task->blocked, info);
    if (is_taken) {
        struct signal_action *action = &sighand->actions[info->signal - 1];
        *ret = *action;
        if ((action->flags & SA_RESETHAND) != 0 && action->handler > 1)
            action->handler = 0;
    }
    mutex_unlock(&sighand->lock);
    return is_taken;
}

/* The call again, from its registers. */
static void restart(struct task *task)
{
    task->regs.rip -= 2;
    task->regs.rax = task->call_nr;
}

/* The call is over: its record goes, the mask it had set too. */
static void end_call(struct task *task)
{
    wait_end(&task->waiter);
    task->call = CALL_NONE;
}

static void finish_with_handler(struct task *task, const struct signal_action *action)
{
    int64_t result = task->call_result;

    if (result == -ERESTARTNOINTR || (result == -ERESTARTSYS && (action->flags & SA_RESTART) != 0))
        restart(task);
    else if (is_restart_code(result))
        task->regs.rax = (uint64_t)-EINTR;
    else if (result != CALL_KEEPS_REGS)
        task->regs.rax = (uint64_t)result;
    end_call(task);
}

static void finish_without_handler(struct task *task)
{
    int64_t result = task->call_result;

    if (result == -ERESTART_RESTARTBLOCK) {
        task->call = CALL_WAITING;
        return;
    }
    if (is_restart_code(result))
        restart(task);
    else if (result != CALL_KEEPS_REGS)
        task->regs.rax = (uint64_t)result;
    signal_mask_end(task);
    end_call(task);
}

/* The mask that comes back when the handler returns. */
static uint64_t mask_to_restore(const struct task *task, const struct wait_record *record)
{
    bool is_masked = task->call == CALL_DONE && record->ops != NULL && record->is_masked;

    return is_masked ? record->saved_mask : task->blocked;
}

static void run_handler(struct task *task, const struct signal_action *action,
                        const struct signal_info *info)
{
    uint64_t mask = mask_to_restore(task, waiter_record(&task->waiter));
    uint64_t blocked = task->blocked | action->mask;

    if (task->call == CALL_DONE)
        finish_with_handler(task, action);
    if (signal_frame_push(task, action, info, mask) < 0) {
        process_die(task->process, SIGSEGV);
        return;
    }
    if ((action->flags & SA_NODEFER) == 0)
        blocked |= SIGNAL_BIT(info->signal);
    (void)signal_set_mask(task, blocked);
}

/* What wait4 tells of a death by a signal. *Linux:* it says that there was a core dump where one
 * may have been made, but none is written. */
static int death_status(struct process *process, int signal)
{
    const uint64_t dumps = SIGNAL_BIT(SIGQUIT) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) |
                           SIGNAL_BIT(SIGABRT) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGFPE) |
                           SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGXCPU) | SIGNAL_BIT(SIGXFSZ) |
                           SIGNAL_BIT(SIGSYS);
    const rlim_t size_min = 4096;
    const int core_flag = 0x80;

    if ((SIGNAL_BIT(signal) & dumps) == 0 || process->is_undumpable)
        return signal;
    mutex_lock(&process->sighand->lock);
    rlim_t limit = process->limits[RLIMIT_CORE].rlim_cur;
    mutex_unlock(&process->sighand->lock);
    return limit < size_min ? signal : signal | core_flag;
}

/* False: the task does not go on in guest code. */
static bool default_action(struct task *task, int signal)
{
    struct kernel *kernel = task_kernel(task);

    switch (signal_default_of(signal)) {
    case SIGNAL_IGNORES:
    case SIGNAL_CONTINUES:
        return true;
    case SIGNAL_STOPS:
        mutex_lock(&kernel->tasks_lock);
        process_stop(task->process, signal);
        mutex_unlock(&kernel->tasks_lock);
        return false;
    case SIGNAL_TERMINATES:
        process_die(task->process, death_status(task->process, signal));
        return false;
    }
    return true;
}

void signal_deliver(struct task *task)
{
    struct signal_action action;
    struct signal_info info;

    while (!atomic_load(&task->waiter.is_killed) && take(task, &info, &action)) {
        if (action.handler == (guest_addr_t)(uintptr_t)SIG_IGN)
            continue;
        if (action.handler != 0)
            run_handler(task, &action, &info);
        else if (!default_action(task, info.signal))
            return;
    }
    if (task->call == CALL_DONE && atomic_load(&task->process->stop_signal) == 0)
        finish_without_handler(task);
}
