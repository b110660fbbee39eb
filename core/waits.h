/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/futex.h"
#include "core/task.h"

/* The records of calls on tasks and time that wait; rw.h has that of reading and writing. Each kind
 * is listed in waits.def. */

/* nanosleep, clock_nanosleep: sleep.c */
struct nanosleep_wait {
    struct wait_record base;
    guest_addr_t remaining; /* where what is left goes after a signal; 0: nowhere */
    bool is_absolute;
    bool is_realtime;
    int64_t target; /* CLOCK_REALTIME or the CPU clock, ns; if is_realtime or is_cpu */
    bool is_cpu;
    struct cpu_clock cpu;
    struct wait_entry entry; /* if is_cpu */
};

/* wait4, waitid: wait_child.c */
struct child_wait {
    struct wait_record base;
    int pid;             /* as wait4's: > 0 that one, -1 any, 0 our group, else -pgid */
    bool is_group;       /* pid is a group, whatever its sign */
    bool is_nonblocking; /* not saved: -EAGAIN instead of sleeping */
    uint32_t options;    /* W* */
    guest_addr_t status, rusage, info; /* 0: not wanted */
    bool is_waitid;
    struct wait_entry entry;
};

/* pause, rt_sigsuspend: signal_wait.c */
struct signal_wait {
    struct wait_record base;
    bool is_suspend;
};

/* rt_sigtimedwait: signal_wait.c */
struct sigtimedwait_wait {
    struct wait_record base;
    uint64_t set;      /* the signals that are wanted */
    guest_addr_t info; /* where siginfo goes; 0: nowhere */
};

/* The parent of a vfork: vfork.c */
struct vfork_wait {
    struct wait_record base;
    struct process *child; /* a reference */
    int pid;
    struct wait_entry entry;
};

/* futex: futex.c */
struct futex_wait {
    struct wait_record base;
    guest_addr_t address;
    uint32_t value; /* expected when the wait begins */
    bool is_private;
    bool is_realtime;
    int64_t target; /* CLOCK_REALTIME, ns; if is_realtime */
    struct futex_place place;
};

/* flock, F_SETLKW, F_OFD_SETLKW: syscall/sys_lock.c */
struct lock_wait {
    struct wait_record base;
    struct file *file; /* a reference */
    int fd;            /* where it was: still there at the end? */
    bool is_waiting;   /* false: the call does not wait */
    struct file_lock_request request;
};

extern const struct wait_type lock_wait_type;
extern const struct wait_type nanosleep_wait_type, child_wait_type, signal_wait_type,
    sigtimedwait_wait_type, vfork_wait_type, futex_wait_type;
