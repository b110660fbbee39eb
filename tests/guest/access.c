/* SPDX-License-Identifier: Apache-2.0 */
/* Permissions as the superuser and as somebody else. Calls: access faccessat faccessat2 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static void test_root(void)
{
    CHECK(access("none", F_OK) == -1 && errno == ENOENT);
    CHECK(access("secret", R_OK | W_OK) == 0);   /* the superuser may */
    CHECK_ERRNO(access("secret", X_OK), EACCES); /* but does not execute what nobody may */
    CHECK(access("tool", X_OK) == 0);
    CHECK_ERRNO(access("secret", 8), EINVAL);
    CHECK_ERRNO(access("secret/below", F_OK), ENOTDIR);
    CHECK(access(".", R_OK | W_OK | X_OK) == 0);
    CHECK_ERRNO(access("", F_OK), ENOENT);
    CHECK_ERRNO(syscall(SYS_access, 8, F_OK), EFAULT);
    printf("as root\n");
}

static void test_at(int dir)
{
    CHECK(syscall(SYS_faccessat, dir, "secret", R_OK) == 0);
    CHECK_ERRNO(syscall(SYS_faccessat, -1, "secret", R_OK), EBADF);
    CHECK(symlink("nowhere", "dangling") == 0);
    CHECK_ERRNO(syscall(SYS_faccessat, dir, "dangling", F_OK), ENOENT);
    CHECK(syscall(SYS_faccessat2, dir, "dangling", F_OK, AT_SYMLINK_NOFOLLOW) == 0);
    CHECK(syscall(SYS_faccessat2, dir, "", X_OK, AT_EMPTY_PATH) == 0);
    CHECK_ERRNO(syscall(SYS_faccessat2, dir, "", X_OK, 0), ENOENT);
    CHECK_ERRNO(syscall(SYS_faccessat2, dir, "secret", R_OK, 0x40000000), EINVAL);
    printf("at\n");
}

static void test_user(int dir)
{
    CHECK(setregid(1000, 1000) == 0 && setreuid(1000, 1000) == 0);
    CHECK_ERRNO(faccessat(dir, "secret", R_OK, 0), EACCES);
    CHECK_ERRNO(openat(dir, "secret", O_RDONLY), EACCES);
    CHECK(faccessat(dir, "tool", R_OK | X_OK, 0) == 0);
    CHECK_ERRNO(faccessat(dir, "tool", W_OK, 0), EACCES);
    CHECK_ERRNO(openat(dir, "tool", O_RDWR), EACCES);
    CHECK(faccessat(dir, "mine", R_OK | W_OK, 0) == 0);
    CHECK_ERRNO(faccessat(dir, "closed/file", F_OK, 0), EACCES);
    CHECK_ERRNO(openat(dir, "shut/new", O_WRONLY | O_CREAT, 0600), EACCES);
    CHECK(faccessat(dir, "shut/old", F_OK, 0) == 0);
    CHECK_ERRNO(unlinkat(dir, "shut/old", 0), EACCES);
    printf("as a user\n");
}

/* access asks for the real user, AT_EACCESS and open for the effective one. */
static void test_effective(int dir)
{
    CHECK(setreuid(1000, 0) == 0);
    CHECK_ERRNO(faccessat(dir, "secret", R_OK, 0), EACCES);
    CHECK(syscall(SYS_faccessat2, dir, "secret", R_OK, AT_EACCESS) == 0);
    int fd = openat(dir, "secret", O_RDONLY);
    CHECK(fd >= 0);
    printf("real and effective\n");
}

static void make(const char *name, mode_t mode)
{
    int fd = open(name, O_WRONLY | O_CREAT, 0600);
    CHECK(fd >= 0 && fchmod(fd, mode) == 0 && close(fd) == 0);
}

static void in_child(void (*test)(int), int dir)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        test(dir);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

int main(void)
{
    if (geteuid() != 0)
        SKIP("needs to be root to become somebody else");
    CHECK(chmod(".", 0755) == 0);
    make("secret", 0600);
    make("tool", 0755);
    make("mine", 0600);
    CHECK(chown("mine", 1000, 1000) == 0);
    CHECK(mkdir("closed", 0700) == 0 && mkdir("shut", 0755) == 0);
    make("closed/file", 0644);
    make("shut/old", 0644);
    int dir = open(".", O_RDONLY | O_DIRECTORY);
    test_root();
    test_at(dir);
    in_child(test_user, dir);
    in_child(test_effective, dir);
    return 0;
}
