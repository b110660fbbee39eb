/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that brings the host's events. Invariants:
 * 1. It is inside the gate while it looks at timers and calls back, outside while it waits. What
 *    epoll gave before the gate closed is readiness only: whoever is armed after a restore is told
 *    again.
 * 2. The kernel knows a source by a key (slot, turn of the slot), never by its address: an event
 *    that was on its way when its source was removed finds another turn and is dropped.
 * 3. running is what is being called back, NULL otherwise; it is not touched once its callback
 *    returned, for the callback may have freed it.
 * 4. The deadline for which the thread sleeps is never later than that of the first timer: who
 *    starts an earlier one wakes the thread.
 * events->lock is a leaf and no callback is made under it.
 */
#include "core/base/events.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>

#include "core/base/container.h"
#include "core/base/host.h"

enum { BATCH = 16 };

#define KEY_WAKE UINT64_MAX

/* A place for a watched source. */
struct event_slot {
    struct event_source *source; /* NULL: free */
    uint32_t turn;               /* moves when the source goes */
};

struct events {
    struct gate_pass pass;
    const struct clock *clock;
    int epoll;
    int wake; /* eventfd */
    pthread_t thread;
    bool is_started;
    atomic_bool is_ending;
    atomic_uint calls_done; /* futex: moves when a callback has returned */
    struct mutex lock;      /* LOCK_EVENT_TABLE; guards everything below */
    struct event_slot *slots;
    uint32_t slot_count;
    TAILQ_HEAD(timers, timer) timers; /* by deadline */
    const void *running;
};

/* Of the thread that brings events, NULL in all others. */
static _Thread_local const struct events *own_events;

static void wake_thread(struct events *events)
{
    (void)host_eventfd_add(events->wake);
}

/* --- sources --- */

static uint64_t slot_key(const struct events *events, uint32_t nr)
{
    return (uint64_t)events->slots[nr].turn << 32 | nr;
}

/* Sets *ret to the number of a free slot. */
static int find_free_slot(struct events *events, uint32_t *ret)
{
    uint32_t count = events->slot_count * 2 + 4;
    uint32_t nr = 0;

    while (nr < events->slot_count && events->slots[nr].source != NULL)
        nr++;
    if (nr == events->slot_count) {
        struct event_slot *slots = host_alloc(count, sizeof(*slots));
        if (slots == NULL)
            return -ENOMEM;
        for (uint32_t i = 0; i < events->slot_count; i++)
            slots[i] = events->slots[i];
        host_free(events->slots);
        events->slots = slots;
        events->slot_count = count;
    }
    *ret = nr;
    return 0;
}

static int add_source(struct events *events, struct event_source *source, uint32_t wanted)
{
    uint32_t nr;
    int err = find_free_slot(events, &nr);

    if (err < 0)
        return err;
    uint64_t key = slot_key(events, nr);
    err = host_epoll_ctl(events->epoll, EPOLL_CTL_ADD, source->fd, wanted, key);
    if (err < 0)
        return err;
    events->slots[nr].source = source;
    source->key = key;
    source->is_added = true;
    return 0;
}

int event_source_arm(struct events *events, struct event_source *source)
{
    uint32_t wanted = source->wanted | EPOLLONESHOT;
    int err;

    mutex_lock(&events->lock);
    if (source->is_added)
        err = host_epoll_ctl(events->epoll, EPOLL_CTL_MOD, source->fd, wanted, source->key);
    else
        err = add_source(events, source, wanted);
    mutex_unlock(&events->lock);
    return err;
}

/* Waits until object is not being called back, unless the caller is that callback. */
static void wait_for_callback(struct events *events, const void *object)
{
    mutex_assert_held(&events->lock);
    while (events->running == object && own_events != events) {
        unsigned done = atomic_load(&events->calls_done);
        mutex_unlock(&events->lock);
        (void)host_futex_wait(&events->calls_done, done, NSEC_NEVER);
        mutex_lock(&events->lock);
    }
}

void event_source_remove(struct events *events, struct event_source *source)
{
    mutex_lock(&events->lock);
    if (source->is_added) {
        struct event_slot *slot = &events->slots[(uint32_t)source->key];
        assert(slot->source == source);
        (void)host_epoll_ctl(events->epoll, EPOLL_CTL_DEL, source->fd, 0, 0);
        slot->source = NULL;
        slot->turn++;
        source->is_added = false;
    }
    wait_for_callback(events, source);
    mutex_unlock(&events->lock);
}

/* --- timers --- */

static void queue_timer(struct events *events, struct timer *timer)
{
    struct timer *before;

    TAILQ_FOREACH_REVERSE(before, &events->timers, timers, link)
    {
        if (before->deadline <= timer->deadline)
            break;
    }
    if (before != NULL)
        TAILQ_INSERT_AFTER(&events->timers, before, timer, link);
    else
        TAILQ_INSERT_HEAD(&events->timers, timer, link);
    timer->is_queued = true;
}

