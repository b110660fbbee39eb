/* SPDX-License-Identifier: Apache-2.0 */
/* File systems, and bringing files to disk.
 * Calls: statfs fstatfs fsync fdatasync sync syncfs fadvise64 */
#include <fcntl.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#include "check.h"

static void test_statfs(int fd)
{
    struct statfs a, b;
    memset(&a, 0xff, sizeof(a));
    CHECK(syscall(SYS_statfs, ".", &a) == 0 && syscall(SYS_fstatfs, fd, &b) == 0);
    CHECK(a.f_type == b.f_type && a.f_bsize == b.f_bsize && a.f_bsize > 0);
    CHECK(a.f_namelen >= 255 && a.f_bfree <= a.f_blocks);
    CHECK(statfs("/proc/self", &a) == 0 && a.f_type == 0x9fa0);
    CHECK_ERRNO(statfs("none", &a), ENOENT);
    CHECK_ERRNO(fstatfs(-1, &a), EBADF);
    CHECK_ERRNO(syscall(SYS_statfs, ".", 8), EFAULT);
    printf("statfs\n");
}

/* Pipes are in no file system, by whatever name. */
static void test_pipe(void)
{
    struct statfs by_name, by_fd;
    char name[32];
    int ends[2];
    CHECK(pipe(ends) == 0);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", ends[0]);
    int again = open(name, O_RDONLY | O_NONBLOCK);
    CHECK(statfs(name, &by_name) == 0 && by_name.f_type == 0x50495045);
    CHECK(again >= 0 && fstatfs(again, &by_fd) == 0 && by_fd.f_type == by_name.f_type);
    printf("pipe\n");
}

static void test_sync(int fd)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    CHECK(write(fd, "x", 1) == 1 && fsync(fd) == 0 && fdatasync(fd) == 0 && syncfs(fd) == 0);
    CHECK_ERRNO(fsync(ends[0]), EINVAL);
    CHECK_ERRNO(fdatasync(ends[0]), EINVAL);
    CHECK_ERRNO(fsync(-1), EBADF);
    CHECK_ERRNO(syncfs(-1), EBADF);
    printf("sync\n");

    CHECK(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL) == 0);
    CHECK(posix_fadvise(fd, 0, 4096, POSIX_FADV_DONTNEED) == 0);
    CHECK(posix_fadvise(fd, 0, 0, 99) == EINVAL && posix_fadvise(-1, 0, 0, 0) == EBADF);
    CHECK(posix_fadvise(ends[0], 0, 0, POSIX_FADV_NORMAL) == ESPIPE);
    printf("advice\n");
}

int main(void)
{
    int fd = open("file", O_RDWR | O_CREAT, 0600);
    CHECK(fd >= 0);
    test_statfs(fd);
    test_pipe();
    test_sync(fd);
    return 0;
}
