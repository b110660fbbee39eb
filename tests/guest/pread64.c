/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing at a position leaves the file's own alone.
 * Calls: pread64 pwrite64 preadv pwritev preadv2 pwritev2 */
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>

#include "check.h"

static int fd;

static void test_positions(void)
{
    char buffer[8];
    CHECK(write(fd, "abcdefgh", 8) == 8);
    CHECK(pread(fd, buffer, 3, 2) == 3 && memcmp(buffer, "cde", 3) == 0);
    CHECK(pwrite(fd, "XY", 2, 4) == 2);
    CHECK(lseek(fd, 0, SEEK_CUR) == 8);
    CHECK(pread(fd, buffer, 8, 0) == 8 && memcmp(buffer, "abcdXYgh", 8) == 0);
    CHECK(pread(fd, buffer, 8, 6) == 2 && pread(fd, buffer, 8, 8) == 0);
    CHECK(pread(fd, buffer, 8, 1L << 40) == 0);
    CHECK(pwrite(fd, "!", 1, 9000) == 1 && lseek(fd, 0, SEEK_END) == 9001);
    printf("positions\n");
}

static void test_vectors(void)
{
    char a[2], b[2];
    struct iovec in[2] = {{a, 2}, {b, 2}}, out[2] = {{"12", 2}, {"34", 2}};
    CHECK(lseek(fd, 1, SEEK_SET) == 1);
    CHECK(pwritev(fd, out, 2, 3) == 4 && preadv(fd, in, 2, 3) == 4);
    CHECK(memcmp(a, "12", 2) == 0 && memcmp(b, "34", 2) == 0);
    CHECK(lseek(fd, 0, SEEK_CUR) == 1);
    CHECK(pwritev2(fd, out, 2, 0, 0) == 4 && preadv2(fd, in, 2, 0, 0) == 4);
    CHECK(memcmp(a, "12", 2) == 0 && lseek(fd, 0, SEEK_CUR) == 1);
    CHECK(pwritev2(fd, out, 1, -1, 0) == 2); /* -1: the file's own position */
    CHECK(lseek(fd, 0, SEEK_CUR) == 3);
    CHECK(preadv2(fd, in, 2, -1, 0) == 4 && lseek(fd, 0, SEEK_CUR) == 7);
    CHECK_ERRNO(preadv2(fd, in, 2, 0, 0x40000000), EOPNOTSUPP);
    printf("vectors\n");
}

static void test_errors(void)
{
    char byte;
    int ends[2];
    struct iovec one = {&byte, 1};
    CHECK_ERRNO(pread(fd, &byte, 1, -1), EINVAL);
    CHECK_ERRNO(pwrite(fd, &byte, 1, -1), EINVAL);
    CHECK_ERRNO(preadv(fd, &one, 1, -1), EINVAL);
    CHECK_ERRNO(pread(-1, &byte, 1, 0), EBADF);
    CHECK_ERRNO(pread(fd, (void *)8, 1, 0), EFAULT);
    CHECK(pipe(ends) == 0);
    CHECK_ERRNO(pread(ends[0], &byte, 1, 0), ESPIPE);
    CHECK_ERRNO(pwrite(ends[1], &byte, 1, 0), ESPIPE);
    CHECK_ERRNO(preadv(ends[0], &one, 1, 0), ESPIPE);
    int dir = open(".", O_RDONLY);
    CHECK_ERRNO(pread(dir, &byte, 1, 0), EISDIR);
    printf("errors\n");
}

int main(void)
{
    fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
    CHECK(fd >= 0);
    test_positions();
    test_vectors();
    test_errors();
    return 0;
}
