/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate. Invariants:
 * 1. A pass is in gate->inside exactly while its thread may touch kernel state or guest memory.
 * 2. While the gate is closed nobody is added to it but passes that outrank, and those keep the
 *    closer waiting. Once is_frozen is set nobody can outrank any more: gate_outrank is called
 *    from inside only.
 * 3. Nobody waits at the gate with a lock held.
 * 4. The closer needs no scan: the list is empty and outranking is 0, both under one lock.
 * gate_check, on every call, is one load; coming in and leaving cost a lock, and go with a sleep.
 * That load needs no order: a closer stores CLOSED before it calls interrupt, which is sticky, so
 * whoever saw OPEN comes back from guest code at once and looks again.
 */
#include "core/base/gate.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>

#include "core/base/host.h"

void gate_init(struct gate *gate, enum gate_state state)
{
    assert(state != GATE_ENDED);
    mutex_init(&gate->lock, LOCK_GATE);
    TAILQ_INIT(&gate->inside);
    atomic_init(&gate->state, state);
    atomic_init(&gate->turn, 0);
    atomic_init(&gate->quiet, 0);
    gate->outranking = 0;
    gate->is_frozen = state == GATE_CLOSED;
}

void gate_fini(struct gate *gate)
{
    assert(TAILQ_EMPTY(&gate->inside));
    mutex_fini(&gate->lock);
}

static bool is_quiet(const struct gate *gate)
{
    return TAILQ_EMPTY(&gate->inside) && gate->outranking == 0;
}

void gate_join(struct gate *gate, struct gate_pass *pass)
{
    pass->gate = gate;
    pass->place = GATE_PARKED;
    pass->outranks = false;
}

static void move_out(struct gate_pass *pass, enum gate_place place)
{
    struct gate *gate = pass->gate;

    mutex_assert_held(&gate->lock);
    assert(pass->place == GATE_INSIDE);
    TAILQ_REMOVE(&gate->inside, pass, link);
    pass->place = place;
    if (atomic_load(&gate->state) == GATE_CLOSED) {
        atomic_fetch_add(&gate->quiet, 1);
        host_futex_wake(&gate->quiet, 1);
    }
}

/* Waits at the gate; comes in unless the gate has ended. */
static int move_in(struct gate_pass *pass)
{
    struct gate *gate = pass->gate;

    mutex_assert_held(&gate->lock);
    while (atomic_load(&gate->state) == GATE_CLOSED && !pass->outranks) {
        unsigned turn = atomic_load(&gate->turn);
        mutex_unlock(&gate->lock);
        (void)host_futex_wait(&gate->turn, turn, NSEC_NEVER);
        mutex_lock(&gate->lock);
    }
    if (atomic_load(&gate->state) == GATE_ENDED)
        return -ESHUTDOWN;
    assert(!gate->is_frozen);
    TAILQ_INSERT_TAIL(&gate->inside, pass, link);
    pass->place = GATE_INSIDE;
    return 0;
}

int gate_enter(struct gate_pass *pass)
{
    assert(locks_are_free());
    mutex_lock(&pass->gate->lock);
    assert(pass->place == GATE_PARKED || pass->place == GATE_ASLEEP);
    int err = move_in(pass);
    mutex_unlock(&pass->gate->lock);
    return err;
}

void gate_leave(struct gate_pass *pass, enum gate_place place)
{
    assert(locks_are_free());
    assert(place == GATE_PARKED || place == GATE_ASLEEP);
    mutex_lock(&pass->gate->lock);
    move_out(pass, place);
    mutex_unlock(&pass->gate->lock);
}

enum gate_place gate_place_of(struct gate_pass *pass)
{
    mutex_lock(&pass->gate->lock);
    enum gate_place place = pass->place;
    mutex_unlock(&pass->gate->lock);
    return place;
}

