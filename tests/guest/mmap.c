/* SPDX-License-Identifier: Apache-2.0 */
/* Anonymous memory and where it goes. Calls: mmap munmap */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "check.h"

enum { PAGE = 4096, RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

static void test_zeros(void)
{
    char *a = mmap(NULL, 5 * PAGE + 1, RW, ANON, -1, 0);
    CHECK(a != MAP_FAILED && (unsigned long)a % PAGE == 0);
    for (int i = 0; i < 6 * PAGE; i++)
        CHECK(a[i] == 0);
    memset(a, 1, 6 * PAGE); /* the last page is whole */
    CHECK(munmap(a, 5 * PAGE + 1) == 0);
    char *large = mmap(NULL, 64 << 20, RW, ANON, -1, 0);
    CHECK(large != MAP_FAILED);
    for (int i = 0; i < 64; i += 4)
        large[(i << 20) + 123] = (char)i;
    for (int i = 0; i < 64; i += 4)
        CHECK(large[(i << 20) + 123] == i && large[(i << 20) + 122] == 0);
    CHECK(munmap(large, 64 << 20) == 0);
    printf("zeros\n");
}

static void test_fixed(void)
{
    char *area = mmap(NULL, 8 * PAGE, RW, ANON, -1, 0);
    memset(area, 'a', 8 * PAGE);
    CHECK(mmap(area + 2 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0) == area + 2 * PAGE);
    CHECK(area[2 * PAGE - 1] == 'a' && area[2 * PAGE] == 0 && area[3 * PAGE] == 'a');
    CHECK(mmap(area + PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED);
    CHECK(errno == EEXIST);
    CHECK(munmap(area + 4 * PAGE, PAGE) == 0);
    char *again = mmap(area + 4 * PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
    CHECK(again == area + 4 * PAGE && *again == 0);
    CHECK(munmap(area + 5 * PAGE, PAGE) == 0);
    CHECK(mmap(area + 5 * PAGE, PAGE, RW, ANON, -1, 0) == area + 5 * PAGE); /* a hint that fits */
    char *elsewhere = mmap(area, PAGE, RW, ANON, -1, 0);                    /* one that does not */
    CHECK(elsewhere != MAP_FAILED && (elsewhere < area || elsewhere >= area + 8 * PAGE));
    CHECK(munmap(elsewhere, PAGE) == 0 && munmap(area, 8 * PAGE) == 0);
    printf("fixed\n");
}

static void test_unmap(void)
{
    char *area = mmap(NULL, 6 * PAGE, RW, ANON, -1, 0);
    unsigned char resident[6];
    memset(area, 'u', 6 * PAGE);
    CHECK(munmap(area + PAGE, PAGE) == 0 && munmap(area + 3 * PAGE, 2 * PAGE) == 0);
    CHECK(area[0] == 'u' && area[2 * PAGE] == 'u' && area[5 * PAGE] == 'u');
    CHECK_ERRNO(mincore(area, 6 * PAGE, resident), ENOMEM);
    CHECK(mincore(area + 2 * PAGE, PAGE, resident) == 0 && (resident[0] & 1));
    CHECK(munmap(area, 6 * PAGE) == 0); /* holes are no error */
    CHECK(munmap(area, 6 * PAGE) == 0);
    CHECK_ERRNO(munmap(area + 1, PAGE), EINVAL);
    CHECK_ERRNO(munmap(area, 0), EINVAL);
    CHECK_ERRNO(munmap((void *)0xffff800000000000, PAGE), EINVAL);
    printf("unmap\n");
}

static void refused(void *address, size_t size, int prot, int flags, int fd, off_t offset, int why)
{
    CHECK(syscall(SYS_mmap, address, size, prot, flags, fd, offset) == -1 && errno == why);
}

static void test_errors(void)
{
    int fd = open("file", O_RDWR | O_CREAT, 0600), dir = open(".", O_RDONLY), ends[2];
    int writeonly = open("file", O_WRONLY), readonly = open("file", O_RDONLY);
    CHECK(pipe(ends) == 0);
    refused(NULL, 0, RW, ANON, -1, 0, EINVAL);
    refused((void *)1, PAGE, RW, ANON | MAP_FIXED, -1, 0, EINVAL);
    refused(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0, EINVAL);
    refused(NULL, PAGE, RW, MAP_PRIVATE, fd, 1, EINVAL);
    refused(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, -(off_t)PAGE, EOVERFLOW);
    refused(NULL, ~0UL - PAGE, RW, ANON, -1, 0, ENOMEM);
    refused(NULL, 1UL << 47, RW, ANON, -1, 0, ENOMEM);
    refused((void *)0xffff800000000000, PAGE, RW, ANON | MAP_FIXED, -1, 0, ENOMEM);
    refused(NULL, PAGE, RW, MAP_PRIVATE, -1, 0, EBADF);
    refused(NULL, PAGE, PROT_READ, MAP_PRIVATE, writeonly, 0, EACCES);
    refused(NULL, PAGE, RW, MAP_SHARED, readonly, 0, EACCES);
    refused(NULL, PAGE, PROT_READ, MAP_PRIVATE, dir, 0, ENODEV);
    refused(NULL, PAGE, PROT_READ, MAP_PRIVATE, ends[0], 0, ENODEV);
    CHECK(mmap(NULL, PAGE, RW, MAP_PRIVATE, readonly, 0) != MAP_FAILED);
    printf("errors\n");
}

static void test_noreserve(void)
{
    size_t size = 1UL << 40;
    char *area = mmap(NULL, size, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
    CHECK(area != MAP_FAILED);
    CHECK(mprotect(area + (size >> 1), 2 * PAGE, RW) == 0);
    area[(size >> 1) + PAGE] = 'm';
    CHECK(area[size >> 1] == 0 && munmap(area, size) == 0);
    printf("a terabyte of nothing\n");
}

int main(void)
{
    test_zeros();
    test_fixed();
    test_unmap();
    test_errors();
    test_noreserve();
    return 0;
}
