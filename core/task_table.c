/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has which id: processes by pid, tasks by tid; derived, and guarded by the tasks lock. The
 * tables hold no references: what leaves the tree leaves them first. Ids rise and wrap, as Linux's
 * do; one is free when no task, process, group or session has it.
 */
#include <errno.h>

#include "core/base/hash.h"
#include "core/kernel.h"
#include "core/task.h"

struct task_slot {
    int tid;
    struct task *task;
    UT_hash_handle hh;
};

struct process_slot {
    int pid;
    struct process *process;
    UT_hash_handle hh;
};

enum { FIRST_PID_AGAIN = 300 };

static bool id_is_used(struct kernel *kernel, int id)
{
    const struct process_slot *slot;

    if (process_find(kernel, id) != NULL || task_find(kernel, id) != NULL)
        return true;
    for (slot = kernel->processes; slot != NULL; slot = slot->hh.next) {
        if (slot->process->pgid == id || slot->process->sid == id)
            return true;
    }
    return false;
}

int pid_alloc(struct kernel *kernel)
{
    struct machine *machine = kernel->machine;

    mutex_assert_held(&kernel->tasks_lock);
    for (int tries = 0; tries < KERNEL_PID_MAX; tries++) {
        int id = machine->last_pid + 1;
        if (id >= KERNEL_PID_MAX)
            id = FIRST_PID_AGAIN;
        machine->last_pid = id;
        if (!id_is_used(kernel, id))
            return id;
    }
    return -EAGAIN;
}

struct process *process_find(struct kernel *kernel, int pid)
{
    struct process_slot *slot;

    HASH_FIND_INT(kernel->processes, &pid, slot);
    return slot != NULL ? slot->process : NULL;
}

struct process *process_find_any(struct kernel *kernel, int id)
{
    struct process *process = process_find(kernel, id);
    const struct task *task = process == NULL ? task_find(kernel, id) : NULL;

    return task != NULL ? task->process : process;
}

struct task *task_find(struct kernel *kernel, int tid)
{
    struct task_slot *slot;

    HASH_FIND_INT(kernel->tasks, &tid, slot);
    return slot != NULL ? slot->task : NULL;
}

int task_table_add(struct kernel *kernel, struct task *task)
{
    struct task_slot *slot = host_alloc(1, sizeof(*slot));

    if (slot == NULL)
        return -ENOMEM;
    *slot = (struct task_slot){.tid = task->tid, .task = task};
    HASH_ADD_INT(kernel->tasks, tid, slot);
    if (HASH_IS_IN(slot))
        return 0;
    host_free(slot);
    return -ENOMEM;
}

static void remove_task(struct kernel *kernel, const struct task *task, int tid)
{
    struct task_slot *slot;

    HASH_FIND_INT(kernel->tasks, &tid, slot);
    assert(slot != NULL && slot->task == task);
    HASH_DEL(kernel->tasks, slot);
    host_free(slot);
}

void task_table_remove(struct kernel *kernel, struct task *task)
{
    remove_task(kernel, task, task->tid);
}

int task_set_tid(struct task *task, int tid)
{
    struct kernel *kernel = task_kernel(task);
    int old = task->tid;

    mutex_assert_held(&kernel->tasks_lock);
    assert(task_find(kernel, tid) == NULL);
    task->tid = tid;
    int err = task_table_add(kernel, task);
    if (err < 0)
        task->tid = old;
    else
        remove_task(kernel, task, old);
    return err;
}

int process_table_add(struct kernel *kernel, struct process *process)
{
    struct process_slot *slot = host_alloc(1, sizeof(*slot));

    if (slot == NULL)
        return -ENOMEM;
    *slot = (struct process_slot){.pid = process->pid, .process = process};
    HASH_ADD_INT(kernel->processes, pid, slot);
    if (HASH_IS_IN(slot))
        return 0;
    host_free(slot);
    return -ENOMEM;
}

void process_table_remove(struct kernel *kernel, struct process *process)
{
    struct process_slot *slot;
    int pid = process->pid;

    HASH_FIND_INT(kernel->processes, &pid, slot);
    assert(slot != NULL && slot->process == process);
    HASH_DEL(kernel->processes, slot);
    host_free(slot);
}

int process_list_all(struct kernel *kernel, int (*fn)(struct process *process, void *context),
                     void *context)
{
    struct process_slot *slot;
    struct process_slot *next;

    for (slot = kernel->processes; slot != NULL; slot = next) {
        next = slot->hh.next;
        int result = fn(slot->process, context);
        if (result != 0)
            return result;
    }
    return 0;
}