int gate_check(struct gate_pass *pass)
{
    struct gate *gate = pass->gate;

    if (__builtin_expect(atomic_load_explicit(&gate->state, memory_order_relaxed) == GATE_OPEN, 1))
        return 0;
    gate_leave(pass, GATE_PARKED);
    host_stall();
    return gate_enter(pass);
}

void gate_quit(struct gate_pass *pass)
{
    struct gate *gate = pass->gate;

    assert(locks_are_free());
    mutex_lock(&gate->lock);
    gate->outranking -= pass->outranks;
    pass->outranks = false;
    move_out(pass, GATE_PARKED);
    mutex_unlock(&gate->lock);
}

void gate_drop(struct gate_pass *pass)
{
    struct gate *gate = pass->gate;

    mutex_lock(&gate->lock);
    assert(pass->place != GATE_INSIDE && pass->place != GATE_SHORT);
    gate->outranking -= pass->outranks;
    pass->outranks = false;
    atomic_fetch_add(&gate->quiet, 1);
    host_futex_wake(&gate->quiet, 1);
    mutex_unlock(&gate->lock);
}

static void set_place(struct gate_pass *pass, enum gate_place from, enum gate_place to)
{
    mutex_lock(&pass->gate->lock);
    assert(pass->place == from);
    pass->place = to;
    mutex_unlock(&pass->gate->lock);
}

void gate_short_begin(struct gate_pass *pass)
{
    set_place(pass, GATE_INSIDE, GATE_SHORT);
}

void gate_short_end(struct gate_pass *pass)
{
    set_place(pass, GATE_SHORT, GATE_INSIDE);
}

/* Those at the gate look again. */
static void turn(struct gate *gate)
{
    atomic_fetch_add(&gate->turn, 1);
    host_futex_wake(&gate->turn, INT_MAX);
}

void gate_outrank(struct gate_pass *pass)
{
    struct gate *gate = pass->gate;

    mutex_lock(&gate->lock);
    assert(!gate->is_frozen);
    gate->outranking += !pass->outranks;
    pass->outranks = true;
    turn(gate);
    mutex_unlock(&gate->lock);
}

static void interrupt_inside(struct gate *gate)
{
    struct gate_pass *pass;

    TAILQ_FOREACH(pass, &gate->inside, link) {
        if (pass->interrupt != NULL)
            pass->interrupt(pass);
    }
}

int gate_close(struct gate *gate, nsec_t deadline)
{
    int err = 0;

    mutex_lock(&gate->lock);
    assert(atomic_load(&gate->state) == GATE_OPEN);
    atomic_store(&gate->state, GATE_CLOSED);
    interrupt_inside(gate);
    while (err != -ETIMEDOUT && !is_quiet(gate)) {
        unsigned quiet = atomic_load(&gate->quiet);
        mutex_unlock(&gate->lock);
        err = host_futex_wait(&gate->quiet, quiet, deadline);
        mutex_lock(&gate->lock);
    }
    gate->is_frozen = is_quiet(gate);
    err = gate->is_frozen ? 0 : -ETIMEDOUT;
    mutex_unlock(&gate->lock);
    if (err < 0)
        gate_open(gate);
    return err;
}

static void set_state(struct gate *gate, enum gate_state state)
{
    mutex_lock(&gate->lock);
    assert(atomic_load(&gate->state) == GATE_CLOSED);
    gate->is_frozen = false;
    atomic_store(&gate->state, state);
    turn(gate);
    mutex_unlock(&gate->lock);
}

void gate_open(struct gate *gate)
{
    set_state(gate, GATE_OPEN);
}

void gate_end(struct gate *gate)
{
    assert(gate_is_frozen(gate));
    set_state(gate, GATE_ENDED);
}

bool gate_is_frozen(struct gate *gate)
{
    mutex_lock(&gate->lock);
    assert(!gate->is_frozen || is_quiet(gate));
    bool is_frozen = gate->is_frozen;
    mutex_unlock(&gate->lock);
    return is_frozen;
}
