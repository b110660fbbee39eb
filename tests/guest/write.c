/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a regular file: growth, overwriting, gaps, and the wrong descriptor or buffer.
 * Calls: write */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "check.h"

static off_t size_of(int fd)
{
    struct stat st;
    CHECK(fstat(fd, &st) == 0);
    return st.st_size;
}

static void test_overwrite(void)
{
    char buffer[16] = "";
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
    CHECK(write(fd, "0123456789", 10) == 10 && size_of(fd) == 10);
    CHECK(lseek(fd, 3, SEEK_SET) == 3 && write(fd, "abc", 3) == 3 && size_of(fd) == 10);
    CHECK(write(fd, "", 0) == 0);
    CHECK(lseek(fd, 0, SEEK_SET) == 0 && read(fd, buffer, 16) == 10);
    printf("overwritten: %s\n", buffer);

    CHECK(lseek(fd, 20000, SEEK_SET) == 20000 && write(fd, "z", 1) == 1 && size_of(fd) == 20001);
    CHECK(pread(fd, buffer, 4, 15000) == 4 && memcmp(buffer, "\0\0\0\0", 4) == 0);
    close(fd);
    printf("a gap reads as zeros\n");
}

static void test_large(void)
{
    static char out[300000], in[300000];
    for (size_t i = 0; i < sizeof(out); i++)
        out[i] = (char)(i * 7 + i / 4096);
    int fd = open("large", O_RDWR | O_CREAT | O_TRUNC, 0644);
    CHECK(write(fd, out, sizeof(out)) == sizeof(out));
    CHECK(pread(fd, in, sizeof(in), 0) == sizeof(in) && memcmp(in, out, sizeof(in)) == 0);
    close(fd);
    printf("300000 bytes come back\n");
}

static void test_errors(void)
{
    int fd = open("file", O_RDONLY);
    CHECK_ERRNO(write(fd, "x", 1), EBADF);
    close(fd);
    CHECK_ERRNO(write(fd, "x", 1), EBADF);
    fd = open("file", O_WRONLY);
    CHECK_ERRNO(write(fd, (void *)8, 1), EFAULT);
    CHECK(write(fd, (void *)8, 0) == 0);
    close(fd);
    printf("errors\n");
}

static void test_size_limit(void)
{
    struct rlimit limit = {1000, 1000};
    signal(SIGXFSZ, SIG_IGN);
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    static char block[1500];
    int fd = open("limited", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    CHECK(write(fd, block, sizeof(block)) == 1000);
    CHECK_ERRNO(write(fd, block, 1), EFBIG);
    signal(SIGXFSZ, SIG_DFL);
    CHECK(lseek(fd, 0, SEEK_SET) == 0 && write(fd, block, sizeof(block)) == 1000);
    signal(SIGXFSZ, SIG_IGN);
    close(fd);
    printf("RLIMIT_FSIZE\n");
}

int main(void)
{
    test_overwrite();
    test_large();
    test_errors();
    test_size_limit();
    return 0;
}
