/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for children: whom, how they ended, not at all. Calls: wait4 getrusage */
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static int gate[2];

static pid_t child(int code)
{
    char byte;
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    if (code >= 100)
        CHECK(read(gate[0], &byte, 1) == 1);
    _exit(code);
}

static void test_status(void)
{
    int status;
    for (int code = 0; code <= 3; code++) {
        pid_t pid = child(code * 17);
        CHECK(wait4(pid, &status, 0, NULL) == pid);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == code * 17);
    }
    int signals[] = {SIGTERM, SIGKILL, SIGUSR2, SIGRTMIN};
    for (int i = 0; i < 4; i++) {
        pid_t pid = child(100);
        CHECK(kill(pid, signals[i]) == 0 && wait4(pid, &status, 0, NULL) == pid);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == signals[i] && !WCOREDUMP(status));
    }
    printf("statuses\n");
}

static void test_whom(void)
{
    int status;
    pid_t a = child(1), b = child(2);
    CHECK(wait4(b, &status, 0, NULL) == b && WEXITSTATUS(status) == 2);
    CHECK(wait4(-1, &status, 0, NULL) == a && WEXITSTATUS(status) == 1);
    a = child(101), b = child(102);
    CHECK(setpgid(b, b) == 0);
    CHECK(wait4(-1, &status, WNOHANG, NULL) == 0 && wait4(a, &status, WNOHANG, NULL) == 0);
    CHECK_ERRNO(wait4(-a, &status, WNOHANG, NULL), ECHILD); /* no such group of ours */
    CHECK(write(gate[1], "xx", 2) == 2);
    CHECK(wait4(-b, &status, 0, NULL) == b && WEXITSTATUS(status) == 102);
    CHECK(wait4(0, &status, 0, NULL) == a && WEXITSTATUS(status) == 101);
    printf("whom\n");
}

static void test_none(void)
{
    int status;
    CHECK_ERRNO(wait4(-1, &status, 0, NULL), ECHILD);
    CHECK_ERRNO(wait4(-1, &status, WNOHANG, NULL), ECHILD);
    CHECK_ERRNO(wait4(getpid(), &status, 0, NULL), ECHILD);
    CHECK_ERRNO(wait4(-1, &status, 0x100000, NULL), EINVAL);
    pid_t pid = child(5);
    CHECK(wait4(pid, NULL, 0, NULL) == pid);
    CHECK_ERRNO(wait4(pid, NULL, 0, NULL), ECHILD); /* reaped once */
    printf("none\n");
}

static void test_usage(void)
{
    struct rusage usage;
    memset(&usage, 0xff, sizeof(usage));
    pid_t pid = fork();
    if (pid == 0) {
        for (volatile long i = 0; i < 30000000; i++)
            ;
        _exit(0);
    }
    CHECK(wait4(pid, NULL, 0, &usage) == pid);
    CHECK(usage.ru_utime.tv_sec >= 0 && usage.ru_utime.tv_usec >= 0);
    CHECK(usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec > 0);
    struct rusage children;
    CHECK(getrusage(RUSAGE_CHILDREN, &children) == 0 && getrusage(RUSAGE_SELF, &usage) == 0);
    CHECK(children.ru_utime.tv_sec * 1000000 + children.ru_utime.tv_usec > 0);
    CHECK_ERRNO(syscall(SYS_getrusage, 99, &usage), EINVAL);
    CHECK_ERRNO(syscall(SYS_getrusage, RUSAGE_SELF, 8), EFAULT);
    printf("usage\n");
}

static void test_fault(void)
{
    int status;
    pid_t pid = child(6);
    CHECK_ERRNO(syscall(SYS_wait4, pid, 8, 0, NULL), EFAULT); /* Linux: it is reaped nevertheless */
    CHECK_ERRNO(wait4(pid, &status, 0, NULL), ECHILD);
    printf("fault\n");
}

int main(void)
{
    CHECK(pipe(gate) == 0);
    test_status();
    test_whom();
    test_none();
    test_usage();
    test_fault();
    return 0;
}
