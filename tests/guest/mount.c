/* SPDX-License-Identifier: Apache-2.0 */
/* Mounting and unmounting tmpfs. Calls: mount umount2 */
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include <linux/fs.h>
#include <linux/magic.h>

#include "check.h"

static void test_mount(void)
{
    struct stat before, after;
    struct statfs fs;
    CHECK(mkdir("dir", 0755) == 0 && mkdir("dir/below", 0755) == 0);
    CHECK(stat("dir", &before) == 0);
    CHECK(mount("name", "dir", "tmpfs", 0, "mode=0700,uid=5") == 0);
    CHECK(stat("dir", &after) == 0 && after.st_dev != before.st_dev);
    CHECK(after.st_mode == (S_IFDIR | 0700) && after.st_uid == 5);
    CHECK(access("dir/below", F_OK) == -1 && statfs("dir", &fs) == 0 && fs.f_type == TMPFS_MAGIC);
    int fd = open("dir/file", O_RDWR | O_CREAT, 0644);
    CHECK(fd >= 0 && write(fd, "x", 1) == 1);
    CHECK_ERRNO(rmdir("dir"), EBUSY);
    CHECK_ERRNO(rename("dir", "other"), EBUSY);
    CHECK_ERRNO(link("dir/file", "link"), EXDEV);
    CHECK_ERRNO(umount2("dir", 0), EBUSY);
    CHECK(close(fd) == 0 && chdir("dir") == 0);
    CHECK_ERRNO(umount2("../dir", 0), EBUSY);
    CHECK(chdir("..") == 0 && umount2("dir", 0) == 0);
    CHECK(access("dir/below", F_OK) == 0 && access("dir/file", F_OK) == -1);
    CHECK_ERRNO(umount2("dir", 0), EINVAL);
    printf("mount\n");
}

static void test_stacked(void)
{
    CHECK(mount("a", "dir", "tmpfs", 0, NULL) == 0 && mkdir("dir/a", 0755) == 0);
    CHECK(mount("b", "dir", "tmpfs", MS_RDONLY, NULL) == 0);
    CHECK_ERRNO(mkdir("dir/b", 0755), EROFS);
    CHECK(access("dir/a", F_OK) == -1 && umount2("dir", 0) == 0 && access("dir/a", F_OK) == 0);
    CHECK(mount("c", "dir/a", "tmpfs", 0, NULL) == 0);
    CHECK_ERRNO(umount2("dir", 0), EBUSY);
    CHECK(umount2("dir/a", 0) == 0 && umount2("dir", 0) == 0);
    printf("stacked\n");
}

static void test_errors(void)
{
    int status, size = 0, fd = open("file", O_RDWR | O_CREAT, 0644);
    CHECK_ERRNO(mount("a", "none", "tmpfs", 0, NULL), ENOENT);
    CHECK_ERRNO(mount("a", "file", "tmpfs", 0, NULL), ENOTDIR);
    CHECK_ERRNO(mount("a", "dir", "nosuchfs", 0, NULL), ENODEV);
    CHECK_ERRNO(umount2("none", 0), ENOENT);
    CHECK_ERRNO(umount2("dir", 0x100), EINVAL);
    CHECK(ioctl(fd, FIGETBSZ, &size) == 0 && size == 4096);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(chmod(".", 0755) == 0 && setresuid(9, 9, 9) == 0);
        CHECK_ERRNO(mount("a", "dir", "tmpfs", 0, NULL), EPERM);
        _exit(0);
    }
    CHECK(wait(&status) == child && status == 0);
    printf("errors\n");
}

int main(void)
{
    if (geteuid() != 0)
        SKIP("needs root");
    (void)unshare(CLONE_NEWNS); /* a sandbox has one, for itself */
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        SKIP("nothing may be mounted here");
    test_mount();
    test_stacked();
    test_errors();
    return 0;
}
