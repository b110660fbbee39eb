/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bsd/sys/queue.h>

#include "core/base/clock.h"
#include "core/base/gate.h"

struct waiter;
struct wait_record;

/* Results that no guest sees (Linux's numbers where Linux has one). */
enum {
    WAIT_AGAIN = -1000,          /* from a step: it must sleep */
    WAIT_SHUTDOWN = -1001,       /* the gate has ended: the thread must return at once */
    ERESTARTSYS = 512,           /* made again, or EINTR after a handler without SA_RESTART */
    ERESTARTNOINTR = 513,        /* always made again */
    ERESTARTNOHAND = 514,        /* made again only if no handler ran */
    ERESTART_RESTARTBLOCK = 516, /* resumed from its record, or EINTR after any handler */
};

/* A place in one queue: of a sleeper, or of who is told instead. Guarded by the lock of the queue.
 */
enum wait_state { WAIT_IDLE, WAIT_QUEUED, WAIT_WOKEN };
struct wait_entry {
    uint64_t ticket; /* given once, when first queued; orders the queue after a restore */
    enum wait_state state;
    /* not saved */
    struct waiter *waiter; /* is kicked, if there is no notify */
    /* Called under the queue's lock, so it takes locks of later rank only, and does not change the
     * queue. events as in wait_kick. True: it has woken somebody. */
    bool (*notify)(struct wait_entry *entry, uint32_t events);
    bool is_exclusive; /* is told only as long as no other such entry has woken somebody */
    struct wait_queue *_Atomic queue; /* while queued; changes under the lock of the one it names */
    TAILQ_ENTRY(wait_entry) link;
};

/* Derived state: rebuilt from the records, by ticket. */
struct wait_queue {
    struct mutex *lock; /* the owner's */
    TAILQ_HEAD(wait_entries, wait_entry) entries;
    uint64_t last_ticket;
};

/*
 * One kind of blocking call. It sees its record and nothing else, so that going on after a sleep
 * and going on after a restore are the same code. Part of a struct wait_type (snapshot.h).
 */
struct wait_ops {
    const char *name;
    size_t size; /* of the typed record; its first member is the wait_record */
    /* Does what can be done now; a result, or WAIT_AGAIN with its entries queued. Any other result:
     * its entries are in no queue. */
    int64_t (*step)(struct waiter *waiter, struct wait_record *record);
    /* Leaves every queue; the result, given why: -ETIMEDOUT or -ERESTARTSYS. May be a success. */
    int64_t (*cancel)(struct waiter *waiter, struct wait_record *record, int why);
    /* Leaves every queue (wait_leave), puts the references. Legal on a half-loaded record. */
    void (*release)(struct wait_record *record);
    /* Puts the loaded entries back in their queues (wait_relink). */
    void (*relink)(struct waiter *waiter, struct wait_record *record);
};

struct wait_record {
    const struct wait_ops *ops; /* NULL: no call is in progress */
    nsec_t deadline;            /* absolute, sandbox clock; NSEC_NEVER */
    uint64_t saved_mask;        /* signal mask put back at the end of the call, if is_masked */
    bool is_masked;
    bool is_killable; /* signals do not end it, death does (vfork) */
    bool is_noted;    /* tests: a checkpoint has been taken in this wait */
};

enum { WAIT_RECORD_SIZE = 512 };

/* A task embeds one. The record belongs to its thread while inside; outside nobody changes it. */
struct waiter {
    struct gate_pass pass;
    const struct clock *clock;
    void (*before_sleep)(struct waiter *waiter); /* inside, nothing held, about to sleep; or NULL */
    atomic_uint kicked;     /* sticky and derived: look again. Not saved, every resume looks */
    atomic_bool has_signal; /* a signal is to be taken; derived from pending and mask */
    atomic_bool is_killed;  /* the process is dying; derived */
    alignas(16) unsigned char record[WAIT_RECORD_SIZE];
};

/* Starts a call's record: zeroed but for ops, no deadline. The call fills it, then calls wait_run.
 */
void *wait_begin(struct waiter *waiter, const struct wait_ops *ops);
/* Releases the record of a call that has its result; idle waiters too. */
void wait_end(struct waiter *waiter);
/* For a task that dies: leaves the queues too. A restored one may die before it has looked. */
void wait_abandon(struct waiter *waiter);
/* Returns a borrowed pointer; its ops are NULL when no call is in progress. */
struct wait_record *waiter_record(struct waiter *waiter);

/* Carries the current record on to a result. WAIT_SHUTDOWN: the thread must return at once. */
int64_t wait_run(struct waiter *waiter);

/* Sleeps outside the gate until kicked, leaving a record in progress as it is: for a stopped task.
 * 0 or WAIT_SHUTDOWN; may be spurious: the caller looks again. Forget the kick first. */
void wait_forget_kick(struct waiter *waiter);
int wait_doze(struct waiter *waiter);

/* Makes a sleeper look again. Any lock may be held; may be spurious, is never lost. */
void waiter_kick(struct waiter *waiter);

void wait_queue_init(struct wait_queue *queue, struct mutex *lock);
/* Lets go of all that wait, for x_fini: they are left when a failed load takes all apart. */
void wait_queue_fini(struct wait_queue *queue);
/* How many wait: for x_derived. Takes no lock. */
size_t wait_queue_count(const struct wait_queue *queue);
/* These need the queue's lock. Queues at the tail with a new ticket; one that is queued keeps
 * its place. */
void wait_add(struct wait_queue *queue, struct wait_entry *entry, struct waiter *waiter);
void wait_remove(struct wait_queue *queue, struct wait_entry *entry);
void wait_kick_all(struct wait_queue *queue);
/* The same, saying what may have come about, POLL*: sleepers look again whatever it is. 0: nothing
 * that a poll tells. */
void wait_kick(struct wait_queue *queue, uint32_t events);
/* Takes the first out of the queue and marks it woken: it has its success. NULL: nobody waits. All
 * are sleepers. */
struct wait_entry *wait_wake_first(struct wait_queue *queue);
/* The same for any one of the queue. */
void wait_wake(struct wait_queue *queue, struct wait_entry *entry);
/* Moves a queued one to the tail of another queue; both locks are held. */
void wait_move(struct wait_queue *from, struct wait_queue *to, struct wait_entry *entry);
/* Its state, under the lock of its queue (taken here). The waiter's own thread only. */
enum wait_state wait_state_of(struct wait_entry *entry);
/* Leaves the queue it is in, if any, under that queue's lock (taken here); one that is WOKEN stays
 * so. The waiter's own thread only. The queue cannot go meanwhile: the record holds its owner. */
void wait_leave(struct wait_entry *entry);
/* Puts a loaded entry where its ticket belongs. Only while loading: takes no lock. */
void wait_relink(struct wait_queue *queue, struct wait_entry *entry, struct waiter *waiter);
