/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event thread: readiness and timers come inside the gate, once, and not after a removal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/base/container.h"
#include "core/base/events.h"
#include "core/base/host.h"

static struct gate gate;
static struct clock sandbox_clock;
static struct events *events;

/* Counts what it is told, and does more if a test wants it. */
struct listener {
    struct event_source source;
    struct timer timer;
    atomic_uint ready_count, expired_count;
    atomic_uint last_ready;
    nsec_t expired_at;
    bool rearms, restarts, removes;
    atomic_bool holds; /* the callback waits until it is cleared */
    atomic_bool is_called;
    int *order; /* where expired writes its number */
    int number;
};

static void note_call(struct listener *listener)
{
    assert_true(locks_are_free());
    atomic_store(&listener->is_called, true);
    while (atomic_load(&listener->holds))
        host_yield();
}

static void on_ready(struct event_source *source, uint32_t ready)
{
    struct listener *listener = container_of(source, struct listener, source);

    note_call(listener);
    atomic_store(&listener->last_ready, ready);
    if (listener->rearms && event_source_arm(events, source) < 0)
        listener->rearms = false;
    if (listener->removes)
        event_source_remove(events, source);
    atomic_fetch_add(&listener->ready_count, 1);
}

static void on_expired(struct timer *timer)
{
    static atomic_int turn;
    struct listener *listener = container_of(timer, struct listener, timer);

    note_call(listener);
    listener->expired_at = clock_now(&sandbox_clock);
    if (listener->order != NULL)
        *listener->order = atomic_fetch_add(&turn, 1);
    if (listener->restarts && atomic_load(&listener->expired_count) < 4)
        timer_start(events, timer, timer->deadline + 1000);
    atomic_fetch_add(&listener->expired_count, 1);
}

static struct listener listener_make(int fd)
{
    return (struct listener){
        .source = {.fd = fd, .wanted = EPOLLIN, .ready = on_ready},
        .timer = {.deadline = NSEC_NEVER, .expired = on_expired},
    };
}

static void await_count(atomic_uint *count, unsigned value)
{
    while (atomic_load(count) < value)
        host_yield();
}

/* What was under way is over: an event that is made now comes after it. */
static void settle(void)
{
    struct listener last = listener_make(-1);

    timer_start(events, &last.timer, 0);
    await_count(&last.expired_count, 1);
    (void)timer_stop(events, &last.timer);
}

static int make_events(void **state)
{
    (void)state;
    gate_init(&gate, GATE_OPEN);
    sandbox_clock = (struct clock){0};
    return events_create(&gate, &sandbox_clock, &events) < 0 || events_start(events) < 0;
}

static int drop_events(void **state)
{
    (void)state;
    events_free(events);
    assert_true(TAILQ_EMPTY(&gate.inside));
    gate_fini(&gate);
    return 0;
}

static void test_ready_once_each_time_it_is_armed(void **state)
{
    int fd = host_eventfd();
    struct listener listener = listener_make(fd);

    (void)state;
    assert_int_equal(event_source_arm(events, &listener.source), 0);
    assert_int_equal(host_eventfd_add(fd), 0);
    await_count(&listener.ready_count, 1);
    assert_int_equal(atomic_load(&listener.last_ready), EPOLLIN);
    assert_int_equal(host_eventfd_add(fd), 0);
    settle();
    assert_int_equal(atomic_load(&listener.ready_count), 1);
    assert_int_equal(event_source_arm(events, &listener.source), 0);
    await_count(&listener.ready_count, 2);
    event_source_remove(events, &listener.source);
    event_source_remove(events, &listener.source);
    assert_int_equal(host_close(fd), 0);
}

static void test_rearmed_from_its_callback(void **state)
{
    int fd = host_eventfd();
    struct listener listener = listener_make(fd);

    (void)state;
    listener.rearms = true;
    assert_int_equal(event_source_arm(events, &listener.source), 0);
    assert_int_equal(host_eventfd_add(fd), 0);
    await_count(&listener.ready_count, 5);
    event_source_remove(events, &listener.source);
    assert_int_equal(host_close(fd), 0);
}

static void test_removed_from_its_callback(void **state)
{
    int fd = host_eventfd();
    struct listener listener = listener_make(fd);

    (void)state;
    listener.removes = true;
    assert_int_equal(event_source_arm(events, &listener.source), 0);
    assert_int_equal(host_eventfd_add(fd), 0);
    await_count(&listener.ready_count, 1);
    assert_false(listener.source.is_added);
    assert_int_equal(host_close(fd), 0);
}

struct remover {
    struct listener *listener;
    atomic_bool is_done;
};

