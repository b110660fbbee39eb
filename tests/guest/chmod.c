/* SPDX-License-Identifier: Apache-2.0 */
/* Changing modes. Calls: chmod fchmod fchmodat umask */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static mode_t mode_of(const char *name)
{
    struct stat st;
    CHECK(stat(name, &st) == 0);
    return st.st_mode;
}

static void test_umask(void)
{
    umask(0);
    CHECK(umask(077) == 0 && umask(01777) == 077 && umask(022) == 0777);
    int fd = open("masked", O_WRONLY | O_CREAT, 0666);
    CHECK(fd >= 0 && close(fd) == 0 && mode_of("masked") == (S_IFREG | 0644));
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(umask(0) == 022); /* inherited, then its own */
        _exit(0);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0 && umask(022) == 022);
    printf("umask\n");
}

static void test_change(int fd)
{
    CHECK(syscall(SYS_chmod, "file", 0751) == 0 && mode_of("file") == (S_IFREG | 0751));
    CHECK(chmod("file", 06755) == 0 && mode_of("file") == (S_IFREG | 06755));
    CHECK(fchmod(fd, 0) == 0 && mode_of("file") == S_IFREG);
    CHECK(write(fd, "x", 1) == 1); /* an open file is not concerned */
    CHECK(syscall(SYS_fchmodat, AT_FDCWD, "link", 0600) == 0 &&
          mode_of("file") == (S_IFREG | 0600));
    CHECK(mkdir("dir", 0700) == 0 && chmod("dir", 01777) == 0 &&
          mode_of("dir") == (S_IFDIR | 01777));
    printf("change\n");
}

static void test_errors(int fd)
{
    CHECK_ERRNO(chmod("none", 0600), ENOENT);
    CHECK_ERRNO(chmod("file/x", 0600), ENOTDIR);
    CHECK_ERRNO(fchmod(-1, 0600), EBADF);
    CHECK_ERRNO(syscall(SYS_fchmodat, -1, "file", 0600), EBADF);
    CHECK_ERRNO(syscall(SYS_chmod, 8, 0600), EFAULT);
    int path = open("file", O_PATH);
    CHECK_ERRNO(fchmod(path, 0600), EBADF);
    close(path);
    printf("errors\n");
    if (geteuid() != 0)
        return;
    CHECK(chmod(".", 0755) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(setuid(1000) == 0);
        CHECK_ERRNO(chmod("file", 0777), EPERM);
        CHECK_ERRNO(fchmod(fd, 0777), EPERM);
        _exit(0);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

int main(void)
{
    test_umask();
    int fd = open("file", O_RDWR | O_CREAT, 0600);
    CHECK(fd >= 0 && symlink("file", "link") == 0);
    test_change(fd);
    test_errors(fd);
    return 0;
}
