/* SPDX-License-Identifier: Apache-2.0 */
/* Signals and calls that block: made again with SA_RESTART, EINTR without.
 * Calls: read wait4 setitimer */
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

static int ends[2];
static volatile sig_atomic_t ticks;

static void on_tick(int sig)
{
    (void)sig;
    ticks++;
}

/* Gives the reader what it waits for, at the second tick. */
static void on_feeding_tick(int sig)
{
    (void)sig;
    if (++ticks == 2)
        CHECK(write(ends[1], "f", 1) == 1);
}

static void tick(void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    struct itimerval timer = {{0, 100000}, {0, 100000}};
    ticks = 0;
    CHECK(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

static void stop_ticking(void)
{
    struct itimerval timer = {{0, 0}, {0, 0}};
    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

static void test_read(void)
{
    char byte;
    tick(on_tick, 0);
    CHECK_ERRNO(read(ends[0], &byte, 1), EINTR);
    stop_ticking();
    CHECK(ticks >= 1);
    tick(on_feeding_tick, SA_RESTART);
    CHECK(read(ends[0], &byte, 1) == 1 && byte == 'f');
    stop_ticking();
    CHECK(ticks >= 2);
    printf("read\n");
}

static void test_wait(void)
{
    char byte;
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(read(ends[0], &byte, 1) == 1 ? 6 : 1);
    tick(on_tick, 0);
    CHECK_ERRNO(waitpid(pid, &status, 0), EINTR);
    tick(on_feeding_tick, SA_RESTART);
    CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 6);
    stop_ticking();
    printf("wait\n");
}

/* Signals that run no handler interrupt nothing. */
static void test_no_handler(void)
{
    char byte;
    signal(SIGUSR1, SIG_IGN);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        struct timespec pause = {0, 50000000};
        nanosleep(&pause, NULL);
        CHECK(kill(parent, SIGUSR1) == 0 && kill(parent, SIGCONT) == 0);
        CHECK(kill(parent, SIGWINCH) == 0);
        nanosleep(&pause, NULL);
        CHECK(write(ends[1], "n", 1) == 1);
        _exit(0);
    }
    CHECK(read(ends[0], &byte, 1) == 1 && byte == 'n');
    CHECK(waitpid(pid, NULL, 0) == pid);
    printf("no handler\n");
}

/* Part of the data is there: the count, not EINTR. */
static void test_partial(void)
{
    char buffer[8];
    tick(on_tick, 0);
    CHECK(write(ends[1], "abc", 3) == 3 && read(ends[0], buffer, 8) == 3);
    stop_ticking();
    printf("what is there\n");
}

int main(void)
{
    CHECK(pipe(ends) == 0);
    test_read();
    test_wait();
    test_no_handler();
    test_partial();
    return 0;
}
