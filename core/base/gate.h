/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include <bsd/sys/queue.h>

#include "core/base/clock.h"
#include "core/base/lock.h"

/*
 * Whoever may change kernel state or guest memory of its own accord embeds a pass and is inside
 * while it runs: tasks, and the threads that bring events from outside. Asleep and parked are
 * outside. Closing the gate lets nobody in and waits until nobody is inside.
 */
enum gate_place { GATE_PARKED, GATE_ASLEEP, GATE_INSIDE, GATE_SHORT };
enum gate_state { GATE_OPEN, GATE_CLOSED, GATE_ENDED };

struct gate_pass {
    struct gate *gate;
    /* Makes guest code return; sticky; NULL: none runs. Called under gate->lock: takes no lock. */
    void (*interrupt)(struct gate_pass *pass);
    /* below: under gate->lock */
    enum gate_place place;
    bool outranks;               /* killed: passes a closing gate, which waits for its end */
    TAILQ_ENTRY(gate_pass) link; /* in gate->inside, while inside or short */
};

struct gate {
    atomic_int state;  /* written under lock; read without by gate_check */
    atomic_uint turn;  /* futex: moves when those at the gate should look again */
    atomic_uint quiet; /* futex: moves when the closer should look again */
    struct mutex lock; /* guards everything below */
    TAILQ_HEAD(, gate_pass) inside;
    unsigned outranking; /* passes that run to their end first */
    bool is_frozen;      /* closed, and seen empty */
};

/* A gate starts closed and frozen, or open. */
void gate_init(struct gate *gate, enum gate_state state);
void gate_fini(struct gate *gate);

/* A new pass is outside (parked): its thread's first act is gate_enter. */
void gate_join(struct gate *gate, struct gate_pass *pass);
/* The last act of a pass's thread. */
void gate_quit(struct gate_pass *pass);
/* Of a pass that is outside and whose thread does not come: nobody waits for it. */
void gate_drop(struct gate_pass *pass);

/* Comes in, or waits until it may; -ESHUTDOWN: the gate has ended, touch nothing and return. */
int gate_enter(struct gate_pass *pass);
void gate_leave(struct gate_pass *pass, enum gate_place place);
/* Where a pass is now. */
enum gate_place gate_place_of(struct gate_pass *pass);
/* Parks if the gate is closed; as gate_enter. Called inside, at the loop of run.c only. */
int gate_check(struct gate_pass *pass);
/* Brackets a short wait: still inside, but a closer knows what it waits for. */
void gate_short_begin(struct gate_pass *pass);
void gate_short_end(struct gate_pass *pass);

/* Lets pass through a closing gate until it quits. The caller is inside, and interrupts and kicks
 * the killed task itself. */
void gate_outrank(struct gate_pass *pass);

/* Closes, interrupts guest code and waits until nobody is inside; on -ETIMEDOUT (deadline in host
 * time) it is open again. */
int gate_close(struct gate *gate, nsec_t deadline);
void gate_open(struct gate *gate);
/* For a frozen gate: nobody will ever come in again. Sleepers must then be kicked. */
void gate_end(struct gate *gate);
bool gate_is_frozen(struct gate *gate);
