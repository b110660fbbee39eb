/* SPDX-License-Identifier: Apache-2.0 */
/* Making and removing directories. Calls: mkdir mkdirat rmdir unlinkat */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "check.h"

static void test_make(void)
{
    struct stat st;
    umask(022);
    CHECK(syscall(SYS_mkdir, "dir", 0777) == 0);
    CHECK(stat("dir", &st) == 0 && st.st_mode == (S_IFDIR | 0755));
    CHECK(syscall(SYS_mkdir, "sticky/", 01700) == 0);
    CHECK(stat("sticky", &st) == 0 && st.st_mode == (S_IFDIR | 01700));
    int dir = open("dir", O_RDONLY | O_DIRECTORY);
    CHECK(mkdirat(dir, "below", 0700) == 0 && access("dir/below", F_OK) == 0);
    CHECK(mkdirat(AT_FDCWD, "dir/below/deeper", 0700) == 0);
    CHECK_ERRNO(mkdirat(-1, "x", 0700), EBADF);
    close(dir);
    printf("make\n");
}

static void test_make_errors(void)
{
    static char name[300];
    int fd = open("file", O_WRONLY | O_CREAT, 0600);
    CHECK(fd >= 0 && symlink("nowhere", "dangling") == 0);
    CHECK_ERRNO(mkdir("dir", 0700), EEXIST);
    CHECK_ERRNO(mkdir("file", 0700), EEXIST);
    CHECK_ERRNO(mkdir("dangling", 0700), EEXIST);
    CHECK_ERRNO(mkdir("/", 0700), EEXIST);
    CHECK_ERRNO(mkdir(".", 0700), EEXIST);
    CHECK_ERRNO(mkdir("none/dir", 0700), ENOENT);
    CHECK_ERRNO(mkdir("file/dir", 0700), ENOTDIR);
    CHECK_ERRNO(mkdir("", 0700), ENOENT);
    CHECK_ERRNO(mkdirat(fd, "dir", 0700), ENOTDIR);
    memset(name, 'n', 256);
    CHECK_ERRNO(mkdir(name, 0700), ENAMETOOLONG);
    CHECK_ERRNO(syscall(SYS_mkdir, 8, 0700), EFAULT);
    printf("make: errors\n");
}

static void test_remove(void)
{
    CHECK_ERRNO(rmdir("dir"), ENOTEMPTY);
    CHECK_ERRNO(rmdir("dir/below/.."), ENOTEMPTY);
    CHECK_ERRNO(rmdir("dir/below/deeper/."), EINVAL);
    CHECK_ERRNO(rmdir("file"), ENOTDIR);
    CHECK_ERRNO(rmdir("dangling"), ENOTDIR);
    CHECK_ERRNO(rmdir("none"), ENOENT);
    CHECK_ERRNO(rmdir("/"), EBUSY);
    int dir = open("dir", O_RDONLY | O_DIRECTORY);
    CHECK_ERRNO(unlinkat(dir, "below", 0), EISDIR);
    CHECK_ERRNO(unlinkat(dir, "below", 0x1000), EINVAL);
    CHECK_ERRNO(unlinkat(AT_FDCWD, "file", AT_REMOVEDIR), ENOTDIR);
    CHECK(unlinkat(dir, "below/deeper", AT_REMOVEDIR) == 0);
    CHECK(unlinkat(dir, "below/", AT_REMOVEDIR) == 0);
    CHECK(rmdir("dir") == 0);
    CHECK_ERRNO(openat(dir, "file", O_CREAT | O_WRONLY, 0600), ENOENT);
    CHECK_ERRNO(mkdirat(dir, "again", 0700), ENOENT);
    CHECK(mkdir("dir", 0700) == 0 && rmdir("dir") == 0);
    printf("remove\n");
}

int main(void)
{
    test_make();
    test_make_errors();
    test_remove();
    return 0;
}
