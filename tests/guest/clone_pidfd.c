/* SPDX-License-Identifier: Apache-2.0 */
/* Children that come with a pidfd. Calls: clone clone3 */
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static void test_clone(void)
{
    siginfo_t info;
    int fd = -1;
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &fd, NULL, NULL);
    if (pid == 0)
        _exit(11);
    CHECK(pid > 0 && fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
    CHECK(waitid(P_PIDFD, (id_t)fd, &info, WEXITED) == 0);
    CHECK(info.si_pid == pid && info.si_status == 11);
    close(fd);
    printf("clone\n");
}

static void test_clone3(void)
{
    siginfo_t info;
    int fd = -1;
    struct clone_args args = {
        .flags = CLONE_PIDFD, .pidfd = (uintptr_t)&fd, .exit_signal = SIGCHLD};
    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
    if (pid == 0) {
        CHECK(fcntl(fd, F_GETFD) == -1); /* the parent's alone */
        _exit(12);
    }
    CHECK(pid > 0 && fd >= 0);
    CHECK(waitid(P_PIDFD, (id_t)fd, &info, WEXITED) == 0 && info.si_status == 12);
    close(fd);
    printf("clone3\n");
}

static void test_errors(void)
{
    int fd = -1, next;
    struct clone_args args = {.flags = CLONE_PIDFD, .pidfd = 8, .exit_signal = SIGCHLD};
    CHECK_ERRNO(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID, NULL, &fd, NULL, NULL),
                EINVAL);
    CHECK_ERRNO(syscall(SYS_clone, CLONE_PIDFD | CLONE_DETACHED, NULL, &fd, NULL, NULL), EINVAL);
    CHECK_ERRNO(syscall(SYS_clone3, &args, sizeof(args)), EFAULT);
    CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
    next = dup(0);
    CHECK(next == 3); /* none was left open */
    close(next);
    printf("errors\n");
}

int main(void)
{
    test_clone();
    test_clone3();
    test_errors();
    return 0;
}
