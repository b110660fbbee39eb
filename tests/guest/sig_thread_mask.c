/* SPDX-License-Identifier: Apache-2.0 */
/* A signal for the whole process goes to a thread that does not block it.
 * Calls: kill, rt_sigprocmask, rt_sigpending */
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "check.h"

static volatile pid_t handled_by;
static volatile int count;
static int started[2], finish[2]; /* pipes */

static void on_signal(int signal)
{
    (void)signal;
    handled_by = gettid();
    count++;
}

static sigset_t set_of(int signal)
{
    sigset_t set;
    sigemptyset(&set);
    if (signal != 0)
        sigaddset(&set, signal);
    return set;
}

struct side {
    pthread_t thread;
    pid_t tid;
    int blocked; /* signal, 0: none */
};

static void *wait_for_end(void *argument)
{
    struct side *side = argument;
    sigset_t set = set_of(side->blocked);
    char byte;

    side->tid = gettid();
    CHECK(pthread_sigmask(SIG_SETMASK, &set, NULL) == 0 && write(started[1], "x", 1) == 1);
    CHECK(read(finish[0], &byte, 1) == 1);
    return NULL;
}

static void start(struct side *side, int blocked)
{
    char byte;
    side->blocked = blocked;
    CHECK(pthread_create(&side->thread, NULL, wait_for_end, side) == 0);
    CHECK(read(started[0], &byte, 1) == 1);
}

static void end(struct side *side)
{
    CHECK(pthread_join(side->thread, NULL) == 0);
}

static void wait_for_count(int wanted)
{
    while (count != wanted)
        sched_yield();
}

static int is_pending(int signal)
{
    sigset_t set;
    CHECK(sigpending(&set) == 0);
    return sigismember(&set, signal);
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigset_t usr1 = set_of(SIGUSR1), old;
    struct side open, shut;

    CHECK(pipe(started) == 0 && pipe(finish) == 0);
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    CHECK(kill(getpid(), SIGUSR1) == 0 && count == 1 && handled_by == getpid());
    printf("the first thread\n");

    CHECK(sigprocmask(SIG_BLOCK, &usr1, &old) == 0 && !sigismember(&old, SIGUSR1));
    start(&shut, SIGUSR1);
    start(&open, 0);
    for (int i = 2; i < 6; i++) {
        CHECK(kill(getpid(), SIGUSR1) == 0);
        wait_for_count(i);
        CHECK(handled_by == open.tid);
    }
    CHECK(kill(open.tid, SIGUSR1) == 0); /* any thread's id names the process */
    wait_for_count(6);
    CHECK(!is_pending(SIGUSR1));
    printf("the one that does not block\n");

    CHECK(write(finish[1], "xx", 2) == 2);
    end(&open);
    end(&shut);
    CHECK(kill(getpid(), SIGUSR1) == 0 && is_pending(SIGUSR1) && count == 6);
    start(&shut, SIGUSR1); /* what is pending for the process is so for a new thread, too */
    CHECK(count == 6);
    start(&open, 0); /* takes it as soon as its mask allows */
    wait_for_count(7);
    CHECK(handled_by == open.tid && !is_pending(SIGUSR1));
    printf("pending for all\n");

    CHECK(pthread_kill(shut.thread, SIGUSR1) == 0);
    CHECK(!is_pending(SIGUSR1) && count == 7); /* is its own */
    CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0 && count == 7);
    CHECK(write(finish[1], "xx", 2) == 2);
    end(&open);
    end(&shut); /* and is gone with it */
    CHECK(!is_pending(SIGUSR1) && count == 7);
    printf("pending for one\n");
    return 0;
}
