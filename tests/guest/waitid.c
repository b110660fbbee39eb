/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for children and being told all of it. Calls: waitid */
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static pid_t child(int code)
{
    pid_t pid = fork();
    if (pid == 0) {
        if (code < 100)
            _exit(code);
        for (;;)
            pause();
    }
    return pid;
}

static void is(const siginfo_t *info, pid_t pid, int code, int status)
{
    CHECK(info->si_signo == SIGCHLD && info->si_pid == pid && info->si_uid == getuid());
    CHECK(info->si_code == code && info->si_status == status);
}

static void test_ends(void)
{
    siginfo_t info;
    pid_t pid = child(9);
    memset(&info, 0xff, sizeof(info));
    CHECK(waitid(P_PID, pid, &info, WEXITED | WNOWAIT) == 0);
    is(&info, pid, CLD_EXITED, 9);
    CHECK(waitid(P_PID, pid, &info, WEXITED) == 0); /* still there */
    is(&info, pid, CLD_EXITED, 9);
    CHECK_ERRNO(waitid(P_PID, pid, &info, WEXITED), ECHILD);
    pid = child(100);
    CHECK(kill(pid, SIGTERM) == 0 && waitid(P_ALL, 0, &info, WEXITED) == 0);
    is(&info, pid, CLD_KILLED, SIGTERM);
    printf("ends\n");
}

static void test_stops(void)
{
    siginfo_t info;
    pid_t pid = child(100);
    memset(&info, 0xff, sizeof(info));
    CHECK(waitid(P_PID, pid, &info, WEXITED | WSTOPPED | WNOHANG) == 0);
    CHECK(info.si_pid == 0 && info.si_signo == 0); /* nothing to tell */
    CHECK(kill(pid, SIGSTOP) == 0 && waitid(P_PID, pid, &info, WSTOPPED) == 0);
    is(&info, pid, CLD_STOPPED, SIGSTOP);
    CHECK(kill(pid, SIGCONT) == 0 && waitid(P_PID, pid, &info, WCONTINUED) == 0);
    is(&info, pid, CLD_CONTINUED, SIGCONT);
    CHECK(kill(pid, SIGKILL) == 0 && waitid(P_PID, pid, NULL, WEXITED) == 0);
    printf("stops\n");
}

static void test_groups(void)
{
    siginfo_t info;
    pid_t a = child(100), b = child(100);
    CHECK(setpgid(a, a) == 0 && setpgid(b, b) == 0);
    CHECK(kill(a, SIGKILL) == 0 && kill(b, SIGTERM) == 0);
    CHECK(waitid(P_PGID, b, &info, WEXITED) == 0);
    is(&info, b, CLD_KILLED, SIGTERM);
    CHECK(waitid(P_PGID, a, &info, WEXITED) == 0);
    is(&info, a, CLD_KILLED, SIGKILL);
    printf("groups\n");
}

int main(void)
{
    siginfo_t info;
    test_ends();
    test_stops();
    test_groups();
    CHECK_ERRNO(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
    CHECK_ERRNO(waitid(P_ALL, 0, &info, 0), EINVAL);
    CHECK_ERRNO(waitid(P_ALL, 0, &info, WEXITED | 0x100000), EINVAL);
    CHECK_ERRNO(waitid(99, 0, &info, WEXITED), EINVAL);
    CHECK_ERRNO(waitid(P_PID, -1, &info, WEXITED), EINVAL);
    printf("errors\n");
    return 0;
}
