/* SPDX-License-Identifier: Apache-2.0 */
/* CPU clocks of processes and threads, one's own and others'.
 * Calls: clock_gettime clock_getres fork wait4 clone */
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

#define BURN 20000000

static long now(clockid_t clock)
{
    struct timespec time;
    CHECK(clock_gettime(clock, &time) == 0);
    return time.tv_sec * 1000000000 + time.tv_nsec;
}

static void compute(void)
{
    for (volatile int i = 0; i < BURN; i++)
        ;
}

/* The same kind of clock, of the process or thread with that id, as the kernel knows it. */
static clockid_t clock_of(int id, int kind)
{
    return (clockid_t)(~(unsigned)id << 3) | kind;
}

static void own(void)
{
    struct timespec pause = {0, 30000000}, res;
    long thread = now(CLOCK_THREAD_CPUTIME_ID), process = now(CLOCK_PROCESS_CPUTIME_ID);
    CHECK(thread > 0 && process >= thread - 100000000);
    nanosleep(&pause, NULL);
    CHECK(now(CLOCK_PROCESS_CPUTIME_ID) - process < 25000000); /* sleeping costs nothing */
    process = now(CLOCK_PROCESS_CPUTIME_ID);
    compute();
    CHECK(now(CLOCK_THREAD_CPUTIME_ID) > thread && now(CLOCK_PROCESS_CPUTIME_ID) > process);
    for (int i = 0; i < 20; i++) {
        long last = process;
        process = now(CLOCK_PROCESS_CPUTIME_ID);
        CHECK(process >= last);
    }
    clockid_t by_pid = clock_of(getpid(), 2), user = clock_of(0, 1), all = clock_of(0, 0);
    long guest = now(user);
    CHECK(now(by_pid) >= process && guest >= 0 && now(all) >= 0); /* the two count ticks */
    CHECK(clock_getres(by_pid, &res) == 0 && res.tv_nsec == 1);
    CHECK(clock_getres(user, &res) == 0 && res.tv_nsec >= 1000000);
    printf("own clocks\n");
}

static void *thread(void *argument)
{
    pthread_barrier_t *barrier = argument;
    compute();
    pthread_barrier_wait(barrier);
    pthread_barrier_wait(barrier);
    return NULL;
}

static void threads(void)
{
    pthread_barrier_t barrier;
    struct timespec time;
    pthread_t other;
    clockid_t clock;
    pthread_barrier_init(&barrier, NULL, 2);
    CHECK(pthread_create(&other, NULL, thread, &barrier) == 0);
    CHECK(pthread_getcpuclockid(other, &clock) == 0);
    pthread_barrier_wait(&barrier);
    long used = now(clock);
    CHECK(used > 1000000 && now(CLOCK_PROCESS_CPUTIME_ID) > used);
    pthread_barrier_wait(&barrier);
    CHECK(pthread_join(other, NULL) == 0);
    WAIT_FOR(syscall(SYS_clock_gettime, clock, &time) == -1); /* joined before it is quite gone */
    CHECK(errno == EINVAL);
    printf("another thread's\n");
}

static void processes(void)
{
    struct timespec time;
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(now(CLOCK_PROCESS_CPUTIME_ID) < BURN * 100L);
        compute();
        CHECK(write(ends[1], "x", 1) == 1);
        for (;;)
            pause();
    }
    char byte;
    clockid_t clock;
    CHECK(clock_getcpuclockid(child, &clock) == 0);
    CHECK(read(ends[0], &byte, 1) == 1);
    CHECK(now(clock) > 1000000);
    CHECK_ERRNO(syscall(SYS_clock_gettime, clock_of(child, 6), &time), EINVAL); /* its thread */
    CHECK(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
    CHECK_ERRNO(syscall(SYS_clock_gettime, clock, &time), EINVAL);
    CHECK(clock_getcpuclockid(child, &clock) == ESRCH);
    CHECK_ERRNO(syscall(SYS_clock_gettime, clock_of(0, 3), &time), EINVAL);
    printf("another process'\n");
}

int main(void)
{
    own();
    threads();
    processes();
    return 0;
}
