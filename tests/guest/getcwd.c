/* SPDX-License-Identifier: Apache-2.0 */
/* The working directory. Calls: getcwd chdir fchdir */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static char start[4096];

static void at(const char *below)
{
    char cwd[4096], want[8192];
    long size = syscall(SYS_getcwd, cwd, sizeof(cwd));
    snprintf(want, sizeof(want), "%s%s", start, below);
    CHECK(size == (long)strlen(want) + 1 && strcmp(cwd, want) == 0);
}

static void test_change(void)
{
    CHECK(mkdir("a", 0755) == 0 && mkdir("a/b", 0755) == 0 && symlink("a/b", "link") == 0);
    CHECK(chdir("a") == 0);
    at("/a");
    CHECK(chdir("../link") == 0);
    at("/a/b"); /* a link leads to where it points */
    CHECK(chdir("..") == 0);
    at("/a");
    CHECK(rename("../a", "../renamed") == 0);
    at("/renamed");
    int fd = open("b", O_RDONLY | O_DIRECTORY);
    CHECK(chdir(start) == 0);
    at("");
    CHECK(fchdir(fd) == 0 && close(fd) == 0);
    at("/renamed/b");
    CHECK(chdir(start) == 0);
    printf("change\n");
}

static void test_child(void)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(chdir("renamed") == 0);
        at("/renamed");
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    at(""); /* the child has its own */
    printf("child\n");
}

static void test_errors(void)
{
    char small[2];
    int fd = open("file", O_RDWR | O_CREAT, 0600);
    CHECK_ERRNO(chdir("file"), ENOTDIR);
    CHECK_ERRNO(chdir("none"), ENOENT);
    CHECK_ERRNO(chdir(""), ENOENT);
    CHECK_ERRNO(fchdir(fd), ENOTDIR);
    CHECK_ERRNO(fchdir(-1), EBADF);
    CHECK_ERRNO(syscall(SYS_getcwd, small, sizeof(small)), ERANGE);
    CHECK_ERRNO(syscall(SYS_getcwd, 8, 4096), EFAULT);
    CHECK_ERRNO(syscall(SYS_chdir, 8), EFAULT);
    printf("errors\n");
}

static void test_removed(void)
{
    char cwd[4096];
    CHECK(mkdir("gone", 0755) == 0 && chdir("gone") == 0 && rmdir("../gone") == 0);
    CHECK_ERRNO(syscall(SYS_getcwd, cwd, sizeof(cwd)), ENOENT);
    CHECK_ERRNO(open("new", O_CREAT | O_WRONLY, 0600), ENOENT);
    CHECK_ERRNO(open("file", O_RDONLY), ENOENT);
    CHECK(chdir("..") == 0);
    at("");
    printf("removed\n");
}

int main(void)
{
    CHECK(syscall(SYS_getcwd, start, sizeof(start)) > 1 && start[0] == '/');
    test_change();
    test_child();
    test_errors();
    test_removed();
    CHECK(chdir("/") == 0 && syscall(SYS_getcwd, start, sizeof(start)) == 2);
    return 0;
}
