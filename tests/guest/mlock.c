/* SPDX-License-Identifier: Apache-2.0 */
/* Locked memory and RLIMIT_MEMLOCK. Calls: mlock mlock2 munlock mlockall munlockall mmap madvise
 * msync setrlimit */
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "check.h"

enum { PAGE = 4096, RW = PROT_READ | PROT_WRITE, PRIVATE = MAP_PRIVATE | MAP_ANONYMOUS };

static char *map(int pages, int prot, int flags)
{
    char *memory = mmap(NULL, (size_t)pages * PAGE, prot, PRIVATE | flags, -1, 0);

    CHECK(memory != MAP_FAILED);
    return memory;
}

/* VmLck of /proc/self/status, in pages. */
static int locked(void)
{
    char line[256];
    int size = -1;
    FILE *status = fopen("/proc/self/status", "r");

    CHECK(status);
    while (fgets(line, sizeof line, status))
        (void)sscanf(line, "VmLck: %d kB", &size);
    fclose(status);
    return size / 4;
}

static void test_ranges(void)
{
    char *memory = map(10, RW, 0), *none = map(1, PROT_NONE, 0);

    CHECK(mlock(memory + PAGE + 5, PAGE) == 0); /* two pages */
    printf("%d locked\n", locked());
    CHECK(mlock(memory, 4 * PAGE) == 0 && munlock(memory + PAGE, PAGE) == 0);
    printf("%d locked\n", locked());
    CHECK_ERRNO(madvise(memory, PAGE, MADV_DONTNEED), EINVAL);
    CHECK_ERRNO(msync(memory, PAGE, MS_INVALIDATE), EBUSY);
    CHECK(madvise(memory + PAGE, PAGE, MADV_DONTNEED) == 0);
    CHECK(munmap(memory + 2 * PAGE, PAGE) == 0);
    printf("%d locked\n", locked());
    CHECK_ERRNO(mlock(memory, 10 * PAGE), ENOMEM); /* a hole */
    printf("%d locked\n", locked());
    CHECK_ERRNO(munlock(memory, 10 * PAGE), ENOMEM);
    CHECK(munlock(memory + 3 * PAGE, 7 * PAGE) == 0);
    printf("%d locked\n", locked());
    CHECK(mlock2(memory + 5 * PAGE, PAGE, MLOCK_ONFAULT) == 0 && locked() == 1);
    CHECK_ERRNO(mlock2(memory, PAGE, 2), EINVAL);
    CHECK_ERRNO(mlock((void *)-PAGE, 2 * PAGE), EINVAL);
    CHECK(mlock(memory, 0) == 0);
    CHECK_ERRNO(mlock(none, PAGE), ENOMEM);
    CHECK(munmap(memory, 10 * PAGE) == 0);
    CHECK(munlock(none, PAGE) == 0);
    printf("%d locked\n", locked());
}

static void test_all(void)
{
    CHECK(mlockall(MCL_CURRENT) == 0 && locked() > 10);
    int before = locked();
    char *memory = map(3, RW, 0);
    CHECK(locked() == before);
    CHECK(munlockall() == 0 && locked() == 0 && munmap(memory, 3 * PAGE) == 0);
    CHECK(mlockall(MCL_FUTURE) == 0 && locked() == 0);
    memory = map(3, RW, 0);
    CHECK(locked() == 3);
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(locked());
    CHECK(waitpid(pid, &status, 0) == pid && status == 0); /* not inherited */
    CHECK(munlockall() == 0);
    (void)map(1, RW, 0);
    CHECK(locked() == 0);
    CHECK_ERRNO(mlockall(0), EINVAL);
    CHECK_ERRNO(mlockall(MCL_ONFAULT), EINVAL);
    CHECK_ERRNO(mlockall(8), EINVAL);
    printf("all\n");
}

static void test_limit(void)
{
    struct rlimit limit = {4 * PAGE, 4 * PAGE};
    char *memory = map(8, RW, 0);

    CHECK(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
    if (geteuid() == 0)
        CHECK(setresuid(65534, 65534, 65534) == 0);
    CHECK(mlock(memory, 4 * PAGE) == 0 && mlock(memory + PAGE, 3 * PAGE) == 0);
    CHECK_ERRNO(mlock(memory + 4 * PAGE, PAGE), ENOMEM);
    CHECK_ERRNO(mmap(NULL, PAGE, RW, PRIVATE | MAP_LOCKED, -1, 0) == MAP_FAILED ? -1 : 0, EAGAIN);
    CHECK_ERRNO(mlockall(MCL_CURRENT), ENOMEM);
    CHECK(munlock(memory, 2 * PAGE) == 0);
    char *more = map(2, RW, MAP_LOCKED);
    CHECK(locked() == 4 && munmap(more, 2 * PAGE) == 0);
    limit.rlim_cur = 0;
    CHECK(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
    CHECK_ERRNO(mlock(memory + 2 * PAGE, PAGE), EPERM);
    CHECK_ERRNO(mlockall(MCL_FUTURE), EPERM);
    CHECK_ERRNO(mmap(NULL, PAGE, RW, PRIVATE | MAP_LOCKED, -1, 0) == MAP_FAILED ? -1 : 0, EPERM);
    CHECK(munlock(memory, 8 * PAGE) == 0);
    printf("limit\n");
}

int main(void)
{
    struct rlimit limit;

    CHECK(getrlimit(RLIMIT_MEMLOCK, &limit) == 0);
    if (geteuid() != 0 && limit.rlim_cur < 8 << 20)
        SKIP("RLIMIT_MEMLOCK is too small");
    test_ranges();
    test_all();
    test_limit();
    return 0;
}
