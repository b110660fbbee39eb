/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directories of processes: who is there, their threads and descriptors, and the table of what
 * each directory holds. Lists are taken under the tasks lock and handed out after it.
 */
#include <errno.h>

#include "core/base/host.h"
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

static int process_check(const struct pseudo_place *place)
{
    struct kernel *kernel = place_kernel(place);

    mutex_lock(&kernel->tasks_lock);
    bool is_there = process_find(kernel, place->numbers[0]) != NULL;
    mutex_unlock(&kernel->tasks_lock);
    return is_there ? 0 : -ENOENT;
}

static int threads_list(const struct pseudo_place *dir, pseudo_number_fn *fn, void *context)
{
    struct kernel *kernel = place_kernel(dir);
    struct numbers numbers = {0};
    struct task *task;
    int err = 0;

    mutex_lock(&kernel->tasks_lock);
    struct process *process = process_find(kernel, dir->numbers[0]);
    if (process != NULL) {
        TAILQ_FOREACH(task, &process->tasks, link)
            err = err < 0 ? err : numbers_add(&numbers, task->tid);
    }
    mutex_unlock(&kernel->tasks_lock);
    return numbers_tell(&numbers, err, fn, context);
}

static int thread_check(const struct pseudo_place *place)
{
    struct target target;

    if (target_get_thread(place, &target) < 0)
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

static int fds_list(const struct pseudo_place *dir, pseudo_number_fn *fn, void *context)
{
    struct fd_list list = {.fn = fn, .context = context};
    struct target target;

    if (target_get(dir, &target) < 0)
        return 0;
    int err = target.files == NULL ? 0 : files_list(target.files, tell_fd, &list);
    target_put(&target);
    return err;
}

static int fd_check(const struct pseudo_place *place)
{
    struct target target;

    if (target_get(place, &target) < 0)
        return -ENOENT;
    bool is_there = target.files != NULL && files_get_cloexec(target.files, place->numbers[1]) >= 0;
    target_put(&target);
    return is_there ? 0 : -ENOENT;
}

static const struct pseudo_node fd_node = {.name = "#",
                                           .mode = S_IFLNK | 0700,
                                           .check = fd_check,
                                           .readlink = read_fd,
                                           .follow = follow_fd};

static const struct pseudo_node thread_nodes[] = {
    {.name = "stat", .mode = S_IFREG | 0444, .show = show_stat},
    {.name = "status", .mode = S_IFREG | 0444, .show = show_status},
    {.name = "comm", .mode = S_IFREG | 0444, .show = show_comm},
    {.name = NULL},
};

static const struct pseudo_node thread_node = {
    .name = "#", .mode = S_IFDIR | 0555, .children = thread_nodes, .check = thread_check};

static const struct pseudo_node process_nodes[] = {
    {.name = "stat", .mode = S_IFREG | 0444, .show = show_stat},
    {.name = "statm", .mode = S_IFREG | 0444, .show = show_statm},
    {.name = "status", .mode = S_IFREG | 0444, .show = show_status},
    {.name = "comm", .mode = S_IFREG | 0444, .show = show_comm},
    {.name = "maps", .mode = S_IFREG | 0444, .show = show_maps},
    {.name = "cmdline", .mode = S_IFREG | 0444, .show = show_cmdline},
    {.name = "environ", .mode = S_IFREG | 0400, .show = show_environ},
    {.name = "auxv", .mode = S_IFREG | 0400, .show = show_auxv},
    {.name = "mounts", .mode = S_IFREG | 0444, .show = show_mounts},
    {.name = "exe", .mode = S_IFLNK | 0777, .readlink = read_exe, .follow = follow_exe},
    {.name = "cwd", .mode = S_IFLNK | 0777, .readlink = read_cwd, .follow = follow_cwd},
    {.name = "root", .mode = S_IFLNK | 0777, .readlink = read_root, .follow = follow_root},
    {.name = "fd", .mode = S_IFDIR | 0500, .numbered = &fd_node, .list = fds_list},
    {.name = "task", .mode = S_IFDIR | 0555, .numbered = &thread_node, .list = threads_list},
    {.name = NULL},
};

const struct pseudo_node process_node = {
    .name = "#", .mode = S_IFDIR | 0555, .children = process_nodes, .check = process_check};
