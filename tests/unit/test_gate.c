/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate and the sandbox clock, one case for each kind of passer. Nothing here depends on how
 * long something takes: who waits is waited for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "core/base/container.h"
#include "core/base/gate.h"
#include "core/base/host.h"
#include "tests/unit/dies.h"

#define SOON (host_clock_now() + 2 * NSEC_PER_MSEC)

static struct gate gate;

/* A thread that passes: inside it works (as in guest code) until it is interrupted. */
struct passer {
    struct gate_pass pass;
    pthread_t thread;
    atomic_bool is_inside;
    atomic_bool must_leave; /* interrupted */
    atomic_bool may_end;
    atomic_uint rounds;
    int result;
};

static void interrupt(struct gate_pass *pass)
{
    atomic_store(&container_of(pass, struct passer, pass)->must_leave, true);
}

static void *run_passer(void *argument)
{
    struct passer *passer = argument;

    passer->result = gate_enter(&passer->pass);
    while (passer->result == 0) {
        atomic_store(&passer->is_inside, true);
        while (!atomic_exchange(&passer->must_leave, false) && !atomic_load(&passer->may_end))
            host_yield();
        atomic_fetch_add(&passer->rounds, 1);
        if (atomic_load(&passer->may_end)) {
            gate_quit(&passer->pass);
            break;
        }
        passer->result = gate_check(&passer->pass);
    }
    return NULL;
}

static void start(struct passer *passer)
{
    gate_join(&gate, &passer->pass);
    passer->pass.interrupt = interrupt;
    assert_int_equal(host_thread_start(&passer->thread, run_passer, passer, "passer"), 0);
}

static void await(atomic_bool *flag)
{
    while (!atomic_load(flag))
        host_yield();
}

static void end(struct passer *passer)
{
    atomic_store(&passer->may_end, true);
    host_thread_join(passer->thread);
}

static void test_close_interrupts_and_waits(void **state)
{
    struct passer passers[3] = {0};

    (void)state;
    gate_init(&gate, GATE_OPEN);
    for (int i = 0; i < 3; i++) {
        start(&passers[i]);
        await(&passers[i].is_inside);
    }
    assert_int_equal(gate_close(&gate, NSEC_NEVER), 0);
    assert_true(gate_is_frozen(&gate));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(atomic_load(&passers[i].rounds), 1);
        assert_int_equal(passers[i].pass.place, GATE_PARKED);
        atomic_store(&passers[i].is_inside, false);
    }
    gate_open(&gate);
    assert_false(gate_is_frozen(&gate));
    for (int i = 0; i < 3; i++) {
        await(&passers[i].is_inside);
        end(&passers[i]);
        assert_int_equal(passers[i].result, 0);
    }
    gate_fini(&gate);
}

static void test_starts_frozen_and_ends(void **state)
{
    struct passer passer = {0};

    (void)state;
    gate_init(&gate, GATE_CLOSED);
    assert_true(gate_is_frozen(&gate));
    start(&passer);
    host_sleep(NSEC_PER_MSEC);
    assert_false(atomic_load(&passer.is_inside));
    gate_end(&gate);
    host_thread_join(passer.thread);
    assert_int_equal(passer.result, -ESHUTDOWN);
    assert_false(atomic_load(&passer.is_inside));
    gate_fini(&gate);
}

static void test_sleepers_stay_asleep(void **state)
{
    struct gate_pass pass = {0};

    (void)state;
    gate_init(&gate, GATE_OPEN);
    gate_join(&gate, &pass);
    assert_int_equal(gate_enter(&pass), 0);
    gate_leave(&pass, GATE_ASLEEP);
    assert_int_equal(gate_close(&gate, NSEC_NEVER), 0);
    assert_int_equal(pass.place, GATE_ASLEEP);
    gate_open(&gate);
    assert_int_equal(gate_enter(&pass), 0);
    gate_quit(&pass);
    gate_fini(&gate);
}

/* A short wait is inside: the closer gives up at its deadline, and nothing has happened. */
static void test_close_gives_up(void **state)
{
    struct gate_pass pass = {0};

    (void)state;
    gate_init(&gate, GATE_OPEN);
    gate_join(&gate, &pass);
    assert_int_equal(gate_enter(&pass), 0);
    gate_short_begin(&pass);
    assert_int_equal(gate_close(&gate, SOON), -ETIMEDOUT);
    assert_false(gate_is_frozen(&gate));
    gate_short_end(&pass);
    assert_int_equal(gate_check(&pass), 0);
    gate_quit(&pass);
    assert_int_equal(gate_close(&gate, NSEC_NEVER), 0);
    gate_open(&gate);
    gate_fini(&gate);
}

