/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <bsd/sys/queue.h>

#include "core/base/clock.h"
#include "core/base/gate.h"

/*
 * The thread that brings the host's events: descriptors that became ready, timers that ran out. It
 * calls back inside the gate, holding no lock; what comes while the gate is closed stays with the
 * host and is looked at after a thaw. One a sandbox.
 */
struct events;

/* A host descriptor that is watched. Embedded in its owner. */
struct event_source {
    int fd;
    uint32_t wanted; /* EPOLL* */
    void (*ready)(struct event_source *source, uint32_t ready);
    bool is_added;
    uint64_t key;
};

/* A timer on the sandbox clock. Embedded in its owner, which saves the deadline and restarts it. */
struct timer {
    nsec_t deadline; /* NSEC_NEVER: not running */
    void (*expired)(struct timer *timer);
    TAILQ_ENTRY(timer) link;
    bool is_queued;
};

int events_create(struct gate *gate, const struct clock *clock, struct events **ret);
/* Starts the thread; before the process confines itself is early enough. */
int events_start(struct events *events);
/* Ends and joins the thread (gate ended or open): no callback runs any more. Legal twice. */
void events_stop(struct events *events);
/* Stops, frees. Accepts NULL. */
void events_free(struct events *events);

/* One-shot: ready is called once, then it must be armed again. Regular files and the like, which
 * epoll refuses, count as always ready: -EPERM. Any lock may be held. */
int event_source_arm(struct events *events, struct event_source *source);
/* After it no callback runs or will run for it (it waits for one that does: no lock is held that
 * the callback takes). */
void event_source_remove(struct events *events, struct event_source *source);

/* (Re)starts. Any lock may be held. */
void timer_start(struct events *events, struct timer *timer, nsec_t deadline);
/* Waits for a callback that runs (no lock is held that it takes). True: it was running and has not
 * expired. */
bool timer_stop(struct events *events, struct timer *timer);
