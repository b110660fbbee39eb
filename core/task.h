/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/resource.h>

#include "core/files.h"
#include "core/fs.h"
#include "core/mm/mm.h"
#include "core/sched.h"
#include "core/settings.h"
#include "core/signal.h"
#include "core/timers.h"
#include "core/usage.h"
#include "core/base/container.h"
#include "platform/platform.h"
#include "vfs/cred.h"

struct kernel;

enum { TASK_COMM_SIZE = 16, OOM_ADJUSTMENT_MAX = 1000 };

/*
 * Where a task stands with its system call: regs are those of the trap until the result is
 * delivered. ENTERED: to be dispatched. WAITING: its record is in progress, or to be resumed. DONE:
 * its result meets the pending signals next.
 */
enum call_state { CALL_NONE, CALL_ENTERED, CALL_WAITING, CALL_DONE };

/* A result that leaves the registers as the call has set them (execve, rt_sigreturn). */
enum { CALL_KEEPS_REGS = -1002 };

/* A process: a thread group and what its threads share (Linux: signal_struct). */
struct process {
    struct object object;
    /* Guarded by the kernel's tasks lock: */
    int pid;
    int pgid, sid;
    bool is_exiting;                         /* exit_group, a fatal signal */
    bool is_zombie;                          /* all tasks ended, not reaped */
    bool has_execed;                         /* setpgid of a child: EACCES */
    bool is_vfork_done;                      /* the parent of a vfork may go on */
    int exit_status;                         /* as wait4 gives it */
    uint32_t exit_uid;                       /* of its last task: real user id */
    int exit_signal;                         /* sent to the parent at the end; SIGCHLD, 0: none */
    atomic_int stop_signal;                  /* stopped by it; 0: runs */
    bool has_stop_event, has_continue_event; /* not yet told by wait */
    struct sighand *sighand;
    atomic_bool is_undumpable; /* PR_SET_DUMPABLE */
    bool is_subreaper;         /* PR_SET_CHILD_SUBREAPER: orphans below come to it */
    int oom_adjustment;        /* oom_score_adj, as state */
    int oom_adjustment_min;    /* that others than root may set */
    nsec_t alarm_deadline;     /* ITIMER_REAL; NSEC_NEVER: none */
    nsec_t alarm_interval;     /* 0: once */
    struct process_timers timers;
    /* Guarded by sighand->lock: */
    struct signal_queue pending;
    struct rlimit limits[RLIM_NLIMITS];
    nsec_t start_time;        /* sandbox clock */
    struct usage usage;       /* of tasks that ended; tasks lock, as what follows */
    struct usage child_usage; /* of children that were reaped */
    /* Changed under the kernel's tasks lock, the list of tasks under the sighand's too; each
     * element is a reference: */
    TAILQ_HEAD(task_list, task) tasks;          /* that have not ended, in order of birth */
    TAILQ_HEAD(process_list, process) children; /* in order of birth */
    /* not saved, derived */
    struct kernel *kernel;
    struct process *parent; /* borrowed; NULL for init and once reaped */
    TAILQ_ENTRY(process) sibling;
    bool is_linked;               /* in the kernel's table */
    struct wait_queue child_wait; /* of the kernel's tasks lock */
    struct wait_queue vfork_wait;
    struct wait_queue exit_wait; /* who polls a pidfd: its end */
    atomic_uint live;            /* tasks that have not ended; futex of a waiting exec */
    struct timer alarm;          /* runs while alarm_deadline is set */
    /* not saved */
    unsigned continues; /* SIGCONTs so far: what they overtake does not stop; sighand lock */
    nsec_t aspace_seen; /* CPU time of the address space that usage has in it; tasks lock */
};

/* A thread. */
struct task {
    struct object object;
    struct waiter waiter; /* saved: the record */
    int tid;
    struct process *process; /* a reference */
    /* below: own thread only, or frozen, or under the lock said */
    struct mm *mm; /* NULL: ended */
    struct files *files;
    struct fs *fs;
    struct cred cred;
    struct guest_regs regs;
    uint8_t *xstate; /* valid while outside the gate; xstate_size() bytes */
    enum call_state call;
    uint64_t call_nr;    /* the number (rax on entry), for restarts */
    int64_t call_result; /* CALL_DONE: may be a restart code */
    char comm[TASK_COMM_SIZE];
    uint64_t blocked;            /* sighand lock */
    struct signal_queue pending; /* sighand lock */
    guest_addr_t altstack_base;
    uint64_t altstack_size;
    uint32_t altstack_flags;
    int parent_death_signal;  /* PR_SET_PDEATHSIG; 0: none. Tasks lock */
    struct sched_state sched; /* tasks lock */
    struct settings settings;
    guest_addr_t clear_child_tid;
    atomic_ullong robust_list; /* others may ask for it */
    struct rseq_state rseq;
    struct task_usage usage;
    /* not saved, derived */
    bool is_listed;   /* in its process' list */
    bool is_linked;   /* in the kernel's table */
    uint64_t awaited; /* by rt_sigtimedwait, from its record; sighand lock */
    TAILQ_ENTRY(task) link;
    /* not saved */
    struct mutex context_lock; /* LOCK_CONTEXT: context may go while others interrupt it */
    struct context *context;   /* NULL: none yet */
    bool is_attached;          /* the context, to the task's thread */
    bool has_xstate_change;    /* xstate is to be stored before the next enter */
    struct mm_last_fault last_fault;
    bool is_noted;   /* checkpoint_at.c: its call has been counted */
    bool is_holding; /* checkpoint_at.c: its call waits for a checkpoint */
};

