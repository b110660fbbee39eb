/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that share a file. Calls: dup dup2 dup3 */
#include <fcntl.h>
#include <sys/resource.h>

#include "check.h"

static void test_shared(int fd)
{
    char byte;
    int copy = dup(fd);
    CHECK(copy == fd + 1);
    CHECK(lseek(fd, 3, SEEK_SET) == 3 && lseek(copy, 0, SEEK_CUR) == 3);
    CHECK(read(copy, &byte, 1) == 1 && byte == '3' && lseek(fd, 0, SEEK_CUR) == 4);
    CHECK(fcntl(copy, F_SETFL, O_APPEND) == 0 && (fcntl(fd, F_GETFL) & O_APPEND));
    CHECK(close(copy) == 0 && read(fd, &byte, 1) == 1 && byte == '4');

    int other = open("file", O_RDONLY); /* another description has its own position */
    CHECK(lseek(other, 0, SEEK_CUR) == 0 && close(other) == 0);
    printf("shared position and flags\n");
}

static void test_dup2(int fd)
{
    int ends[2];
    char byte;
    CHECK(pipe(ends) == 0);
    CHECK(dup2(fd, ends[1]) == ends[1]); /* closes the writing end */
    CHECK(read(ends[0], &byte, 1) == 0); /* so the reader meets the end */
    CHECK(dup2(fd, fd) == fd && dup2(fd, 200) == 200);
    CHECK_ERRNO(dup2(-1, 5), EBADF);
    CHECK_ERRNO(dup2(fd, -1), EBADF);
    CHECK_ERRNO(dup2(150, 150), EBADF);
    CHECK(dup(fd) == ends[1] + 1); /* the lowest free one */
    close(ends[0]);
    close(ends[1]);
    printf("dup2\n");
}

static void test_dup3(int fd)
{
    CHECK(dup3(fd, 60, O_CLOEXEC) == 60 && fcntl(60, F_GETFD) == FD_CLOEXEC);
    CHECK(dup3(fd, 60, 0) == 60 && fcntl(60, F_GETFD) == 0);
    CHECK(fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && dup2(fd, 61) == 61 && fcntl(61, F_GETFD) == 0);
    CHECK_ERRNO(dup3(fd, fd, 0), EINVAL);
    CHECK_ERRNO(dup3(fd, 60, O_APPEND), EINVAL);
    printf("dup3\n");
}

static void test_limit(int fd)
{
    struct rlimit limit = {70, 70};
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK_ERRNO(dup2(fd, 70), EBADF);
    CHECK(dup2(fd, 69) == 69 && lseek(200, 0, SEEK_CUR) >= 0); /* what is open stays */
    int last = 0;
    for (int i = 0; i < 100 && last >= 0; i++)
        last = dup(fd);
    CHECK(last == -1 && errno == EMFILE);
    CHECK_ERRNO(open("file", O_RDONLY), EMFILE);
    int ends[2];
    CHECK_ERRNO(pipe(ends), EMFILE);
    printf("limit\n");
}

int main(void)
{
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
    CHECK(fd >= 0 && write(fd, "0123456789", 10) == 10);
    test_shared(fd);
    test_dup2(fd);
    test_dup3(fd);
    test_limit(fd);
    return 0;
}
