/* SPDX-License-Identifier: Apache-2.0 */
/* Flags of descriptors and files. Calls: fcntl close_range */
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/syscall.h>

#include "check.h"

static void test_duplicate(int fd)
{
    CHECK(fcntl(fd, F_DUPFD, 50) == 50 && fcntl(fd, F_DUPFD, 50) == 51);
    CHECK(fcntl(50, F_GETFD) == 0);
    CHECK(fcntl(fd, F_DUPFD_CLOEXEC, 50) == 52 && fcntl(52, F_GETFD) == FD_CLOEXEC);
    CHECK_ERRNO(fcntl(fd, F_DUPFD, -1), EINVAL);
    CHECK_ERRNO(fcntl(fd, F_DUPFD, 1 << 30), EINVAL);
    CHECK_ERRNO(fcntl(-1, F_DUPFD, 0), EBADF);
    printf("duplicate\n");
}

static void test_flags(int fd)
{
    CHECK(fcntl(fd, F_GETFD) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0);
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC && fcntl(fd, F_SETFD, 0) == 0);
    CHECK((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
    CHECK(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK) == 0);
    int flags = fcntl(fd, F_GETFL);
    CHECK((flags & (O_APPEND | O_NONBLOCK)) == (O_APPEND | O_NONBLOCK));
    CHECK(fcntl(fd, F_SETFL, O_WRONLY | O_TRUNC) == 0); /* neither can be changed */
    flags = fcntl(fd, F_GETFL);
    CHECK((flags & O_ACCMODE) == O_RDWR && (flags & (O_APPEND | O_NONBLOCK)) == 0);
    int path = open("file", O_PATH);
    CHECK((fcntl(path, F_GETFL) & O_PATH) && close(path) == 0);
    CHECK(fcntl(fd, F_GETLEASE) == F_UNLCK);
    CHECK(fcntl(fd, F_NOTIFY, 0) == 0);
    CHECK_ERRNO(fcntl(fd, F_NOTIFY, DN_CREATE), ENOTDIR);
    int dir = open(".", O_RDONLY);
    CHECK(fcntl(dir, F_NOTIFY, DN_MULTISHOT) == 0 && close(dir) == 0);
    CHECK_ERRNO(fcntl(fd, 9999), EINVAL);
    CHECK_ERRNO(fcntl(-1, F_GETFL), EBADF);
    printf("flags\n");
}

static void test_pipe(void)
{
    char byte;
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC) == 0 && fcntl(ends[0], F_GETFD) == FD_CLOEXEC);
    CHECK((fcntl(ends[0], F_GETFL) & O_ACCMODE) == O_RDONLY);
    CHECK((fcntl(ends[1], F_GETFL) & O_ACCMODE) == O_WRONLY);
    CHECK(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    CHECK_ERRNO(read(ends[0], &byte, 1), EAGAIN);
    CHECK(fcntl(ends[1], F_GETPIPE_SZ) == 65536);
    close(ends[0]);
    close(ends[1]);
    printf("pipe\n");
}

static void test_close_range(int fd)
{
    CHECK(dup2(fd, 80) == 80 && dup2(fd, 85) == 85 && dup2(fd, 90) == 90);
    CHECK(syscall(SYS_close_range, 80, 85, CLOSE_RANGE_CLOEXEC) == 0);
    CHECK(fcntl(80, F_GETFD) == FD_CLOEXEC && fcntl(90, F_GETFD) == 0);
    CHECK(syscall(SYS_close_range, 80, 85, 0) == 0);
    CHECK_ERRNO(fcntl(80, F_GETFD), EBADF);
    CHECK_ERRNO(fcntl(85, F_GETFD), EBADF);
    CHECK(fcntl(90, F_GETFD) == 0);
    CHECK_ERRNO(syscall(SYS_close_range, 90, 80, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_close_range, 80, 90, 1 << 20), EINVAL);
    CHECK(syscall(SYS_close_range, 20, ~0u, 0) == 0);
    CHECK_ERRNO(fcntl(90, F_GETFD), EBADF);
    printf("close_range\n");
}

int main(void)
{
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
    CHECK(fd >= 0);
    test_duplicate(fd);
    test_flags(fd);
    test_pipe();
    test_close_range(fd);
    return 0;
}
