/* SPDX-License-Identifier: Apache-2.0 */
/* Nice values and I/O priorities. Calls: getpriority setpriority ioprio_get ioprio_set fork */
#include <linux/ioprio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static long get_io(int which, int who)
{
    return syscall(SYS_ioprio_get, which, who);
}

static long set_io(int which, int who, int value)
{
    return syscall(SYS_ioprio_set, which, who, value);
}

static void in_child(void (*test)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        test();
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void test_nice(void)
{
    CHECK(setpriority(PRIO_PROCESS, 0, 4) == 0 && getpriority(PRIO_PROCESS, 0) == 4);
    CHECK(getpriority(PRIO_PROCESS, getpid()) == 4);
    CHECK(syscall(SYS_getpriority, PRIO_PROCESS, 0) == 16);
    CHECK(setpriority(PRIO_PROCESS, getpid(), 100) == 0 && getpriority(PRIO_PROCESS, 0) == 19);
    CHECK(setpriority(PRIO_PROCESS, 0, -100) == 0 && getpriority(PRIO_PROCESS, 0) == -20);
    CHECK(setpriority(PRIO_PROCESS, 0, 5) == 0);
    CHECK_ERRNO(setpriority(PRIO_PROCESS, 4000000, 5), ESRCH);
    CHECK_ERRNO(setpriority(3, 0, 5), EINVAL);
    CHECK_ERRNO(syscall(SYS_getpriority, -1, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_getpriority, PRIO_PROCESS, 4000000), ESRCH);
    CHECK_ERRNO(syscall(SYS_getpriority, PRIO_PGRP, 4000000), ESRCH);
    printf("nice\n");
}

static void test_group(void)
{
    int ends[2];
    char byte;
    CHECK(setpgid(0, 0) == 0 && pipe(ends) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[1]);
        _exit(read(ends[0], &byte, 1) == 0 && getpriority(PRIO_PROCESS, 0) == 9 ? 0 : 1);
    }
    CHECK(setpriority(PRIO_PROCESS, pid, 2) == 0);
    CHECK(getpriority(PRIO_PGRP, 0) == 2); /* the highest */
    CHECK(setpriority(PRIO_PGRP, getpgrp(), 9) == 0);
    CHECK(getpriority(PRIO_PROCESS, pid) == 9 && getpriority(PRIO_PROCESS, 0) == 9);
    int status;
    close(ends[1]);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    printf("group\n");
}

static void test_unprivileged(void)
{
    CHECK(setpriority(PRIO_PROCESS, 0, 6) == 0);
    CHECK(setuid(1000) == 0);
    CHECK(setpriority(PRIO_PROCESS, 0, 8) == 0);
    CHECK(setpriority(PRIO_PROCESS, 0, 8) == 0);
    CHECK_ERRNO(setpriority(PRIO_PROCESS, 0, 7), EACCES);
    CHECK_ERRNO(setpriority(PRIO_PROCESS, getppid(), 19), EPERM);
    CHECK_ERRNO(set_io(IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_RT, 0)), EPERM);
    CHECK_ERRNO(set_io(IOPRIO_WHO_PROCESS, getppid(), IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 2)),
                EPERM);
    CHECK(set_io(IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 1)) == 0);
}

static void test_io(void)
{
    int best = IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 2),
        idle = IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0);
    CHECK(set_io(IOPRIO_WHO_PROCESS, 0, 0) == 0 && get_io(IOPRIO_WHO_PROCESS, 0) == 0);
    CHECK(setpriority(PRIO_PROCESS, 0, 5) == 0); /* of a group it follows the nice value */
    CHECK(get_io(IOPRIO_WHO_USER, 12345678) == -1 && errno == ESRCH);
    CHECK(set_io(IOPRIO_WHO_PROCESS, 0, best) == 0);
    CHECK(get_io(IOPRIO_WHO_PROCESS, getpid()) == best);
    CHECK(get_io(IOPRIO_WHO_PGRP, 0) == best);
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(get_io(IOPRIO_WHO_PROCESS, 0) == best ? 0 : 1);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(set_io(IOPRIO_WHO_PROCESS, 0, idle) == 0 && get_io(IOPRIO_WHO_PROCESS, 0) == idle);
    CHECK_ERRNO(set_io(IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_NONE, 1)), EINVAL);
    CHECK_ERRNO(set_io(IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(5, 0)), EINVAL);
    CHECK_ERRNO(set_io(IOPRIO_WHO_PROCESS, 4000000, best), ESRCH);
    CHECK_ERRNO(set_io(9, 0, best), EINVAL);
    CHECK_ERRNO(get_io(9, 0), EINVAL);
    CHECK_ERRNO(get_io(IOPRIO_WHO_PROCESS, 4000000), ESRCH);
    CHECK(set_io(IOPRIO_WHO_PROCESS, 0, 0) == 0);
    printf("input and output\n");
}

int main(void)
{
    test_nice();
    in_child(test_group);
    in_child(test_unprivileged);
    printf("without rights\n");
    test_io();
    return 0;
}
