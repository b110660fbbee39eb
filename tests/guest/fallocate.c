/* SPDX-License-Identifier: Apache-2.0 */
/* Space of files, set aside and given back. Calls: fallocate */
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"

enum { CHUNK = 65536, SIZE = 5 * CHUNK };

static char buffer[SIZE];

static off_t size_of(int fd)
{
    struct stat stat;
    CHECK(fstat(fd, &stat) == 0);
    return stat.st_size;
}

static blkcnt_t blocks_of(int fd)
{
    struct stat stat;
    CHECK(fstat(fd, &stat) == 0);
    return stat.st_blocks;
}

/* A byte of the file. */
static int byte_at(int fd, off_t offset)
{
    char byte;
    CHECK(pread(fd, &byte, 1, offset) == 1);
    return byte;
}

static void test_space(void)
{
    int fd = open("space", O_RDWR | O_CREAT | O_TRUNC, 0644);
    CHECK(fd >= 0 && fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, SIZE) == 0 && size_of(fd) == 0);
    CHECK(blocks_of(fd) >= SIZE / 512);
    CHECK(fallocate(fd, 0, 0, 1000) == 0 && size_of(fd) == 1000);
    CHECK(fallocate(fd, 0, 10, 20) == 0 && size_of(fd) == 1000);
    CHECK(fallocate(fd, 0, 2 * CHUNK, CHUNK) == 0 && size_of(fd) == 3 * CHUNK);
    CHECK(byte_at(fd, 0) == 0 && byte_at(fd, 3 * CHUNK - 1) == 0);
    close(fd);
    printf("space\n");
}

static void test_punch(void)
{
    int fd = open("punch", O_RDWR | O_CREAT | O_TRUNC, 0644);
    const int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    memset(buffer, 'x', sizeof(buffer));
    CHECK(write(fd, buffer, SIZE) == SIZE);
    blkcnt_t before = blocks_of(fd);
    CHECK(fallocate(fd, punch, CHUNK, 2 * CHUNK) == 0 && size_of(fd) == SIZE);
    CHECK(blocks_of(fd) < before);
    CHECK(byte_at(fd, CHUNK - 1) == 'x' && byte_at(fd, CHUNK) == 0);
    CHECK(byte_at(fd, 3 * CHUNK - 1) == 0 && byte_at(fd, 3 * CHUNK) == 'x');
    CHECK(fallocate(fd, punch, 10, 5) == 0);
    CHECK(byte_at(fd, 9) == 'x' && byte_at(fd, 10) == 0 && byte_at(fd, 14) == 0);
    CHECK(byte_at(fd, 15) == 'x');
    CHECK(fallocate(fd, punch, SIZE - 1, 10 * CHUNK) == 0 && size_of(fd) == SIZE);
    CHECK(byte_at(fd, SIZE - 1) == 0 && byte_at(fd, SIZE - 2) == 'x');
    CHECK(fallocate(fd, punch, 100 * CHUNK, CHUNK) == 0 && size_of(fd) == SIZE);
    CHECK(pwrite(fd, "y", 1, 2 * CHUNK) == 1 && byte_at(fd, 2 * CHUNK) == 'y');
    CHECK(byte_at(fd, 2 * CHUNK + 1) == 0);
    close(fd);
    printf("punch\n");
}

static void test_errors(void)
{
    int fd = open("errors", O_RDWR | O_CREAT | O_TRUNC, 0644), ends[2];
    int reader = open("errors", O_RDONLY), dir = open(".", O_RDONLY);
    CHECK(pipe(ends) == 0);
    CHECK_ERRNO(fallocate(fd, 0, -1, 1), EINVAL);
    CHECK_ERRNO(fallocate(fd, 0, 0, 0), EINVAL);
    CHECK_ERRNO(fallocate(fd, 0, 0, -1), EINVAL);
    CHECK_ERRNO(fallocate(fd, 0, INT64_MAX, 1), EFBIG);
    CHECK_ERRNO(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 1), EOPNOTSUPP);
    CHECK_ERRNO(fallocate(fd, 0x80, 0, 1), EOPNOTSUPP);
    CHECK_ERRNO(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE | 1, 0, 1), EOPNOTSUPP);
    CHECK_ERRNO(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE | 1, 0, 1), EOPNOTSUPP);
    CHECK_ERRNO(fallocate(reader, 0, 0, 1), EBADF);
    CHECK_ERRNO(fallocate(dir, 0, 0, 1), EBADF);
    CHECK_ERRNO(fallocate(ends[1], 0, 0, 1), ESPIPE);
    CHECK_ERRNO(fallocate(-1, 0, 0, 1), EBADF);
    CHECK(size_of(fd) == 0 && posix_fallocate(fd, 0, 100) == 0 && size_of(fd) == 100);
    close(fd), close(reader), close(dir), close(ends[0]), close(ends[1]);
    printf("errors\n");
}

int main(void)
{
    test_space();
    test_punch();
    test_errors();
    return 0;
}
