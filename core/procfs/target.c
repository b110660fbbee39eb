/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a place tells about. What others hold is looked up under the tasks lock, under which a task
 * also changes and drops it.
 */
#include "core/procfs/target.h"

#include <errno.h>

static struct task *process_leader(struct process *process)
{
    return TAILQ_FIRST(&process->tasks);
}

static void target_take(struct target *target, struct process *process, struct task *task)
{
    target->process = object_get(&process->object);
    if (task == NULL)
        return;
    target->task = object_get(&task->object);
    target->mm = object_get((struct object *)task->mm);
    target->files = object_get((struct object *)task->files);
    target->fs = object_get((struct object *)task->fs);
}

int target_get(const struct pseudo_place *place, struct target *ret)
{
    struct kernel *kernel = place_kernel(place);
    struct target target = {0};

    mutex_lock(&kernel->tasks_lock);
    struct process *process = process_find(kernel, place->numbers[0]);
    if (process != NULL)
        target_take(&target, process, process_leader(process));
    mutex_unlock(&kernel->tasks_lock);
    if (process == NULL)
        return -ESRCH;
    *ret = target;
    return 0;
}

int target_get_thread(const struct pseudo_place *place, struct target *ret)
{
    struct kernel *kernel = place_kernel(place);
    struct target target = {0};

    mutex_lock(&kernel->tasks_lock);
    struct task *task = task_find(kernel, place->numbers[1]);
    bool is_found = task != NULL && task->process->pid == place->numbers[0];
    if (is_found)
        target_take(&target, task->process, task);
    mutex_unlock(&kernel->tasks_lock);
    if (!is_found)
        return -ESRCH;
    *ret = target;
    return 0;
}

void target_put(struct target *target)
{
    object_put((struct object *)target->fs);
    object_put((struct object *)target->files);
    object_put((struct object *)target->mm);
    object_put((struct object *)target->task);
    object_put((struct object *)target->process);
    *target = (struct target){0};
}
