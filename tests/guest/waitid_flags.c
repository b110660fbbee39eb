/* SPDX-License-Identifier: Apache-2.0 */
/* Whom waitid and wait4 wait for, and what SIGCHLD tells. Calls: waitid wait4 clone */
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static pid_t child(int code)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(code);
    return pid;
}

/* A child that ends with another signal than SIGCHLD, or none. */
static pid_t clone_child(int sig, int code)
{
    pid_t pid = (pid_t)syscall(SYS_clone, sig, NULL, NULL, NULL, NULL);
    if (pid == 0)
        _exit(code);
    return pid;
}

static void test_groups(void)
{
    siginfo_t info;
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(setpgid(0, 0) == 0);
        _exit(1);
    }
    CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
    CHECK_ERRNO(waitid(P_PGID, 1, &info, WEXITED), ECHILD); /* not: any child */
    CHECK_ERRNO(waitid(P_PGID, 0, &info, WEXITED), ECHILD);
    CHECK_ERRNO(waitid(P_PGID, (id_t)-5, &info, WEXITED), EINVAL);
    CHECK(waitid(P_PGID, (id_t)pid, &info, WEXITED) == 0 && info.si_pid == pid);
    pid_t mine = child(3);
    CHECK(waitid(P_PGID, 0, &info, WEXITED) == 0 && info.si_pid == mine);
    printf("groups\n");
}

static void test_clones(void)
{
    siginfo_t info;
    int status;
    pid_t quiet = clone_child(0, 5);
    CHECK_ERRNO(waitid(P_PID, quiet, &info, WEXITED), ECHILD);
    CHECK(waitid(P_PID, quiet, &info, WEXITED | __WCLONE | WNOWAIT) == 0);
    CHECK(info.si_pid == quiet && info.si_status == 5);
    CHECK(wait4(quiet, &status, __WALL, NULL) == quiet && WEXITSTATUS(status) == 5);
    pid_t plain = child(6);
    CHECK_ERRNO(wait4(plain, &status, __WCLONE, NULL), ECHILD);
    CHECK(wait4(plain, &status, __WALL, NULL) == plain);
    printf("clones\n");
}

static void test_no_wait(void)
{
    siginfo_t info;
    pid_t pid = fork();
    if (pid == 0) {
        for (;;)
            pause();
    }
    memset(&info, 0xff, sizeof(info));
    CHECK(waitid(P_PID, pid, &info, WEXITED | WSTOPPED | WCONTINUED | WNOHANG) == 0);
    CHECK(info.si_pid == 0 && info.si_signo == 0 && info.si_code == 0);
    CHECK(kill(pid, SIGSTOP) == 0);
    for (int i = 0; i < 2; i++) { /* it stays to be told */
        CHECK(waitid(P_PID, pid, &info, WSTOPPED | WNOWAIT) == 0);
        CHECK(info.si_code == CLD_STOPPED && info.si_status == SIGSTOP);
    }
    CHECK(waitid(P_PID, pid, &info, WSTOPPED) == 0);
    info.si_pid = 1;
    CHECK(waitid(P_PID, pid, &info, WSTOPPED | WNOHANG) == 0 && info.si_pid == 0);
    CHECK(kill(pid, SIGCONT) == 0 && waitid(P_PID, pid, &info, WCONTINUED | WNOWAIT) == 0);
    CHECK(info.si_code == CLD_CONTINUED && info.si_status == SIGCONT);
    CHECK(waitid(P_PID, pid, &info, WCONTINUED) == 0);
    CHECK(kill(pid, SIGKILL) == 0 && waitid(P_PID, pid, &info, WEXITED) == 0);
    CHECK(info.si_code == CLD_KILLED && info.si_status == SIGKILL);
    printf("stays to be told\n");
}

/* Real ids go with the signal; a child's time is its own and its children's. */
static void test_signal(void)
{
    struct rusage usage;
    siginfo_t info;
    sigset_t set;
    int status;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        volatile unsigned spin = 0;
        while (spin < 30000000)
            spin++;
        CHECK(setresuid(getuid() == 0 ? 1234 : getuid(), getuid(), getuid()) == 0);
        _exit(9);
    }
    CHECK(sigwaitinfo(&set, &info) == SIGCHLD);
    CHECK(info.si_pid == pid && info.si_code == CLD_EXITED && info.si_status == 9);
    CHECK(info.si_uid == (getuid() == 0 ? 1234 : getuid()));
    CHECK(wait4(pid, &status, 0, &usage) == pid);
    CHECK(usage.ru_utime.tv_sec + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec > 0); /* ticks */
    printf("signal\n");
}

int main(void)
{
    siginfo_t info;
    test_groups();
    test_clones();
    test_no_wait();
    test_signal();
    CHECK_ERRNO(waitid(P_ALL, 0, &info, WNOHANG), EINVAL);
    CHECK_ERRNO(waitid(P_ALL, 0, &info, WEXITED | 0x8000), EINVAL);
    CHECK_ERRNO(wait4(-1, NULL, WEXITED, NULL), EINVAL);
    CHECK_ERRNO(wait4(INT32_MIN, NULL, 0, NULL), ESRCH);
    CHECK_ERRNO(waitid(P_PID, 0, &info, WEXITED), EINVAL);
    printf("errors\n");
    return 0;
}
