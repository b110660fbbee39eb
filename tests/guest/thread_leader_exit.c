/* SPDX-License-Identifier: Apache-2.0 */
/* The first thread ends before the others: the process and its id stay.
 * Calls: exit, kill, tgkill, wait4 */
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static int ready[2], go[2]; /* pipes between parent and child */
static volatile int handled;
static volatile pid_t handled_by;

static void on_signal(int signal)
{
    handled_by = gettid();
    handled = signal;
}

static void *outlive(void *leader)
{
    char byte;

    CHECK(pthread_join(*(pthread_t *)leader, NULL) == 0);
    CHECK(getpid() != gettid() && kill(getpid(), 0) == 0);
    CHECK(syscall(SYS_tgkill, getpid(), getpid(), 0) == 0);
    CHECK(write(ready[1], "x", 1) == 1);
    while (read(go[0], &byte, 1) != 1)
        CHECK(errno == EINTR);
    CHECK(handled == SIGUSR1 && handled_by == gettid());
    exit(21);
}

static void run_child(void)
{
    static pthread_t leader;
    pthread_t thread;

    CHECK(signal(SIGUSR1, on_signal) != SIG_ERR);
    leader = pthread_self();
    CHECK(pthread_create(&thread, NULL, outlive, &leader) == 0);
    pthread_exit(NULL);
}

static void test_outlive(void)
{
    siginfo_t info;
    int status;
    char byte;
    pid_t pid = fork();

    if (pid == 0)
        run_child();
    CHECK(read(ready[0], &byte, 1) == 1);
    CHECK(waitpid(pid, &status, WNOHANG) == 0); /* it has not ended */
    CHECK(kill(pid, 0) == 0 && getpgid(pid) == getpgrp());
    for (int i = 0; i < 4; i++) { /* nobody gets its id */
        pid_t other = fork();
        if (other == 0)
            _exit(0);
        CHECK(other != pid && waitpid(other, &status, 0) == other);
    }
    CHECK(kill(pid, SIGUSR1) == 0 && write(go[1], "x", 1) == 1);
    CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0 && info.si_pid == pid);
    CHECK(info.si_code == CLD_EXITED && info.si_status == 21);
    CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 21);
    CHECK_ERRNO(kill(pid, 0), ESRCH);
    printf("the others go on\n");
}

static void *end_at_once(void *unused)
{
    return unused;
}

static void *end_later(void *leader)
{
    CHECK(pthread_join(*(pthread_t *)leader, NULL) == 0);
    usleep(1000);
    return NULL;
}

/* All threads end by themselves: the parent is told once. */
static void test_all_end(void)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        static pthread_t leader;
        pthread_t thread;
        leader = pthread_self();
        for (int i = 0; i < 3; i++)
            CHECK(pthread_create(&thread, NULL, i == 0 ? end_later : end_at_once, &leader) == 0);
        pthread_exit(NULL);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK_ERRNO(waitpid(pid, &status, 0), ECHILD);
    printf("all end\n");
}

/* Children are the process', not the thread's. */
static void *fork_and_end(void *pid)
{
    *(pid_t *)pid = fork();
    if (*(pid_t *)pid == 0)
        _exit(5);
    return NULL;
}

static void test_children(void)
{
    pthread_t thread;
    int status;
    pid_t pid;

    CHECK(pthread_create(&thread, NULL, fork_and_end, &pid) == 0);
    CHECK(pthread_join(thread, NULL) == 0 && waitpid(pid, &status, 0) == pid);
    CHECK(WEXITSTATUS(status) == 5);
    printf("children\n");
}

int main(void)
{
    CHECK(pipe(ready) == 0 && pipe(go) == 0);
    test_outlive();
    test_all_end();
    test_children();
    return 0;
}
