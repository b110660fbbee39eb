/* SPDX-License-Identifier: Apache-2.0 */
/* Sleeping by a clock, for a span or until a time. Calls: clock_nanosleep */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

static void on_tick(int sig)
{
    (void)sig;
}

static void add(struct timespec *time, long ns)
{
    time->tv_nsec += ns;
    time->tv_sec += time->tv_nsec / 1000000000;
    time->tv_nsec %= 1000000000;
}

static int is_before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

static void test_clock(clockid_t clock)
{
    struct timespec until, now, span = {0, 60000000};
    CHECK(clock_gettime(clock, &until) == 0);
    add(&until, span.tv_nsec);
    CHECK(clock_nanosleep(clock, 0, &span, NULL) == 0);
    CHECK(clock_gettime(clock, &now) == 0 && !is_before(&now, &until));
    add(&until, 60000000);
    CHECK(clock_nanosleep(clock, TIMER_ABSTIME, &until, NULL) == 0);
    CHECK(clock_gettime(clock, &now) == 0 && !is_before(&now, &until));
    CHECK(clock_nanosleep(clock, TIMER_ABSTIME, &until, NULL) == 0); /* past: at once */
    until = (struct timespec){0, 0};
    CHECK(clock_nanosleep(clock, TIMER_ABSTIME, &until, NULL) == 0);
}

/* An absolute sleep needs no remaining time: it is just made again. */
static void test_interrupted(void)
{
    struct itimerval timer = {{0, 100000}, {0, 100000}}, off = {{0, 0}, {0, 0}};
    struct timespec until, now, left = {77, 77};
    struct sigaction action = {.sa_handler = on_tick};
    CHECK(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &timer, NULL) == 0);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
    add(&until, 450000000);
    int interrupted = 0, err;
    while ((err = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, &left)) == EINTR)
        interrupted++;
    CHECK(err == 0 && interrupted > 0 && left.tv_sec == 77); /* left is not touched */
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0 && !is_before(&now, &until));
    left = (struct timespec){10, 0};
    CHECK(clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR);
    CHECK(left.tv_sec < 10 && left.tv_sec >= 5);
    CHECK(setitimer(ITIMER_REAL, &off, NULL) == 0);
    printf("interrupted\n");
}

/* Several sleepers wake in the order of their times. */
static void test_order(void)
{
    int ends[2];
    char order[4] = "";
    struct timespec start;
    CHECK(pipe(ends) == 0 && clock_gettime(CLOCK_MONOTONIC, &start) == 0);
    for (int i = 2; i >= 0; i--) {
        if (fork() != 0)
            continue;
        add(&start, 200000000L + 150000000L * i);
        CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &start, NULL) == 0);
        CHECK(write(ends[1], &"abc"[i], 1) == 1);
        _exit(0);
    }
    for (int i = 0; i < 3; i++)
        CHECK(wait(NULL) > 0);
    CHECK(read(ends[0], order, 4) == 3);
    printf("woke up: %s\n", order);
}

int main(void)
{
    struct timespec span = {0, 1}, bad = {0, -1};
    test_clock(CLOCK_MONOTONIC);
    test_clock(CLOCK_REALTIME);
    test_clock(CLOCK_BOOTTIME);
    printf("clocks\n");
    test_interrupted();
    test_order();
    CHECK(clock_nanosleep(999, 0, &span, NULL) == EINVAL);
    CHECK(clock_nanosleep(CLOCK_MONOTONIC, 0, &bad, NULL) == EINVAL);
    CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &bad, NULL) == EINVAL);
    CHECK_ERRNO(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, 8, NULL), EFAULT);
    return 0;
}
