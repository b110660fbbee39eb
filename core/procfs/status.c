/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a process or thread is: stat, statm, status, comm (proc(5)). What is not counted here is 0.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "core/base/host.h"
#include "core/procfs/nodes.h"
#include "core/procfs/target.h"

enum { PAGE = 4096, TICKS_PER_SEC = 100, KILO = 1024 };

/* What is copied under the locks. */
struct snapshot {
    int pid, tid, ppid, pgid, sid;
    char state;
    char comm[TASK_COMM_SIZE];
    unsigned threads;
    int exit_signal;
    nsec_t cpu_time, child_cpu_time, start_time;
    uint64_t pending, shared_pending, blocked, ignored, caught;
    struct cred cred;
    struct mm_usage usage;
};

static char process_state(struct process *process, struct task *task)
{
    if (process->is_zombie || task == NULL)
        return 'Z';
    if (atomic_load(&process->stop_signal) != 0)
        return 'T';
    return gate_place_of(&task->waiter.pass) == GATE_ASLEEP ? 'S' : 'R';
}

/* Under the sighand's lock. */
static void copy_signals(const struct target *target, struct snapshot *ret)
{
    const struct sighand *sighand = target->process->sighand;

    for (int i = 0; i < SIGNAL_COUNT; i++) {
        guest_addr_t handler = sighand->actions[i].handler;
        if (handler == (guest_addr_t)(uintptr_t)SIG_IGN)
            ret->ignored |= SIGNAL_BIT(i + 1);
        else if (handler != (guest_addr_t)(uintptr_t)SIG_DFL)
            ret->caught |= SIGNAL_BIT(i + 1);
    }
    ret->shared_pending = target->process->pending.set;
    if (target->task != NULL) {
        ret->pending = target->task->pending.set;
        ret->blocked = target->task->blocked;
    }
}

/* Under the tasks lock. */
static void copy_process(const struct target *target, struct snapshot *ret)
{
    struct process *process = target->process;
    const struct task *task;

    ret->pid = process->pid;
    ret->tid = target->task != NULL ? target->task->tid : process->pid;
    ret->ppid = process->parent != NULL ? process->parent->pid : 0;
    ret->pgid = process->pgid;
    ret->sid = process->sid;
    ret->state = process_state(process, target->task);
    ret->exit_signal = process->exit_signal;
    ret->cpu_time = atomic_load(&process->cpu_time);
    ret->child_cpu_time = process->child_cpu_time;
    ret->start_time = process->start_time;
    TAILQ_FOREACH(task, &process->tasks, link)
        ret->threads++;
    if (target->task != NULL) {
        memcpy(ret->comm, target->task->comm, sizeof(ret->comm));
        ret->comm[sizeof(ret->comm) - 1] = '\0';
        ret->cred = target->task->cred;
    }
}

/* A place of a process, or of one of its threads. */
static int target_of(const struct pseudo_place *place, struct target *ret)
{
    return place->numbers[1] != 0 ? target_get_thread(place, ret) : target_get(place, ret);
}

static int snapshot_get(const struct pseudo_place *place, struct snapshot *ret)
{
    struct kernel *kernel = place_kernel(place);
    struct target target;

    memset(ret, 0, sizeof(*ret));
    int err = target_of(place, &target);
    if (err < 0)
        return err;
    mutex_lock(&kernel->tasks_lock);
    copy_process(&target, ret);
    mutex_lock(&target.process->sighand->lock);
    copy_signals(&target, ret);
    mutex_unlock(&target.process->sighand->lock);
    mutex_unlock(&kernel->tasks_lock);
    if (target.mm != NULL)
        mm_usage(target.mm, &ret->usage);
    target_put(&target);
    return 0;
}

static int64_t ticks(nsec_t time)
{
    return time / (NSEC_PER_SEC / TICKS_PER_SEC);
}

int show_stat(const struct pseudo_place *place, struct bytes *ret)
{
    struct snapshot s;

    int err = snapshot_get(place, &s);
    if (err < 0)
        return err;
    err = bytes_printf(ret, "%d (%s) %c %d %d %d 0 -1 0 0 0 0 0 %" PRId64 " 0 %" PRId64 " 0 ",
                       s.tid, s.comm, s.state, s.ppid, s.pgid, s.sid, ticks(s.cpu_time),
                       ticks(s.child_cpu_time));
    if (err < 0)
        return err;
    /* priority nice num_threads itrealvalue starttime vsize rss rsslim, then addresses */
    err = bytes_printf(ret, "20 0 %u 0 %" PRId64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " 0 0 0 0 0 ",
                       s.threads, ticks(s.start_time), s.usage.size, s.usage.resident / PAGE,
                       UINT64_MAX);
    if (err < 0)
        return err;
    return bytes_printf(ret,
                        "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
                        " 0 0 0 %d 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
                        s.pending & INT32_MAX, s.blocked & INT32_MAX, s.ignored & INT32_MAX,
                        s.caught & INT32_MAX, s.exit_signal);
}