static void *run_remover(void *argument)
{
    struct remover *remover = argument;

    event_source_remove(events, &remover->listener->source);
    atomic_store(&remover->is_done, true);
    return NULL;
}

static void *run_stopper(void *argument)
{
    struct remover *remover = argument;

    (void)timer_stop(events, &remover->listener->timer);
    atomic_store(&remover->is_done, true);
    return NULL;
}

/* Who takes away a source or timer waits for the callback that runs. */
static void check_waits_for_callback(void *(*run)(void *), struct listener *listener)
{
    struct remover remover = {.listener = listener};
    pthread_t thread;

    while (!atomic_load(&listener->is_called))
        host_yield();
    assert_int_equal(host_thread_start(&thread, run, &remover, "remover"), 0);
    host_sleep(NSEC_PER_MSEC);
    assert_false(atomic_load(&remover.is_done));
    atomic_store(&listener->holds, false);
    host_thread_join(thread);
    assert_true(atomic_load(&remover.is_done));
}

static void test_removal_waits_for_the_callback(void **state)
{
    int fd = host_eventfd();
    struct listener listener = listener_make(fd);

    (void)state;
    atomic_store(&listener.holds, true);
    assert_int_equal(event_source_arm(events, &listener.source), 0);
    assert_int_equal(host_eventfd_add(fd), 0);
    check_waits_for_callback(run_remover, &listener);
    assert_int_equal(host_close(fd), 0);

    listener = listener_make(-1);
    atomic_store(&listener.holds, true);
    timer_start(events, &listener.timer, 0);
    check_waits_for_callback(run_stopper, &listener);
}

/* Many sources, removed and armed again: an old event finds no new source. */
static void test_slots_are_used_again(void **state)
{
    enum { SOURCES = 40 };
    struct listener listeners[SOURCES];

    (void)state;
    for (int i = 0; i < SOURCES; i++) {
        listeners[i] = listener_make(host_eventfd());
        assert_int_equal(event_source_arm(events, &listeners[i].source), 0);
    }
    for (int i = 0; i < SOURCES; i += 2)
        event_source_remove(events, &listeners[i].source);
    for (int i = 0; i < SOURCES; i++)
        assert_int_equal(host_eventfd_add(listeners[i].source.fd), 0);
    for (int i = 1; i < SOURCES; i += 2)
        await_count(&listeners[i].ready_count, 1);
    for (int i = 0; i < SOURCES; i += 2) {
        assert_int_equal(atomic_load(&listeners[i].ready_count), 0);
        assert_int_equal(event_source_arm(events, &listeners[i].source), 0);
        await_count(&listeners[i].ready_count, 1);
    }
    for (int i = 0; i < SOURCES; i++) {
        event_source_remove(events, &listeners[i].source);
        assert_int_equal(host_close(listeners[i].source.fd), 0);
    }
}

/* Ready in the same batch: the first one called removes the second and arms a third in its slot. */
struct swapper {
    struct listener first, second, third;
};

static void on_ready_swap(struct event_source *source, uint32_t ready)
{
    struct swapper *swapper = container_of(source, struct swapper, first.source);

    event_source_remove(events, &swapper->second.source);
    if (event_source_arm(events, &swapper->third.source) == 0)
        on_ready(source, ready);
}

static void test_old_event_finds_no_new_source(void **state)
{
    int fds[4];
    struct listener holder;
    struct swapper swapper;

    (void)state;
    for (int i = 0; i < 4; i++)
        fds[i] = host_eventfd();
    holder = listener_make(fds[0]);
    atomic_store(&holder.holds, true);
    swapper.first = listener_make(fds[1]);
    swapper.first.source.ready = on_ready_swap;
    swapper.second = listener_make(fds[2]);
    swapper.third = listener_make(fds[3]);
    assert_int_equal(event_source_arm(events, &holder.source), 0);
    assert_int_equal(event_source_arm(events, &swapper.first.source), 0);
    assert_int_equal(event_source_arm(events, &swapper.second.source), 0);
    assert_int_equal(host_eventfd_add(fds[0]), 0);
    while (!atomic_load(&holder.is_called))
        host_yield();
    assert_int_equal(host_eventfd_add(fds[1]), 0);
    assert_int_equal(host_eventfd_add(fds[2]), 0);
    atomic_store(&holder.holds, false);
    await_count(&swapper.first.ready_count, 1);
    settle();
    assert_int_equal(atomic_load(&swapper.second.ready_count), 0);
    assert_int_equal(atomic_load(&swapper.third.ready_count), 0);
    event_source_remove(events, &holder.source);
    event_source_remove(events, &swapper.first.source);
    event_source_remove(events, &swapper.third.source);
    for (int i = 0; i < 4; i++)
        assert_int_equal(host_close(fds[i]), 0);
}

