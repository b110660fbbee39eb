/* SPDX-License-Identifier: Apache-2.0 */
/* Sleeping: never too short, and what is left after a signal. Calls: nanosleep */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "check.h"

static volatile sig_atomic_t ticks;

static void on_tick(int sig)
{
    (void)sig;
    ticks++;
}

static long now_ns(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return now.tv_sec * 1000000000 + now.tv_nsec;
}

static void test_not_too_short(void)
{
    long spans[] = {0, 1, 100000, 3000000, 70000000};
    for (int i = 0; i < 5; i++) {
        struct timespec span = {0, spans[i]};
        long start = now_ns();
        CHECK(nanosleep(&span, NULL) == 0);
        CHECK(now_ns() - start >= spans[i]);
    }
    printf("not too short\n");
}

static void test_remaining(void)
{
    struct itimerval timer = {{0, 120000}, {0, 120000}}, off = {{0, 0}, {0, 0}};
    struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART}; /* no matter */
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    long start = now_ns(), total = 500000000;
    struct timespec left = {0, total};
    int interrupted = 0;
    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
    for (;;) {
        long before = left.tv_sec * 1000000000 + left.tv_nsec;
        if (nanosleep(&left, &left) == 0)
            break;
        CHECK(errno == EINTR && ticks > 0);
        long after = left.tv_sec * 1000000000 + left.tv_nsec;
        CHECK(after <= before && now_ns() - start >= total - before);
        CHECK(now_ns() - start >= total - after - 1000000); /* it did sleep that long */
        interrupted++;
    }
    CHECK(setitimer(ITIMER_REAL, &off, NULL) == 0);
    CHECK(now_ns() - start >= total - 1000000 && interrupted > 0);
    printf("what is left\n");
}

static void test_errors(void)
{
    struct timespec bad[] = {{-1, 0}, {0, -1}, {0, 1000000000}};
    for (int i = 0; i < 3; i++)
        CHECK_ERRNO(nanosleep(&bad[i], NULL), EINVAL);
    CHECK_ERRNO(syscall(SYS_nanosleep, 8, NULL), EFAULT);
    printf("errors\n");
}

int main(void)
{
    test_not_too_short();
    test_remaining();
    test_errors();
    return 0;
}
