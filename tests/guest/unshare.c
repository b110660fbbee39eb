/* SPDX-License-Identifier: Apache-2.0 */
/* What tasks share, and how they stop sharing it. Calls: unshare setns kcmp clone syslog */
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static char stack[65536] __attribute__((aligned(16)));
static int outside;

static long compare(int kind, long first, long second)
{
    return syscall(SYS_kcmp, outside, getpid(), kind, first, second);
}

static int run(void *unused)
{
    (void)unused;
    CHECK(compare(KCMP_FILES, 0, 0) == 0 && compare(KCMP_FS, 0, 0) == 0);
    CHECK(compare(KCMP_VM, 0, 0) == 0 && compare(KCMP_SIGHAND, 0, 0) != 0);
    CHECK(compare(KCMP_FILE, 1, 1) == 0);
    CHECK(unshare(CLONE_FILES) == 0 && compare(KCMP_FILES, 0, 0) != 0);
    CHECK(compare(KCMP_FILE, 1, 1) == 0 && compare(KCMP_FS, 0, 0) == 0);
    CHECK(close(0) == 0);
    CHECK(unshare(CLONE_FS) == 0 && compare(KCMP_FS, 0, 0) != 0);
    umask(077);
    CHECK(chdir("/") == 0);
    _exit(0);
}

static void test_shared(void)
{
    int status;
    outside = getpid();
    umask(022);
    int pid = clone(run, stack + sizeof(stack), CLONE_VM | CLONE_FILES | CLONE_FS | SIGCHLD, NULL);
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(fcntl(0, F_GETFD) >= 0 && umask(022) == 022 && access("/proc/self", F_OK) == 0);
    printf("shared\n");
}

static void test_compare(void)
{
    int file = open("file", O_RDWR | O_CREAT, 0600), copy = dup(file);
    int other = open("file", O_RDWR), less, greater;
    outside = getpid();
    CHECK(compare(KCMP_FILE, file, copy) == 0);
    less = (int)compare(KCMP_FILE, file, other);
    greater = (int)compare(KCMP_FILE, other, file);
    CHECK((less == 1 || less == 2) && (greater == 1 || greater == 2));
    CHECK_ERRNO(compare(KCMP_FILE, file, 900), EBADF);
    CHECK_ERRNO(compare(77, 0, 0), EINVAL);
    CHECK(compare(KCMP_IO, 0, 0) == 0 && compare(KCMP_SYSVSEM, 0, 0) == 0);
    outside = 4000000;
    CHECK_ERRNO(compare(KCMP_VM, 0, 0), ESRCH);
    printf("compare\n");
}

static void test_errors(void)
{
    CHECK(unshare(0) == 0);
    CHECK_ERRNO(unshare(1), EINVAL);
    CHECK(unshare(CLONE_THREAD) == 0 && unshare(CLONE_SIGHAND | CLONE_VM) == 0);
    CHECK_ERRNO(setns(900, 0), EBADF);
    CHECK_ERRNO(setns(1, 0), EINVAL);
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(setuid(1000) == 0);
        CHECK_ERRNO(unshare(CLONE_NEWUTS), EPERM);
        outside = getppid();
        CHECK_ERRNO(compare(KCMP_VM, 0, 0), EPERM);
        CHECK_ERRNO(syscall(SYS_syslog, 77, NULL, 0), EPERM);
        CHECK_ERRNO(syscall(SYS_syslog, 5, NULL, 0), EPERM);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    printf("errors\n");
}

int main(void)
{
    test_shared();
    test_compare();
    test_errors();
    return 0;
}
