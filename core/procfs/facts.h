/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/procfs/target.h"

/* What is copied of a process or thread under its locks, to be shown without them. */
struct facts {
    int pid, tid, ppid, pgid, sid;
    char state; /* as ps(1) calls it */
    char comm[TASK_COMM_SIZE];
    unsigned threads, fd_size;
    int exit_signal, exit_status;
    struct sched_state sched;
    uint32_t umask;
    bool has_fs;                   /* umask is known */
    bool is_private;               /* who reads may not look into it: addresses are hidden */
    struct usage used, child_used; /* by the process; the thread, for one */
    nsec_t start_time;
    uint64_t pending, shared_pending, blocked, ignored, caught;
    unsigned queued; /* signals */
    struct rlimit limits[RLIM_NLIMITS];
    struct cred cred;
    struct mm_usage usage;
    guest_addr_t brk_start, stack_start, arg_start, arg_end, env_start, env_end;
};

/* Of a place below /proc/PID. -ESRCH: it is gone. */
int facts_get(const struct pseudo_place *place, struct facts *ret);
/* A span in the unit of times(2). */
int64_t facts_ticks(nsec_t time);
