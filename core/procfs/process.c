/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directories of processes: who is there, their threads and descriptors, and whose they are.
 * Lists are taken under the tasks lock and handed out after it.
 */
#include <errno.h>

#include "core/base/host.h"
#include "core/inspect.h"
#include "core/procfs/nodes.h"
#include "core/procfs/target.h"

/* Numbers collected under a lock. */
struct numbers {
    int32_t *list;
    size_t count, capacity;
};

static int numbers_add(struct numbers *numbers, int32_t number)
{
    if (numbers->count == numbers->capacity) {
        size_t capacity = numbers->capacity * 2 + 32;
        int32_t *list = host_alloc(capacity, sizeof(*list));
        if (list == NULL)
            return -ENOMEM;
        for (size_t i = 0; i < numbers->count; i++)
            list[i] = numbers->list[i];
        host_free(numbers->list);
        numbers->list = list;
        numbers->capacity = capacity;
    }
    numbers->list[numbers->count++] = number;
    return 0;
}

/* Ends a list that was collected with err: hands it out, frees it. */
static int numbers_tell(struct numbers *numbers, int err, pseudo_number_fn *fn, void *context)
{
    for (size_t i = 0; err == 0 && i < numbers->count; i++)
        err = fn(context, numbers->list[i]);
    host_free(numbers->list);
    return err;
}

static int add_process(struct process *process, void *context)
{
    return numbers_add(context, process->pid);
}

int processes_list(const struct pseudo_place *dir, pseudo_number_fn *fn, void *context)
{
    struct kernel *kernel = place_kernel(dir);
    struct numbers numbers = {0};

    mutex_lock(&kernel->tasks_lock);
    int err = process_list_all(kernel, add_process, &numbers);
    mutex_unlock(&kernel->tasks_lock);
    return numbers_tell(&numbers, err, fn, context);
}

int process_check(struct pseudo_place *place)
{
    struct target target;

    if (target_get(place, &target) < 0)
        return -ENOENT;
    place->birth = target.process->start_time;
    target_put(&target);
    return 0;
}

int threads_list(const struct pseudo_place *dir, pseudo_number_fn *fn, void *context)
{
    struct kernel *kernel = place_kernel(dir);
    struct numbers numbers = {0};
    struct target target;
    struct task *task;

    int err = target_get(dir, &target);
    if (err < 0)
        return 0;
    mutex_lock(&kernel->tasks_lock);
    TAILQ_FOREACH(task, &target.process->tasks, link)
        err = err < 0 ? err : numbers_add(&numbers, task->tid);
    mutex_unlock(&kernel->tasks_lock);
    target_put(&target);
    return numbers_tell(&numbers, err, fn, context);
}

int thread_check(struct pseudo_place *place)
{
    struct target target;

    if (target_get(place, &target) < 0)
        return -ENOENT;
    target_put(&target);
    return 0;
}

struct fd_list {
    pseudo_number_fn *fn;
    void *context;
};

static int tell_fd(void *context, int fd, struct file *file)
{
    const struct fd_list *list = context;

    (void)file;
    return list->fn(list->context, fd);
}

int fds_list(const struct pseudo_place *dir, pseudo_number_fn *fn, void *context)
{
    struct fd_list list = {.fn = fn, .context = context};
    struct target target;

    if (target_get(dir, &target) < 0)
        return 0;
    int err = target.files == NULL ? 0 : files_list(target.files, tell_fd, &list);
    target_put(&target);
    return err;
}

int fd_check(struct pseudo_place *place)
{
    struct target target;

    if (target_get(place, &target) < 0)
        return -ENOENT;
    bool is_there =
        target.files != NULL && files_get_cloexec(target.files, target_number(place)) >= 0;
    target_put(&target);
    return is_there ? 0 : -ENOENT;
}

/* A link may be read where its file may, and written. */
uint32_t fd_bits(const struct pseudo_place *place)
{
    struct file *file = NULL;
    struct target target;
    uint32_t bits = 0100;

    if (target_get(place, &target) < 0)
        return bits;
    if (target.files != NULL)
        file = files_get(target.files, target_number(place));
    if (file != NULL)
        bits |= (file_is_readable(file) ? 0400 : 0) | (file_is_writable(file) ? 0200 : 0);
    object_put((struct object *)file);
    target_put(&target);
    return bits;
}

/* Files of an undumpable process are root's; its directories stay its own. */
void place_owner(const struct pseudo_place *place, uint32_t *uid, uint32_t *gid)
{
    struct kernel *kernel = place_kernel(place);
    struct target target;

    if (place->numbers[0] == 0 || target_get(place, &target) < 0)
        return;
    mutex_lock(&kernel->tasks_lock);
    bool is_own = S_ISDIR(place->node->mode) || !target.process->is_undumpable;
    if (target.task != NULL && is_own) {
        *uid = target.task->cred.euid;
        *gid = target.task->cred.egid;
    }
    mutex_unlock(&kernel->tasks_lock);
    target_put(&target);
}

int place_permit(const struct pseudo_place *place, void *task)
{
    struct target target;

    int err = target_get(place, &target);
    if (err < 0)
        return err;
    err = task == NULL ? -EPERM : task_may_inspect(task, target.process, true);
    target_put(&target);
    return err < 0 ? -EACCES : 0;
}
