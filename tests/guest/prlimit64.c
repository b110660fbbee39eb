/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of resources. Calls: prlimit64 getrlimit setrlimit */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static void test_get_and_set(void)
{
    struct rlimit old, now, new = {100, 200};
    CHECK(syscall(SYS_getrlimit, RLIMIT_NOFILE, &old) == 0 && old.rlim_cur <= old.rlim_max);
    CHECK(prlimit(0, RLIMIT_NOFILE, NULL, &now) == 0 && now.rlim_cur == old.rlim_cur);
    CHECK(prlimit(0, RLIMIT_NOFILE, &new, &now) == 0 && now.rlim_max == old.rlim_max);
    CHECK(prlimit(getpid(), RLIMIT_NOFILE, NULL, &now) == 0);
    CHECK(now.rlim_cur == 100 && now.rlim_max == 200);
    new.rlim_cur = 150;
    CHECK(syscall(SYS_setrlimit, RLIMIT_NOFILE, &new) == 0);
    CHECK(fcntl(1, F_DUPFD, 149) == 149);
    CHECK_ERRNO(fcntl(1, F_DUPFD, 150), EINVAL);
    printf("get and set\n");
}

static void test_inherited(void)
{
    int status;
    struct rlimit now;
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur == 150);
        now.rlim_cur = 20;
        CHECK(setrlimit(RLIMIT_NOFILE, &now) == 0);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur == 150);
    printf("inherited\n");
}

static void test_errors(void)
{
    struct rlimit limit = {300, 200};
    CHECK_ERRNO(setrlimit(RLIMIT_NOFILE, &limit), EINVAL);
    CHECK_ERRNO(syscall(SYS_setrlimit, 99, &limit), EINVAL);
    CHECK_ERRNO(syscall(SYS_getrlimit, 99, &limit), EINVAL);
    CHECK_ERRNO(syscall(SYS_getrlimit, RLIMIT_CPU, 8), EFAULT);
    CHECK_ERRNO(syscall(SYS_setrlimit, RLIMIT_CPU, 8), EFAULT);
    CHECK_ERRNO(prlimit(4000000, RLIMIT_CPU, NULL, &limit), ESRCH);
    printf("errors\n");
    if (geteuid() != 0)
        return;
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        limit = (struct rlimit){50, 50};
        CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0 && setuid(1000) == 0);
        limit.rlim_max = 51;
        CHECK_ERRNO(setrlimit(RLIMIT_NOFILE, &limit), EPERM);                /* only downwards */
        CHECK_ERRNO(prlimit(getppid(), RLIMIT_NOFILE, NULL, &limit), EPERM); /* root's */
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

int main(void)
{
    test_get_and_set();
    test_inherited();
    test_errors();
    return 0;
}
