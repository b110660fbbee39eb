/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a task: gate → guest → trap → call, fault or signal → gate. The gate is passed here,
 * before guest code runs, and at the end of a sleep; nowhere else. What a task does next is told by
 * its state alone (task->call, the record, pending signals, the stop), never by where its thread
 * stands: so a thread that starts with a restored task takes up exactly where the saved one was.
 */
#include <errno.h>

#include "core/base/host.h"
#include "core/kernel.h"
#include "core/limit.h"
#include "core/syscall/syscall_table.h"
#include "core/task.h"

void task_fetch_xstate(struct task *task)
{
    if (!task->is_attached || task->has_xstate_change)
        return; /* the task's copy is the newer one */
    if (context_get_xstate(task->context, task->xstate) < 0)
        host_log(LOG_DEBUG, "task %d: its stub is dead", task->tid);
}

static int make_context(struct task *task)
{
    struct context *context = task->context; /* its parent's thread may have made it */
    int err = context != NULL ? 0 : context_create(task->mm->aspace, &context);

    if (err < 0)
        return err;
    mutex_lock(&task->context_lock);
    task->context = context;
    mutex_unlock(&task->context_lock);
    err = context_attach(context);
    task->is_attached = err == 0;
    usage_attach(task);
    if (err < 0)
        task_drop_context(task);
    return err;
}

void task_drop_context(struct task *task)
{
    struct context *context = task->context;

    if (context == NULL)
        return;
    mutex_lock(&task->context_lock);
    task->context = NULL;
    mutex_unlock(&task->context_lock);
    if (task->is_attached)
        context_detach(context);
    task->is_attached = false;
    context_free(context);
}

/* Makes the context hold what the task says, before guest code runs. */
static int prepare_context(struct task *task)
{
    if (!task->is_attached) {
        int err = make_context(task);
        if (err < 0)
            return err;
    }
    if (!task->has_xstate_change)
        return 0;
    int err = context_set_xstate(task->context, task->xstate);
    task->has_xstate_change = false;
    return err;
}

static void take_fault(struct task *task, const struct trap *trap)
{
    int code = trap->code;

    task_tell_limits(task);
    int result = mm_fault(task->mm, trap, &task->last_fault, &code);

    if (result == 0) {
        usage_count_fault(task);
        return;
    }
    if (result < 0) {
        host_log(LOG_WARNING, "process %d: fault at %#llx: error %d, killed", task->process->pid,
                 (unsigned long long)trap->address, -result);
        process_die(task->process, SIGKILL);
        return;
    }
    struct signal_info info = {.signal = result, .code = code, .address = trap->address};
    signal_force(task, &info);
}

static void take_signal(struct task *task, const struct trap *trap)
{
    struct signal_info info = {
        .signal = trap->signal, .code = trap->code, .address = trap->address};

    signal_force(task, &info);
}

static void begin_call(struct task *task, const struct trap *trap)
{
    task->call_nr = trap->is_foreign ? UINT64_MAX : task->regs.rax;
    task->call = CALL_ENTERED;
    task->is_noted = false;
}

/* Whoever wants the task out of guest code says so first and interrupts its context then: so this
 * is asked once there is one. */
static bool is_wanted_here(struct task *task)
{
    struct waiter *waiter = &task->waiter;

    return atomic_load(&waiter->has_signal) || atomic_load(&waiter->is_killed) ||
           atomic_load(&waiter->pass.gate->state) != GATE_OPEN;
}

/* Runs guest code until it traps, and takes the trap. */
static void run_guest(struct task *task)
{
    struct trap trap;

    if (prepare_context(task) < 0) {
        process_die(task->process, SIGSEGV); /* vector state that the CPU refuses, or no thread */
        return;
    }
    if (is_wanted_here(task))
        return;
    if (!rseq_enter(task))
        return;
    usage_enter(task);
    context_enter(task->context, &task->regs, &trap);
    usage_leave(task);
    rseq_leave(task);
    switch (trap.kind) {
    case TRAP_SYSCALL:
        begin_call(task, &trap);
        break;
    case TRAP_FAULT:
        take_fault(task, &trap);
        break;
    case TRAP_SIGNAL:
        take_signal(task, &trap);
        break;
    case TRAP_INTERRUPT:
        break;
    case TRAP_DEAD:
        process_die(task->process, SIGKILL);
        break;
    }
}

