/* SPDX-License-Identifier: Apache-2.0 */
/* What happens at points in CPU time: interval timers, timers and sleeps on CPU clocks, the limit.
 * Calls: setitimer getitimer timer_create clock_nanosleep prlimit64 */
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

static volatile int count, is_done;

static void handler(int signal)
{
    (void)signal;
    count++;
}

static long cpu_ms(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void itimer(int which, int signal_nr)
{
    struct itimerval setting = {.it_value = {0, 20000}, .it_interval = {0, 10000}}, left;
    struct timespec pause = {0, 50000000};
    signal(signal_nr, handler);
    count = 0;
    CHECK(setitimer(which, &setting, NULL) == 0);
    CHECK(getitimer(which, &left) == 0 && left.it_interval.tv_usec == 10000);
    CHECK(left.it_value.tv_sec == 0 && left.it_value.tv_usec > 0);
    nanosleep(&pause, NULL);
    CHECK(count == 0); /* no CPU time has passed */
    long start = cpu_ms();
    while (count < 3)
        ;
    CHECK(cpu_ms() - start >= 20);
    setting.it_value.tv_usec = setting.it_interval.tv_usec = 0;
    CHECK(setitimer(which, &setting, &left) == 0 && left.it_interval.tv_usec == 10000);
    CHECK(getitimer(which, &left) == 0 && left.it_value.tv_usec == 0);
}

static void timer(clockid_t clock)
{
    struct itimerspec setting = {.it_value = {0, 20000000}};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    timer_t id;
    signal(SIGUSR1, handler);
    count = 0;
    CHECK(timer_create(clock, &event, &id) == 0 && timer_settime(id, 0, &setting, NULL) == 0);
    long start = cpu_ms();
    while (count == 0)
        ;
    CHECK(cpu_ms() - start >= 15);
    CHECK(timer_delete(id) == 0);
}

static void *compute(void *argument)
{
    (void)argument;
    while (!is_done)
        ;
    return NULL;
}

static void sleep_by_cpu(void)
{
    struct timespec span = {0, 20000000};
    pthread_t other;
    CHECK(pthread_create(&other, NULL, compute, NULL) == 0);
    long start = cpu_ms();
    CHECK(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &span, NULL) == 0);
    CHECK(cpu_ms() - start >= 19);
    is_done = 1;
    CHECK(pthread_join(other, NULL) == 0);
}

static void limit(void)
{
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        struct rlimit limit = {1, 2};
        signal(SIGXCPU, handler);
        count = 0;
        CHECK(setrlimit(RLIMIT_CPU, &limit) == 0);
        while (count == 0)
            ;
        CHECK(cpu_ms() >= 500);
        _exit(3);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 3 << 8);
}

int main(void)
{
    itimer(ITIMER_VIRTUAL, SIGVTALRM);
    printf("virtual\n");
    itimer(ITIMER_PROF, SIGPROF);
    printf("prof\n");
    timer(CLOCK_PROCESS_CPUTIME_ID);
    timer(CLOCK_THREAD_CPUTIME_ID);
    printf("timers\n");
    sleep_by_cpu();
    printf("sleep\n");
    limit();
    printf("limit\n");
    CHECK_ERRNO(setitimer(3, &(struct itimerval){0}, NULL), EINVAL);
    CHECK_ERRNO(getitimer(ITIMER_PROF, (void *)8), EFAULT);
    return 0;
}