int show_statm(const struct pseudo_place *place, struct bytes *ret)
{
    struct snapshot s;

    int err = snapshot_get(place, &s);
    if (err < 0)
        return err;
    return bytes_printf(ret, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " 0 %" PRIu64 " 0\n",
                        s.usage.size / PAGE, s.usage.resident / PAGE, s.usage.shared / PAGE,
                        s.usage.text / PAGE, (s.usage.data + s.usage.stack) / PAGE);
}

int show_comm(const struct pseudo_place *place, struct bytes *ret)
{
    struct snapshot s;

    int err = snapshot_get(place, &s);
    return err < 0 ? err : bytes_printf(ret, "%s\n", s.comm);
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

static int show_ids(const struct snapshot *s, struct bytes *ret)
{
    const struct cred *cred = &s->cred;

    int err = bytes_printf(ret,
                           "Uid:\t%" PRIu32 "\t%" PRIu32 "\t%" PRIu32 "\t%" PRIu32 "\n"
                           "Gid:\t%" PRIu32 "\t%" PRIu32 "\t%" PRIu32 "\t%" PRIu32 "\n"
                           "Groups:\t",
                           cred->uid, cred->euid, cred->suid, cred->fsuid, cred->gid, cred->egid,
                           cred->sgid, cred->fsgid);
    for (uint32_t i = 0; err == 0 && i < cred->group_count; i++)
        err = bytes_printf(ret, "%" PRIu32 " ", cred->groups[i]);
    return err < 0 ? err : bytes_append(ret, "\n", 1);
}

static int show_memory(const struct snapshot *s, struct bytes *ret)
{
    if (s->usage.size == 0)
        return 0;
    return bytes_printf(ret,
                        "VmPeak:\t%8" PRIu64 " kB\nVmSize:\t%8" PRIu64 " kB\n"
                        "VmHWM:\t%8" PRIu64 " kB\nVmRSS:\t%8" PRIu64 " kB\n"
                        "VmData:\t%8" PRIu64 " kB\nVmStk:\t%8" PRIu64 " kB\n"
                        "VmExe:\t%8" PRIu64 " kB\n",
                        s->usage.size / KILO, s->usage.size / KILO, s->usage.resident / KILO,
                        s->usage.resident / KILO, s->usage.data / KILO, s->usage.stack / KILO,
                        s->usage.text / KILO);
}

static int show_signals(const struct snapshot *s, struct bytes *ret)
{
    return bytes_printf(ret,
                        "SigPnd:\t%016" PRIx64 "\nShdPnd:\t%016" PRIx64 "\nSigBlk:\t%016" PRIx64
                        "\nSigIgn:\t%016" PRIx64 "\nSigCgt:\t%016" PRIx64 "\n",
                        s->pending, s->shared_pending, s->blocked, s->ignored, s->caught);
}

/* All or none, as capget says. */
static int show_capabilities(const struct snapshot *s, struct bytes *ret)
{
    uint64_t all = s->cred.euid == 0 ? UINT64_C(0x1ffffffffff) : 0;

    return bytes_printf(ret,
                        "CapInh:\t%016x\nCapPrm:\t%016" PRIx64 "\nCapEff:\t%016" PRIx64
                        "\nCapBnd:\t%016" PRIx64 "\nCapAmb:\t%016x\nNoNewPrivs:\t0\nSeccomp:\t0\n",
                        0, all, all, UINT64_C(0x1ffffffffff), 0);
}

int show_status(const struct pseudo_place *place, struct bytes *ret)
{
    struct snapshot s;

    int err = snapshot_get(place, &s);
    if (err < 0)
        return err;
    err = bytes_printf(ret,
                       "Name:\t%s\nState:\t%c (%s)\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\n"
                       "TracerPid:\t0\n",
                       s.comm, s.state, state_name(s.state), s.pid, s.tid, s.ppid);
    if (err == 0)
        err = show_ids(&s, ret);
    if (err == 0)
        err = show_memory(&s, ret);
    if (err == 0)
        err = bytes_printf(ret, "Threads:\t%u\n", s.threads);
    if (err == 0)
        err = show_signals(&s, ret);
    return err < 0 ? err : show_capabilities(&s, ret);
}
