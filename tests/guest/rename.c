/* SPDX-License-Identifier: Apache-2.0 */
/* Renaming files and directories. Calls: rename renameat renameat2 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "check.h"

static void make(const char *name, const char *text)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
}

static void expect(const char *name, const char *text)
{
    char buffer[32];
    int fd = open(name, O_RDONLY);
    CHECK(fd >= 0);
    ssize_t size = read(fd, buffer, sizeof(buffer));
    CHECK(size == (ssize_t)strlen(text) && memcmp(buffer, text, size) == 0 && close(fd) == 0);
}

static void test_files(void)
{
    struct stat st;
    make("a", "from a");
    make("b", "from b");
    int fd = open("b", O_RDONLY);
    CHECK(syscall(SYS_rename, "a", "b") == 0 && access("a", F_OK) == -1);
    expect("b", "from a");
    CHECK(fstat(fd, &st) == 0 && st.st_nlink == 0 && close(fd) == 0); /* the old b */
    CHECK(link("b", "same") == 0 && rename("b", "same") == 0);
    CHECK(access("b", F_OK) == 0 && access("same", F_OK) == 0); /* two names of one file stay */
    CHECK(rename("b", "b") == 0 && unlink("same") == 0);
    CHECK(symlink("b", "link") == 0 && rename("link", "moved") == 0);
    CHECK(lstat("moved", &st) == 0 && S_ISLNK(st.st_mode));
    printf("files\n");
}

static void test_directories(void)
{
    CHECK(mkdir("d", 0700) == 0 && mkdir("d/e", 0700) == 0 && mkdir("empty", 0700) == 0);
    make("d/e/f", "deep");
    CHECK(rename("d", "empty") == 0);
    expect("empty/e/f", "deep");
    CHECK(mkdir("full", 0700) == 0);
    make("full/x", "x");
    CHECK_ERRNO(rename("empty", "full"), ENOTEMPTY);
    CHECK_ERRNO(rename("empty", "empty/e/inside"), EINVAL);
    CHECK_ERRNO(rename("empty", "b"), ENOTDIR);
    CHECK_ERRNO(rename("b", "full"), EISDIR);
    CHECK_ERRNO(rename("b/", "c"), ENOTDIR);
    CHECK(rename("empty/e", "full/e") == 0);
    expect("full/e/../e/f", "deep");
    printf("directories\n");
}

static void test_errors(void)
{
    CHECK_ERRNO(rename("none", "c"), ENOENT);
    CHECK_ERRNO(rename("b", "none/c"), ENOENT);
    CHECK_ERRNO(rename("b", ""), ENOENT);
    CHECK_ERRNO(rename("b", "b/c"), ENOTDIR);
    CHECK_ERRNO(rename(".", "c"), EBUSY);
    CHECK_ERRNO(rename("b", ".."), EBUSY);
    CHECK_ERRNO(syscall(SYS_rename, 8, "c"), EFAULT);
    printf("errors\n");
}

static void test_flags(int dir)
{
    make("one", "1");
    make("two", "2");
    CHECK_ERRNO(renameat2(AT_FDCWD, "one", AT_FDCWD, "two", RENAME_NOREPLACE), EEXIST);
    CHECK(renameat2(AT_FDCWD, "one", dir, "new", RENAME_NOREPLACE) == 0);
    CHECK(renameat2(dir, "new", AT_FDCWD, "one", 0) == 0);
    CHECK(renameat2(AT_FDCWD, "one", AT_FDCWD, "two", RENAME_EXCHANGE) == 0);
    expect("one", "2");
    expect("two", "1");
    CHECK(renameat2(AT_FDCWD, "one", AT_FDCWD, "full", RENAME_EXCHANGE) == 0);
    expect("full", "2");
    expect("one/e/f", "deep");
    CHECK_ERRNO(renameat2(AT_FDCWD, "one", AT_FDCWD, "none", RENAME_EXCHANGE), ENOENT);
    CHECK_ERRNO(renameat2(AT_FDCWD, "one", AT_FDCWD, "x", RENAME_EXCHANGE | RENAME_NOREPLACE),
                EINVAL);
    CHECK_ERRNO(renameat2(AT_FDCWD, "one", AT_FDCWD, "x", 0x100), EINVAL);
    printf("flags\n");
}

int main(void)
{
    test_files();
    test_directories();
    test_errors();
    CHECK(mkdir("at", 0700) == 0);
    int dir = open("at", O_RDONLY | O_DIRECTORY);
    test_flags(dir);
    make("at/x", "in at");
    CHECK(syscall(SYS_renameat, dir, "x", AT_FDCWD, "out") == 0);
    expect("out", "in at");
    CHECK_ERRNO(syscall(SYS_renameat, -1, "x", AT_FDCWD, "out"), EBADF);
    return 0;
}
