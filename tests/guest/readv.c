/* SPDX-License-Identifier: Apache-2.0 */
/* Scattered buffers. Calls: readv writev */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "check.h"

static int fd;

static void test_order(void)
{
    struct iovec out[4] = {{"one ", 4}, {NULL, 0}, {"two ", 4}, {"three", 5}};
    CHECK(writev(fd, out, 4) == 13);
    char a[3], b[1], c[64];
    struct iovec in[3] = {{a, 3}, {b, 1}, {c, sizeof(c)}};
    CHECK(lseek(fd, 0, SEEK_SET) == 0 && readv(fd, in, 3) == 13);
    CHECK(memcmp(a, "one", 3) == 0 && b[0] == ' ' && memcmp(c, "two three", 9) == 0);
    CHECK(readv(fd, in, 3) == 0);
    CHECK(readv(fd, in, 0) == 0 && writev(fd, out, 0) == 0);
    printf("order and empty vectors\n");
}

static void test_counts(void)
{
    static struct iovec many[IOV_MAX + 1];
    static char bytes[IOV_MAX + 1];
    for (int i = 0; i <= IOV_MAX; i++) {
        bytes[i] = (char)i;
        many[i] = (struct iovec){&bytes[i], 1};
    }
    CHECK(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
    CHECK(writev(fd, many, IOV_MAX) == IOV_MAX);
    CHECK_ERRNO(writev(fd, many, IOV_MAX + 1), EINVAL);
    CHECK_ERRNO(writev(fd, many, -1), EINVAL);
    CHECK_ERRNO(readv(fd, many, -1), EINVAL);
    many[0].iov_len = (size_t)-1;
    CHECK_ERRNO(writev(fd, many, 2), EINVAL);
    printf("counts and sizes\n");
}

static void test_faults(void)
{
    char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(munmap(pages + 4096, 4096) == 0);
    CHECK_ERRNO(writev(fd, (void *)(pages + 4096), 1), EFAULT);

    char good[4] = "good";
    struct iovec mixed[2] = {{good, 4}, {pages + 4096, 4}};
    CHECK(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
    CHECK(writev(fd, mixed, 2) == 4); /* what came before the fault counts */
    CHECK(lseek(fd, 0, SEEK_CUR) == 4);
    struct iovec bad[2] = {{pages + 4096, 4}, {good, 4}};
    CHECK_ERRNO(writev(fd, bad, 2), EFAULT);
    CHECK(lseek(fd, 0, SEEK_CUR) == 4);
    printf("faults\n");
}

int main(void)
{
    fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
    CHECK(fd >= 0);
    test_order();
    test_counts();
    test_faults();
    CHECK_ERRNO(readv(-1, NULL, 0), EBADF);
    return 0;
}
