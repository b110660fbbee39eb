/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/resource.h>

#include "core/files.h"
#include "core/fs.h"
#include "core/mm/mm.h"
#include "core/signal.h"
#include "platform/platform.h"
#include "vfs/cred.h"

struct kernel;

enum { TASK_COMM_SIZE = 16 };

/* A process: a thread group and what its threads share (Linux: signal_struct). */
struct process {
    struct object object;
    /* Guarded by the kernel's tasks lock: */
    int pid;
    struct process *parent; /* a reference; NULL for init, and once reaped */
    int pgid, sid;
    bool is_exiting;    /* exit_group, a fatal signal */
    bool is_zombie;     /* all tasks ended, not reaped */
    bool has_execed;    /* setpgid of a child: EACCES */
    bool is_vfork_done; /* the parent of a vfork may go on */
    int exit_status;    /* as wait4 gives it */
    int exit_signal;    /* sent to the parent at the end; SIGCHLD, 0: none */
    int stop_signal;    /* stopped by it; 0: runs */
    bool has_stop_event, has_continue_event; /* not yet told by wait */
    struct sighand *sighand;
    /* Guarded by sighand->lock: */
    struct signal_queue pending;
    struct rlimit limits[RLIM_NLIMITS];
    struct timer alarm; /* ITIMER_REAL */
    nsec_t alarm_interval;
    nsec_t start_time; /* sandbox clock */
    nsec_t cpu_time, child_cpu_time;
    /* not saved, derived */
    struct kernel *kernel;
    TAILQ_HEAD(, task) tasks;
    TAILQ_HEAD(process_list, process) children;
    TAILQ_ENTRY(process) sibling;
    struct wait_queue child_wait; /* of the kernel's tasks lock */
    struct wait_queue vfork_wait;
    atomic_uint live; /* tasks that have not ended; futex of a waiting exec */
};

/* A thread. */
struct task {
    struct object object;
    struct waiter waiter; /* saved: the record */
    int tid;
    struct process *process;
    /* below: own thread only, or frozen, or under the lock said */
    struct mm *mm; /* NULL: ended */
    struct files *files;
    struct fs *fs;
    struct cred cred;
    struct guest_regs regs;
    uint8_t *xstate;        /* valid while outside the gate; xstate_size() bytes */
    bool is_in_call;        /* regs stand behind a syscall whose record is in progress or to be resumed */
    uint64_t call_nr;       /* the number (rax on entry), for restarts */
    char comm[TASK_COMM_SIZE];
    uint64_t blocked;       /* sighand lock */
    struct signal_queue pending; /* sighand lock */
    guest_addr_t altstack_base;
    uint64_t altstack_size;
    uint32_t altstack_flags;
    guest_addr_t clear_child_tid;
    guest_addr_t robust_list;
    bool is_dead; /* tasks lock */
    /* not saved, derived */
    bool is_linked; /* in its process' list and the kernel's table */
    TAILQ_ENTRY(task) link;
    /* not saved */
    struct context *context;
    bool is_context_attached;
    bool has_xstate_change; /* xstate is to be stored before the next enter */
    pthread_t thread;
    uint64_t call_count; /* for --checkpoint-at */
};

extern const struct snapshot_type process_type, task_type;

/* Borrowed pointers, under the kernel's tasks lock. */
struct process *process_find(struct kernel *kernel, int pid);
struct task *task_find(struct kernel *kernel, int tid);

static inline struct task *task_of(struct waiter *waiter)
{
    return (struct task *)((char *)waiter - offsetof(struct task, waiter));
}
