/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct kernel;
struct task;

/* Part of the kernel: where it is to be checkpointed by itself. */
struct checkpoint_at {
    atomic_bool is_on;
    bool is_every;
    uint64_t call; /* else this one, counted from 1 */
    atomic_ullong count;
    atomic_bool is_pending;   /* asked for, not over yet */
    atomic_bool is_requested; /* asked for, not taken up yet */
    uint64_t call_nr;         /* below: of the request */
    bool is_blocked;
};

/* Where a requested checkpoint is to be taken. */
struct checkpoint_at_place {
    uint64_t call_nr;
    const char *name; /* of the call; static */
    bool is_blocked;
};

/* Before the tasks start. */
void checkpoint_at_set(struct kernel *kernel, bool is_every, uint64_t call);
/* The task is about to dispatch a call; true: it has to wait outside and look again when kicked. */
bool kernel_note_call(struct task *task);
/* The task is about to sleep in a call. */
void kernel_note_sleep(struct task *task);
/* After a kernel_notify: is a checkpoint asked for? Takes the request up. */
bool checkpoint_at_take(struct kernel *kernel, struct checkpoint_at_place *ret);
/* The checkpoint did not happen: no more are asked for, and the task that waits goes on. */
void checkpoint_at_done(struct kernel *kernel);
