/* SPDX-License-Identifier: Apache-2.0 */
/* Flags of open and its errors. Calls: open creat */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "check.h"

static void test_create(void)
{
    struct stat st;
    umask(027);
    CHECK_ERRNO(open("file", O_RDONLY), ENOENT);
    int fd = (int)syscall(SYS_open, "file", O_RDWR | O_CREAT | O_EXCL, 0777);
    CHECK(fd >= 0 && fstat(fd, &st) == 0 && st.st_mode == (S_IFREG | 0750));
    CHECK(write(fd, "content", 7) == 7 && close(fd) == 0);
    CHECK_ERRNO(open("file", O_RDWR | O_CREAT | O_EXCL, 0777), EEXIST);
    fd = open("file", O_RDWR | O_CREAT, 0600); /* the mode is for new files only */
    CHECK(fstat(fd, &st) == 0 && st.st_mode == (S_IFREG | 0750) && st.st_size == 7);
    close(fd);
    fd = open("file", O_WRONLY | O_TRUNC);
    CHECK(fstat(fd, &st) == 0 && st.st_size == 0);
    close(fd);
    fd = (int)syscall(SYS_creat, "made", 0600);
    CHECK(fd >= 0 && write(fd, "x", 1) == 1);
    CHECK_ERRNO(read(fd, &st, 1), EBADF);
    close(fd);
    fd = open("readable", O_RDWR | O_CREAT, 0400); /* permissions are checked at the next open */
    CHECK(fd >= 0 && write(fd, "x", 1) == 1);
    close(fd);
    printf("create\n");
}

static void test_directories(void)
{
    CHECK(mkdir("dir", 0755) == 0);
    CHECK_ERRNO(open("dir", O_WRONLY), EISDIR);
    CHECK_ERRNO(open("dir", O_RDWR), EISDIR);
    CHECK_ERRNO(open("dir", O_RDONLY | O_CREAT, 0644), EISDIR);
    CHECK_ERRNO(open("file", O_RDONLY | O_DIRECTORY), ENOTDIR);
    CHECK_ERRNO(open("file/below", O_RDONLY), ENOTDIR);
    CHECK_ERRNO(open("file/", O_RDONLY), ENOTDIR);
    CHECK_ERRNO(open("none/file", O_RDONLY | O_CREAT, 0644), ENOENT);
    CHECK_ERRNO(open("new/", O_RDONLY | O_CREAT, 0644), EISDIR);
    CHECK_ERRNO(open("", O_RDONLY), ENOENT);
    int fd = open("dir/", O_RDONLY | O_DIRECTORY);
    CHECK(fd >= 0 && close(fd) == 0);
    fd = open("./dir/.././/dir/.", O_RDONLY);
    CHECK(fd >= 0 && close(fd) == 0);
    printf("directories\n");
}

static void test_links(void)
{
    CHECK(symlink("file", "link") == 0 && symlink("loop", "loop") == 0);
    CHECK(symlink("made-by-link", "dangling") == 0);
    CHECK_ERRNO(open("link", O_RDONLY | O_NOFOLLOW), ELOOP);
    CHECK_ERRNO(open("loop", O_RDONLY), ELOOP);
    CHECK_ERRNO(open("dangling", O_RDONLY), ENOENT);
    CHECK_ERRNO(open("dangling", O_RDWR | O_CREAT | O_EXCL, 0644), EEXIST);
    int fd = open("dangling", O_RDWR | O_CREAT, 0644);
    CHECK(fd >= 0 && close(fd) == 0 && access("made-by-link", F_OK) == 0);
    fd = open("link", O_PATH | O_NOFOLLOW);
    struct stat st;
    CHECK(fd >= 0 && fstat(fd, &st) == 0 && S_ISLNK(st.st_mode));
    close(fd);
    printf("links\n");
}

static void test_names(void)
{
    static char name[300], path[5000];
    memset(name, 'n', 256);
    CHECK_ERRNO(open(name, O_RDONLY), ENAMETOOLONG);
    name[255] = 0;
    CHECK_ERRNO(open(name, O_RDONLY), ENOENT);
    int fd = open(name, O_RDWR | O_CREAT, 0600);
    CHECK(fd >= 0 && close(fd) == 0 && unlink(name) == 0);
    for (int i = 0; i < 4998; i += 2)
        memcpy(path + i, "./", 2);
    CHECK_ERRNO(open(path, O_RDONLY), ENAMETOOLONG);
    path[4094] = 0;
    fd = open(path, O_RDONLY);
    CHECK(fd >= 0 && close(fd) == 0);
    CHECK_ERRNO(syscall(SYS_open, 8, O_RDONLY), EFAULT);
    printf("names\n");
}

int main(void)
{
    test_create();
    test_directories();
    test_links();
    test_names();
    int lowest = open("file", O_RDONLY);
    CHECK(lowest == 3); /* nothing was left open, and the lowest number is taken */
    return 0;
}
