/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sched.h>
#include <stdatomic.h>

/*
 * Which CPU a context runs on. A thread of the sandbox and the guest thread that it enters take
 * turns, so both are bound to one CPU (a hand-over there costs a quarter of one to another CPU):
 * the one with the fewest seats taken.
 */
struct placement {
    cpu_set_t allowed;
    int allowed_count;
    atomic_uint seats[CPU_SETSIZE];
};

void placement_init(struct placement *placement);
/* Takes a seat on a CPU; -1: there is nothing to choose. */
int placement_take(struct placement *placement);
void placement_give(struct placement *placement, int cpu);
/* Binds a thread, 0 being the caller, to a CPU. One that cannot be bound stays where it is. */
void placement_bind(pid_t tid, int cpu);
void placement_unbind(const struct placement *placement, pid_t tid);
