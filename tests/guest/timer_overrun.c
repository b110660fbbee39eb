/* SPDX-License-Identifier: Apache-2.0 */
/* Timers that run out while their signal is pending, and errors.
 * Calls: timer_create timer_settime timer_gettime timer_getoverrun timer_delete */
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "check.h"

static const struct timespec none = {0, 0}, tick = {0, 5000000};
static volatile int count, overruns;
static timer_t timer;

static void handler(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    CHECK(info->si_code == SI_TIMER && info->si_overrun == timer_getoverrun(timer));
    count++;
    overruns += info->si_overrun;
}

static long milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Every interval that has passed is told of, by a signal or as an overrun of one. */
static void periodic(void)
{
    struct itimerspec setting = {.it_value = tick, .it_interval = tick}, left;
    struct timespec pause = {0, 60000000};
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    CHECK(timer_create(CLOCK_MONOTONIC, NULL, &timer) == 0);
    CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
    long start = milliseconds();
    CHECK(timer_settime(timer, 0, &setting, NULL) == 0);
    nanosleep(&pause, NULL);
    CHECK(count == 0);
    CHECK(timer_gettime(timer, &left) == 0 && left.it_value.tv_nsec <= 5000000);
    CHECK(left.it_value.tv_nsec > 0 && left.it_value.tv_sec == 0);
    CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
    CHECK(count >= 1 && count + overruns >= 60 / 5 - 1);
    while (count < 5)
        pause.tv_nsec = 1000000, nanosleep(&pause, NULL);
    setting.it_value = none;
    CHECK(timer_settime(timer, 0, &setting, NULL) == 0);
    long end = milliseconds();
    CHECK(count + overruns <= (end - start) / 5 + 1);
    printf("signals and overruns add up\n");
}

static void ignored(void)
{
    struct itimerspec setting = {.it_value = tick, .it_interval = tick};
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    struct timespec pause = {0, 20000000};
    signal(SIGALRM, SIG_IGN);
    count = 0;
    CHECK(timer_settime(timer, 0, &setting, NULL) == 0);
    nanosleep(&pause, NULL);
    CHECK(count == 0);
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    while (count < 2)
        nanosleep(&pause, NULL);
    CHECK(timer_delete(timer) == 0);
    printf("goes on when its signal is no longer ignored\n");
}

static void errors(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65};
    struct itimerspec setting = {.it_value = {0, 1000000000}};
    int id = -1;
    CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id), EINVAL);
    event.sigev_signo = 0;
    CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id), EINVAL);
    event.sigev_signo = SIGUSR1;
    event.sigev_notify = 77;
    CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id), EINVAL);
    event.sigev_notify = SIGEV_THREAD_ID; /* of thread 0 */
    CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id), EINVAL);
    CHECK_ERRNO(syscall(SYS_timer_create, 999, NULL, &id), EINVAL);
    CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC_COARSE, NULL, &id), EOPNOTSUPP);
    CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, 8, &id), EFAULT);
    CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, 8), EFAULT);
    CHECK(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &id) == 0 && id >= 0);
    CHECK_ERRNO(syscall(SYS_timer_settime, id, 0, &setting, NULL), EINVAL);
    CHECK_ERRNO(syscall(SYS_timer_settime, id, 0, NULL, NULL), EINVAL);
    CHECK_ERRNO(syscall(SYS_timer_settime, id + 1, 0, &(struct itimerspec){0}, NULL), EINVAL);
    CHECK_ERRNO(syscall(SYS_timer_gettime, id, 8), EFAULT);
    CHECK_ERRNO(syscall(SYS_timer_getoverrun, id + 1), EINVAL);
    CHECK(syscall(SYS_timer_delete, id) == 0);
    CHECK_ERRNO(syscall(SYS_timer_delete, id), EINVAL);
    printf("errors\n");
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    periodic();
    ignored();
    errors();
    return 0;
}
