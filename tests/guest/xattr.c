/* SPDX-License-Identifier: Apache-2.0 */
/* Extended attributes. Calls: setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr listxattr
 * llistxattr flistxattr removexattr lremovexattr fremovexattr */
#include <fcntl.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "check.h"

static char large[XATTR_SIZE_MAX + 1];

static void test_values(int fd)
{
    char value[16] = "";
    CHECK(setxattr("file", "user.a", "one", 3, 0) == 0);
    CHECK(getxattr("file", "user.a", NULL, 0) == 3);
    CHECK(getxattr("file", "user.a", value, 16) == 3 && memcmp(value, "one", 3) == 0);
    CHECK_ERRNO(getxattr("file", "user.a", value, 2), ERANGE);
    CHECK_ERRNO(setxattr("file", "user.a", "x", 1, XATTR_CREATE), EEXIST);
    CHECK_ERRNO(setxattr("file", "user.b", "x", 1, XATTR_REPLACE), ENODATA);
    CHECK(fsetxattr(fd, "user.a", "zwei", 4, XATTR_REPLACE) == 0);
    CHECK(fgetxattr(fd, "user.a", value, 16) == 4 && memcmp(value, "zwei", 4) == 0);
    CHECK(setxattr("file", "user.empty", NULL, 0, XATTR_CREATE) == 0);
    CHECK(getxattr("file", "user.empty", value, 16) == 0);
    CHECK(removexattr("file", "user.empty") == 0);
    CHECK_ERRNO(removexattr("file", "user.empty"), ENODATA);
    CHECK_ERRNO(fgetxattr(fd, "user.empty", value, 16), ENODATA);
    CHECK(setxattr(".", "user.dir", "d", 1, 0) == 0 && getxattr(".", "user.dir", value, 1) == 1);
    printf("values\n");
}

static int has(const char *list, ssize_t size, const char *name)
{
    for (ssize_t at = 0; at < size; at += (ssize_t)strlen(&list[at]) + 1)
        if (strcmp(&list[at], name) == 0)
            return 1;
    return 0;
}

static void test_list(int fd)
{
    char list[256];
    CHECK(setxattr("file", "user.long-name", "1", 1, 0) == 0);
    CHECK(setxattr("file", "trusted.t", "1", 1, 0) == 0);
    ssize_t size = listxattr("file", NULL, 0);
    CHECK(size > 0 && listxattr("file", list, sizeof(list)) == size);
    CHECK(has(list, size, "user.a") && has(list, size, "user.long-name"));
    CHECK(has(list, size, "trusted.t") && flistxattr(fd, list, sizeof(list)) == size);
    CHECK_ERRNO(listxattr("file", list, (size_t)size - 1), ERANGE);
    CHECK(removexattr("file", "user.long-name") == 0);
    CHECK(flistxattr(fd, NULL, 0) == size - 15);
    printf("list\n");
}

static void test_links(void)
{
    char value[4];
    CHECK(symlink("file", "link") == 0);
    CHECK(getxattr("link", "user.a", value, 4) == 4);
    CHECK_ERRNO(lgetxattr("link", "user.a", value, 4), ENODATA);
    CHECK_ERRNO(lsetxattr("link", "user.a", "x", 1, 0), EPERM);
    CHECK(lsetxattr("link", "trusted.l", "x", 1, 0) == 0);
    CHECK(lgetxattr("link", "trusted.l", value, 4) == 1);
    CHECK(llistxattr("link", NULL, 0) == 10 && lremovexattr("link", "trusted.l") == 0);
    printf("links\n");
}

static void test_errors(int fd)
{
    char name[300];
    memset(name, 'n', sizeof(name) - 1);
    memcpy(name, "user.", 5);
    name[256] = '\0';
    CHECK_ERRNO(setxattr("file", name, "x", 1, 0), ERANGE);
    CHECK_ERRNO(setxattr("file", "", "x", 1, 0), ERANGE);
    CHECK_ERRNO(setxattr("file", "user.", "x", 1, 0), EINVAL);
    CHECK_ERRNO(setxattr("file", "other.x", "x", 1, 0), EOPNOTSUPP);
    CHECK_ERRNO(getxattr("file", "other.x", NULL, 0), EOPNOTSUPP);
    CHECK_ERRNO(setxattr("file", "user.a", "x", 1, 4), EINVAL);
    CHECK_ERRNO(setxattr("file", "user.a", large, sizeof(large), 0), E2BIG);
    CHECK_ERRNO(setxattr("none", "user.a", "x", 1, 0), ENOENT);
    CHECK_ERRNO(setxattr("file", (char *)8, "x", 1, 0), EFAULT);
    CHECK_ERRNO(setxattr("file", "user.a", (char *)8, 1, 0), EFAULT);
    CHECK_ERRNO(fgetxattr(-1, "user.a", NULL, 0), EBADF);
    int path = open("file", O_PATH);
    CHECK_ERRNO(fsetxattr(path, "user.a", "x", 1, 0), EBADF);
    CHECK(fremovexattr(fd, "user.a") == 0 && removexattr("file", "trusted.t") == 0);
    CHECK(flistxattr(fd, NULL, 0) == 0);
    printf("errors\n");
}

static void test_rights(void)
{
    int status;
    CHECK(setxattr("file", "user.r", "r", 1, 0) == 0 &&
          setxattr("file", "trusted.r", "r", 1, 0) == 0);
    CHECK(chmod("file", 0644) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        char value[4];
        CHECK(setresuid(99, 99, 99) == 0);
        CHECK(getxattr("file", "user.r", value, 4) == 1);
        CHECK_ERRNO(setxattr("file", "user.r", "x", 1, 0), EACCES);
        CHECK_ERRNO(setxattr("file", "trusted.r", "x", 1, 0), EPERM);
        CHECK_ERRNO(setxattr("file", "security.r", "x", 1, 0), EPERM);
        CHECK_ERRNO(getxattr("file", "trusted.r", value, 4), ENODATA);
        CHECK(listxattr("file", NULL, 0) == 7);
        _exit(0);
    }
    CHECK(wait(&status) == child && status == 0);
    printf("rights\n");
}

int main(void)
{
    int fd = open("file", O_RDWR | O_CREAT, 0644);
    if (geteuid() != 0)
        SKIP("needs root");
    CHECK(fd >= 0 && chmod(".", 0755) == 0);
    test_values(fd);
    test_list(fd);
    test_links();
    test_errors(fd);
    test_rights();
    return 0;
}
