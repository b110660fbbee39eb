/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending signals. All of it happens under the tasks lock, inside the gate: so nobody is killed,
 * stopped or continued while the kernel is frozen. *Linux:* pid 1 has no protection from signals
 * whose action is the default: a sandbox often has a plain program as its first process.
 */
#include <errno.h>

#include "core/kernel.h"
#include "core/signal.h"
#include "core/signalfd.h"
#include "core/task.h"

#define STOPS                                                                                      \
    (SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))

/* Stop and continue signals take each other out of all queues of the process. */
static void cancel_opposites(struct process *process, uint64_t set)
{
    struct task *task;

    mutex_assert_held(&process->sighand->lock);
    signal_queue_remove(&process->pending, set);
    TAILQ_FOREACH(task, &process->tasks, link)
        signal_queue_remove(&task->pending, set);
    signal_recompute_told(process);
}

/* Stop and continue work when they are sent, whatever the action and the mask. A process goes on
 * after the stops have left its queues: it must not find one there. */
static void prepare(struct process *process, int signal)
{
    struct sighand *sighand = process->sighand;

    mutex_lock(&sighand->lock);
    process->continues += signal == SIGCONT;
    if (signal == SIGCONT)
        cancel_opposites(process, STOPS);
    else if ((SIGNAL_BIT(signal) & STOPS) != 0)
        cancel_opposites(process, SIGNAL_BIT(SIGCONT));
    mutex_unlock(&sighand->lock);
    if (signal == SIGCONT)
        process_continue(process);
}

/* A task that will take the signal soon: the first that does not block it or awaits it, best one
 * that has nothing to take yet; else none. */
static struct task *find_taker(struct process *process, int signal)
{
    struct task *first = NULL;
    struct task *task;

    TAILQ_FOREACH(task, &process->tasks, link) {
        bool is_shut = (task->blocked & ~task->awaited & SIGNAL_BIT(signal)) != 0;
        if (is_shut || atomic_load(&task->waiter.is_killed))
            continue;
        if (!atomic_load(&task->waiter.has_signal))
            return task;
        first = first == NULL ? task : first;
    }
    return first;
}

static void wake(struct task *task)
{
    signal_recompute(task);
    if (atomic_load(&task->waiter.has_signal))
        task_kick(task);
}

void signal_retarget(struct process *process, uint64_t set)
{
    uint64_t left = process->pending.set & set;

    mutex_assert_held(&process->sighand->lock);
    for (; left != 0; left &= left - 1) {
        struct task *taker = find_taker(process, __builtin_ctzll(left) + 1);
        if (taker != NULL)
            wake(taker);
    }
}

/* *Linux:* counts those of all processes of a user. */
static bool is_full(const struct process *process)
{
    uint64_t count = process->pending.count;
    const struct task *task;

    TAILQ_FOREACH(task, &process->tasks, link)
        count += task->pending.count;
    return count >= process->limits[RLIMIT_SIGPENDING].rlim_cur;
}

/* Above the limit a real-time signal of kill(2) stays a bit, as it were: one, that tells nothing.
 */
static int add(struct process *process, struct signal_queue *queue, const struct signal_info *info)
{
    const struct signal_info bare = {.signal = info->signal, .code = SI_USER};
    bool is_limited = (info->signal >= SIGNAL_REALTIME || info->code < 0) && info->timer == 0;

    if (!is_limited || !is_full(process))
        return signal_queue_add(queue, info);
    if (info->signal >= SIGNAL_REALTIME && info->code != SI_USER)
        return -EAGAIN;
    return (queue->set & SIGNAL_BIT(info->signal)) != 0 ? 0 : signal_queue_add(queue, &bare);
}

/* Adds to queue, which is the task's or its process'; takers look. */
static int queue_signal(struct process *process, struct signal_queue *queue, struct task *taker,
                        const struct signal_info *info)
{
    struct sighand *sighand = process->sighand;
    int err = 0;

    mutex_lock(&sighand->lock);
    if (taker == NULL)
        taker = find_taker(process, info->signal);
    bool is_blocked = taker == NULL || (taker->blocked & SIGNAL_BIT(info->signal)) != 0;
    if (is_blocked || !signal_is_ignored(sighand, info->signal)) {
        err = add(process, queue, info);
        signalfd_kick(process->kernel);
        if (err == 0 && taker != NULL)
            wake(taker);
    }
    mutex_unlock(&sighand->lock);
    return err;
}

static int send(struct process *process, struct task *task, const struct signal_info *info)
{
    mutex_assert_held(&process->kernel->tasks_lock);
    if (process->is_zombie || process->is_exiting)
        return 0;
    if (info->signal == SIGKILL) {
        process_kill(process, SIGKILL);
        return 0;
    }
    prepare(process, info->signal);
    return queue_signal(process, task != NULL ? &task->pending : &process->pending, task, info);
}

int signal_send_task(struct task *task, const struct signal_info *info)
{
    return send(task->process, task, info);
}

int signal_send_process(struct process *process, const struct signal_info *info)
{
    return send(process, NULL, info);
}

void signal_send_self(struct task *task, int signal, int code)
{
    struct kernel *kernel = task_kernel(task);
    struct signal_info info = {
        .signal = signal, .code = code, .pid = task->process->pid, .uid = task->cred.uid};

    mutex_lock(&kernel->tasks_lock);
    (void)signal_send_task(task, &info);
    mutex_unlock(&kernel->tasks_lock);
}

void signal_force(struct task *task, const struct signal_info *info)
{
    struct kernel *kernel = task_kernel(task);
    struct sighand *sighand = task->process->sighand;

    mutex_lock(&kernel->tasks_lock);
    mutex_lock(&sighand->lock);
    struct signal_action *action = &sighand->actions[info->signal - 1];
    bool is_blocked = (task->blocked & SIGNAL_BIT(info->signal)) != 0;
    if (is_blocked || action->handler == (guest_addr_t)(uintptr_t)SIG_IGN) {
        action->handler = 0;
        task->blocked &= ~SIGNAL_BIT(info->signal);
    }
    mutex_unlock(&sighand->lock);
    if (signal_send_task(task, info) < 0)
        process_kill(task->process, info->signal);
    mutex_unlock(&kernel->tasks_lock);
}

bool signal_is_permitted(const struct task *task, const struct task *target, int signal)
{
    const struct cred *from = &task->cred;
    const struct cred *to = &target->cred;

    if (from->euid == 0 || task->process == target->process)
        return true;
    if (signal == SIGCONT && task->process->sid == target->process->sid)
        return true;
    return from->euid == to->suid || from->euid == to->uid || from->uid == to->suid ||
           from->uid == to->uid;
}
