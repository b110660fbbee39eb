/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wait records and queues: what ends a wait, and with which result. The call of these tests takes a
 * token, which is handed to one waiter at a time, in order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "core/base/host.h"
#include "core/base/wait.h"

enum { RESULT_TOKEN = 7 };

struct token_wait {
    struct wait_record base;
    struct wait_entry entry;
};

static struct gate gate;
static struct clock sandbox_clock;
static struct mutex lock;
static struct wait_queue queue;
static atomic_uint releases;
static atomic_uint naps;

static int64_t token_step(struct waiter *waiter, struct wait_record *record)
{
    struct token_wait *wait = (struct token_wait *)record;
    int64_t result = WAIT_AGAIN;

    mutex_lock(&lock);
    if (wait->entry.state == WAIT_WOKEN)
        result = RESULT_TOKEN;
    else
        wait_add(&queue, &wait->entry, waiter);
    mutex_unlock(&lock);
    return result;
}

static int64_t token_cancel(struct waiter *waiter, struct wait_record *record, int why)
{
    struct token_wait *wait = (struct token_wait *)record;

    (void)waiter;
    wait_leave(&wait->entry);
    return wait->entry.state == WAIT_WOKEN ? RESULT_TOKEN : why;
}

static void token_release(struct wait_record *record)
{
    (void)record;
    releases++;
}

static void token_relink(struct waiter *waiter, struct wait_record *record)
{
    wait_relink(&queue, &((struct token_wait *)record)->entry, waiter);
}

static const struct wait_ops token_ops = {
    .name = "token",
    .size = sizeof(struct token_wait),
    .step = token_step,
    .cancel = token_cancel,
    .release = token_release,
    .relink = token_relink,
};

static void count_nap(struct waiter *waiter)
{
    (void)waiter;
    assert_true(locks_are_free());
    atomic_fetch_add(&naps, 1);
}

/* A thread that takes one token. */
struct taker {
    struct waiter waiter;
    pthread_t thread;
    nsec_t deadline;
    bool is_killable;
    bool is_dozing; /* sleeps without a call */
    int64_t result;
    bool was_late; /* the sandbox clock had reached the deadline */
};

static void taker_init(struct taker *taker, nsec_t deadline)
{
    *taker = (struct taker){.deadline = deadline};
    taker->waiter.clock = &sandbox_clock;
    taker->waiter.before_sleep = count_nap;
    gate_join(&gate, &taker->waiter.pass);
}

static void *run_taker(void *argument)
{
    struct taker *taker = argument;
    struct waiter *waiter = &taker->waiter;

    taker->result = gate_enter(&waiter->pass);
    if (taker->result < 0)
        return NULL;
    if (taker->is_dozing) {
        taker->result = wait_doze(waiter);
    } else {
        if (waiter_record(waiter)->ops == NULL) {
            struct token_wait *wait = wait_begin(waiter, &token_ops);
            wait->base.deadline = taker->deadline;
            wait->base.is_killable = taker->is_killable;
        }
        taker->result = wait_run(waiter);
    }
    if (taker->result == WAIT_SHUTDOWN)
        return NULL;
    taker->was_late = clock_now(&sandbox_clock) >= taker->deadline;
    wait_end(waiter);
    gate_quit(&waiter->pass);
    return NULL;
}

static void taker_start(struct taker *taker)
{
    assert_int_equal(host_thread_start(&taker->thread, run_taker, taker, "taker"), 0);
}

/* Until it is asleep; place is the gate's to guard. */
static void taker_await_sleep(struct taker *taker)
{
    for (bool asleep = false; !asleep; host_yield()) {
        mutex_lock(&gate.lock);
        asleep = taker->waiter.pass.place == GATE_ASLEEP;
        mutex_unlock(&gate.lock);
    }
}

static int64_t taker_join(struct taker *taker)
{
    host_thread_join(taker->thread);
    return taker->result;
}

static void taker_run_to_sleep(struct taker *taker, nsec_t deadline)
{
    taker_init(taker, deadline);
    taker_start(taker);
    taker_await_sleep(taker);
}

static struct wait_entry *give(void)
{
    mutex_lock(&lock);
    struct wait_entry *entry = wait_wake_first(&queue);
    mutex_unlock(&lock);
    return entry;
}

