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

/* A signal that has been taken. */
struct delivery {
    struct signal_info info;
    struct signal_action action;
    unsigned continues; /* of the process, then */
};

/* The next signal with its action; SA_RESETHAND takes effect. False: none. */
static bool take(struct task *task, struct delivery *ret)
{
    struct process *process = task->process;
    struct sighand *sighand = process->sighand;

    mutex_lock(&sighand->lock);
    bool is_taken = signal_take(task, task->blocked, &ret->info);
    if (is_taken) {
        struct signal_action *action = &sighand->actions[ret->info.signal - 1];
        ret->action = *action;
        ret->continues = process->continues;
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

/* There is no room for a frame, or the sequence that it interrupts is not sound: the task gets
 * SIGSEGV, which may have a stack of its own. */
static void fail_frame(struct task *task, int signal)
{
    struct signal_info info = {.signal = SIGSEGV, .code = SI_KERNEL};

    if (signal == SIGSEGV)
        process_die(task->process, death_status(task->process, SIGSEGV));
    else
        signal_force(task, &info);
}

static void run_handler(struct task *task, const struct signal_action *action,
                        const struct signal_info *info)
{
    uint64_t mask = mask_to_restore(task, waiter_record(&task->waiter));
    uint64_t blocked = task->blocked | action->mask;

    if (task->call == CALL_DONE)
        finish_with_handler(task, action);
    if (rseq_abort(task) < 0 || signal_frame_push(task, action, info, mask) < 0) {
        fail_frame(task, info->signal);
        return;
    }
    if ((action->flags & SA_NODEFER) == 0)
        blocked |= SIGNAL_BIT(info->signal);
    (void)signal_set_mask(task, blocked);
}

static int has_parent_outside(struct process *process, void *context)
{
    const struct process *self = context;
    const struct process *parent = process->parent;

    return process->pgid == self->pgid && !process->is_zombie && parent != NULL &&
           parent->pgid != self->pgid && parent->sid == self->sid;
}

/* Stops of the terminal have no effect where no shell could continue the group. Nor has a stop that
 * a SIGCONT has overtaken, after it was taken. */
static void stop(struct task *task, const struct delivery *delivery)
{
    struct process *process = task->process;
    struct kernel *kernel = process->kernel;
    int signal = delivery->info.signal;

    mutex_lock(&kernel->tasks_lock);
    bool is_orphan = process_list_all(kernel, has_parent_outside, process) == 0;
    mutex_lock(&process->sighand->lock);
    bool is_late = process->continues != delivery->continues;
    mutex_unlock(&process->sighand->lock);
    if (!is_late && (signal == SIGSTOP || !is_orphan))
        process_stop(process, signal);
    mutex_unlock(&kernel->tasks_lock);
}

/* What SIG_DFL does. */
static void default_action(struct task *task, const struct delivery *delivery)
{
    int signal = delivery->info.signal;

    switch (signal_default_of(signal)) {
    case SIGNAL_IGNORES:
    case SIGNAL_CONTINUES:
        break;
    case SIGNAL_STOPS:
        stop(task, delivery);
        break;
    case SIGNAL_TERMINATES:
        process_die(task->process, death_status(task->process, signal));
        break;
    }
}

/* Nothing is taken while the process is stopped. */
static bool goes_on(const struct task *task)
{
    return !atomic_load(&task->waiter.is_killed) && atomic_load(&task->process->stop_signal) == 0;
}

void signal_deliver(struct task *task)
{
    struct delivery delivery;

    while (goes_on(task) && take(task, &delivery)) {
        guest_addr_t handler = delivery.action.handler;
        if (handler == 0)
            default_action(task, &delivery);
        else if (handler != (guest_addr_t)(uintptr_t)SIG_IGN)
            run_handler(task, &delivery.action, &delivery.info);
    }
    if (task->call == CALL_DONE && atomic_load(&task->process->stop_signal) == 0)
        finish_without_handler(task);
}
