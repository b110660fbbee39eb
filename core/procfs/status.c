/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status and comm of a process or thread (proc(5)): lines of names and values.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/base/host.h"
#include "core/capability.h"
#include "core/procfs/facts.h"
#include "core/procfs/nodes.h"

enum { KILO = 1024 };

int show_comm(const struct pseudo_place *place, struct bytes *ret)
{
    struct facts f;

    int err = facts_get(place, &f);
    return err < 0 ? err : bytes_printf(ret, "%s\n", f.comm);
}

/* A thread is named by threads of its own process only. */
int store_comm(const struct pseudo_place *place, const char *text, size_t size)
{
    struct kernel *kernel = place_kernel(place);
    struct task *asker = place_asker(place);
    struct target target;

    int err = target_get(place, &target);
    if (err < 0)
        return err;
    if (asker == NULL || asker->process != target.process || target.task == NULL) {
        target_put(&target);
        return -EINVAL;
    }
    if (size > TASK_COMM_SIZE - 1)
        size = TASK_COMM_SIZE - 1;
    mutex_lock(&kernel->tasks_lock);
    memset(target.task->comm, 0, TASK_COMM_SIZE);
    memcpy(target.task->comm, text, strnlen(text, size));
    mutex_unlock(&kernel->tasks_lock);
    target_put(&target);
    return 0;
}

static const char *state_name(char state)
{
    switch (state) {
    case 'R':
        return "running";
    case 'T':
        return "stopped";
    case 'Z':
        return "zombie";
    default:
        return "sleeping";
    }
}

static int show_names(const struct facts *f, struct bytes *ret)
{
    int err = bytes_printf(ret, "Name:\t%s\n", f->comm);

    if (err == 0 && f->has_fs)
        err = bytes_printf(ret, "Umask:\t%04" PRIo32 "\n", f->umask);
    if (err < 0)
        return err;
    return bytes_printf(ret,
                        "State:\t%c (%s)\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\n"
                        "TracerPid:\t0\n",
                        f->state, state_name(f->state), f->pid, f->tid, f->ppid);
}

static int show_ids(const struct facts *f, struct bytes *ret)
{
    const struct cred *cred = &f->cred;

    int err = bytes_printf(ret,
                           "Uid:\t%" PRIu32 "\t%" PRIu32 "\t%" PRIu32 "\t%" PRIu32 "\n"
                           "Gid:\t%" PRIu32 "\t%" PRIu32 "\t%" PRIu32 "\t%" PRIu32 "\n"
                           "FDSize:\t%u\nGroups:\t",
                           cred->uid, cred->euid, cred->suid, cred->fsuid, cred->gid, cred->egid,
                           cred->sgid, cred->fsgid, f->fd_size);
    for (uint32_t i = 0; err == 0 && i < cred->group_count; i++)
        err = bytes_printf(ret, "%s%" PRIu32, i > 0 ? " " : "", cred->groups[i]);
    if (err < 0)
        return err;
    return bytes_printf(ret, " \nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\nKthread:\t0\n",
                        f->pid, f->tid, f->pgid, f->sid);
}

static int show_kilobytes(const char *name, uint64_t size, struct bytes *ret)
{
    return bytes_printf(ret, "%s:\t%8" PRIu64 " kB\n", name, size / KILO);
}