extern const struct snapshot_type process_type, task_type;

/* --- process.c --- */
/* A process without tasks, in no table. Takes the reference to sighand, also on failure. */
int process_create(struct kernel *kernel, int pid, struct sighand *sighand, struct process **ret);
/* Under the tasks lock: enters the tables as a child of parent (NULL: init); takes a reference. */
int process_link(struct process *process, struct process *parent);
/* Under the tasks lock: a reaped one leaves; the reference of the parent's list (init: the
 * machine's) is the caller's to put, outside of the lock. */
void process_unlink(struct process *process);
/* Under the tasks lock: stops, continues all tasks of it and tells the parent. */
void process_stop(struct process *process, int signal);
/* Under the tasks lock: its real user id, also when it has ended. */
uint32_t process_uid(const struct process *process);
/* Under the tasks lock: what SIGCHLD tells of its user and of its time. */
void process_describe(struct process *process, struct signal_info *info);
void process_continue(struct process *process);

/* --- task.c --- */
/* A task outside the gate, in no table. Gets references to process and files, fs, mm. */
int task_create(struct process *process, int tid, struct mm *mm, struct files *files, struct fs *fs,
                struct task **ret);
/* Under the tasks lock: joins its process and the table; takes a reference. */
int task_link(struct task *task);
/* Under the tasks lock: leaves both; the list's reference is the caller's to put. */
void task_unlink(struct task *task);
/* Starts its thread, which holds a reference. */
int task_start(struct task *task);
/* Makes it look again wherever it is: asleep, stopped or in guest code. */
void task_kick(struct task *task);
struct kernel *task_kernel(const struct task *task);
/* Vector state as a new program finds it. */
void task_reset_xstate(struct task *task);

/* --- task_table.c: all under the kernel's tasks lock --- */
/* The next free id: -EAGAIN, there is none. */
int pid_alloc(struct kernel *kernel);
/* Borrowed pointers or NULL. */
struct process *process_find(struct kernel *kernel, int pid);
/* The same, by the id of any of its threads. */
struct process *process_find_any(struct kernel *kernel, int id);
struct task *task_find(struct kernel *kernel, int tid);
int task_table_add(struct kernel *kernel, struct task *task);
void task_table_remove(struct kernel *kernel, struct task *task);
/* Gives a linked task another id, which is free. */
int task_set_tid(struct task *task, int tid);
int process_table_add(struct kernel *kernel, struct process *process);
void process_table_remove(struct kernel *kernel, struct process *process);
/* Calls fn for every process; not 0 ends it with that result. */
int process_list_all(struct kernel *kernel, int (*fn)(struct process *process, void *context),
                     void *context);

/* --- run.c, clone.c, exec.c, exit.c --- */
/* The task whose thread this is; NULL: it is no task's. */
struct task *task_current(void);
/* The thread of a task. */
void *task_run(void *task);
/* Stores what only the stub has (vector state) in the task; by its thread, before it sleeps. */
void task_fetch_xstate(struct task *task);
/* Leaves the address space: detaches and frees the context. By its thread. */
void task_drop_context(struct task *task);
/* Under the tasks lock: the task is to die. */
void task_kill(struct task *task);
/* Under the tasks lock: every task of it is to die; status as wait4 gives it. */
void process_kill(struct process *process, int status);
/* The same with no lock held. */
void process_die(struct process *process, int status);
/* The end of a task, by its thread. */
void task_exit(struct task *task);
/* argv and envp are kernel memory. On success the registers are the new program's. */
int task_exec(struct task *task, const char *path, char **argv, char **envp);
/* A vector of strings with NULL at its end, all from host_alloc. Accepts NULL. */
void strings_free(char **strings);
/* The parent of a vfork goes on. Under the tasks lock. */
void process_vfork_done(struct process *process);

/* CLD_* of a status as wait4 gives it. */
static inline int exit_status_code(int status)
{
    return (status & 0x7f) == 0 ? CLD_EXITED : (status & 0x80) != 0 ? CLD_DUMPED : CLD_KILLED;
}

static inline struct task *task_of(struct waiter *waiter)
{
    return (struct task *)((char *)waiter - offsetof(struct task, waiter));
}
