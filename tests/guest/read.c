/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a regular file: whole, short, at its end, through the wrong descriptor or buffer.
 * Calls: read close */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "check.h"

static void test_content(void)
{
    char buffer[64];
    int fd = open("file", O_RDONLY);
    CHECK(fd >= 0);
    CHECK(read(fd, buffer, 5) == 5 && memcmp(buffer, "hello", 5) == 0);
    CHECK(read(fd, buffer, 0) == 0);
    CHECK(read(fd, buffer, sizeof(buffer)) == 8 && memcmp(buffer, ", reader", 8) == 0);
    CHECK(read(fd, buffer, sizeof(buffer)) == 0);
    CHECK(read(fd, buffer, sizeof(buffer)) == 0);
    CHECK(close(fd) == 0);
    printf("content, short read, end of file\n");
}

static void test_errors(void)
{
    char byte;
    int fd = open("file", O_WRONLY);
    CHECK_ERRNO(read(fd, &byte, 1), EBADF);
    CHECK(close(fd) == 0);
    CHECK_ERRNO(read(fd, &byte, 1), EBADF);
    CHECK_ERRNO(close(fd), EBADF);
    CHECK_ERRNO(read(-1, &byte, 1), EBADF);
    CHECK_ERRNO(read(1 << 20, &byte, 1), EBADF);

    fd = open(".", O_RDONLY);
    CHECK_ERRNO(read(fd, &byte, 1), EISDIR);
    close(fd);

    fd = open("file", O_PATH);
    CHECK_ERRNO(read(fd, &byte, 1), EBADF);
    close(fd);
    printf("wrong descriptors\n");
}

static void test_bad_buffer(void)
{
    char byte;
    char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = open("file", O_RDONLY);
    CHECK_ERRNO(read(fd, page, 5), EFAULT);
    CHECK_ERRNO(read(fd, (void *)-4096L, 5), EFAULT);
    CHECK(read(fd, &byte, 1) == 1 && byte == 'h'); /* nothing was consumed */
    close(fd);
    printf("bad buffers\n");
}

int main(void)
{
    int fd = open("file", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    CHECK(fd >= 0 && write(fd, "hello, reader", 13) == 13 && close(fd) == 0);
    test_content();
    test_errors();
    test_bad_buffer();
    return 0;
}
