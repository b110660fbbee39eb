/* SPDX-License-Identifier: Apache-2.0 */
/* Blocked and pending signals. Calls: rt_sigprocmask rt_sigpending */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static volatile sig_atomic_t order[8], count;

static void on_signal(int sig)
{
    order[count++] = sig;
}

static void set_of(sigset_t *set, int a, int b)
{
    sigemptyset(set);
    sigaddset(set, a);
    if (b)
        sigaddset(set, b);
}

static void test_how(void)
{
    sigset_t set, old;
    set_of(&set, SIGUSR1, SIGUSR2);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    set_of(&set, SIGTERM, 0);
    CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
    CHECK(sigismember(&old, SIGUSR1) && sigismember(&old, SIGUSR2) && !sigismember(&old, SIGTERM));
    set_of(&set, SIGUSR1, SIGTERM);
    CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0 && sigprocmask(SIG_BLOCK, NULL, &old) == 0);
    CHECK(!sigismember(&old, SIGUSR1) && sigismember(&old, SIGUSR2));
    sigfillset(&set);
    CHECK(sigprocmask(SIG_SETMASK, &set, NULL) == 0 && sigprocmask(SIG_BLOCK, NULL, &old) == 0);
    CHECK(!sigismember(&old, SIGKILL) && !sigismember(&old, SIGSTOP) && sigismember(&old, SIGINT));
    sigemptyset(&set);
    CHECK(sigprocmask(SIG_SETMASK, &set, NULL) == 0);
    printf("how\n");
}

static void test_pending(void)
{
    sigset_t set, pending;
    signal(SIGUSR1, on_signal);
    signal(SIGUSR2, on_signal);
    set_of(&set, SIGUSR1, SIGUSR2);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    CHECK(kill(getpid(), SIGUSR2) == 0 && kill(getpid(), SIGUSR1) == 0);
    CHECK(kill(getpid(), SIGUSR1) == 0 && count == 0); /* a standard one is kept once */
    CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1) == 1);
    CHECK(sigismember(&pending, SIGUSR2) == 1 && sigismember(&pending, SIGTERM) == 0);
    CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0 && count == 2); /* taken at once */
    CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1) == 0);
    printf("pending\n");
}

static void test_child(void)
{
    sigset_t set, now;
    int status;
    set_of(&set, SIGUSR1, 0);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0 && raise(SIGUSR1) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(sigprocmask(SIG_BLOCK, NULL, &now) == 0 && sigismember(&now, SIGUSR1) == 1);
        CHECK(sigpending(&now) == 0 && sigismember(&now, SIGUSR1) == 0); /* not inherited */
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0 && count == 3);
    printf("child\n");
}

static void test_errors(void)
{
    sigset_t set;
    sigemptyset(&set);
    CHECK_ERRNO(syscall(SYS_rt_sigprocmask, 99, &set, NULL, 8), EINVAL);
    CHECK(syscall(SYS_rt_sigprocmask, 99, NULL, &set, 8) == 0); /* how is not looked at */
    CHECK_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 4), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, 8, NULL, 8), EFAULT);
    CHECK_ERRNO(syscall(SYS_rt_sigpending, 8, 8), EFAULT);
    CHECK_ERRNO(syscall(SYS_rt_sigpending, &set, 16), EINVAL);
    printf("errors\n");
}

int main(void)
{
    test_how();
    test_pending();
    test_child();
    test_errors();
    return 0;
}