static int64_t dispatch(struct task *task)
{
    const struct guest_regs *regs = &task->regs;
    const uint64_t arguments[6] = {regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9};

    if (task->call_nr >= SYSCALL_COUNT || syscall_table[task->call_nr].name == NULL)
        return -ENOSYS;
    const struct syscall_entry *entry = &syscall_table[task->call_nr];
    if (entry->call == NULL) {
        host_log(LOG_DEBUG, "task %d: %s is missing", task->tid, entry->name);
        return entry->error;
    }
    int64_t result = entry->call(task, arguments);
    host_log(LOG_DEBUG, "task %d: %s = %lld", task->tid, entry->name, (long long)result);
    return result;
}

/* A call has its result: a checkpoint that comes before it is delivered finds no record that is
 * used up; only one that is to be resumed, or has a mask to put back. */
static void end_record(struct task *task)
{
    if (task->call_result != -ERESTART_RESTARTBLOCK && !waiter_record(&task->waiter)->is_masked)
        wait_end(&task->waiter);
}

/* The call goes on; WAIT_SHUTDOWN: the thread is outside and must return. */
static int carry_call_on(struct task *task)
{
    int64_t result;

    if (task->call == CALL_ENTERED) {
        if (kernel_note_call(task))
            return wait_doze(&task->waiter);
        task->call = CALL_WAITING;
        result = dispatch(task);
    } else {
        result = wait_run(&task->waiter);
    }
    if (result == WAIT_SHUTDOWN)
        return WAIT_SHUTDOWN;
    task->call = CALL_DONE;
    task->call_result = result;
    signal_call_done(task);
    end_record(task);
    return 0;
}

/* One step; WAIT_SHUTDOWN: the thread is outside and must return. */
static int step(struct task *task)
{
    struct waiter *waiter = &task->waiter;

    wait_forget_kick(waiter);
    if (atomic_load(&task->process->stop_signal) != 0 && !atomic_load(&waiter->is_killed) &&
        task->call != CALL_WAITING) {
        task_fetch_xstate(task);
        return wait_doze(waiter);
    }
    if (task->call == CALL_ENTERED || task->call == CALL_WAITING)
        return carry_call_on(task);
    if (task->call == CALL_DONE || atomic_load(&waiter->has_signal))
        signal_deliver(task);
    if (task->call == CALL_NONE && !is_wanted_here(task))
        run_guest(task);
    return 0;
}

/* Parks with everything in the struct, should the gate be closed. */
static int pass_gate(struct task *task)
{
    struct gate *gate = task->waiter.pass.gate;

    if (atomic_load_explicit(&gate->state, memory_order_relaxed) == GATE_OPEN)
        return 0;
    task_fetch_xstate(task);
    usage_settle(task);
    return gate_check(&task->waiter.pass) < 0 ? WAIT_SHUTDOWN : 0;
}

static _Thread_local struct task *current;

struct task *task_current(void)
{
    return current;
}

void *task_run(void *argument)
{
    struct task *task = argument;
    struct kernel *kernel = task_kernel(task);
    int err = gate_enter(&task->waiter.pass) < 0 ? WAIT_SHUTDOWN : 0;

    current = task;
    while (err == 0 && !atomic_load(&task->waiter.is_killed)) {
        err = step(task);
        if (err == 0)
            err = pass_gate(task);
    }
    if (err == 0)
        task_exit(task);
    else
        task_drop_context(task);
    object_put(&task->object);
    kernel_thread_ended(kernel);
    return NULL;
}