static bool unqueue_timer(struct events *events, struct timer *timer)
{
    bool was_queued = timer->is_queued;

    if (was_queued)
        TAILQ_REMOVE(&events->timers, timer, link);
    timer->is_queued = false;
    return was_queued;
}

void timer_start(struct events *events, struct timer *timer, nsec_t deadline)
{
    mutex_lock(&events->lock);
    (void)unqueue_timer(events, timer);
    timer->deadline = deadline;
    if (deadline != NSEC_NEVER)
        queue_timer(events, timer);
    bool is_first = TAILQ_FIRST(&events->timers) == timer;
    mutex_unlock(&events->lock);
    if (is_first)
        wake_thread(events);
}

bool timer_stop(struct events *events, struct timer *timer)
{
    mutex_lock(&events->lock);
    wait_for_callback(events, timer); /* which may start it again */
    bool was_queued = unqueue_timer(events, timer);
    timer->deadline = NSEC_NEVER;
    mutex_unlock(&events->lock);
    return was_queued;
}

/* --- the thread --- */

static void begin_callback(struct events *events, const void *object)
{
    mutex_assert_held(&events->lock);
    events->running = object;
    mutex_unlock(&events->lock);
    host_stall();
}

static void end_callback(struct events *events)
{
    mutex_lock(&events->lock);
    events->running = NULL;
    atomic_fetch_add(&events->calls_done, 1);
    host_futex_wake(&events->calls_done, INT_MAX);
}

static void run_timers(struct events *events)
{
    nsec_t now = clock_now(events->clock);
    struct timer *timer;

    mutex_lock(&events->lock);
    while ((timer = TAILQ_FIRST(&events->timers)) != NULL && timer->deadline <= now) {
        (void)unqueue_timer(events, timer);
        begin_callback(events, timer);
        timer->expired(timer);
        end_callback(events);
    }
    mutex_unlock(&events->lock);
}

static void run_source(struct events *events, const struct epoll_event *event)
{
    uint32_t nr = (uint32_t)event->data.u64;

    if (event->data.u64 == KEY_WAKE) {
        (void)host_eventfd_take(events->wake);
        return;
    }
    mutex_lock(&events->lock);
    struct event_source *source = events->slots[nr].source;
    if (source != NULL && source->key == event->data.u64) {
        begin_callback(events, source);
        source->ready(source, event->events);
        end_callback(events);
    }
    mutex_unlock(&events->lock);
}

/* The host time at which the thread has to look again. */
static nsec_t next_deadline(struct events *events)
{
    mutex_lock(&events->lock);
    const struct timer *timer = TAILQ_FIRST(&events->timers);
    nsec_t deadline = timer != NULL ? clock_to_host(events->clock, timer->deadline) : NSEC_NEVER;
    mutex_unlock(&events->lock);
    return deadline;
}

static void *run_events(void *argument)
{
    struct events *events = argument;
    struct epoll_event ready[BATCH];
    int count = 0;

    own_events = events;
    while (gate_enter(&events->pass) == 0) {
        for (int i = 0; i < count; i++)
            run_source(events, &ready[i]);
        run_timers(events);
        if (atomic_load(&events->is_ending)) {
            gate_quit(&events->pass);
            break;
        }
        nsec_t deadline = next_deadline(events);
        gate_leave(&events->pass, GATE_ASLEEP);
        count = host_epoll_wait_until(events->epoll, ready, BATCH, deadline);
        host_stall();
    }
    return NULL;
}

int events_start(struct events *events)
{
    int err = host_thread_start(&events->thread, run_events, events, "events");

    events->is_started = err == 0;
    return err;
}

/* --- making and freeing --- */

static int open_descriptors(struct events *events)
{
    events->epoll = host_epoll_create();
    if (events->epoll < 0)
        return events->epoll;
    events->wake = host_eventfd();
    if (events->wake < 0)
        return events->wake;
    return host_epoll_ctl(events->epoll, EPOLL_CTL_ADD, events->wake, EPOLLIN, KEY_WAKE);
}

int events_create(struct gate *gate, const struct clock *clock, struct events **ret)
{
    struct events *events = host_alloc(1, sizeof(*events));

    if (events == NULL)
        return -ENOMEM;
    events->clock = clock;
    events->epoll = -1;
    events->wake = -1;
    mutex_init(&events->lock, LOCK_EVENT_TABLE);
    TAILQ_INIT(&events->timers);
    gate_join(gate, &events->pass);
    int err = open_descriptors(events);
    if (err < 0) {
        events_free(events);
        return err;
    }
    *ret = events;
    return 0;
}

void events_stop(struct events *events)
{
    if (!events->is_started)
        return;
    atomic_store(&events->is_ending, true);
    wake_thread(events);
    host_thread_join(events->thread);
    events->is_started = false;
}

void events_free(struct events *events)
{
    if (events == NULL)
        return;
    events_stop(events);
    if (events->epoll >= 0)
        (void)host_close(events->epoll);
    if (events->wake >= 0)
        (void)host_close(events->wake);
    host_free(events->slots);
    mutex_fini(&events->lock);
    host_free(events);
}
