/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <sys/resource.h>

#include "core/base/clock.h"
#include "core/base/lock.h"
#include "snapshot/snapshot.h"

struct mm;
struct process;
struct task;

/* What was used. */
struct usage {
    nsec_t user, system; /* CPU time: in guest code; in the kernel for it */
    uint64_t faults;     /* that came to us: first touches of memory are the host's */
    uint64_t sleeps;
    uint64_t resident; /* the largest seen, bytes */
};

/* Of a task. Its own thread changes it. A task that is outside of the gate is settled, so that only
 * total goes into an image. */
struct task_usage {
    struct usage total;
    struct mutex lock;  /* LOCK_USAGE; guards all */
    nsec_t entered;     /* host time at which guest code was entered; 0: it is not in it */
    nsec_t unsettled;   /* in guest code by the host's clock, since it was settled */
    nsec_t aspace_seen; /* CPU time of its address space and of its thread, when it was settled */
    nsec_t thread_seen;
};

void usage_init(struct task_usage *usage);
/* Around guest code, by the task's thread. */
void usage_enter(struct task *task);
void usage_leave(struct task *task);
/* Host time at which the task entered guest code, if it is there now; else 0. Any thread. */
nsec_t usage_entered(struct task *task);
/* By the task's thread: what it used until now is counted. */
void usage_settle(struct task *task);
/* By the task's thread: it has another address space, whose time so far is not its own. */
void usage_attach(struct task *task);
void usage_count_fault(struct task *task);
void usage_count_sleep(struct task *task);
/* Of a task, by any thread. Under the tasks lock, or of the caller itself. */
void usage_of_task(struct task *task, struct usage *ret);

/* The following under the tasks lock. */

/* Of a process, all of its tasks that there were. */
void usage_of_process(struct process *process, struct usage *ret);
/* The time of its address space is counted: it is about to be saved, or to have another one. */
void usage_settle_process(struct process *process);
/* The child shares the parent's address space: what that has used is not its own. */
void usage_share_process(struct process *child, struct process *parent);
/* A task has ended, and its usage is its process' alone. */
void usage_end_task(struct task *task);
/* A child was reaped by parent. */
void usage_reap(struct process *parent, struct process *child);

/* Notes how much memory the process has now. No lock is held. */
void usage_note_resident(struct task *task);
void usage_add(struct usage *to, const struct usage *from);
struct rusage usage_encode(const struct usage *usage);
int usage_save(const struct usage *usage, struct saver *saver, Usage **ret);
void usage_load(struct usage *usage, struct loader *loader, const char *field, const Usage *m);
