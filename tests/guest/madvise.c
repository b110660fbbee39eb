/* SPDX-License-Identifier: Apache-2.0 */
/* Advice, locks and residence of memory. Calls: madvise mincore mlock munlock */
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "check.h"

enum { PAGE = 4096, RW = PROT_READ | PROT_WRITE };

static void test_dontneed(char *area)
{
    int status;
    memset(area, 'd', 8 * PAGE);
    CHECK(madvise(area + 2 * PAGE, 2 * PAGE, MADV_DONTNEED) == 0);
    CHECK(area[2 * PAGE - 1] == 'd' && area[2 * PAGE] == 0 && area[4 * PAGE - 1] == 0);
    CHECK(area[4 * PAGE] == 'd');
    area[2 * PAGE] = 'n';
    CHECK(area[2 * PAGE] == 'n' && area[2 * PAGE + 1] == 0);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(madvise(area, 8 * PAGE, MADV_DONTNEED) == 0 && area[0] == 0);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(area[0] == 'd' && area[2 * PAGE] == 'n'); /* the child's was another copy */
    printf("DONTNEED\n");
}

static void test_hints(char *area)
{
    int hints[] = {MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED};
    for (int i = 0; i < 4; i++)
        CHECK(madvise(area, 8 * PAGE, hints[i]) == 0);
    CHECK(area[0] == 'd' && madvise(area, 0, MADV_NORMAL) == 0);
    CHECK_ERRNO(madvise(area, PAGE, 9999), EINVAL);
    CHECK_ERRNO(madvise(area + 1, PAGE, MADV_NORMAL), EINVAL);
    printf("hints\n");
}

static void test_residence(char *area)
{
    unsigned char resident[8];
    CHECK(mincore(area, 8 * PAGE, resident) == 0 && (resident[0] & 1) && (resident[7] & 1));
    CHECK_ERRNO(mincore(area + 1, PAGE, resident), EINVAL);
    CHECK_ERRNO(mincore(area, PAGE, (void *)8), EFAULT);
    CHECK(mlock(area, 2 * PAGE) == 0 && munlock(area, 2 * PAGE) == 0 && area[0] == 'd');
    printf("residence\n");
}

int main(void)
{
    unsigned char resident[1];
    char *area = mmap(NULL, 8 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(area != MAP_FAILED);
    test_dontneed(area);
    test_hints(area);
    test_residence(area);
    CHECK(munmap(area, 8 * PAGE) == 0);
    CHECK_ERRNO(madvise(area, PAGE, MADV_DONTNEED), ENOMEM);
    CHECK_ERRNO(mincore(area, PAGE, resident), ENOMEM);
    CHECK_ERRNO(mlock(area, PAGE), ENOMEM);
    CHECK_ERRNO(munlock(area, PAGE), ENOMEM);
    printf("unmapped\n");
    return 0;
}
