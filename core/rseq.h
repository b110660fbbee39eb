/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/lock.h"
#include "core/base/uio.h"

struct task;

enum { RSEQ_CPUS = 64, RSEQ_NO_CPU = -1 };

/* Which tasks of an address space have which CPU numbers. Part of struct mm. */
struct rseq_cpus {
    struct mutex lock;               /* LOCK_RSEQ; a leaf */
    struct task *holders[RSEQ_CPUS]; /* borrowed: they give it back before they go */
    uint64_t running;                /* holders that are in guest code */
};

/* What rseq(2) registered. Of a task; its own thread. */
struct rseq_state {
    guest_addr_t area; /* struct rseq; 0: none */
    uint32_t size, signature;
    int cpu;              /* that its area says; RSEQ_NO_CPU, as a loaded task has it */
    atomic_bool is_stale; /* the area is to be written, the number chosen anew */
};

void rseq_init(struct rseq_state *state);
/* Before guest code, by the task's thread, no lock held: it has a CPU number for itself, if there
 * is one, and its area says so. False: a signal was sent to it instead. */
bool rseq_enter(struct task *task);
void rseq_leave(struct task *task);
/* A sequence that was interrupted is not gone on with. -EFAULT, -EINVAL: what the area tells of it
 * is not sound, the task is to get SIGSEGV. */
int rseq_abort(struct task *task);
/* Gives the number back: the task leaves its address space. */
void rseq_release(struct task *task);
/* A process: the child's area is where the parent's is, in its copy of the memory. */
void rseq_inherit(struct task *child, const struct task *parent);
/* Its CPUs have changed; any thread. */
void rseq_moved(struct task *task);
