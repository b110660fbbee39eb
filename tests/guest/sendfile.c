/* SPDX-License-Identifier: Apache-2.0 */
/* Copying between descriptors. Calls: sendfile copy_file_range */
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>

#include "check.h"

enum { SIZE = 150000 };
static char content[SIZE], copy[SIZE];

static void test_file_to_file(int in, int out)
{
    off_t offset = 1000;
    CHECK(sendfile(out, in, &offset, 500) == 500 && offset == 1500);
    CHECK(lseek(in, 0, SEEK_CUR) == 0 && lseek(out, 0, SEEK_CUR) == 500);
    CHECK(pread(out, copy, SIZE, 0) == 500 && memcmp(copy, content + 1000, 500) == 0);
    size_t done = 0;
    ssize_t got;
    CHECK(lseek(out, 0, SEEK_SET) == 0);
    while ((got = sendfile(out, in, NULL, SIZE)) > 0) /* may go by parts */
        done += (size_t)got;
    CHECK(got == 0 && done == SIZE && lseek(in, 0, SEEK_CUR) == SIZE);
    CHECK(pread(out, copy, SIZE, 0) == SIZE && memcmp(copy, content, SIZE) == 0);
    printf("file to file\n");
}

static void test_file_to_pipe(int in)
{
    int ends[2];
    off_t offset = 10;
    CHECK(pipe(ends) == 0 && sendfile(ends[1], in, &offset, 4000) == 4000);
    CHECK(read(ends[0], copy, SIZE) == 4000 && memcmp(copy, content + 10, 4000) == 0);
    CHECK(fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
    size_t done = 0;
    ssize_t got;
    while ((got = sendfile(ends[1], in, &offset, SIZE)) > 0)
        done += (size_t)got;
    CHECK(got == -1 && errno == EAGAIN && done > 0 && done <= 65536);
    printf("file to pipe\n");
}

static void test_errors(int in, int out)
{
    off_t offset = -1;
    CHECK_ERRNO(sendfile(out, -1, NULL, 1), EBADF);
    CHECK_ERRNO(sendfile(-1, in, NULL, 1), EBADF);
    int readonly = open("in", O_RDONLY), ends[2];
    CHECK_ERRNO(sendfile(readonly, in, NULL, 1), EBADF);
    CHECK_ERRNO(sendfile(out, in, &offset, 1), EINVAL);
    CHECK_ERRNO(syscall(SYS_sendfile, out, in, 8, 1), EFAULT);
    CHECK(pipe(ends) == 0);
    CHECK_ERRNO(syscall(SYS_copy_file_range, -1, NULL, out, NULL, 1, 0), EBADF);
    CHECK_ERRNO(syscall(SYS_copy_file_range, in, NULL, out, NULL, 1, 1 << 20), EINVAL);
    printf("errors\n");
}

int main(void)
{
    int in = open("in", O_RDWR | O_CREAT, 0600), out = open("out", O_RDWR | O_CREAT, 0600);
    for (int i = 0; i < SIZE; i++)
        content[i] = (char)(i ^ (i >> 8));
    CHECK(in >= 0 && out >= 0 && pwrite(in, content, SIZE, 0) == SIZE);
    test_file_to_file(in, out);
    test_file_to_pipe(in);
    test_errors(in, out);
    return 0;
}
