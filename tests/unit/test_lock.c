/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ranks: what is taken in the wrong order is noticed at the first try, without a second thread.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/gate.h"
#include "core/base/lock.h"
#include "tests/unit/dies.h"

static struct mutex outer, inner, twin;

static int make_locks(void **state)
{
    (void)state;
    mutex_init(&outer, LOCK_TASKS);
    mutex_init(&inner, LOCK_PIPE);
    mutex_init(&twin, LOCK_PIPE);
    return 0;
}

static int drop_locks(void **state)
{
    (void)state;
    mutex_fini(&outer);
    mutex_fini(&inner);
    mutex_fini(&twin);
    assert_true(locks_are_free());
    return 0;
}

static void test_rising_ranks(void **state)
{
    (void)state;
    assert_true(locks_are_free());
    mutex_lock(&outer);
    mutex_lock(&inner);
    mutex_assert_held(&outer);
    mutex_assert_held(&inner);
    mutex_unlock(&outer); /* in any order */
    mutex_unlock(&inner);
    assert_true(locks_are_free());
    mutex_lock(&outer);
    mutex_unlock(&outer);
}

static void test_two_of_one_rank(void **state)
{
    (void)state;
    mutex_lock(&outer);
    mutex_lock(&inner);
    mutex_lock_nested(&twin);
    mutex_assert_held(&twin);
    mutex_unlock(&inner);
    mutex_assert_held(&twin);
    mutex_unlock(&twin);
    mutex_unlock(&outer);
}

#ifdef LOCK_CHECKS

static void falling_rank(void)
{
    mutex_lock(&inner);
    mutex_lock(&outer);
}

static void same_rank(void)
{
    mutex_lock(&inner);
    mutex_lock(&twin);
}

static void three_of_one_rank(void)
{
    struct mutex third;

    mutex_init(&third, LOCK_PIPE);
    mutex_lock(&inner);
    mutex_lock_nested(&twin);
    mutex_lock_nested(&third);
}

static void nested_first(void)
{
    mutex_lock_nested(&inner);
}

static void not_held(void)
{
    mutex_lock(&inner);
    mutex_assert_held(&twin);
}

static void unlock_of_another(void)
{
    mutex_lock(&inner);
    mutex_unlock(&twin);
}

static void sleep_with_a_lock(void)
{
    struct gate gate;
    struct gate_pass pass = {0};

    gate_init(&gate, GATE_OPEN);
    gate_join(&gate, &pass);
    (void)gate_enter(&pass);
    mutex_lock(&inner);
    gate_leave(&pass, GATE_ASLEEP);
}

static void test_what_is_noticed(void **state)
{
    (void)state;
    assert_true(dies_of(SIGABRT, falling_rank));
    assert_true(dies_of(SIGABRT, same_rank));
    assert_true(dies_of(SIGABRT, three_of_one_rank));
    assert_true(dies_of(SIGABRT, nested_first));
    assert_true(dies_of(SIGABRT, not_held));
    assert_true(dies_of(SIGABRT, unlock_of_another));
    assert_true(dies_of(SIGABRT, sleep_with_a_lock));
}

#endif

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_locks, drop_locks)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rising_ranks),
        TEST(test_two_of_one_rank),
#ifdef LOCK_CHECKS
        TEST(test_what_is_noticed),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