static void test_regular_file_is_refused(void **state)
{
    int fd = host_memfd("test", 0);
    struct listener listener = listener_make(fd);

    (void)state;
    assert_int_equal(event_source_arm(events, &listener.source), -EPERM);
    event_source_remove(events, &listener.source);
    assert_int_equal(host_close(fd), 0);
}

static void test_timers_expire_in_order(void **state)
{
    enum { TIMERS = 5 };
    static const int places[TIMERS] = {3, 0, 4, 1, 2};
    struct listener listeners[TIMERS];
    int order[TIMERS];

    (void)state;
    nsec_t base = clock_now(&sandbox_clock) + 2 * NSEC_PER_MSEC;
    for (int i = 0; i < TIMERS; i++) {
        listeners[i] = listener_make(-1);
        listeners[i].order = &order[i];
        timer_start(events, &listeners[i].timer, base + places[i]);
    }
    for (int i = 0; i < TIMERS; i++) {
        await_count(&listeners[i].expired_count, 1);
        assert_false(timer_stop(events, &listeners[i].timer));
        assert_true(listeners[i].expired_at >= base + places[i]);
        for (int k = 0; k < i; k++)
            assert_int_equal(order[k] < order[i], places[k] < places[i]);
    }
}

static void test_timer_stops_and_starts(void **state)
{
    struct listener listener = listener_make(-1);

    (void)state;
    timer_start(events, &listener.timer, NSEC_NEVER - 1);
    assert_true(timer_stop(events, &listener.timer));
    assert_false(timer_stop(events, &listener.timer));
    assert_int_equal(listener.timer.deadline, NSEC_NEVER);
    timer_start(events, &listener.timer, NSEC_NEVER);
    assert_false(timer_stop(events, &listener.timer));
    timer_start(events, &listener.timer, NSEC_NEVER - 1);
    timer_start(events, &listener.timer, 0); /* an earlier deadline wakes the thread */
    await_count(&listener.expired_count, 1);
    listener.restarts = true;
    timer_start(events, &listener.timer, 0);
    await_count(&listener.expired_count, 5);
    settle();
    assert_int_equal(atomic_load(&listener.expired_count), 5);
}

/* While the gate is closed nothing is called; afterwards everything is. */
static void test_frozen(void **state)
{
    int fd = host_eventfd();
    struct listener listener = listener_make(fd);

    (void)state;
    assert_int_equal(event_source_arm(events, &listener.source), 0);
    timer_start(events, &listener.timer, clock_now(&sandbox_clock) + 5 * NSEC_PER_MSEC);
    assert_int_equal(gate_close(&gate, NSEC_NEVER), 0);
    clock_stop(&sandbox_clock);
    unsigned expired = atomic_load(&listener.expired_count);
    assert_int_equal(host_eventfd_add(fd), 0);
    host_sleep(10 * NSEC_PER_MSEC);
    assert_int_equal(atomic_load(&listener.ready_count), 0);
    assert_int_equal(atomic_load(&listener.expired_count), expired);
    clock_start(&sandbox_clock);
    gate_open(&gate);
    await_count(&listener.ready_count, 1);
    await_count(&listener.expired_count, 1);
    (void)timer_stop(events, &listener.timer);
    event_source_remove(events, &listener.source);
    assert_int_equal(host_close(fd), 0);
}

static void test_ends_with_the_gate(void **state)
{
    (void)state;
    assert_int_equal(gate_close(&gate, NSEC_NEVER), 0);
    gate_end(&gate);
}

static void test_no_memory_no_descriptors(void **state)
{
    struct events *none = NULL;

    (void)state;
    host_alloc_fail_at(1);
    assert_int_equal(events_create(&gate, &sandbox_clock, &none), -ENOMEM);
    host_alloc_fail_at(0);
    for (unsigned long n = 1; n <= 3; n++) {
        host_call_fail_at(n, -EMFILE);
        assert_int_equal(events_create(&gate, &sandbox_clock, &none), -EMFILE);
    }
    host_call_fail_at(0, 0);
    assert_null(none);
    events_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_events, drop_events)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ready_once_each_time_it_is_armed),
        TEST(test_rearmed_from_its_callback),
        TEST(test_removed_from_its_callback),
        TEST(test_removal_waits_for_the_callback),
        TEST(test_slots_are_used_again),
        TEST(test_old_event_finds_no_new_source),
        TEST(test_regular_file_is_refused),
        TEST(test_timers_expire_in_order),
        TEST(test_timer_stops_and_starts),
        TEST(test_frozen),
        TEST(test_ends_with_the_gate),
        cmocka_unit_test(test_no_memory_no_descriptors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