struct killer {
    struct gate_pass pass;
    struct passer *victim;
};

/* Comes in, kills the victim, goes. */
static void *run_killer(void *argument)
{
    struct killer *killer = argument;
    int err = gate_enter(&killer->pass);

    if (err == 0) {
        gate_outrank(&killer->victim->pass);
        gate_outrank(&killer->victim->pass); /* twice is once */
        gate_quit(&killer->pass);
    }
    return NULL;
}

/* Writes what closing gave over the 1 that stands for not yet. */
static void *run_closer(void *result)
{
    atomic_store((atomic_int *)result, gate_close(&gate, NSEC_NEVER));
    return NULL;
}

/* A killed passer runs to its end through a closing gate, which waits for that. */
static void test_killed_outranks(void **state)
{
    struct passer victim = {0};
    struct killer killer = {.victim = &victim};
    atomic_int closed = 1;
    pthread_t thread;

    (void)state;
    gate_init(&gate, GATE_OPEN);
    gate_join(&gate, &victim.pass);
    assert_int_equal(gate_enter(&victim.pass), 0);
    gate_leave(&victim.pass, GATE_ASLEEP);
    gate_join(&gate, &killer.pass);
    assert_int_equal(host_thread_start(&thread, run_killer, &killer, "killer"), 0);
    host_thread_join(thread);
    assert_int_equal(gate_close(&gate, SOON), -ETIMEDOUT); /* it sleeps, and is to end first */
    assert_int_equal(host_thread_start(&thread, run_closer, &closed, "closer"), 0);
    while (atomic_load(&gate.state) != GATE_CLOSED)
        host_yield();
    assert_int_equal(gate_enter(&victim.pass), 0);
    assert_int_equal(atomic_load(&closed), 1);
    gate_quit(&victim.pass);
    host_thread_join(thread);
    assert_int_equal(atomic_load(&closed), 0);
    assert_true(gate_is_frozen(&gate));
    gate_open(&gate);
    gate_fini(&gate);
}

/* Killed before it had a thread, which then did not come: a closer does not wait for it. */
static void test_dropped(void **state)
{
    struct gate_pass pass = {0};

    (void)state;
    gate_init(&gate, GATE_OPEN);
    gate_join(&gate, &pass);
    gate_outrank(&pass);
    assert_int_equal(gate_close(&gate, SOON), -ETIMEDOUT);
    gate_drop(&pass);
    assert_int_equal(gate_close(&gate, NSEC_NEVER), 0);
    assert_true(gate_is_frozen(&gate));
    gate_open(&gate);
    gate_fini(&gate);
}

static void open_an_open_gate(void)
{
    gate_init(&gate, GATE_OPEN);
    gate_open(&gate);
}

static void end_a_gate_that_is_not_frozen(void)
{
    gate_init(&gate, GATE_OPEN);
    gate_end(&gate);
}

static void outrank_when_frozen(void)
{
    struct gate_pass pass = {0};

    gate_init(&gate, GATE_CLOSED);
    gate_join(&gate, &pass);
    gate_outrank(&pass);
}

static void test_what_is_noticed(void **state)
{
    (void)state;
    assert_true(dies_of(SIGABRT, open_an_open_gate));
    assert_true(dies_of(SIGABRT, end_a_gate_that_is_not_frozen));
    assert_true(dies_of(SIGABRT, outrank_when_frozen));
}

static void test_clock_stands_and_goes_on(void **state)
{
    struct clock clock = {0};

    (void)state;
    clock_stop(&clock);
    nsec_t stopped = clock_now(&clock);
    host_sleep(NSEC_PER_MSEC);
    assert_int_equal(clock_now(&clock), stopped);
    nsec_t before = host_clock_now();
    clock_start(&clock);
    nsec_t ran = clock_now(&clock) - stopped;
    assert_true(ran >= 0 && ran <= host_clock_now() - before);
    assert_true(clock.offset >= NSEC_PER_MSEC);
    assert_int_equal(clock_to_host(&clock, 5), 5 + clock.offset);
    assert_int_equal(clock_to_host(&clock, NSEC_NEVER), NSEC_NEVER);
    assert_int_equal(clock_to_host(&clock, NSEC_NEVER - 1), NSEC_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_noticed),
        cmocka_unit_test(test_close_interrupts_and_waits),
        cmocka_unit_test(test_starts_frozen_and_ends),
        cmocka_unit_test(test_sleepers_stay_asleep),
        cmocka_unit_test(test_close_gives_up),
        cmocka_unit_test(test_killed_outranks),
        cmocka_unit_test(test_dropped),
        cmocka_unit_test(test_clock_stands_and_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
