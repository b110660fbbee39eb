/* SPDX-License-Identifier: Apache-2.0 */
/* Signals to processes and groups. Calls: kill tkill tgkill */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static volatile sig_atomic_t received;

static void on_signal(int sig)
{
    (void)sig;
    received++;
}

static pid_t sleeper(pid_t group)
{
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(setpgid(0, group) == 0);
        for (;;)
            pause();
    }
    CHECK(setpgid(pid, group == 0 ? pid : group) == 0);
    return pid;
}

static void expect(pid_t pid, int sig)
{
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == sig);
}

static void test_self(void)
{
    signal(SIGUSR1, on_signal);
    CHECK(kill(getpid(), 0) == 0 && received == 0);
    CHECK(kill(getpid(), SIGUSR1) == 0 && received == 1); /* taken before kill returns */
    CHECK(raise(SIGUSR1) == 0 && received == 2);
    CHECK(syscall(SYS_tkill, getpid(), SIGUSR1) == 0 && received == 3);
    CHECK(syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1) == 0 && received == 4);
    printf("self\n");
}

static void test_groups(void)
{
    pid_t a = sleeper(0), b = sleeper(a), c = sleeper(0);
    CHECK(kill(-a, 0) == 0 && kill(-a, SIGTERM) == 0);
    expect(a, SIGTERM);
    expect(b, SIGTERM);
    CHECK(kill(c, 0) == 0 && waitpid(c, NULL, WNOHANG) == 0); /* another group */
    CHECK(kill(c, SIGKILL) == 0);
    expect(c, SIGKILL);
    CHECK_ERRNO(kill(-a, SIGTERM), ESRCH);
    printf("groups\n");
}

static void test_own_group(void)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(setpgid(0, 0) == 0);
        signal(SIGUSR1, SIG_DFL);
        pid_t fellow = fork();
        if (fellow == 0) {
            for (;;)
                pause();
        }
        signal(SIGUSR1, on_signal);
        received = 0;
        CHECK(kill(0, SIGUSR1) == 0 && received == 1);
        expect(fellow, SIGUSR1);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    printf("own group\n");
}

static void test_zombie(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    while (kill(pid, SIGTERM) == 0 && waitpid(pid, NULL, WNOHANG) == 0)
        ; /* a zombie can be sent to, until it is reaped */
    CHECK_ERRNO(kill(pid, SIGTERM), ESRCH);
    printf("zombie\n");
}

static void test_errors(void)
{
    CHECK_ERRNO(kill(getpid(), 65), EINVAL);
    CHECK_ERRNO(kill(getpid(), -1), EINVAL);
    CHECK_ERRNO(kill(4000000, SIGTERM), ESRCH);
    CHECK_ERRNO(syscall(SYS_tkill, 0, SIGUSR1), EINVAL);
    CHECK_ERRNO(syscall(SYS_tkill, 4000000, SIGUSR1), ESRCH);
    CHECK_ERRNO(syscall(SYS_tgkill, getppid() + 4000000, getpid(), SIGUSR1), ESRCH);
    CHECK_ERRNO(syscall(SYS_tgkill, -1, getpid(), SIGUSR1), EINVAL);
    CHECK_ERRNO(syscall(SYS_tgkill, getpid(), getpid(), 65), EINVAL);
    printf("errors\n");
}

int main(void)
{
    test_self();
    test_groups();
    test_own_group();
    test_zombie();
    test_errors();
    return 0;
}
