/* SPDX-License-Identifier: Apache-2.0 */
/* Symbolic links, read and followed. Calls: symlink symlinkat readlink readlinkat */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "check.h"

static void test_read(void)
{
    char buffer[64];
    CHECK(syscall(SYS_symlink, "target/of link", "link") == 0);
    memset(buffer, '#', sizeof(buffer));
    CHECK(syscall(SYS_readlink, "link", buffer, sizeof(buffer)) == 14);
    CHECK(memcmp(buffer, "target/of link###", 17) == 0); /* no end is written */
    CHECK(readlink("link", buffer, 6) == 6);
    CHECK_ERRNO(readlink("link", buffer, 0), EINVAL);
    CHECK_ERRNO(readlink("file", buffer, 8), EINVAL);
    CHECK_ERRNO(readlink(".", buffer, 8), EINVAL);
    CHECK_ERRNO(readlink("none", buffer, 8), ENOENT);
    CHECK_ERRNO(syscall(SYS_readlink, "link", 8, 8), EFAULT);
    printf("read\n");
}

static void test_make(void)
{
    static char target[5000];
    CHECK_ERRNO(symlink("x", "link"), EEXIST);
    CHECK_ERRNO(symlink("x", "none/link"), ENOENT);
    CHECK_ERRNO(symlink("x", "file/link"), ENOTDIR);
    CHECK_ERRNO(symlink("", "empty"), ENOENT);
    memset(target, 't', 4096);
    CHECK_ERRNO(symlink(target, "long"), ENAMETOOLONG);
    CHECK_ERRNO(syscall(SYS_symlink, 8, "link"), EFAULT);
    int dir = open("dir", O_RDONLY | O_DIRECTORY);
    CHECK(symlinkat("../file", dir, "up") == 0);
    char buffer[8];
    CHECK(readlinkat(dir, "up", buffer, 8) == 7 && memcmp(buffer, "../file", 7) == 0);
    CHECK_ERRNO(symlinkat("x", -1, "up"), EBADF);
    CHECK_ERRNO(readlinkat(-1, "up", buffer, 8), EBADF);
    int link = openat(dir, "up", O_PATH | O_NOFOLLOW);
    CHECK(link >= 0 && readlinkat(link, "", buffer, 8) == 7);
    close(link);
    close(dir);
    printf("make\n");
}

static void test_follow(void)
{
    struct stat st;
    CHECK(stat("dir/up", &st) == 0 && S_ISREG(st.st_mode)); /* relative to the link's directory */
    CHECK(symlink("dir", "to-dir") == 0 && stat("to-dir/up", &st) == 0);
    CHECK(lstat("to-dir/", &st) == 0 && S_ISDIR(st.st_mode)); /* a slash follows */
    CHECK(symlink("b", "a") == 0 && symlink("a", "b") == 0);
    CHECK_ERRNO(stat("a", &st), ELOOP);
    CHECK(lstat("a", &st) == 0);
    printf("follow\n");
}

static void test_depth(void)
{
    char from[8], to[8] = "file";
    struct stat st;
    for (int i = 1; i <= 41; i++) {
        snprintf(from, sizeof(from), "l%d", i);
        CHECK(symlink(to, from) == 0);
        strcpy(to, from);
    }
    CHECK(stat("l40", &st) == 0);
    CHECK_ERRNO(stat("l41", &st), ELOOP);
    printf("depth\n");
}

int main(void)
{
    int fd = open("file", O_WRONLY | O_CREAT, 0600);
    CHECK(fd >= 0 && close(fd) == 0 && mkdir("dir", 0700) == 0);
    test_read();
    test_make();
    test_follow();
    test_depth();
    return 0;
}