/* *Linux:* peaks are not kept: they are as now. */
static int show_memory(const struct facts *f, struct bytes *ret)
{
    const struct mm_usage *usage = &f->usage;
    uint64_t anonymous = usage->resident - usage->shared;
    const struct {
        const char *name;
        uint64_t size;
    } lines[] = {
        {"VmPeak", usage->size},
        {"VmSize", usage->size},
        {"VmLck", usage->locked},
        {"VmPin", 0},
        {"VmHWM", usage->resident},
        {"VmRSS", usage->resident},
        {"RssAnon", anonymous},
        {"RssFile", usage->shared},
        {"RssShmem", 0},
        {"VmData", usage->data},
        {"VmStk", usage->stack},
        {"VmExe", usage->text},
        {"VmLib", 0},
        {"VmPTE", 0},
        {"VmSwap", 0},
        {"HugetlbPages", 0},
    };
    int err = 0;

    if (usage->size == 0)
        return 0;
    for (size_t i = 0; err == 0 && i < sizeof(lines) / sizeof(*lines); i++)
        err = show_kilobytes(lines[i].name, lines[i].size, ret);
    return err < 0 ? err
                   : bytes_printf(ret, "CoreDumping:\t0\nTHP_enabled:\t1\n"
                                       "untag_mask:\t0xffffffffffffffff\n");
}

static int show_signals(const struct facts *f, struct bytes *ret)
{
    return bytes_printf(ret,
                        "Threads:\t%u\nSigQ:\t%u/%" PRIu64 "\nSigPnd:\t%016" PRIx64
                        "\nShdPnd:\t%016" PRIx64 "\nSigBlk:\t%016" PRIx64 "\nSigIgn:\t%016" PRIx64
                        "\nSigCgt:\t%016" PRIx64 "\n",
                        f->threads, f->queued, (uint64_t)f->limits[RLIMIT_SIGPENDING].rlim_cur,
                        f->pending, f->shared_pending, f->blocked, f->ignored, f->caught);
}

static int show_rights(const struct facts *f, struct bytes *ret)
{
    const struct cap_sets sets = cap_sets_of(&f->cred);

    return bytes_printf(ret,
                        "CapInh:\t%016" PRIx64 "\nCapPrm:\t%016" PRIx64 "\nCapEff:\t%016" PRIx64
                        "\nCapBnd:\t%016" PRIx64 "\nCapAmb:\t%016x\nNoNewPrivs:\t0\nSeccomp:\t0\n"
                        "Seccomp_filters:\t0\nSpeculation_Store_Bypass:\tvulnerable\n"
                        "SpeculationIndirectBranch:\tunknown\n",
                        sets.inheritable, sets.permitted, sets.effective, CAP_SETS_ALL, 0);
}

/* The CPUs of a mask as ranges: 0-2,5. */
static int show_ranges(uint64_t mask, struct bytes *ret)
{
    const char *comma = "";
    int err = 0;

    for (unsigned first = 0; err == 0 && first < 64; first++) {
        unsigned last = first;
        if ((mask >> first & 1) == 0)
            continue;
        while (last < 63 && (mask >> (last + 1) & 1) != 0)
            last++;
        err = bytes_printf(ret, "%s%u", comma, first);
        if (err == 0 && last > first)
            err = bytes_printf(ret, "-%u", last);
        comma = ",";
        first = last;
    }
    return err;
}

static int show_cpus(const struct facts *f, unsigned count, struct bytes *ret)
{
    uint64_t mask = sched_allowed(&f->sched, count);
    int err = bytes_printf(ret, "Cpus_allowed:\t%" PRIx64 "\nCpus_allowed_list:\t", mask);

    if (err == 0)
        err = show_ranges(mask, ret);
    if (err < 0)
        return err;
    return bytes_printf(ret, "\nMems_allowed:\t1\nMems_allowed_list:\t0\n"
                             "voluntary_ctxt_switches:\t0\nnonvoluntary_ctxt_switches:\t0\n");
}

int show_status(const struct pseudo_place *place, struct bytes *ret)
{
    static int (*const parts[])(const struct facts *f, struct bytes *ret) = {
        show_names, show_ids, show_memory, show_signals, show_rights};
    struct facts facts;

    int err = facts_get(place, &facts);
    for (size_t i = 0; err == 0 && i < sizeof(parts) / sizeof(*parts); i++)
        err = parts[i](&facts, ret);
    return err < 0 ? err : show_cpus(&facts, place_kernel(place)->cpu_count, ret);
}
