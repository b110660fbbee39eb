/* SPDX-License-Identifier: Apache-2.0 */
/* Real-time signals queue, in order, with a value. Calls: rt_sigqueueinfo */
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static volatile int signals[16], values[16], count;

static void on_signal(int sig, siginfo_t *info, void *context)
{
    (void)context;
    CHECK(info->si_code == SI_QUEUE && info->si_pid == getpid() && count < 16);
    signals[count] = sig;
    values[count++] = info->si_value.sival_int;
}

static void test_order(void)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    sigset_t set;
    sigemptyset(&set);
    sigfillset(&action.sa_mask);
    for (int sig = SIGRTMIN; sig < SIGRTMIN + 3; sig++) {
        sigaddset(&set, sig);
        CHECK(sigaction(sig, &action, NULL) == 0);
    }
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    for (int i = 0; i < 9; i++)
        CHECK(sigqueue(getpid(), SIGRTMIN + 2 - i % 3, (union sigval){.sival_int = i}) == 0);
    CHECK(count == 0 && sigprocmask(SIG_UNBLOCK, &set, NULL) == 0 && count == 9);
    for (int i = 0; i < 9; i++)
        printf("+%d: %d\n", signals[i] - SIGRTMIN, values[i]);
}

static void test_child(void)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        for (;;)
            pause();
    }
    CHECK(sigqueue(pid, SIGRTMAX, (union sigval){.sival_int = 1}) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGRTMAX);
    printf("kills by default\n");
}

static void test_errors(void)
{
    siginfo_t info;
    memset(&info, 0, sizeof(info));
    info.si_code = SI_QUEUE;
    CHECK(syscall(SYS_rt_sigqueueinfo, getpid(), 0, &info) == 0);
    CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, getpid(), 65, &info), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, 4000000, SIGRTMIN, &info), ESRCH);
    CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, getpid(), SIGRTMIN, 8), EFAULT);
    info.si_code = SI_USER; /* only the kernel says so, to others */
    CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, getppid(), 0, &info), EPERM);
    printf("errors\n");
}

int main(void)
{
    test_order();
    test_child();
    test_errors();
    return 0;
}
