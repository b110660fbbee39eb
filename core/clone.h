/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/task.h"

/* What clone, clone3, fork and vfork ask for, checked and decoded. */
struct clone_request {
    uint64_t flags; /* CLONE_*, without the exit signal */
    int exit_signal;
    guest_addr_t stack; /* the first stack pointer; 0: the parent's */
    guest_addr_t parent_tid, child_tid, tls;
    guest_addr_t pidfd; /* where its number goes, if CLONE_PIDFD */
};

/* Makes a task, by its parent's thread; the result is its id. Waits for the child of a vfork. */
int64_t task_clone(struct task *task, const struct clone_request *request);

/* --- vfork.c --- */
/* Sleeps until the child has a memory of its own or none. Takes the reference to it. */
int64_t vfork_wait_for(struct task *task, struct process *child);
