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

static int64_t give_name(struct task *task, guest_addr_t to)
{
    char name[TASK_COMM_SIZE];

    mutex_lock(&task_kernel(task)->tasks_lock);
    memcpy(name, task->comm, sizeof(name));
    mutex_unlock(&task_kernel(task)->tasks_lock);
    return user_copy_out(task->mm, to, name, sizeof(name));
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

static int64_t give_subreaper(struct task *task, guest_addr_t to)
{
    mutex_lock(&task_kernel(task)->tasks_lock);
    bool is_subreaper = task->process->is_subreaper;
    mutex_unlock(&task_kernel(task)->tasks_lock);
    return give_int(task, to, is_subreaper);
}

static int64_t set_dumpable(struct task *task, guest_addr_t value)
{
    if (value > 1)
        return -EINVAL;
    mutex_lock(&task_kernel(task)->tasks_lock); /* others look at it under it: inspect.c */
    task->process->is_undumpable = value == 0;
    mutex_unlock(&task_kernel(task)->tasks_lock);
    return 0;
}

/* --- settings that are state only: settings.h --- */

static int64_t set_no_new_privs(struct task *task, const guest_addr_t args[4])
{
    if (args[0] != 1 || args[1] != 0 || args[2] != 0 || args[3] != 0)
        return -EINVAL;
    task->settings.has_no_new_privs = true;
    return 0;
}

static int64_t drop_bound(struct task *task, guest_addr_t capability)
{
    if (task->cred.euid != 0)
        return -EPERM;
    if (capability > CAPABILITY_LAST)
        return -EINVAL;
    task->settings.cap_unbound |= UINT64_C(1) << capability;
    return 0;
}

/* *Linux:* nothing can be raised. */
static int64_t control_ambient(const guest_addr_t args[4])
{
    if (args[0] == PR_CAP_AMBIENT_CLEAR_ALL)
        return args[1] == 0 && args[2] == 0 && args[3] == 0 ? 0 : -EINVAL;
    if (args[1] > CAPABILITY_LAST || args[2] != 0 || args[3] != 0)
        return -EINVAL;
    switch (args[0]) {
    case PR_CAP_AMBIENT_IS_SET:
    case PR_CAP_AMBIENT_LOWER:
        return 0;
    case PR_CAP_AMBIENT_RAISE:
        return -EPERM;
    default:
        return -EINVAL;
    }
}

static int64_t set_no_huge_pages(struct task *task, const guest_addr_t args[4])
{
    if (args[1] != 0 || args[2] != 0 || args[3] != 0)
        return -EINVAL;
    task->settings.has_no_huge_pages = args[0] != 0;
    return 0;
}

static int64_t set_timer_slack(struct task *task, guest_addr_t slack)
{
    task->settings.timer_slack = (int64_t)slack > 0 ? slack : 0;
    return 0;
}

static int64_t set_keep_caps(struct task *task, guest_addr_t value)
{
    if (value > 1)
        return -EINVAL;
    task->settings.keeps_caps = value != 0;
    return 0;
}

static int64_t control_settings(struct task *task, int option, const guest_addr_t args[4])
{
    const struct settings *settings = &task->settings;
    bool has_none = args[0] == 0 && args[1] == 0 && args[2] == 0 && args[3] == 0;

    switch (option) {
    case PR_SET_NO_NEW_PRIVS:
        return set_no_new_privs(task, args);
    case PR_GET_NO_NEW_PRIVS:
        return has_none ? settings->has_no_new_privs : -EINVAL;
    case PR_SET_THP_DISABLE:
        return set_no_huge_pages(task, args);
    case PR_GET_THP_DISABLE:
        return has_none ? settings->has_no_huge_pages : -EINVAL;
    case PR_SET_KEEPCAPS:
        return set_keep_caps(task, args[0]);
    case PR_GET_KEEPCAPS:
        return settings->keeps_caps;
    case PR_GET_SECUREBITS: /* of which that is one */
        return settings->keeps_caps ? 1 << 4 : 0;
    case PR_SET_TIMERSLACK:
        return set_timer_slack(task, args[0]);
    case PR_GET_TIMERSLACK:
        return (int64_t)settings_timer_slack(settings);
    case PR_CAPBSET_READ:
        return args[0] > CAPABILITY_LAST ? -EINVAL : !(settings->cap_unbound >> args[0] & 1);
    case PR_CAPBSET_DROP:
        return drop_bound(task, args[0]);
    case PR_CAP_AMBIENT:
        return control_ambient(args);
    default:
        return -EINVAL;
    }
}

/* Names of anonymous memory are taken, and forgotten. */
static int64_t name_memory(const guest_addr_t args[4])
{
    return args[0] == PR_SET_VMA_ANON_NAME && args[1] % 4096 == 0 ? 0 : -EINVAL;
}

int64_t sys_prctl(struct task *task, int option, guest_addr_t a, guest_addr_t b, guest_addr_t c,
                  guest_addr_t d)
{
    const guest_addr_t args[4] = {a, b, c, d};

    switch (option) {
    case PR_SET_NAME:
        return set_name(task, a);
    case PR_GET_NAME:
        return give_name(task, a);
    case PR_SET_PDEATHSIG:
        return set_parent_death(task, a);
    case PR_GET_PDEATHSIG:
        return give_int(task, a, task->parent_death_signal);
    case PR_SET_CHILD_SUBREAPER:
        return set_subreaper(task, a != 0);
    case PR_GET_CHILD_SUBREAPER:
        return give_subreaper(task, a);
    case PR_SET_DUMPABLE:
        return set_dumpable(task, a);
    case PR_GET_DUMPABLE:
        return !task->process->is_undumpable;
    case PR_GET_TID_ADDRESS:
        return user_copy_out(task->mm, a, &task->clear_child_tid, sizeof(task->clear_child_tid));
    case PR_SET_VMA:
        return name_memory(args);
    case PR_SET_PTRACER: /* nobody traces */
    case PR_GET_SECCOMP:
    case PR_GET_TIMING:
        return 0;
    default:
        return control_settings(task, option, args);
    }
}
