/* SPDX-License-Identifier: Apache-2.0 */
/* Alarms and the interval timer. Calls: alarm setitimer getitimer */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

static volatile sig_atomic_t alarms;

static void on_alarm(int sig)
{
    (void)sig;
    alarms++;
}

/* SIGALRM is blocked but for here. */
static void await(int wanted)
{
    sigset_t open;
    sigemptyset(&open);
    while (alarms < wanted)
        sigsuspend(&open);
}

static long now_us(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void test_alarm(void)
{
    CHECK(alarm(0) == 0 && alarm(1000) == 0);
    unsigned left = alarm(1);
    CHECK(left >= 990 && left <= 1000);
    long start = now_us();
    await(1);
    CHECK(now_us() - start >= 990000 && alarms == 1 && alarm(0) == 0);
    printf("alarm\n");
}

static void test_once(void)
{
    struct itimerval timer = {{0, 0}, {0, 150000}}, left;
    long start = now_us();
    alarms = 0;
    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0 && getitimer(ITIMER_REAL, &left) == 0);
    CHECK(left.it_value.tv_sec == 0 && left.it_value.tv_usec <= 150000);
    await(1);
    CHECK(now_us() - start >= 150000);
    CHECK(getitimer(ITIMER_REAL, &left) == 0 && left.it_value.tv_usec == 0);
    printf("once\n");
}

static void test_interval(void)
{
    struct itimerval timer = {{0, 100000}, {0, 50000}}, old;
    long start = now_us();
    alarms = 0;
    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
    await(3);
    CHECK(now_us() - start >= 250000);
    timer = (struct itimerval){{0, 0}, {0, 0}};
    CHECK(setitimer(ITIMER_REAL, &timer, &old) == 0 && old.it_interval.tv_usec == 100000);
    CHECK(getitimer(ITIMER_REAL, &old) == 0 && old.it_value.tv_usec == 0);
    printf("interval\n");
}

static void test_fork(void)
{
    int status;
    struct itimerval left;
    sigset_t none;
    sigemptyset(&none);
    alarm(500);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(getitimer(ITIMER_REAL, &left) == 0 && left.it_value.tv_sec == 0); /* not inherited */
        signal(SIGALRM, SIG_DFL);
        left = (struct itimerval){{0, 0}, {0, 1000}};
        CHECK(setitimer(ITIMER_REAL, &left, NULL) == 0);
        sigprocmask(SIG_SETMASK, &none, NULL);
        for (;;)
            pause();
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
    CHECK(alarm(0) > 400);
    printf("fork\n");
}

int main(void)
{
    struct itimerval bad = {{0, 0}, {0, 1000000}};
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGALRM);
    CHECK(sigprocmask(SIG_BLOCK, &blocked, NULL) == 0);
    signal(SIGALRM, on_alarm);
    test_alarm();
    test_once();
    test_interval();
    test_fork();
    CHECK_ERRNO(setitimer(ITIMER_REAL, &bad, NULL), EINVAL);
    CHECK_ERRNO(syscall(SYS_setitimer, 99, &bad, NULL), EINVAL);
    CHECK_ERRNO(syscall(SYS_setitimer, ITIMER_REAL, 8, NULL), EFAULT);
    CHECK_ERRNO(syscall(SYS_getitimer, 99, &bad), EINVAL);
    CHECK_ERRNO(syscall(SYS_getitimer, ITIMER_REAL, 8), EFAULT);
    return 0;
}
