/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prctl, as far as it is about names and settings.
 */
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

#include "core/kernel.h"
#include "core/syscall/syscall_table.h"
#include "core/task.h"

enum { CAPABILITY_LAST = 40 };

static int64_t set_name(struct task *task, guest_addr_t from)
{
    char name[TASK_COMM_SIZE] = "";
    int size = user_copy_string(task->mm, name, from, sizeof(name));

    if (size < 0 && size != -ENAMETOOLONG)
        return size;
    name[TASK_COMM_SIZE - 1] = '\0';
    mutex_lock(&task_kernel(task)->tasks_lock); /* others look at it under it: /proc */
    memcpy(task->comm, name, sizeof(name));
    mutex_unlock(&task_kernel(task)->tasks_lock);
    return 0;
}

static int64_t give_int(struct task *task, guest_addr_t to, int value)
{
    return user_copy_out(task->mm, to, &value, sizeof(value));
}

static int64_t set_parent_death(struct task *task, guest_addr_t signal)
{
    if (signal > SIGNAL_COUNT)
        return -EINVAL;
    mutex_lock(&task_kernel(task)->tasks_lock);
    task->parent_death_signal = (int)signal;
    mutex_unlock(&task_kernel(task)->tasks_lock);
    return 0;
}

static int64_t set_subreaper(struct task *task, bool is_subreaper)
{
    mutex_lock(&task_kernel(task)->tasks_lock);
    task->process->is_subreaper = is_subreaper;
    mutex_unlock(&task_kernel(task)->tasks_lock);
    return 0;
}

static int64_t set_dumpable(struct task *task, guest_addr_t value)
{
    if (value > 1)
        return -EINVAL;
    task->process->is_undumpable = value == 0;
    return 0;
}

/* The ambient set is empty: capabilities follow the user (sys_capability.c). */
static int64_t change_ambient(guest_addr_t operation, guest_addr_t capability)
{
    if (operation == PR_CAP_AMBIENT_CLEAR_ALL)
        return capability == 0 ? 0 : -EINVAL;
    if (capability > CAPABILITY_LAST)
        return -EINVAL;
    switch (operation) {
    case PR_CAP_AMBIENT_IS_SET:
    case PR_CAP_AMBIENT_LOWER:
        return 0;
    case PR_CAP_AMBIENT_RAISE:
        return -EPERM;
    default:
        return -EINVAL;
    }
}

int64_t sys_prctl(struct task *task, int option, guest_addr_t a, guest_addr_t b, guest_addr_t c,
                  guest_addr_t d)
{
    (void)c;
    (void)d;
    switch (option) {
    case PR_SET_NAME:
        return set_name(task, a);
    case PR_GET_NAME:
        return user_copy_out(task->mm, a, task->comm, sizeof(task->comm));
    case PR_SET_PDEATHSIG:
        return set_parent_death(task, a);
    case PR_GET_PDEATHSIG:
        return give_int(task, a, task->parent_death_signal);
    case PR_SET_CHILD_SUBREAPER:
        return set_subreaper(task, a != 0);
    case PR_GET_CHILD_SUBREAPER:
        return give_int(task, a, task->process->is_subreaper);
    case PR_SET_DUMPABLE:
        return set_dumpable(task, a);
    case PR_GET_DUMPABLE:
        return !task->process->is_undumpable;
    case PR_GET_NO_NEW_PRIVS:
        return 1; /* there are no privileges to gain: set-id bits have no effect */
    case PR_SET_NO_NEW_PRIVS:
        return a == 1 ? 0 : -EINVAL;
    case PR_GET_KEEPCAPS:
        return 0;
    case PR_GET_SECUREBITS:
        return 0;
    case PR_CAP_AMBIENT:
        return change_ambient(a, b);
    case PR_CAPBSET_READ:
        return a <= CAPABILITY_LAST ? 1 : -EINVAL;
    default:
        return -EINVAL;
    }
}
