/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may look into whom: secrets of a process are for itself, for root, and for a task of the same
 * user while it is dumpable. *Linux:* there are no security modules, and no user namespaces.
 */
#include "core/inspect.h"

#include <errno.h>

#include "core/kernel.h"

static bool is_same_user(const struct cred *from, const struct cred *to, bool of_files)
{
    uint32_t uid = of_files ? from->fsuid : from->uid;
    uint32_t gid = of_files ? from->fsgid : from->gid;

    return uid == to->uid && uid == to->euid && uid == to->suid && gid == to->gid &&
           gid == to->egid && gid == to->sgid;
}

/* Under the tasks lock. A zombie has nothing to hide. */
static bool may_inspect(const struct task *task, const struct process *process, bool of_files)
{
    const struct task *target = TAILQ_FIRST(&process->tasks);

    if (process == task->process || task->cred.euid == 0 || target == NULL)
        return true;
    return is_same_user(&task->cred, &target->cred, of_files) && !process->is_undumpable;
}

int task_may_inspect(struct task *task, struct process *process, bool of_files)
{
    struct kernel *kernel = task_kernel(task);

    mutex_lock(&kernel->tasks_lock);
    bool is_allowed = may_inspect(task, process, of_files);
    mutex_unlock(&kernel->tasks_lock);
    return is_allowed ? 0 : -EPERM;
}
