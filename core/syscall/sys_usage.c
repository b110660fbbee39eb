/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process and its children have used: times and getrusage. *Linux:* what is not counted here
 * is 0: faults that need a device, involuntary switches, blocks.
 */
#include <errno.h>
#include <sys/times.h>

#include "core/kernel.h"
#include "core/syscall/syscall_table.h"

enum { CLOCK_TICKS = 100 };

/* Of the caller's process, its children, or itself. */
static void read_usage(struct task *task, int who, struct usage *ret)
{
    struct kernel *kernel = task_kernel(task);

    usage_settle(task);
    mutex_lock(&kernel->tasks_lock);
    if (who == RUSAGE_CHILDREN)
        *ret = task->process->child_usage;
    else if (who == RUSAGE_SELF)
        usage_of_process(task->process, ret);
    else
        usage_of_task(task, ret);
    if (who == RUSAGE_THREAD)
        ret->resident = task->process->usage.resident;
    mutex_unlock(&kernel->tasks_lock);
}

int64_t sys_times(struct task *task, guest_addr_t to)
{
    const nsec_t tick = NSEC_PER_SEC / CLOCK_TICKS;
    struct usage self;
    struct usage children;
    int err = 0;

    if (to != 0) {
        read_usage(task, RUSAGE_SELF, &self);
        read_usage(task, RUSAGE_CHILDREN, &children);
        const struct tms value = {.tms_utime = self.user / tick,
                                  .tms_stime = self.system / tick,
                                  .tms_cutime = children.user / tick,
                                  .tms_cstime = children.system / tick};
        err = user_copy_out(task->mm, to, &value, sizeof(value));
    }
    return err < 0 ? err : clock_now(&task_kernel(task)->clock) / tick;
}

int64_t sys_getrusage(struct task *task, int who, guest_addr_t to)
{
    struct usage usage;

    if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD)
        return -EINVAL;
    if (who != RUSAGE_CHILDREN)
        usage_note_resident(task);
    read_usage(task, who, &usage);
    const struct rusage value = usage_encode(&usage);
    return user_copy_out(task->mm, to, &value, sizeof(value));
}