static int make_gate(void **state)
{
    (void)state;
    gate_init(&gate, GATE_OPEN);
    sandbox_clock = (struct clock){0};
    mutex_init(&lock, LOCK_PIPE);
    wait_queue_init(&queue, &lock);
    releases = 0;
    atomic_store(&naps, 0);
    return 0;
}

static int drop_gate(void **state)
{
    (void)state;
    assert_true(TAILQ_EMPTY(&queue.entries));
    mutex_fini(&lock);
    gate_fini(&gate);
    return 0;
}

static void test_tokens_go_in_order(void **state)
{
    struct taker takers[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        taker_run_to_sleep(&takers[i], NSEC_NEVER);
    assert_int_equal(atomic_load(&naps), 3);
    for (int i = 0; i < 3; i++) {
        struct wait_entry *entry = give();
        assert_non_null(entry);
        assert_int_equal(entry->ticket, i + 1);
        assert_int_equal(taker_join(&takers[i]), RESULT_TOKEN);
    }
    assert_null(give());
    assert_int_equal(releases, 3);
}

static void test_time_is_up_by_the_sandbox_clock(void **state)
{
    struct taker taker;

    (void)state;
    taker_init(&taker, clock_now(&sandbox_clock) + NSEC_PER_MSEC);
    taker_start(&taker);
    assert_int_equal(taker_join(&taker), -ETIMEDOUT);
    assert_true(taker.was_late);
    assert_null(give());
}

/* The deadline passes on the host while the clock stands: not for the sandbox. */
static void test_no_early_timeout_after_a_freeze(void **state)
{
    struct taker taker;

    (void)state;
    taker_run_to_sleep(&taker, clock_now(&sandbox_clock) + 20 * NSEC_PER_MSEC);
    assert_int_equal(gate_close(&gate, NSEC_NEVER), 0);
    clock_stop(&sandbox_clock);
    host_sleep(30 * NSEC_PER_MSEC);
    clock_start(&sandbox_clock);
    gate_open(&gate);
    assert_int_equal(taker_join(&taker), -ETIMEDOUT);
    assert_true(taker.was_late);
}

static void test_signal_ends_it(void **state)
{
    struct taker taker;

    (void)state;
    taker_run_to_sleep(&taker, NSEC_NEVER);
    waiter_kick(&taker.waiter); /* spurious: it looks and sleeps on */
    while (atomic_load(&naps) < 2)
        host_yield();
    atomic_store(&taker.waiter.has_signal, true);
    waiter_kick(&taker.waiter);
    assert_int_equal(taker_join(&taker), -ERESTARTSYS);
}

static void test_only_death_ends_a_killable_wait(void **state)
{
    struct taker taker;

    (void)state;
    taker_init(&taker, NSEC_NEVER);
    taker.is_killable = true;
    taker_start(&taker);
    taker_await_sleep(&taker);
    atomic_store(&taker.waiter.has_signal, true);
    waiter_kick(&taker.waiter);
    while (atomic_load(&naps) < 2)
        host_yield();
    atomic_store(&taker.waiter.is_killed, true);
    waiter_kick(&taker.waiter);
    assert_int_equal(taker_join(&taker), -ERESTARTSYS);
}

/* A token that was handed over stays so, whatever comes then. */
static void test_woken_beats_signal_and_death(void **state)
{
    struct taker taker;

    (void)state;
    for (int killed = 0; killed < 2; killed++) {
        taker_run_to_sleep(&taker, NSEC_NEVER);
        assert_int_equal(gate_close(&gate, NSEC_NEVER), 0);
        assert_non_null(give());
        atomic_store(killed ? &taker.waiter.is_killed : &taker.waiter.has_signal, true);
        waiter_kick(&taker.waiter);
        gate_open(&gate);
        assert_int_equal(taker_join(&taker), RESULT_TOKEN);
    }
}

static void test_doze(void **state)
{
    struct taker taker;

    (void)state;
    taker_init(&taker, NSEC_NEVER);
    taker.is_dozing = true;
    waiter_kick(&taker.waiter);
    wait_forget_kick(&taker.waiter);
    taker_start(&taker);
    taker_await_sleep(&taker);
    waiter_kick(&taker.waiter);
    assert_int_equal(taker_join(&taker), 0);
}

static void test_shutdown_leaves_the_record(void **state)
{
    struct taker taker, successor;
    struct waiter *waiter = &taker.waiter;

    (void)state;
    taker_run_to_sleep(&taker, NSEC_NEVER);
    assert_int_equal(gate_close(&gate, NSEC_NEVER), 0);
    gate_end(&gate);
    waiter_kick(waiter);
    assert_int_equal(taker_join(&taker), WAIT_SHUTDOWN);
    struct token_wait *wait = (struct token_wait *)waiter_record(waiter);
    assert_int_equal(wait->entry.state, WAIT_QUEUED);
    assert_int_equal(releases, 0);

    /* What a restore does: the same record under another waiter, in another kernel. */
    wait_queue_init(&queue, &lock);
    gate_fini(&gate);
    gate_init(&gate, GATE_CLOSED);
    taker_init(&successor, NSEC_NEVER);
    memcpy(successor.waiter.record, waiter->record, WAIT_RECORD_SIZE);
    struct wait_record *record = waiter_record(&successor.waiter);
    record->ops->relink(&successor.waiter, record);
    taker_start(&successor);
    assert_non_null(give());
    gate_open(&gate);
    assert_int_equal(taker_join(&successor), RESULT_TOKEN);
}

static void test_relink_orders_by_ticket(void **state)
{
    static const uint64_t tickets[] = {5, 2, 9, 7, 1};
    static const uint64_t sorted[] = {1, 2, 5, 7};
    struct waiter waiter = {.clock = &sandbox_clock};
    struct wait_entry entries[5] = {0};

    (void)state;
    for (int i = 0; i < 5; i++) {
        entries[i].ticket = tickets[i];
        entries[i].state = tickets[i] == 9 ? WAIT_WOKEN : WAIT_QUEUED;
        wait_relink(&queue, &entries[i], &waiter);
    }
    struct wait_entry late = {0};
    mutex_lock(&lock);
    wait_add(&queue, &late, &waiter);
    assert_int_equal(late.ticket, 10); /* 9 has been given, too */
    wait_add(&queue, &late, &waiter);
    assert_int_equal(late.ticket, 10); /* it keeps its place */
    wait_remove(&queue, &late);
    assert_int_equal(late.state, WAIT_IDLE);
    mutex_unlock(&lock);
    for (int i = 0; i < 4; i++)
        assert_int_equal(give()->ticket, sorted[i]);
    assert_null(give());
    wait_leave(&entries[2]);
    assert_int_equal(entries[2].state, WAIT_WOKEN);
}

static void test_abandon_leaves_the_queue(void **state)
{
    struct waiter waiter = {.clock = &sandbox_clock};

    (void)state;
    wait_abandon(&waiter); /* nothing in progress */
    struct token_wait *wait = wait_begin(&waiter, &token_ops);
    wait->entry.ticket = 4;
    wait->entry.state = WAIT_QUEUED;
    wait_relink(&queue, &wait->entry, &waiter);
    wait_abandon(&waiter);
    assert_null(waiter_record(&waiter)->ops);
    assert_int_equal(releases, 1);
    assert_null(give());
}

static void test_kick_all(void **state)
{
    struct taker takers[2];

    (void)state;
    for (int i = 0; i < 2; i++)
        taker_run_to_sleep(&takers[i], NSEC_NEVER);
    mutex_lock(&lock);
    wait_kick_all(&queue);
    mutex_unlock(&lock);
    while (atomic_load(&naps) < 4)
        host_yield();
    for (int i = 0; i < 2; i++)
        assert_int_equal(give()->ticket, i + 1); /* in their old places */
    for (int i = 0; i < 2; i++)
        assert_int_equal(taker_join(&takers[i]), RESULT_TOKEN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_gate, drop_gate)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tokens_go_in_order),
        TEST(test_time_is_up_by_the_sandbox_clock),
        TEST(test_no_early_timeout_after_a_freeze),
        TEST(test_signal_ends_it),
        TEST(test_only_death_ends_a_killable_wait),
        TEST(test_woken_beats_signal_and_death),
        TEST(test_doze),
        TEST(test_shutdown_leaves_the_record),
        TEST(test_relink_orders_by_ticket),
        TEST(test_abandon_leaves_the_queue),
        TEST(test_kick_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
