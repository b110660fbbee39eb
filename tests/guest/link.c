/* SPDX-License-Identifier: Apache-2.0 */
/* Several names of one file. Calls: link linkat */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "check.h"

static unsigned long links(const char *name)
{
    struct stat st;
    CHECK(lstat(name, &st) == 0);
    return st.st_nlink;
}

static void test_link(void)
{
    char byte;
    int fd = open("file", O_RDWR | O_CREAT, 0600);
    CHECK(fd >= 0 && syscall(SYS_link, "file", "second") == 0 && links("file") == 2);
    CHECK(write(fd, "w", 1) == 1 && close(fd) == 0);
    fd = open("second", O_RDONLY);
    CHECK(read(fd, &byte, 1) == 1 && byte == 'w' && close(fd) == 0);
    CHECK(unlink("file") == 0 && links("second") == 1);
    CHECK(link("second", "file") == 0 && links("file") == 2);
    printf("link\n");
}

static void test_errors(void)
{
    CHECK(mkdir("dir", 0700) == 0);
    CHECK_ERRNO(link("file", "second"), EEXIST);
    CHECK_ERRNO(link("file", "dir"), EEXIST);
    CHECK_ERRNO(link("dir", "new"), EPERM);
    CHECK_ERRNO(link("none", "new"), ENOENT);
    CHECK_ERRNO(link("file", "none/new"), ENOENT);
    CHECK_ERRNO(link("file", "second/new"), ENOTDIR);
    CHECK_ERRNO(link("file", ""), ENOENT);
    CHECK_ERRNO(link("file", "/dev/null"), EEXIST);
    CHECK_ERRNO(syscall(SYS_link, "file", 8), EFAULT);
    printf("errors\n");
}

static void test_linkat(void)
{
    struct stat st;
    int dir = open("dir", O_RDONLY | O_DIRECTORY);
    CHECK(symlink("file", "soft") == 0);
    CHECK(linkat(AT_FDCWD, "soft", dir, "a", 0) == 0 && lstat("dir/a", &st) == 0);
    CHECK(S_ISLNK(st.st_mode) && links("soft") == 2);
    CHECK(linkat(AT_FDCWD, "soft", dir, "b", AT_SYMLINK_FOLLOW) == 0 && links("file") == 3);
    CHECK_ERRNO(linkat(AT_FDCWD, "file", dir, "c", 0x4000), EINVAL);
    CHECK_ERRNO(linkat(AT_FDCWD, "file", -1, "c", 0), EBADF);
    CHECK_ERRNO(linkat(-1, "file", dir, "c", 0), EBADF);

    int fd = open("file", O_RDONLY);
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    CHECK(linkat(AT_FDCWD, path, dir, "by-descriptor", AT_SYMLINK_FOLLOW) == 0);
    CHECK(links("dir/by-descriptor") == 4);
    CHECK(unlink("dir/b") == 0 && unlink("dir/by-descriptor") == 0 && links("file") == 2);
    printf("linkat\n");
}

int main(void)
{
    test_link();
    test_errors();
    test_linkat();
    return 0;
}
