/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tasks share: unshare gives back what clone shared, kcmp tells whether two tasks share it.
 * *Linux:* there is one namespace of each kind: unshare of one is EPERM, setns finds none; what
 * kcmp says about order holds until the next restore.
 */
#include <errno.h>
#include <linux/kcmp.h>
#include <sched.h>

#include "core/inspect.h"
#include "core/kernel.h"
#include "core/syscall/syscall_table.h"
#include "core/task.h"

static const uint64_t namespaces = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                                   CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP | 0x80 /* TIME */;
static const uint64_t of_process = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;

/* One who has no other threads shares nothing with them. */
static int check_alone(struct task *task)
{
    struct kernel *kernel = task_kernel(task);

    mutex_lock(&kernel->tasks_lock);
    bool is_alone = TAILQ_NEXT(TAILQ_FIRST(&task->process->tasks), link) == NULL;
    mutex_unlock(&kernel->tasks_lock);
    return is_alone ? 0 : -EINVAL;
}

/* Takes both; the old ones are dropped. NULL: stays. */
static void replace(struct task *task, struct files *files, struct fs *fs)
{
    struct kernel *kernel = task_kernel(task);
    struct files *old_files = files != NULL ? task->files : NULL;
    struct fs *old_fs = fs != NULL ? task->fs : NULL;

    mutex_lock(&kernel->tasks_lock); /* others look at them under it: /proc */
    task->files = files != NULL ? files : task->files;
    task->fs = fs != NULL ? fs : task->fs;
    mutex_unlock(&kernel->tasks_lock);
    object_put((struct object *)old_files);
    object_put((struct object *)old_fs);
}

int64_t sys_unshare(struct task *task, uint64_t flags)
{
    struct files *files = NULL;
    struct fs *fs = NULL;
    int err = 0;

    if ((flags & ~(namespaces | of_process | CLONE_FILES | CLONE_FS | CLONE_SYSVSEM)) != 0)
        return -EINVAL;
    if ((flags & of_process) != 0)
        err = check_alone(task);
    if (err == 0 && (flags & namespaces) != 0)
        err = -EPERM;
    if (err == 0 && (flags & CLONE_FILES) != 0)
        err = files_fork(task->files, &files);
    if (err == 0 && (flags & CLONE_FS) != 0)
        err = fs_fork(task->fs, &fs);
    if (err < 0) {
        object_put((struct object *)files);
        return err;
    }
    replace(task, files, fs);
    return 0;
}

int64_t sys_setns(struct task *task, int fd, uint32_t kind)
{
    struct file *file = files_get_open(task->files, fd);

    (void)kind;
    if (file == NULL)
        return -EBADF;
    object_put(&file->object);
    return -EINVAL;
}

/* --- kcmp --- */

static int64_t compare(const void *first, const void *second)
{
    enum { EQUAL, LESS, GREATER };

    if (first == second)
        return EQUAL;
    return (uintptr_t)first < (uintptr_t)second ? LESS : GREATER;
}

/* What the two tasks are compared by: references, to be put. */
struct compared {
    struct process *process;
    struct files *files;
    const void *what; /* of the kinds that are no files */
};

/* Under the tasks lock. */
static void find_compared(struct task *task, int kind, struct compared *ret)
{
    switch (kind) {
    case KCMP_VM:
        ret->what = task->mm;
        break;
    case KCMP_FILES:
        ret->what = task->files;
        break;
    case KCMP_FS:
        ret->what = task->fs;
        break;
    case KCMP_SIGHAND:
        ret->what = task->process->sighand;
        break;
    default: /* I/O contexts and semaphore undo lists: nobody has one */
        ret->what = NULL;
    }
    ret->process = object_get(&task->process->object);
    ret->files = object_get((struct object *)task->files);
}

static int64_t compare_files(const struct compared both[2], const uint64_t fds[2])
{
    struct file *file[2];

    for (int i = 0; i < 2; i++)
        file[i] = both[i].files != NULL && fds[i] <= INT32_MAX
                      ? files_get(both[i].files, (int)fds[i])
                      : NULL;
    int64_t result = file[0] == NULL || file[1] == NULL ? -EBADF : compare(file[0], file[1]);
    object_put((struct object *)file[0]);
    object_put((struct object *)file[1]);
    return result;
}

static int64_t compare_two(struct task *task, const struct compared both[2], int kind,
                           const uint64_t fds[2])
{
    for (int i = 0; i < 2; i++) {
        if (task_may_inspect(task, both[i].process, false) < 0)
            return -EPERM;
    }
    if (kind == KCMP_FILE)
        return compare_files(both, fds);
    if (kind < KCMP_VM || kind > KCMP_SYSVSEM)
        return -EINVAL;
    return compare(both[0].what, both[1].what);
}

int64_t sys_kcmp(struct task *task, int first, int second, int kind, uint64_t fd, uint64_t other_fd)
{
    struct kernel *kernel = task_kernel(task);
    const int tids[2] = {first, second};
    const uint64_t fds[2] = {fd, other_fd};
    struct compared both[2] = {{0}};
    int64_t result = 0;

    mutex_lock(&kernel->tasks_lock);
    for (int i = 0; i < 2 && result == 0; i++) {
        struct task *found = task_find(kernel, tids[i]);
        if (found == NULL)
            result = -ESRCH;
        else
            find_compared(found, kind, &both[i]);
    }
    mutex_unlock(&kernel->tasks_lock);
    if (result == 0)
        result = compare_two(task, both, kind, fds);
    for (int i = 0; i < 2; i++) {
        object_put((struct object *)both[i].files);
        object_put((struct object *)both[i].process);
    }
    return result;
}
