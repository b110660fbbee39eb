/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX timers: whom they signal, and with what.
 * Calls: timer_create timer_settime timer_gettime timer_delete rt_sigtimedwait */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static const struct timespec none = {0, 0}, soon = {0, 10000000}, hour = {3600, 0};
static sigset_t signals;

static void set(timer_t timer, int flags, struct timespec value, struct timespec interval)
{
    struct itimerspec setting = {.it_value = value, .it_interval = interval};
    CHECK(timer_settime(timer, flags, &setting, NULL) == 0);
}

static long ns(const struct timespec *time)
{
    return time->tv_sec * 1000000000 + time->tv_nsec;
}

static timer_t create(clockid_t clock, int notify, int signal, int value)
{
    struct sigevent event = {.sigev_notify = notify, .sigev_signo = signal};
    timer_t timer;
    event.sigev_value.sival_int = value;
    if (notify == SIGEV_THREAD_ID)
        event.sigev_notify_thread_id = gettid();
    CHECK(timer_create(clock, &event, &timer) == 0);
    return timer;
}

static void await(int signal, int value)
{
    siginfo_t info;
    CHECK(sigwaitinfo(&signals, &info) == signal);
    CHECK(info.si_code == SI_TIMER && info.si_value.sival_int == value);
    CHECK(info.si_overrun == 0);
}

static void once(clockid_t clock)
{
    struct timespec start, end;
    struct itimerspec left;
    timer_t timer = create(clock, SIGEV_SIGNAL, SIGUSR1, 42);
    CHECK(timer_gettime(timer, &left) == 0 && ns(&left.it_value) == 0);
    set(timer, 0, hour, soon);
    CHECK(timer_gettime(timer, &left) == 0 && left.it_value.tv_sec > 3500);
    CHECK(ns(&left.it_interval) == ns(&soon));
    clock_gettime(CLOCK_MONOTONIC, &start);
    set(timer, 0, soon, none);
    await(SIGUSR1, 42);
    clock_gettime(CLOCK_MONOTONIC, &end);
    CHECK(ns(&end) - ns(&start) >= ns(&soon));
    CHECK(timer_gettime(timer, &left) == 0 && ns(&left.it_value) == 0);
    clock_gettime(clock, &start);
    long point = ns(&start) + ns(&soon);
    set(timer, TIMER_ABSTIME, (struct timespec){point / 1000000000, point % 1000000000}, none);
    await(SIGUSR1, 42);
    clock_gettime(clock, &end);
    CHECK(ns(&end) >= point);
    CHECK(timer_delete(timer) == 0);
}

static void *thread(void *argument)
{
    timer_t timer = create(CLOCK_MONOTONIC, SIGEV_THREAD_ID, SIGUSR2, 7);
    (void)argument;
    set(timer, 0, soon, none);
    await(SIGUSR2, 7);
    CHECK(timer_delete(timer) == 0);
    return NULL;
}

/* A standard signal is there once, but for each timer. */
static void several(void)
{
    timer_t first = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 1);
    timer_t second = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 2);
    struct timespec pause = {0, 30000000}, zero = {0, 0};
    siginfo_t info;
    int seen = 0;
    set(first, 0, soon, none);
    set(second, 0, soon, none);
    nanosleep(&pause, NULL);
    for (int i = 0; i < 2; i++) {
        CHECK(sigwaitinfo(&signals, &info) == SIGUSR1);
        seen |= info.si_value.sival_int;
    }
    CHECK(seen == 3);
    set(first, 0, soon, none);
    nanosleep(&pause, NULL);
    set(first, 0, hour, none);
    CHECK(timer_delete(second) == 0);
    (void)sigtimedwait(&signals, &info, &zero); /* what was pending may be taken back, or not */
    CHECK_ERRNO(sigtimedwait(&signals, &info, &zero), EAGAIN);
    CHECK(timer_delete(first) == 0);
}

static void inheritance(void)
{
    timer_t timer = create(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0);
    struct itimerspec left;
    set(timer, 0, hour, none);
    CHECK(timer_gettime(timer, &left) == 0 && left.it_value.tv_sec > 3500);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK_ERRNO(syscall(SYS_timer_gettime, 0, &left), EINVAL);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(timer_delete(timer) == 0);
}

int main(void)
{
    pthread_t other;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    sigaddset(&signals, SIGUSR2);
    CHECK(sigprocmask(SIG_BLOCK, &signals, NULL) == 0);
    once(CLOCK_MONOTONIC);
    once(CLOCK_REALTIME);
    printf("once\n");
    CHECK(pthread_create(&other, NULL, thread, NULL) == 0 && pthread_join(other, NULL) == 0);
    printf("a thread\n");
    several();
    printf("several\n");
    inheritance();
    printf("not the child's\n");
    return 0;
}
