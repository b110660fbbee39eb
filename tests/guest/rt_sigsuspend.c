/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a signal under another mask. Calls: rt_sigsuspend pause */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "check.h"

static volatile sig_atomic_t usr1, ticks;
static sigset_t inside;

static void on_usr1(int sig)
{
    (void)sig;
    usr1++;
    CHECK(sigprocmask(SIG_BLOCK, NULL, &inside) == 0);
}

static void on_tick(int sig)
{
    (void)sig;
    ticks++;
}

/* One that is pending already ends it at once; the handler runs under the temporary mask. */
static void test_pending(void)
{
    sigset_t now, open;
    sigemptyset(&open);
    sigaddset(&open, SIGHUP);
    CHECK(raise(SIGUSR1) == 0 && usr1 == 0);
    CHECK_ERRNO(sigsuspend(&open), EINTR);
    CHECK(usr1 == 1 && sigismember(&inside, SIGHUP) == 1);
    CHECK(sigprocmask(SIG_BLOCK, NULL, &now) == 0);
    CHECK(sigismember(&now, SIGUSR1) == 1 && sigismember(&now, SIGHUP) == 0);
    printf("pending\n");
}

static void test_wait(void)
{
    sigset_t open;
    sigemptyset(&open);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 3; i++) {
            CHECK(kill(parent, SIGUSR1) == 0);
            CHECK_ERRNO(sigsuspend(&open), EINTR); /* until the parent answers */
        }
        _exit(usr1 == 4 ? 0 : 1);
    }
    for (int i = 0; i < 3; i++) {
        CHECK_ERRNO(sigsuspend(&open), EINTR);
        CHECK(usr1 == 2 + i && kill(pid, SIGUSR1) == 0);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    printf("to and fro\n");
}

/* pause ends with EINTR after a handler, with or without SA_RESTART. */
static void test_pause(void)
{
    struct itimerval timer = {{0, 100000}, {0, 100000}};
    struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
    CHECK(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &timer, NULL) == 0);
    CHECK_ERRNO(pause(), EINTR);
    CHECK_ERRNO(syscall(SYS_pause), EINTR);
    CHECK(ticks >= 2);
    sigset_t open;
    sigemptyset(&open);
    int before = ticks;
    CHECK_ERRNO(sigsuspend(&open), EINTR);
    CHECK(ticks > before);
    printf("pause\n");
}

int main(void)
{
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    signal(SIGUSR1, on_usr1);
    CHECK(sigprocmask(SIG_BLOCK, &blocked, NULL) == 0);
    test_pending();
    test_wait();
    test_pause();
    CHECK_ERRNO(syscall(SYS_rt_sigsuspend, 8, 8), EFAULT);
    CHECK_ERRNO(syscall(SYS_rt_sigsuspend, &blocked, 4), EINVAL);
    return 0;
}
