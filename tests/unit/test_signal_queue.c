/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues of pending signals: what is kept, in which order it is taken, and siginfo's layout.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "core/base/host.h"
#include "core/signal.h"

static int add(struct signal_queue *queue, int signal, int value)
{
    struct signal_info info = {.signal = signal, .code = SI_QUEUE, .value = (uint64_t)value};

    return signal_queue_add(queue, &info);
}

static void takes(struct signal_queue *queue, uint64_t mask, int signal, uint64_t value)
{
    struct signal_info info;

    assert_true(signal_queue_take(queue, mask, &info));
    assert_int_equal(info.signal, signal);
    assert_int_equal(info.value, value);
}

static void standard_once(void **state)
{
    struct signal_queue queue = {0};
    struct signal_info info;

    (void)state;
    signal_queue_init(&queue);
    assert_int_equal(add(&queue, SIGUSR1, 1), 0);
    assert_int_equal(add(&queue, SIGUSR1, 2), 0);
    takes(&queue, 0, SIGUSR1, 1);
    assert_false(signal_queue_take(&queue, 0, &info));
    signal_queue_fini(&queue);
}

static void realtime_in_order(void **state)
{
    struct signal_queue queue = {0};

    (void)state;
    signal_queue_init(&queue);
    assert_int_equal(add(&queue, 35, 1), 0);
    assert_int_equal(add(&queue, 34, 2), 0);
    assert_int_equal(add(&queue, 35, 3), 0);
    assert_int_equal(add(&queue, SIGTERM, 4), 0);
    assert_int_equal(add(&queue, SIGSEGV, 5), 0);
    takes(&queue, 0, SIGSEGV, 5); /* synchronous ones first, then by number */
    takes(&queue, SIGNAL_BIT(SIGTERM), 34, 2);
    takes(&queue, 0, SIGTERM, 4);
    takes(&queue, 0, 35, 1);
    assert_int_equal(queue.set, SIGNAL_BIT(35));
    takes(&queue, 0, 35, 3);
    assert_int_equal(queue.set, 0);
    assert_int_equal(queue.count, 0);
    signal_queue_fini(&queue);
}

static void bounded(void **state)
{
    struct signal_queue queue = {0};
    int err = 0;
    int count = 0;

    (void)state;
    signal_queue_init(&queue);
    while ((err = add(&queue, 40, count)) == 0)
        count++;
    assert_int_equal(err, -EAGAIN);
    assert_int_equal(count, 4096);
    host_alloc_fail_at(1);
    signal_queue_remove(&queue, SIGNAL_BIT(40));
    assert_int_equal(add(&queue, 41, 0), -ENOMEM);
    assert_int_equal(queue.set, 0);
    signal_queue_fini(&queue);
}

/* What the host's own siginfo_t says of our bytes. */
static void info_layout(void **state)
{
    const struct signal_info child = {.signal = SIGCHLD,
                                      .code = CLD_EXITED,
                                      .pid = 7,
                                      .uid = 8,
                                      .status = 9,
                                      .utime = 10,
                                      .stime = 11};
    const struct signal_info fault = {
        .signal = SIGSEGV, .code = SEGV_ACCERR, .address = UINT64_C(0x123456789)};
    const struct signal_info queued = {
        .signal = 36, .code = SI_QUEUE, .pid = 3, .uid = 4, .value = 5};
    struct signal_info again;
    siginfo_t info;

    (void)state;
    signal_info_encode(&child, (uint8_t *)&info);
    assert_int_equal(info.si_signo, SIGCHLD);
    assert_int_equal(info.si_pid, 7);
    assert_int_equal(info.si_uid, 8);
    assert_int_equal(info.si_status, 9);
    assert_int_equal(info.si_utime, 10);
    assert_int_equal(info.si_stime, 11);
    signal_info_encode(&fault, (uint8_t *)&info);
    assert_ptr_equal(info.si_addr, (void *)0x123456789);
    signal_info_encode(&queued, (uint8_t *)&info);
    assert_int_equal(info.si_value.sival_int, 5);
    signal_info_decode((const uint8_t *)&info, &again);
    assert_int_equal(again.value, 5);
    assert_int_equal(again.pid, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(standard_once),
        cmocka_unit_test(realtime_in_order),
        cmocka_unit_test(bounded),
        cmocka_unit_test(info_layout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
