/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small files of a process or thread, one fact each: limits, children, what it is waiting in, the
 * score by which memory would be freed, which nobody acts on here.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/host.h"
#include "core/procfs/facts.h"
#include "core/procfs/nodes.h"

static int show_limit(const struct rlimit *limit, const char *name, const char *unit,
                      struct bytes *ret)
{
    const rlim_t values[] = {limit->rlim_cur, limit->rlim_max};
    int err = bytes_printf(ret, "%-25s ", name);

    for (int i = 0; err == 0 && i < 2; i++) {
        if (values[i] == RLIM_INFINITY)
            err = bytes_printf(ret, "%-20s ", "unlimited");
        else
            err = bytes_printf(ret, "%-20" PRIu64 " ", (uint64_t)values[i]);
    }
    return err < 0 ? err : bytes_printf(ret, unit[0] != '\0' ? "%-10s\n" : "\n", unit);
}

int show_limits(const struct pseudo_place *place, struct bytes *ret)
{
    static const struct {
        const char *name, *unit;
    } lines[RLIM_NLIMITS] = {
        [RLIMIT_CPU] = {"Max cpu time", "seconds"},
        [RLIMIT_FSIZE] = {"Max file size", "bytes"},
        [RLIMIT_DATA] = {"Max data size", "bytes"},
        [RLIMIT_STACK] = {"Max stack size", "bytes"},
        [RLIMIT_CORE] = {"Max core file size", "bytes"},
        [RLIMIT_RSS] = {"Max resident set", "bytes"},
        [RLIMIT_NPROC] = {"Max processes", "processes"},
        [RLIMIT_NOFILE] = {"Max open files", "files"},
        [RLIMIT_MEMLOCK] = {"Max locked memory", "bytes"},
        [RLIMIT_AS] = {"Max address space", "bytes"},
        [RLIMIT_LOCKS] = {"Max file locks", "locks"},
        [RLIMIT_SIGPENDING] = {"Max pending signals", "signals"},
        [RLIMIT_MSGQUEUE] = {"Max msgqueue size", "bytes"},
        [RLIMIT_NICE] = {"Max nice priority", ""},
        [RLIMIT_RTPRIO] = {"Max realtime priority", ""},
        [RLIMIT_RTTIME] = {"Max realtime timeout", "us"},
    };
    struct facts facts;

    int err = facts_get(place, &facts);
    if (err == 0)
        err = bytes_printf(ret, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit",
                           "Units");
    for (int i = 0; err == 0 && i < RLIM_NLIMITS; i++)
        err = show_limit(&facts.limits[i], lines[i].name, lines[i].unit, ret);
    return err;
}

/* *Linux:* bytes are not counted. */
int show_io(const struct pseudo_place *place, struct bytes *ret)
{
    struct facts facts;

    int err = facts_get(place, &facts);
    if (err < 0)
        return err;
    if (facts.is_private)
        return -EACCES;
    return bytes_printf(ret, "rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\n"
                             "write_bytes: 0\ncancelled_write_bytes: 0\n");
}

int show_personality(const struct pseudo_place *place, struct bytes *ret)
{
    struct facts facts;

    int err = facts_get(place, &facts);
    if (err < 0)
        return err;
    return facts.is_private ? -EPERM
                            : bytes_printf(ret, "%08" PRIx32 "\n", facts.sched.personality);
}

/* Registers are a task's own: others only learn that it is there. */
int show_syscall(const struct pseudo_place *place, struct bytes *ret)
{
    struct task *asker = place_asker(place);
    struct target target;

    int err = target_get(place, &target);
    if (err < 0)
        return err;
    err = target_permit(place, &target);
    if (err == 0 && asker != NULL && target.task == asker) {
        const struct guest_regs *regs = &asker->regs;
        err = bytes_printf(ret,
                           "%" PRIu64 " 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64
                           " 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64 "\n",
                           asker->call_nr, regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8,
                           regs->r9, regs->rsp, regs->rip);
    } else if (err == 0) {
        err = bytes_printf(ret, "running\n");
    }
    target_put(&target);
    return err;
}

/* Those of all threads are the first one's. */
int show_children(const struct pseudo_place *place, struct bytes *ret)
{
    struct kernel *kernel = place_kernel(place);
    const struct process *child;
    struct target target;

    int err = target_get(place, &target);
    if (err < 0)
        return err;
    mutex_lock(&kernel->tasks_lock);
    if (target.task != NULL && target.task->tid == target.process->pid) {
        TAILQ_FOREACH(child, &target.process->children, sibling)
            err = err < 0 ? err : bytes_printf(ret, "%d ", child->pid);
    }
    mutex_unlock(&kernel->tasks_lock);
    target_put(&target);
    return err;
}

static int get_oom_adjustment(const struct pseudo_place *place, int *ret)
{
    struct kernel *kernel = place_kernel(place);
    struct target target;

    int err = target_get(place, &target);
    if (err < 0)
        return err;
    mutex_lock(&kernel->tasks_lock);
    *ret = target.process->oom_adjustment;
    mutex_unlock(&kernel->tasks_lock);
    target_put(&target);
    return 0;
}

int show_oom_adjustment(const struct pseudo_place *place, struct bytes *ret)
{
    int adjustment = 0;

    int err = get_oom_adjustment(place, &adjustment);
    return err < 0 ? err : bytes_printf(ret, "%d\n", adjustment);
}

/* Between 0 (never) and 2000, two thirds of what is used and adjusted in thousandths of all. */
int show_oom_score(const struct pseudo_place *place, struct bytes *ret)
{
    uint64_t total = place_kernel(place)->memory_total;
    struct facts facts;
    int adjustment = 0;

    int err = facts_get(place, &facts);
    if (err == 0)
        err = get_oom_adjustment(place, &adjustment);
    if (err < 0)
        return err;
    int share = total > 0 ? (int)(facts.usage.resident / (total / OOM_ADJUSTMENT_MAX + 1)) : 0;
    int score = (OOM_ADJUSTMENT_MAX + adjustment + share) * 2 / 3;
    bool is_exempt = adjustment == -OOM_ADJUSTMENT_MAX || facts.state == 'Z';
    return bytes_printf(ret, "%d\n", is_exempt ? 0 : score);
}

static int set_oom_adjustment(struct process *process, int adjustment, bool is_privileged)
{
    if (adjustment < process->oom_adjustment_min && !is_privileged)
        return -EACCES;
    process->oom_adjustment = adjustment;
    if (is_privileged)
        process->oom_adjustment_min = adjustment;
    return 0;
}

int store_oom_adjustment(const struct pseudo_place *place, const char *text, size_t size)
{
    struct kernel *kernel = place_kernel(place);
    const struct task *asker = place_asker(place);
    struct target target;
    char *end;

    errno = 0;
    long value = strtol(text, &end, 10);
    while (*end == '\n' || *end == ' ' || *end == '\t')
        end++;
    if (errno != 0 || end == text || end != text + size || value < -OOM_ADJUSTMENT_MAX ||
        value > OOM_ADJUSTMENT_MAX)
        return -EINVAL;
    int err = target_get(place, &target);
    if (err < 0)
        return err;
    mutex_lock(&kernel->tasks_lock);
    err = set_oom_adjustment(target.process, (int)value, asker != NULL && asker->cred.euid == 0);
    mutex_unlock(&kernel->tasks_lock);
    target_put(&target);
    return err;
}
