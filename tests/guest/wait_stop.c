/* SPDX-License-Identifier: Apache-2.0 */
/* Stopped and continued children. Calls: wait4 kill */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

static int ends[2];

static pid_t counter(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct timespec pause = {0, 20000000};
        close(ends[0]);
        for (;;) {
            if (write(ends[1], "x", 1) != 1)
                _exit(1);
            nanosleep(&pause, NULL);
        }
    }
    return pid;
}

static void next_byte(void)
{
    char byte;
    CHECK(read(ends[0], &byte, 1) == 1);
}

static void test_stop(pid_t pid, int sig)
{
    int status;
    next_byte();
    CHECK(kill(pid, sig) == 0);
    CHECK(wait4(pid, &status, WUNTRACED, NULL) == pid);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == sig);
    CHECK(wait4(pid, &status, WUNTRACED | WNOHANG, NULL) == 0); /* told once */
    CHECK(wait4(pid, &status, WCONTINUED | WNOHANG, NULL) == 0);
    CHECK(kill(pid, SIGCONT) == 0);
    CHECK(wait4(pid, &status, WCONTINUED, NULL) == pid && WIFCONTINUED(status));
    CHECK(wait4(pid, &status, WCONTINUED | WNOHANG, NULL) == 0);
    next_byte();
    next_byte();
}

/* A stopped process takes SIGKILL, and nothing else until it is continued. */
static void test_kill_stopped(pid_t pid)
{
    int status;
    CHECK(kill(pid, SIGSTOP) == 0 && wait4(pid, &status, WUNTRACED, NULL) == pid);
    CHECK(kill(pid, SIGTERM) == 0);
    CHECK(wait4(pid, &status, WNOHANG, NULL) == 0);
    CHECK(kill(pid, SIGCONT) == 0 && wait4(pid, &status, 0, NULL) == pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    printf("terminated once continued\n");
    pid = counter();
    next_byte();
    CHECK(kill(pid, SIGSTOP) == 0 && wait4(pid, &status, WUNTRACED, NULL) == pid);
    CHECK(kill(pid, SIGKILL) == 0 && wait4(pid, &status, 0, NULL) == pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    printf("killed while stopped\n");
}

/* A child that stops itself. */
static void test_self(void)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        raise(SIGSTOP);
        _exit(12);
    }
    CHECK(wait4(pid, &status, WUNTRACED, NULL) == pid && WIFSTOPPED(status));
    CHECK(kill(pid, SIGCONT) == 0 && wait4(pid, &status, 0, NULL) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 12);
    printf("stopped by itself\n");
}

int main(void)
{
    CHECK(pipe(ends) == 0);
    pid_t pid = counter();
    test_stop(pid, SIGSTOP);
    printf("SIGSTOP\n");
    test_kill_stopped(pid);
    test_self();
    return 0;
}
