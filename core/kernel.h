/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/base/clock.h"
#include "core/base/events.h"
#include "core/base/gate.h"
#include "core/task.h"
#include "platform/platform.h"
#include "vfs/vfs_context.h"

enum { KERNEL_PID_MAX = 32768 };

/* What uname says. */
#define KERNEL_RELEASE "6.1.0-sbx"
#define KERNEL_VERSION "#1 SMP PREEMPT_DYNAMIC sbx"

struct task_slot;
struct process_slot;

/* What is saved of the kernel itself: the root object of an image. */
struct machine {
    struct object object;
    struct process *init; /* pid 1: a reference */
    struct mount *root_mount;
    int last_pid;
    char hostname[65];
    uint8_t generation[16]; /* a new one after every restore */
    uint64_t vdso_offset;   /* memfile run of the vDSO: its text, then its data page */
    /* not saved, derived */
    unsigned live_tasks;
};

extern const struct snapshot_type machine_type;

/* One running kernel with its guests; one a process. */
struct kernel {
    struct vfs_context vfs; /* what saver_context and loader_context give: see kernel_of_context */
    struct gate gate;
    struct clock clock;
    struct memfile *memfile;
    uint64_t memory_limit; /* bytes */
    struct platform *platform;
    struct machine *machine;  /* a reference */
    struct mutex tasks_lock;  /* LOCK_TASKS: the tables, and what struct process says */
    struct task_slot *tasks;  /* uthash by tid; borrowed */
    struct process_slot *processes;
    struct mutex mms_lock; /* LOCK_MMS */
    LIST_HEAD(, mm) mms;   /* borrowed: every mm with a stub */
    atomic_uint live_tasks; /* a futex for whoever waits for the end */
};

static inline struct kernel *kernel_of_context(void *context)
{
    return context; /* vfs is the first member */
}

/* --- checkpoint_at.c: tests that checkpoint at calls (--checkpoint-at) --- */
/* The task is about to dispatch a call; true: it has to wait outside until the checkpoint is over. */
bool kernel_note_call(struct task *task);
/* The task is about to sleep in a call. */
void kernel_note_sleep(struct task *task);

/* A task's thread is about to end; the last one wakes kernel_wait. */
void kernel_task_ended(struct kernel *kernel);
