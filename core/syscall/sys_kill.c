/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending signals to processes, groups of them and threads.
 */
#include <errno.h>

#include "core/kernel.h"
#include "core/signal.h"
#include "core/syscall/syscall_table.h"

static bool signal_is_known(int signal)
{
    return signal >= 0 && signal <= SIGNAL_COUNT;
}

static struct signal_info info_of(const struct task *task, int signal, int code)
{
    return (struct signal_info){
        .signal = signal, .code = code, .pid = task->process->pid, .uid = task->cred.uid};
}

struct kill_request {
    struct task *task;
    struct signal_info info;
    int pgid; /* 0: all but pid 1 and the sender */
    bool is_found, is_permitted;
};

/* Any task of it stands for the process when rights are checked. */
static int kill_process(struct kill_request *request, struct process *process)
{
    const struct task *target = TAILQ_FIRST(&process->tasks);

    request->is_found = true;
    if (!signal_is_known(request->info.signal))
        return -EINVAL;
    if (target != NULL && !signal_is_permitted(request->task, target, request->info.signal))
        return -EPERM;
    request->is_permitted = true;
    return request->info.signal == 0 ? 0 : signal_send_process(process, &request->info);
}

static int kill_if_meant(struct process *process, void *context)
{
    struct kill_request *request = context;
    bool is_meant = request->pgid != 0 ? process->pgid == request->pgid
                                       : process->pid != 1 && process != request->task->process;

    if (is_meant)
        (void)kill_process(request, process);
    return 0;
}

static int64_t send_kill(struct kill_request *request, int pid)
{
    struct kernel *kernel = task_kernel(request->task);

    mutex_assert_held(&kernel->tasks_lock);
    if (pid > 0) {
        struct process *process = process_find_any(kernel, pid);
        return process == NULL ? -ESRCH : kill_process(request, process);
    }
    request->pgid = pid == 0 ? request->task->process->pgid : pid == -1 ? 0 : -pid;
    (void)process_list_all(kernel, kill_if_meant, request);
    if (!request->is_found)
        return -ESRCH;
    if (request->is_permitted)
        return 0;
    return signal_is_known(request->info.signal) ? -EPERM : -EINVAL;
}

int64_t sys_kill(struct task *task, int pid, int signal)
{
    struct kill_request request = {.task = task, .info = info_of(task, signal, SI_USER)};

    if (pid == INT32_MIN)
        return -ESRCH;
    mutex_lock(&task_kernel(task)->tasks_lock);
    int64_t result = send_kill(&request, pid);
    mutex_unlock(&task_kernel(task)->tasks_lock);
    return result;
}

/* tgid: the process that tid has to be of, or -1. A thread that has ended but for its id, the first
 * of a process, is there for those who ask. */
static int64_t send_to_thread(struct task *task, int tgid, int tid, const struct signal_info *info)
{
    struct kernel *kernel = task_kernel(task);

    mutex_assert_held(&kernel->tasks_lock);
    struct task *target = task_find(kernel, tid);
    if (target == NULL && (tgid == tid || tgid < 0) && process_find(kernel, tid) != NULL)
        return signal_is_known(info->signal) ? 0 : -EINVAL;
    if (target == NULL || (tgid >= 0 && target->process->pid != tgid))
        return -ESRCH;
    if (!signal_is_known(info->signal))
        return -EINVAL;
    if (!signal_is_permitted(task, target, info->signal))
        return -EPERM;
    return info->signal == 0 ? 0 : signal_send_task(target, info);
}

static int64_t thread_kill(struct task *task, int tgid, int tid, const struct signal_info *info)
{
    struct kernel *kernel = task_kernel(task);

    if (tid <= 0)
        return -EINVAL;
    mutex_lock(&kernel->tasks_lock);
    int64_t result = send_to_thread(task, tgid, tid, info);
    mutex_unlock(&kernel->tasks_lock);
    return result;
}

int64_t sys_tgkill(struct task *task, int tgid, int tid, int signal)
{
    struct signal_info info = info_of(task, signal, SI_TKILL);

    return tgid <= 0 ? -EINVAL : thread_kill(task, tgid, tid, &info);
}

int64_t sys_tkill(struct task *task, int tid, int signal)
{
    struct signal_info info = info_of(task, signal, SI_TKILL);

    return thread_kill(task, -1, tid, &info);
}

/* siginfo as the caller wants it; to others it may not look like the kernel's own. */
static int copy_info(struct task *task, int id, int signal, guest_addr_t from,
                     struct signal_info *ret)
{
    uint8_t encoded[128];
    int err = user_copy_in(task->mm, encoded, from, sizeof(encoded));

    if (err < 0)
        return err;
    signal_info_decode(encoded, ret);
    ret->signal = signal;
    return (ret->code >= 0 || ret->code == SI_TKILL) && id != task->tid ? -EPERM : 0;
}

int64_t sys_rt_sigqueueinfo(struct task *task, int pid, int signal, guest_addr_t from)
{
    struct kill_request request = {.task = task};
    int err = copy_info(task, pid, signal, from, &request.info);

    if (err < 0)
        return err;
    if (pid <= 0)
        return -ESRCH;
    mutex_lock(&task_kernel(task)->tasks_lock);
    int64_t result = send_kill(&request, pid);
    mutex_unlock(&task_kernel(task)->tasks_lock);
    return result;
}

int64_t sys_rt_tgsigqueueinfo(struct task *task, int tgid, int tid, int signal, guest_addr_t from)
{
    struct signal_info info;
    int err = copy_info(task, tid, signal, from, &info);

    if (err < 0)
        return err;
    return tgid <= 0 ? -EINVAL : thread_kill(task, tgid, tid, &info);
}
