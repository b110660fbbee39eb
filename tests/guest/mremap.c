/* SPDX-License-Identifier: Apache-2.0 */
/* Growing, shrinking and moving mappings. Calls: mremap */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "check.h"

enum { PAGE = 4096, RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

static char *reserve(int pages)
{
    char *area = mmap(NULL, (size_t)pages * PAGE, PROT_NONE, ANON, -1, 0);
    CHECK(area != MAP_FAILED);
    return area;
}

static char *make(char *at, int pages)
{
    CHECK(mmap(at, (size_t)pages * PAGE, RW, ANON | MAP_FIXED, -1, 0) == at);
    for (int i = 0; i < pages; i++)
        memset(at + i * PAGE, 'a' + i, PAGE);
    return at;
}

static void expect(const char *at, int pages)
{
    for (int i = 0; i < pages; i++)
        CHECK(at[i * PAGE] == 'a' + i && at[i * PAGE + PAGE - 1] == 'a' + i);
}

static void test_in_place(void)
{
    unsigned char resident[8];
    char *area = make(reserve(8), 4);
    CHECK(mremap(area, 4 * PAGE, 2 * PAGE, 0) == area);
    CHECK_ERRNO(mincore(area + 2 * PAGE, PAGE, resident), ENOMEM);
    expect(area, 2);
    CHECK(mremap(area, 2 * PAGE, 4 * PAGE, 0) == area); /* into the gap */
    expect(area, 2);
    CHECK(area[2 * PAGE] == 0 && area[4 * PAGE - 1] == 0);
    CHECK(mremap(area, 4 * PAGE, 8 * PAGE, 0) == MAP_FAILED && errno == ENOMEM);
    printf("in place\n");
}

static void test_move(void)
{
    unsigned char resident[8];
    char *area = make(reserve(8), 4);
    char *moved = mremap(area, 4 * PAGE, 300 * PAGE, MREMAP_MAYMOVE);
    CHECK(moved != MAP_FAILED && moved != area);
    expect(moved, 4);
    CHECK(moved[299 * PAGE] == 0);
    CHECK_ERRNO(mincore(area, PAGE, resident), ENOMEM);
    moved[0] = 'x';
    CHECK(munmap(moved, 300 * PAGE) == 0);
    printf("moved\n");
}

static void test_fixed(void)
{
    unsigned char resident[8];
    char *area = make(reserve(4), 3), *target = make(reserve(8), 8);
    CHECK(mremap(area, 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target + 2 * PAGE) ==
          target + 2 * PAGE);
    expect(target + 2 * PAGE, 3);
    CHECK(target[PAGE] == 'b' && target[5 * PAGE] == 'f');
    CHECK_ERRNO(mincore(area, PAGE, resident), ENOMEM);
    char *kept = mremap(target, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
    CHECK(kept != MAP_FAILED && kept != target);
    expect(kept, 2);
    CHECK(target[0] == 0 && target[PAGE] == 0); /* still there, empty */
    printf("fixed\n");
}

/* Pages shared with a child by copy-on-write, and those of a file, move along. */
static void test_kinds(void)
{
    int status, fd = open("file", O_RDWR | O_CREAT, 0600);
    char *area = make(reserve(8), 4);
    pid_t pid = fork();
    if (pid == 0) {
        area = mremap(area, 4 * PAGE, 20 * PAGE, MREMAP_MAYMOVE);
        CHECK(area != MAP_FAILED);
        expect(area, 4);
        area[0] = 'c';
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    expect(area, 4);

    CHECK(ftruncate(fd, 4 * PAGE) == 0 && pwrite(fd, "page two", 8, 2 * PAGE) == 8);
    char *file = mmap(NULL, PAGE, RW, MAP_SHARED, fd, PAGE);
    file = mremap(file, PAGE, 3 * PAGE, MREMAP_MAYMOVE);
    CHECK(file != MAP_FAILED && memcmp(file + PAGE, "page two", 8) == 0);
    file[0] = 'w';
    char byte;
    CHECK(pread(fd, &byte, 1, PAGE) == 1 && byte == 'w');
    printf("kinds\n");
}

static void refused(char *address, size_t old, size_t new, int flags, char *to, int why)
{
    CHECK(mremap(address, old, new, flags, to) == MAP_FAILED && errno == why);
}

int main(void)
{
    test_in_place();
    test_move();
    test_fixed();
    test_kinds();
    char *area = make(reserve(8), 4);
    refused(area + 1, PAGE, PAGE, 0, NULL, EINVAL);
    refused(area, PAGE, 0, 0, NULL, EINVAL);
    refused(area, PAGE, PAGE, MREMAP_FIXED, area + PAGE, EINVAL);
    refused(area, PAGE, PAGE, 0x40, NULL, EINVAL);
    refused(area, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, area + PAGE, EINVAL);
    CHECK(munmap(area, PAGE) == 0);
    refused(area, PAGE, 2 * PAGE, MREMAP_MAYMOVE, NULL, EFAULT);
    printf("errors\n");
    return 0;
}
