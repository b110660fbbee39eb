/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a place tells about. What others hold is looked up under the tasks lock, under which a task
 * also changes and drops it.
 */
#include "core/procfs/target.h"

#include <errno.h>

#include "core/inspect.h"

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

/* Under the tasks lock: borrowed; *process NULL: there is none. */
static void find(const struct pseudo_place *place, struct process **process, struct task **task)
{
    struct kernel *kernel = place_kernel(place);

    if (place->node->of_thread) {
        *task = task_find(kernel, place->numbers[1]);
        bool is_there = *task != NULL && (*task)->process->pid == place->numbers[0];
        *process = is_there ? (*task)->process : NULL;
        return;
    }
    *process = process_find(kernel, place->numbers[0]);
    if (*process != NULL) {
        *task = process_leader(*process);
    } else {
        *task = task_find(kernel, place->numbers[0]);
        *process = *task != NULL ? (*task)->process : NULL;
    }
}

int target_get(const struct pseudo_place *place, struct target *ret)
{
    struct kernel *kernel = place_kernel(place);
    struct target target = {0};
    struct process *process;
    struct task *task;

    mutex_lock(&kernel->tasks_lock);
    find(place, &process, &task);
    if (process != NULL && place->birth != 0 && process->start_time != place->birth)
        process = NULL; /* another one has got the number */
    if (process != NULL)
        target_take(&target, process, task);
    mutex_unlock(&kernel->tasks_lock);
    if (process == NULL)
        return -ESRCH;
    *ret = target;
    return 0;
}

int target_number(const struct pseudo_place *place)
{
    return place->numbers[place->node->of_thread ? 2 : 1];
}

int target_permit(const struct pseudo_place *place, const struct target *target)
{
    struct task *asker = place_asker(place);

    return asker == NULL ? -EPERM : task_may_inspect(asker, target->process, true);
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
