/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/base/clock.h"
#include "core/base/events.h"
#include "core/base/gate.h"
#include "core/checkpoint_at.h"
#include "core/task.h"
#include "platform/platform.h"
#include "vfs/vfs_context.h"

enum {
    KERNEL_PID_MAX = 32768,
    CPU_COUNT_MAX = 64 /* masks are one word */,
    MACHINE_NAME_SIZE = 65
};

/* What uname says. */
#define KERNEL_RELEASE "6.1.0-sbx"
#define KERNEL_VERSION "#1 SMP PREEMPT_DYNAMIC sbx"

struct futex_table;
struct pager;
struct task_slot;
struct process_slot;

/* What is saved of the kernel itself: the root object of an image. */
struct machine {
    struct object object;
    struct process *init; /* pid 1: a reference */
    struct mount *root_mount;
    int last_pid;
    char hostname[MACHINE_NAME_SIZE], domainname[MACHINE_NAME_SIZE];
    uint8_t generation[16]; /* a new one after every restore */
    uint64_t vdso_offset;   /* memfile run of the vDSO: its text, then its data page */
    /* not saved, derived */
    bool has_vdso; /* its run is counted */
    /* not saved */
    struct memfile *memfile; /* that the run is given back to, once counted */
};

extern const struct snapshot_type machine_type;

/* One running kernel with its guests; one a process. */
struct kernel {
    struct vfs_context vfs; /* what saver_context and loader_context give: see kernel_of_context */
    struct gate gate;
    struct clock clock;
    struct memfile *memfile;
    uint64_t memory_limit; /* bytes; 0: none */
    uint64_t memory_total; /* bytes: what guests are told they have */
    unsigned cpu_count;    /* what guests are told; the host's that the sandbox may use */
    struct platform *platform;
    struct machine *machine; /* a reference */
    struct mutex tasks_lock; /* LOCK_TASKS: the tables, and what struct process says */
    struct task_slot *tasks; /* uthash by tid; borrowed */
    struct process_slot *processes;
    struct mutex mms_lock; /* LOCK_MMS */
    LIST_HEAD(, mm) mms;   /* borrowed: every mm with a stub */
    struct vdso_clock vdso;
    struct futex_table *futexes;     /* who waits: core/futex.c */
    struct pager *pager;             /* of a lazy restore; NULL: none */
    struct mutex signalfd_lock;      /* LOCK_PIPE */
    struct wait_queue signalfd_wait; /* who waits for signals to read: core/signalfd.c */
    atomic_uint live_tasks;
    atomic_uint thread_count; /* futex: tasks' threads that may still touch the kernel */
    int notify_fd; /* an eventfd: the last task has ended, or a checkpoint is asked for */
    struct checkpoint_at checkpoint_at;
};

static inline struct kernel *kernel_of_context(void *context)
{
    return context; /* vfs is the first member */
}

struct kernel_options {
    uint64_t memory_limit; /* bytes; 0: none */
    uint64_t ghost_limit;  /* bytes */
    bool is_strict;
};

/* --- kernel.c --- */
/* A frozen kernel without a platform, a file system or a process. */
int kernel_create(const struct kernel_options *options, struct kernel **ret);
/* Starts the platform: before the process confines itself, by a thread that lives as long. */
int kernel_set_platform(struct kernel *kernel, const char *name);
/* Gives the tasks of a frozen kernel their threads. */
int kernel_start(struct kernel *kernel);
/* Makes notify_fd readable. */
void kernel_notify(struct kernel *kernel);
/* Of pid 1, as wait4 gives it. */
int kernel_exit_status(struct kernel *kernel);
/* From outside, inside the gate: the caller has a pass. -ESRCH: pid 1 has ended. */
int kernel_signal_init(struct kernel *kernel, int signal);
/* Makes every sleeper look again. Frozen, or under the tasks lock. */
void kernel_kick_all(struct kernel *kernel);
/* Of a frozen kernel, which ends, or of one whose tasks have ended: returns when no thread of it is
 * left. */
void kernel_stop(struct kernel *kernel);
/* Drops the machine and with it every object. No thread is left. */
void kernel_drop_machine(struct kernel *kernel);
/* No task runs any more. Accepts NULL and half-made ones. */
void kernel_free(struct kernel *kernel);
void kernel_task_ended(struct kernel *kernel);
/* The last act of a task's thread. */
void kernel_thread_ended(struct kernel *kernel);

/* --- checkpoint_at.c: tests that checkpoint at calls (--checkpoint-at) --- */
/* The task is about to dispatch a call; true: it has to wait outside until the checkpoint is over.
 */
bool kernel_note_call(struct task *task);
/* The task is about to sleep in a call. */
void kernel_note_sleep(struct task *task);
