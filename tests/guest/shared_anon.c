/* SPDX-License-Identifier: Apache-2.0 */
/* Shared memory without a name, as an object: its size, its holes, its second map, its line in
 * maps. Calls: mmap mremap madvise munmap */
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "check.h"

enum { PAGE = 4096, RW = PROT_READ | PROT_WRITE };

static sigjmp_buf back;

static void on_bus(int signal)
{
    (void)signal;
    siglongjmp(back, 1);
}

static int is_bus(volatile char *at)
{
    if (sigsetjmp(back, 1))
        return 1;
    (void)*at;
    return 0;
}

static char *share(size_t pages)
{
    char *shared = mmap(NULL, pages * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    CHECK(shared != MAP_FAILED);
    return shared;
}

/* What maps says of the range that starts there. */
static void show(const char *what, const void *start)
{
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");

    CHECK(maps);
    while (fgets(line, sizeof line, maps)) {
        char perms[8], name[256] = "";
        unsigned long from;

        CHECK(sscanf(line, "%lx-%*x %7s %*x %*s %*u %255[^\n]", &from, perms, name) >= 2);
        if (from == (unsigned long)start)
            printf("%s: %s %s\n", what, perms, name);
    }
    fclose(maps);
}

static void test_second_map(void)
{
    char *first = share(3), *second;

    show("first", first);
    strcpy(first + PAGE, "second page");
    second = mremap(first, 0, 3 * PAGE, MREMAP_MAYMOVE);
    CHECK(second != MAP_FAILED && second != first);
    CHECK(strcmp(second + PAGE, "second page") == 0);
    second[5] = 'x';
    CHECK(first[5] == 'x');
    CHECK(munmap(first, 3 * PAGE) == 0 && second[5] == 'x');
    CHECK(mprotect(second + PAGE, PAGE, PROT_NONE) == 0);
    CHECK(mprotect(second + PAGE, PAGE, RW) == 0 && strcmp(second + PAGE, "second page") == 0);
    CHECK(munmap(second, 3 * PAGE) == 0);
    CHECK_ERRNO(mremap(second, 0, PAGE, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0, EFAULT);
    char *private = mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_ERRNO(mremap(private, 0, PAGE, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0, EINVAL);
    printf("a second map\n");
}

static void test_growth(void)
{
    char *shared = share(2), *grown;

    shared[PAGE] = 'k';
    grown = mremap(shared, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE);
    CHECK(grown != MAP_FAILED && grown[PAGE] == 'k');
    CHECK(is_bus(grown + 2 * PAGE) && is_bus(grown + 3 * PAGE) && !is_bus(grown));
    CHECK(munmap(grown, 4 * PAGE) == 0);
    printf("past its end\n");
}

/* A hole is seen by all; DONTNEED forgets nothing. */
static void test_advice(void)
{
    char *shared = share(64);
    int status;

    memset(shared, 'a', 64 * PAGE);
    CHECK(madvise(shared, 64 * PAGE, MADV_DONTNEED) == 0);
    CHECK(shared[0] == 'a' && shared[63 * PAGE] == 'a');
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(madvise(shared + 3 * PAGE, 40 * PAGE, MADV_REMOVE) == 0);
        shared[4 * PAGE] = 'c';
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(shared[2 * PAGE] == 'a' && shared[3 * PAGE] == 0 && shared[4 * PAGE] == 'c');
    CHECK(shared[42 * PAGE] == 0 && shared[43 * PAGE] == 'a' && shared[43 * PAGE - 1] == 0);
    char *private = mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_ERRNO(madvise(private, PAGE, MADV_REMOVE), EINVAL);
    CHECK_ERRNO(madvise(shared, PAGE, MADV_FREE), EINVAL);
    CHECK_ERRNO(madvise(shared, PAGE, MADV_WIPEONFORK), EINVAL);
    CHECK(munmap(shared, 64 * PAGE) == 0);
    printf("advice\n");
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_bus};

    CHECK(sigaction(SIGBUS, &action, NULL) == 0);
    test_second_map();
    test_growth();
    test_advice();
    return 0;
}
