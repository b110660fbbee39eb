/* SPDX-License-Identifier: Apache-2.0 */
/* What a parent is told of its children by signal. Calls: rt_sigaction wait4 */
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "check.h"

static volatile siginfo_t infos[8];
static volatile sig_atomic_t count;

static void on_child(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    CHECK(count < 8);
    infos[count++] = *info;
}

static void set(int flags)
{
    struct sigaction action = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | flags};
    CHECK(sigaction(SIGCHLD, &action, NULL) == 0);
    count = 0;
}

/* Waits under a mask that lets SIGCHLD in only here. */
static void await(int wanted)
{
    sigset_t open;
    sigemptyset(&open);
    while (count < wanted)
        sigsuspend(&open);
}

static void test_exit(void)
{
    set(0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(19);
    await(1);
    CHECK(infos[0].si_code == CLD_EXITED && infos[0].si_pid == pid && infos[0].si_status == 19);
    CHECK(infos[0].si_uid == getuid() && waitpid(pid, NULL, WNOHANG) == pid);
    pid = fork();
    if (pid == 0) {
        for (;;)
            pause();
    }
    CHECK(kill(pid, SIGKILL) == 0);
    await(2);
    CHECK(infos[1].si_code == CLD_KILLED && infos[1].si_status == SIGKILL);
    CHECK(waitpid(pid, NULL, 0) == pid);
    printf("exited and killed\n");
}

static void test_stop(void)
{
    set(0);
    pid_t pid = fork();
    if (pid == 0) {
        for (;;)
            pause();
    }
    CHECK(kill(pid, SIGSTOP) == 0);
    await(1);
    CHECK(infos[0].si_code == CLD_STOPPED && infos[0].si_status == SIGSTOP);
    CHECK(kill(pid, SIGCONT) == 0);
    await(2);
    CHECK(infos[1].si_code == CLD_CONTINUED && infos[1].si_status == SIGCONT);
    set(SA_NOCLDSTOP);
    CHECK(kill(pid, SIGSTOP) == 0 && waitpid(pid, NULL, WUNTRACED) == pid && count == 0);
    CHECK(kill(pid, SIGKILL) == 0);
    await(1);
    CHECK(infos[0].si_code == CLD_KILLED && waitpid(pid, NULL, 0) == pid);
    printf("stopped and continued\n");
}

static void test_no_zombies(void)
{
    set(SA_NOCLDWAIT);
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    CHECK_ERRNO(waitpid(pid, NULL, 0), ECHILD); /* blocks until it is gone */
    signal(SIGCHLD, SIG_IGN);
    pid = fork();
    if (pid == 0)
        _exit(0);
    CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
    while (kill(pid, 0) == 0)
        sched_yield(); /* its number goes a moment later */
    CHECK(errno == ESRCH);
    printf("no zombies\n");
}

int main(void)
{
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    CHECK(sigprocmask(SIG_BLOCK, &blocked, NULL) == 0);
    test_exit();
    test_stop();
    test_no_zombies();
    return 0;
}
