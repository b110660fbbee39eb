/* SPDX-License-Identifier: Apache-2.0 */
/* clone makes processes that share what is asked for. Calls: clone */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static pid_t *tids; /* shared memory */

static long clone_process(unsigned long flags, pid_t *parent_tid, pid_t *child_tid)
{
    return syscall(SYS_clone, flags, 0, parent_tid, child_tid, 0);
}

static void expect(long pid, int options)
{
    int status;
    CHECK(waitpid((pid_t)pid, &status, options) == pid && status == 0);
}

static void test_tids(void)
{
    pid_t parent_tid = 0;
    long pid = clone_process(SIGCHLD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID, &parent_tid, tids);
    if (pid == 0) {
        CHECK(tids[0] == getpid() && parent_tid == 0);
        _exit(0);
    }
    CHECK(parent_tid == pid);
    expect(pid, 0);
    CHECK(tids[0] == pid);
    printf("tids\n");
}

static void test_files(void)
{
    long pid = clone_process(SIGCHLD | CLONE_FILES, NULL, NULL);
    if (pid == 0) {
        CHECK(dup2(1, 50) == 50);
        _exit(0);
    }
    expect(pid, 0);
    CHECK(close(50) == 0); /* one table for both */
    pid = clone_process(SIGCHLD, NULL, NULL);
    if (pid == 0) {
        CHECK(dup2(1, 50) == 50);
        _exit(0);
    }
    expect(pid, 0);
    CHECK_ERRNO(close(50), EBADF);
    printf("files\n");
}

static void test_fs(void)
{
    umask(022);
    CHECK(mkdir("dir", 0700) == 0);
    long pid = clone_process(SIGCHLD | CLONE_FS, NULL, NULL);
    if (pid == 0) {
        CHECK(chdir("dir") == 0 && umask(077) == 022);
        _exit(0);
    }
    expect(pid, 0);
    CHECK(umask(022) == 077 && access("../dir", F_OK) == 0 && chdir("..") == 0);
    printf("fs\n");
}

static volatile sig_atomic_t received;

static void on_signal(int sig)
{
    received = sig;
}

static void test_exit_signal(void)
{
    signal(SIGUSR1, on_signal);
    signal(SIGCHLD, on_signal);
    long pid = clone_process(SIGUSR1, NULL, NULL);
    if (pid == 0)
        _exit(0);
    CHECK_ERRNO(waitpid((pid_t)pid, NULL, 0), ECHILD); /* not a SIGCHLD child */
    while (received == 0)
        sched_yield();
    CHECK(received == SIGUSR1);
    expect(pid, __WCLONE);
    received = 0;
    pid = clone_process(0, NULL, NULL);
    if (pid == 0)
        _exit(0);
    expect(pid, __WALL);
    CHECK(received == 0);
    printf("exit signals\n");
}

static int set_value(void *value)
{
    *(int *)value = 2;
    return 0;
}

static void test_vm(void)
{
    static char stack[8192];
    int value = 1;
    pid_t pid = clone(set_value, stack + sizeof(stack), SIGCHLD | CLONE_VM | CLONE_VFORK, &value);
    CHECK(pid > 0 && value == 2);
    expect(pid, 0);
    printf("memory\n");
}

static void test_errors(void)
{
    CHECK_ERRNO(clone_process(SIGCHLD | CLONE_SIGHAND, NULL, NULL), EINVAL);
    CHECK_ERRNO(clone_process(SIGCHLD | CLONE_THREAD | CLONE_VM, NULL, NULL), EINVAL);
    CHECK_ERRNO(clone_process(SIGCHLD | CLONE_FS | CLONE_NEWNS, NULL, NULL), EINVAL);
    printf("errors\n");
}

int main(void)
{
    tids = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(tids != MAP_FAILED);
    test_tids();
    test_files();
    test_fs();
    test_exit_signal();
    test_vm();
    test_errors();
    return 0;
}
