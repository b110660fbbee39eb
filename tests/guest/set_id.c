/* SPDX-License-Identifier: Apache-2.0 */
/* Set-id bits go when others than root change a file; groups give rights. Calls: write ftruncate
 * chown fchmodat2 setgroups */
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

enum { UID = 1234, GID = 2345, OTHER_GID = 3456, CALL_FCHMODAT2 = 452 };

static int mode_of(const char *name)
{
    struct stat stat;
    CHECK(lstat(name, &stat) == 0);
    return stat.st_mode & 07777;
}

static void make(const char *name, mode_t mode, gid_t gid)
{
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0 && fchown(fd, UID, gid) == 0 && fchmod(fd, mode) == 0 && close(fd) == 0);
}

static void test_root(void)
{
    make("root", 06755, GID);
    int fd = open("root", O_RDWR);
    CHECK(write(fd, "x", 1) == 1 && mode_of("root") == 06755);
    CHECK(ftruncate(fd, 0) == 0 && mode_of("root") == 06755);
    CHECK(fchown(fd, UID, OTHER_GID) == 0 && mode_of("root") == 0755);
    close(fd);
    printf("root\n");
}

static void as_user(void)
{
    const gid_t groups[] = {OTHER_GID};
    CHECK(setgroups(1, groups) == 0 && setresgid(GID, GID, GID) == 0);
    CHECK(setresuid(UID, UID, UID) == 0);
    int fd = open("write", O_RDWR);
    CHECK(fd >= 0 && write(fd, "x", 1) == 1);
    printf("write %o\n", mode_of("write"));
    fd = open("cut", O_RDWR);
    CHECK(fd >= 0 && ftruncate(fd, 10) == 0);
    printf("truncate %o\n", mode_of("cut"));
    CHECK(chmod("mine", 02755) == 0);
    printf("own group %o\n", mode_of("mine"));
    CHECK(chmod("foreign", 02755) == 0);
    printf("other's group %o\n", mode_of("foreign"));
    CHECK(chown("mine", -1, OTHER_GID) == 0);
    CHECK_ERRNO(chown("mine", -1, 77), EPERM);
    CHECK_ERRNO(chown("mine", 0, -1), EPERM);
    CHECK(access("group", R_OK) == 0); /* by a supplementary group */
    CHECK_ERRNO(access("group", W_OK), EACCES);
    CHECK_ERRNO(unlink("sticky/root"), EPERM);
    CHECK_ERRNO(rename("sticky/root", "sticky/x"), EPERM);
    CHECK(unlink("sticky/user") == 0);
    CHECK_ERRNO(open("group", O_RDONLY | O_NOATIME), EPERM);
    _exit(0);
}

static void test_user(void)
{
    int status;
    make("write", 06755, GID);
    make("cut", 06755, GID);
    make("mine", 0755, GID);
    make("foreign", 0755, 99);
    make("group", 0040, OTHER_GID);
    CHECK(chown("group", 0, OTHER_GID) == 0 && mkdir("sticky", 0) == 0);
    CHECK(chmod("sticky", 01777) == 0 && chmod(".", 0755) == 0);
    make("sticky/root", 0666, 0);
    CHECK(chown("sticky/root", 0, 0) == 0);
    make("sticky/user", 0666, 0);
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        as_user();
    CHECK(wait(&status) == child && status == 0);
}

static void test_fchmodat2(void)
{
    make("file", 0644, GID);
    if (syscall(CALL_FCHMODAT2, AT_FDCWD, "file", 0600, 0) != 0) {
        CHECK(errno == ENOSYS); /* before Linux 6.6 */
        return;
    }
    CHECK(mode_of("file") == 0600);
    int fd = open("file", O_PATH);
    CHECK(syscall(CALL_FCHMODAT2, fd, "", 0640, AT_EMPTY_PATH) == 0 && mode_of("file") == 0640);
    CHECK_ERRNO(syscall(CALL_FCHMODAT2, fd, "", 0640, 0), ENOENT);
    CHECK_ERRNO(syscall(CALL_FCHMODAT2, fd, "", 0640, 1), EINVAL);
}

int main(void)
{
    if (geteuid() != 0)
        SKIP("needs root");
    test_root();
    test_user();
    test_fchmodat2();
    return 0;
}
