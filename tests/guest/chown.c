/* SPDX-License-Identifier: Apache-2.0 */
/* Changing owners. Calls: chown fchown lchown fchownat */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static void expect(const char *name, uid_t uid, gid_t gid)
{
    struct stat st;
    CHECK(lstat(name, &st) == 0 && st.st_uid == uid && st.st_gid == gid);
}

static void test_root(int fd)
{
    CHECK(syscall(SYS_chown, "file", 1000, 1001) == 0);
    expect("file", 1000, 1001);
    CHECK(chown("file", -1, 5) == 0);
    expect("file", 1000, 5);
    CHECK(fchown(fd, 7, -1) == 0);
    expect("file", 7, 5);
    CHECK(chown("link", 8, 8) == 0);
    expect("file", 8, 8);
    expect("link", 0, 0);
    CHECK(syscall(SYS_lchown, "link", 9, 9) == 0);
    expect("link", 9, 9);
    CHECK(fchownat(AT_FDCWD, "link", 3, 3, AT_SYMLINK_NOFOLLOW) == 0);
    expect("link", 3, 3);
    CHECK(fchownat(fd, "", 1000, 1000, AT_EMPTY_PATH) == 0);
    expect("file", 1000, 1000);
    printf("as root\n");
}

static void test_set_id(void)
{
    struct stat st;
    CHECK(chmod("file", 06755) == 0 && chown("file", 1000, 1000) == 0);
    CHECK(stat("file", &st) == 0 && (st.st_mode & 07777) == 0755);
    printf("set-id bits go\n");
}

static void test_user(int fd)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(setgid(1000) == 0 && setuid(1000) == 0);
        CHECK_ERRNO(fchown(fd, 0, -1), EPERM);
        CHECK_ERRNO(fchown(fd, -1, 1234), EPERM);
        CHECK(fchown(fd, -1, 1000) == 0 && fchown(fd, 1000, -1) == 0);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    printf("as a user\n");
}

int main(void)
{
    if (geteuid() != 0)
        SKIP("needs to be root");
    int fd = open("file", O_RDWR | O_CREAT, 0600);
    CHECK(fd >= 0 && symlink("file", "link") == 0);
    test_root(fd);
    test_set_id();
    test_user(fd);
    CHECK_ERRNO(chown("none", 0, 0), ENOENT);
    CHECK_ERRNO(fchown(-1, 0, 0), EBADF);
    CHECK_ERRNO(fchownat(AT_FDCWD, "file", 0, 0, 0x40000000), EINVAL);
    CHECK_ERRNO(fchownat(AT_FDCWD, "", 0, 0, 0), ENOENT);
    return 0;
}
