/* SPDX-License-Identifier: Apache-2.0 */
/* RLIMIT_AS, RLIMIT_DATA and RLIMIT_STACK. Calls: mmap mremap mprotect brk setrlimit execve */
#include <alloca.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "check.h"

enum { PAGE = 4096, MB = 1 << 20, RW = PROT_READ | PROT_WRITE };
enum { PRIVATE = MAP_PRIVATE | MAP_ANONYMOUS };

static void limit(int resource, size_t size)
{
    struct rlimit limit = {size, RLIM_INFINITY};

    CHECK(getrlimit(resource, &limit) == 0);
    limit.rlim_cur = size;
    CHECK(setrlimit(resource, &limit) == 0);
}

static int fails(size_t size, int prot, int flags)
{
    void *memory = mmap(NULL, size, prot, flags, -1, 0);

    if (memory == MAP_FAILED) {
        CHECK(errno == ENOMEM);
        return 1;
    }
    CHECK(munmap(memory, size) == 0);
    return 0;
}

static void test_as(void)
{
    char *memory = mmap(NULL, MB, RW, PRIVATE, -1, 0);

    limit(RLIMIT_AS, 64 * MB);
    CHECK(fails(64 * MB, PROT_NONE, PRIVATE) && !fails(32 * MB, PROT_NONE, PRIVATE));
    CHECK(fails(64 * MB, RW, MAP_SHARED | MAP_ANONYMOUS));
    CHECK_ERRNO(mremap(memory, MB, 64 * MB, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0, ENOMEM);
    CHECK(mmap(memory, MB, RW, PRIVATE | MAP_FIXED, -1, 0) == memory);
    CHECK(sbrk(64 * MB) == (void *)-1 && errno == ENOMEM);
    limit(RLIMIT_AS, PAGE); /* what is there stays, and may be replaced */
    CHECK(fails(PAGE, RW, PRIVATE));
    limit(RLIMIT_AS, RLIM_INFINITY);
    CHECK(munmap(memory, MB) == 0);
    printf("address space\n");
}

static void test_data(void)
{
    char *memory = mmap(NULL, 32 * MB, PROT_READ, PRIVATE, -1, 0);

    limit(RLIMIT_DATA, 16 * MB);
    CHECK(fails(16 * MB, RW, PRIVATE) && !fails(8 * MB, RW, PRIVATE));
    CHECK(!fails(16 * MB, PROT_READ, PRIVATE) && !fails(16 * MB, RW, MAP_SHARED | MAP_ANONYMOUS));
    CHECK_ERRNO(mprotect(memory, 32 * MB, RW), ENOMEM);
    CHECK(mprotect(memory, 4 * MB, RW) == 0);
    CHECK(sbrk(16 * MB) == (void *)-1);
    limit(RLIMIT_DATA, RLIM_INFINITY);
    CHECK(munmap(memory, 32 * MB) == 0);
    printf("data\n");
}

__attribute__((noinline)) static void use_stack(size_t size)
{
    for (size_t used = 0; used < size; used += 64 << 10)
        *(volatile char *)alloca(64 << 10) = 1;
}

/* 0, or the signal that ends a process which uses so much stack. */
static int ends_by(size_t size)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        use_stack(size);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : status;
}

static void test_stack(char **argv)
{
    int status;

    limit(RLIMIT_STACK, 1 * MB);
    CHECK(ends_by(MB / 2) == 0 && ends_by(2 * MB) == SIGSEGV);
    limit(RLIMIT_STACK, 16 * MB);
    CHECK(ends_by(12 * MB) == 0 && ends_by(17 * MB) == SIGSEGV);
    limit(RLIMIT_STACK, 200 * MB);
    pid_t pid = fork();
    if (pid == 0)
        execl("/proc/self/exe", argv[0], "deep", NULL);
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
    printf("stack\n");
}

/* A quarter of the stack is for arguments, but never less than 128 KB. */
static void test_arguments(void)
{
    static char text[100000];
    char *argv[] = {"true", text, text, NULL};
    int status;

    memset(text, 'a', sizeof text - 1);
    limit(RLIMIT_STACK, 512 << 10);
    CHECK_ERRNO(execv("/bin/true", argv), E2BIG);
    limit(RLIMIT_STACK, 8 * MB);
    pid_t pid = fork();
    if (pid == 0)
        execv("/bin/true", argv);
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
    printf("arguments\n");
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        CHECK(ends_by(160 * MB) == 0);
        return 0;
    }
    test_as();
    test_data();
    test_stack(argv);
    test_arguments();
    return 0;
}
