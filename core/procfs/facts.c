/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is told about a process: one copy under the locks, so that the lines of a file fit each
 * other. A file of a process tells about all its threads, one of a thread about that thread.
 */
#include "core/procfs/facts.h"

#include <signal.h>
#include <string.h>

#include "core/base/host.h"

enum { TICKS_PER_SEC = 100 };

static char state_of(struct process *process, struct task *task)
{
    if (process->is_zombie || task == NULL)
        return 'Z';
    if (atomic_load(&process->stop_signal) != 0)
        return 'T';
    return gate_place_of(&task->waiter.pass) == GATE_ASLEEP ? 'S' : 'R';
}

/* Under the sighand's lock. */
static void copy_signals(const struct target *target, struct facts *ret)
{
    const struct sighand *sighand = target->process->sighand;

    for (int i = 0; i < SIGNAL_COUNT; i++) {
        guest_addr_t handler = sighand->actions[i].handler;
        if (handler == (guest_addr_t)(uintptr_t)SIG_IGN)
            ret->ignored |= SIGNAL_BIT(i + 1);
        else if (handler != (guest_addr_t)(uintptr_t)SIG_DFL)
            ret->caught |= SIGNAL_BIT(i + 1);
    }
    ret->shared_pending = target->process->pending.set;
    ret->queued = target->process->pending.count;
    if (target->task != NULL) {
        ret->pending = target->task->pending.set;
        ret->queued += target->task->pending.count;
        ret->blocked = target->task->blocked;
    }
    memcpy(ret->limits, target->process->limits, sizeof(ret->limits));
}

/* Under the tasks lock. */
static void copy_process(const struct target *target, struct facts *ret)
{
    struct process *process = target->process;
    const struct task *task;

    ret->pid = process->pid;
    ret->tid = target->task != NULL ? target->task->tid : process->pid;
    ret->ppid = process->parent != NULL ? process->parent->pid : 0;
    ret->pgid = process->pgid;
    ret->sid = process->sid;
    ret->state = state_of(process, target->task);
    ret->exit_signal = process->exit_signal;
    ret->exit_status = process->is_zombie ? process->exit_status : 0;
    usage_of_process(process, &ret->used);
    ret->child_used = process->child_usage;
    ret->start_time = process->start_time;
    TAILQ_FOREACH(task, &process->tasks, link)
        ret->threads++;
    if (target->task != NULL) {
        memcpy(ret->comm, target->task->comm, sizeof(ret->comm));
        ret->comm[sizeof(ret->comm) - 1] = '\0';
        ret->cred = target->task->cred;
        ret->sched = target->task->sched;
    }
}

static void copy_memory(struct mm *mm, struct facts *ret)
{
    mm_usage(mm, &ret->usage);
    mutex_lock(&mm->lock);
    ret->brk_start = mm->brk_start;
    ret->arg_start = mm->arg_start;
    ret->arg_end = mm->arg_end;
    ret->env_start = mm->env_start;
    ret->env_end = mm->env_end;
    ret->stack_start = mm->arg_start & ~UINT64_C(15);
    mutex_unlock(&mm->lock);
}

static void copy_files(const struct target *target, struct facts *ret)
{
    if (target->files != NULL) {
        mutex_lock(&target->files->lock);
        ret->fd_size = target->files->size;
        mutex_unlock(&target->files->lock);
    }
    if (target->fs != NULL) {
        mutex_lock(&target->fs->lock);
        ret->umask = target->fs->umask;
        ret->has_fs = true;
        mutex_unlock(&target->fs->lock);
    }
}

int facts_get(const struct pseudo_place *place, struct facts *ret)
{
    struct kernel *kernel = place_kernel(place);
    struct target target;

    memset(ret, 0, sizeof(*ret));
    int err = target_get(place, &target);
    if (err < 0)
        return err;
    mutex_lock(&kernel->tasks_lock);
    copy_process(&target, ret);
    mutex_lock(&target.process->sighand->lock);
    copy_signals(&target, ret);
    mutex_unlock(&target.process->sighand->lock);
    if (place->numbers[1] != 0 && target.task != NULL)
        usage_of_task(target.task, &ret->used);
    mutex_unlock(&kernel->tasks_lock);
    copy_files(&target, ret);
    if (target.mm != NULL)
        copy_memory(target.mm, ret);
    ret->is_private = target_permit(place, &target) < 0;
    target_put(&target);
    return 0;
}

int64_t facts_ticks(nsec_t time)
{
    return time / (NSEC_PER_SEC / TICKS_PER_SEC);
}
