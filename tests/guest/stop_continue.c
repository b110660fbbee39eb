/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that block go on where they were after a stop; SIGCONT and SIGTSTP have handlers.
 * Calls: nanosleep read kill */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

static volatile sig_atomic_t continued, asked;

static void on_signal(int sig)
{
    if (sig == SIGCONT)
        continued++;
    else
        asked++;
}

static long elapsed_ms(const struct timespec *since)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
}

static void stop_and_continue(pid_t pid)
{
    int status;
    struct timespec pause = {0, 60000000};
    nanosleep(&pause, NULL);
    CHECK(kill(pid, SIGSTOP) == 0 && waitpid(pid, &status, WUNTRACED) == pid);
    CHECK(WIFSTOPPED(status));
    nanosleep(&pause, NULL);
    CHECK(kill(pid, SIGCONT) == 0);
}

static void test_sleep(void)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        struct timespec start, span = {0, 400000000};
        CHECK(clock_gettime(CLOCK_MONOTONIC, &start) == 0);
        CHECK(nanosleep(&span, NULL) == 0 && elapsed_ms(&start) >= 400);
        _exit(0);
    }
    stop_and_continue(pid);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    printf("sleep\n");
}

static void test_read(void)
{
    int ends[2], status;
    char byte;
    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(read(ends[0], &byte, 1) == 1 && byte == 'r');
        _exit(0);
    }
    stop_and_continue(pid);
    CHECK(write(ends[1], "r", 1) == 1);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    printf("read\n");
}

static void test_handlers(void)
{
    int ends[2], status;
    char byte;
    sigset_t blocked, open;
    sigemptyset(&open);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCONT);
    sigaddset(&blocked, SIGTSTP);
    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(sigprocmask(SIG_BLOCK, &blocked, NULL) == 0);
        signal(SIGCONT, on_signal);
        signal(SIGTSTP, on_signal);
        CHECK(write(ends[1], "x", 1) == 1);
        while (continued == 0)
            sigsuspend(&open);
        CHECK(asked == 0 && write(ends[1], "c", 1) == 1);
        while (asked == 0)
            sigsuspend(&open);
        _exit(continued);
    }
    CHECK(read(ends[0], &byte, 1) == 1);
    CHECK(kill(pid, SIGSTOP) == 0 && waitpid(pid, &status, WUNTRACED) == pid);
    CHECK(kill(pid, SIGTSTP) == 0); /* waits, and SIGCONT throws it away */
    CHECK(kill(pid, SIGCONT) == 0);
    CHECK(read(ends[0], &byte, 1) == 1 && byte == 'c');
    while (kill(pid, SIGTSTP) == 0 && waitpid(pid, &status, WNOHANG) == 0) {
        struct timespec pause = {0, 50000000};
        nanosleep(&pause, NULL);
    }
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    printf("handlers\n");
}

int main(void)
{
    test_sleep();
    test_read();
    test_handlers();
    return 0;
}
