/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/snapshot.h"

enum { NICE_MIN = -20, NICE_MAX = 19, RT_PRIORITY_MAX = 99 };

/*
 * How a task asks to be scheduled (sched(7)): state only, since guests share the CPU as their
 * threads of the host do. A plain value, part of a task, guarded by the tasks lock. What follows
 * is Linux's: the numbers of policies and of I/O classes.
 */
struct sched_state {
    uint32_t policy;   /* SCHED_* */
    uint32_t priority; /* 1 to 99 of SCHED_FIFO and SCHED_RR, else 0 */
    int32_t nice;
    bool resets_on_fork;    /* SCHED_FLAG_RESET_ON_FORK */
    uint64_t affinity;      /* CPUs it may run on; 0: all */
    uint32_t io_priority;   /* ioprio_set(2): class and level; 0: by nice */
    uint32_t personality;   /* personality(2) */
    uint32_t memory_policy; /* set_mempolicy(2): mode and flags */
    uint64_t memory_nodes;
};

/* The CPUs of count that state allows; never none. */
uint64_t sched_allowed(const struct sched_state *state, unsigned count);
/* What a child or thread gets of parent's. */
void sched_inherit(struct sched_state *child, const struct sched_state *parent);
/* Priority as /proc/PID/stat tells it. */
int sched_shown_priority(const struct sched_state *state);
bool sched_is_realtime(uint32_t policy);

int sched_save(const struct sched_state *state, struct saver *saver, SchedState **ret);
/* NULL: as a new one. */
void sched_load(struct sched_state *state, struct loader *loader, const SchedState *message);
