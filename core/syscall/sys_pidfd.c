/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls on files that stand for processes, and signalfd. *Linux:* a directory of /proc is no pidfd
 * here, and signals go to processes only.
 */
#include <errno.h>
#include <sys/signalfd.h>

#include "core/inspect.h"
#include "core/kernel.h"
#include "core/limit.h"
#include "core/pidfd.h"
#include "core/signalfd.h"
#include "core/syscall/syscall_table.h"

/* Takes the reference. */
static int64_t add_file(struct task *task, struct file *file, bool is_cloexec)
{
    return files_add(task->files, file, 0, is_cloexec, task_limit(task, RLIMIT_NOFILE));
}

/* Returns a reference to the process of that id: -ESRCH, -ENOENT: the id is a thread's. */
static int find_process(struct kernel *kernel, int pid, struct process **ret)
{
    mutex_lock(&kernel->tasks_lock);
    struct process *process = object_get((struct object *)process_find(kernel, pid));
    int err = process != NULL ? 0 : task_find(kernel, pid) != NULL ? -ENOENT : -ESRCH;
    mutex_unlock(&kernel->tasks_lock);
    *ret = process;
    return err;
}

int64_t sys_pidfd_open(struct task *task, int pid, uint32_t flags)
{
    struct process *process;
    struct file *file;

    if ((flags & ~(uint32_t)O_NONBLOCK) != 0 || pid <= 0)
        return -EINVAL;
    int err = find_process(task_kernel(task), pid, &process);
    if (err < 0)
        return err;
    err = pidfd_create(process, flags, &file);
    object_put(&process->object);
    return err < 0 ? err : add_file(task, file, true);
}

/* The process of a descriptor, a reference: -EBADF. */
static int get_process(struct task *task, int fd, struct process **ret)
{
    struct file *file = files_get_open(task->files, fd);

    if (file == NULL)
        return -EBADF;
    *ret = object_get((struct object *)pidfd_process(file));
    object_put(&file->object);
    return *ret == NULL ? -EBADF : 0;
}

static int64_t send(struct task *task, struct process *process, const struct signal_info *info)
{
    struct kernel *kernel = task_kernel(task);
    int64_t result = 0;

    mutex_lock(&kernel->tasks_lock);
    const struct task *target = TAILQ_FIRST(&process->tasks);
    if (!process->is_linked)
        result = -ESRCH;
    else if (target != NULL && !signal_is_permitted(task, target, info->signal))
        result = -EPERM;
    else if (info->signal != 0)
        result = signal_send_process(process, info);
    mutex_unlock(&kernel->tasks_lock);
    return result;
}

/* siginfo as the caller wants it; to others it may not look like the kernel's own. */
static int copy_info(struct task *task, const struct process *process, guest_addr_t from,
                     struct signal_info *ret)
{
    uint8_t encoded[128];
    int signal = ret->signal;

    int err = user_copy_in(task->mm, encoded, from, sizeof(encoded));
    if (err < 0)
        return err;
    signal_info_decode(encoded, ret);
    if (ret->signal != signal)
        return -EINVAL;
    bool is_kernels = ret->code >= 0 || ret->code == SI_TKILL;
    return is_kernels && process != task->process ? -EPERM : 0;
}

int64_t sys_pidfd_send_signal(struct task *task, int fd, int signal, guest_addr_t from,
                              uint32_t flags)
{
    struct signal_info info = {
        .signal = signal, .code = SI_USER, .pid = task->process->pid, .uid = task->cred.uid};
    struct process *process;

    if (flags != 0)
        return -EINVAL;
    int64_t err = get_process(task, fd, &process);
    if (err < 0)
        return err;
    if (from != 0)
        err = copy_info(task, process, from, &info);
    if (err == 0 && (signal < 0 || signal > SIGNAL_COUNT))
        err = -EINVAL;
    if (err == 0)
        err = send(task, process, &info);
    object_put(&process->object);
    return err;
}

/* A reference to the table of a process that has not ended: -ESRCH, -EPERM. */
static int get_files(struct task *task, struct process *process, struct files **ret)
{
    struct kernel *kernel = task_kernel(task);

    mutex_lock(&kernel->tasks_lock);
    const struct task *target = TAILQ_FIRST(&process->tasks);
    *ret = target == NULL ? NULL : object_get((struct object *)target->files);
    mutex_unlock(&kernel->tasks_lock);
    return *ret == NULL ? -ESRCH : task_may_inspect(task, process, false);
}

int64_t sys_pidfd_getfd(struct task *task, int fd, int wanted, uint32_t flags)
{
    struct files *files = NULL;
    struct file *file = NULL;
    struct process *process;

    if (flags != 0)
        return -EINVAL;
    int err = get_process(task, fd, &process);
    if (err < 0)
        return err;
    err = get_files(task, process, &files);
    if (err == 0)
        file = files_get(files, wanted);
    if (err == 0 && file == NULL)
        err = -EBADF;
    object_put((struct object *)files);
    object_put(&process->object);
    return err < 0 ? err : add_file(task, file, true);
}

static int64_t change_mask(struct task *task, int fd, uint64_t mask)
{
    struct file *file = files_get_open(task->files, fd);

    if (file == NULL)
        return -EBADF;
    int err = signalfd_set_mask(file, mask);
    object_put(&file->object);
    return err < 0 ? err : fd;
}

int64_t sys_signalfd4(struct task *task, int fd, guest_addr_t from, uint64_t size, uint32_t flags)
{
    struct file *file;
    uint64_t mask;

    if (size != sizeof(mask))
        return -EINVAL;
    if (user_copy_in(task->mm, &mask, from, sizeof(mask)) < 0)
        return -EFAULT;
    if ((flags & ~(uint32_t)(SFD_CLOEXEC | SFD_NONBLOCK)) != 0)
        return -EINVAL;
    if (fd != -1)
        return change_mask(task, fd, mask);
    int err = signalfd_create(task_kernel(task), mask, flags & O_NONBLOCK, &file);
    return err < 0 ? err : add_file(task, file, (flags & SFD_CLOEXEC) != 0);
}

int64_t sys_signalfd(struct task *task, int fd, guest_addr_t from, uint64_t size)
{
    return sys_signalfd4(task, fd, from, size, 0);
}
