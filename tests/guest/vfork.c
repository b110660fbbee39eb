/* SPDX-License-Identifier: Apache-2.0 */
/* A vfork's child runs in the parent's memory; the parent waits until it execs or exits.
 * Calls: vfork execve exit */
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

static volatile int shared;
static char *self;

static void expect(pid_t pid, int code)
{
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == code);
}

static void test_exit(void)
{
    shared = 1;
    pid_t pid = vfork();
    if (pid == 0) {
        struct timespec pause = {0, 50000000};
        nanosleep(&pause, NULL);
        shared = 2;
        _exit(9);
    }
    CHECK(shared == 2); /* the parent came after, and sees it */
    expect(pid, 9);
    printf("exit\n");
}

static void test_exec(void)
{
    char *arguments[] = {self, "child", NULL}, *none[] = {NULL};
    pid_t pid = vfork();
    if (pid == 0) {
        shared = 3;
        execve(self, arguments, none);
        _exit(1);
    }
    CHECK(shared == 3);
    expect(pid, 33);
    printf("exec\n");
}

static void test_exec_fails(void)
{
    char *none[] = {NULL};
    pid_t pid = vfork();
    if (pid == 0) {
        if (execve("/no/such/program", none, none) == -1 && errno == ENOENT)
            _exit(4);
        _exit(1);
    }
    expect(pid, 4);
    printf("an exec that fails\n");
}

static void test_killed(void)
{
    int status;
    pid_t pid = vfork();
    if (pid == 0) {
        syscall(SYS_kill, syscall(SYS_getpid), 9);
        _exit(1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == 9);
    printf("killed\n");
}

static void test_descriptors(void)
{
    int fd = dup(1);
    pid_t pid = vfork();
    if (pid == 0) {
        close(fd); /* the table is a copy */
        _exit(0);
    }
    expect(pid, 0);
    CHECK(close(fd) == 0);
    printf("descriptors\n");
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return strcmp(argv[1], "child") == 0 ? 33 : 1;
    self = argv[0];
    test_exit();
    test_exec();
    test_exec_fails();
    test_killed();
    test_descriptors();
    return 0;
}
