/* SPDX-License-Identifier: Apache-2.0 */
/* The vDSO and the system calls tell the same time.
 * Calls: clock_gettime clock_getres gettimeofday time getcpu */
#include <sched.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "check.h"

static long ns(const struct timespec *time)
{
    return time->tv_sec * 1000000000 + time->tv_nsec;
}

/* A reading by the call lies between two by the vDSO, and the other way round. */
static void test_agree(clockid_t clock)
{
    struct timespec a, b, c;
    for (int i = 0; i < 5; i++) {
        CHECK(clock_gettime(clock, &a) == 0);
        CHECK(syscall(SYS_clock_gettime, clock, &b) == 0);
        CHECK(clock_gettime(clock, &c) == 0);
        CHECK(ns(&a) <= ns(&b) && ns(&b) <= ns(&c));
        CHECK(syscall(SYS_clock_gettime, clock, &a) == 0 && ns(&c) <= ns(&a));
    }
}

static void test_other_calls(void)
{
    struct timespec real;
    struct timeval a, b;
    time_t seconds, stored;
    CHECK(gettimeofday(&a, NULL) == 0 && clock_gettime(CLOCK_REALTIME, &real) == 0);
    CHECK(syscall(SYS_gettimeofday, &b, NULL) == 0);
    long before = a.tv_sec * 1000000 + a.tv_usec, after = b.tv_sec * 1000000 + b.tv_usec;
    CHECK(before <= ns(&real) / 1000 && ns(&real) / 1000 <= after);
    seconds = time(&stored);
    CHECK(seconds == stored && seconds >= real.tv_sec - 1);
    CHECK(syscall(SYS_time, &stored) == stored && stored >= seconds);
    printf("gettimeofday and time\n");
}

static void test_monotonic(void)
{
    struct timespec last, now, pause = {0, 250000000};
    nanosleep(&pause, NULL); /* so that the vDSO, too, has got its bearings */
    test_agree(CLOCK_MONOTONIC);
    test_agree(CLOCK_REALTIME);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &last) == 0);
    for (int i = 0; i < 60; i++) {
        CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0 && ns(&now) >= ns(&last));
        last = now;
    }
    printf("never backwards\n");
}

static void test_cpu_clocks(void)
{
    struct timespec a, b;
    CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a) == 0);
    for (volatile int i = 0; i < 20000000; i++)
        ;
    CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b) == 0 && ns(&b) > ns(&a));
    CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a) == 0 && ns(&a) > 0);
    printf("CPU time\n");
}

static void test_rest(void)
{
    struct timespec res, now;
    unsigned cpu, node;
    CHECK(clock_getres(CLOCK_MONOTONIC, &res) == 0 && res.tv_sec == 0 && res.tv_nsec >= 1);
    CHECK(syscall(SYS_clock_getres, CLOCK_REALTIME, &res) == 0 && res.tv_nsec >= 1);
    CHECK(syscall(SYS_clock_getres, CLOCK_REALTIME, NULL) == 0);
    CHECK_ERRNO(syscall(SYS_clock_getres, 999, &res), EINVAL);
    CHECK_ERRNO(clock_gettime(999, &now), EINVAL);
    CHECK_ERRNO(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, 8), EFAULT);
    CHECK_ERRNO(syscall(SYS_gettimeofday, 8, NULL), EFAULT);
    CHECK_ERRNO(syscall(SYS_time, 8), EFAULT);
    CHECK(syscall(SYS_getcpu, &cpu, &node, NULL) == 0 && cpu < 4096);
    CHECK(sched_getcpu() >= 0);
    printf("resolution, errors, CPU number\n");
}

int main(void)
{
    test_agree(CLOCK_MONOTONIC);
    test_agree(CLOCK_REALTIME);
    test_agree(CLOCK_BOOTTIME);
    printf("clocks agree\n");
    test_other_calls();
    test_monotonic();
    test_cpu_clocks();
    test_rest();
    return 0;
}
