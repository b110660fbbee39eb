/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks made by hand that grow. Calls: mmap mprotect */
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "check.h"

enum { PAGE = 4096, RW = PROT_READ | PROT_WRITE, GAP = 256 };
enum { ANONYMOUS = MAP_PRIVATE | MAP_ANONYMOUS };

static sigjmp_buf back;
static volatile int code;

static void on_fault(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    code = info->si_code;
    siglongjmp(back, 1);
}

/* 0, or the code of its signal. */
static int store(char *at)
{
    if (sigsetjmp(back, 1))
        return code;
    *(volatile char *)at = 1;
    return 0;
}

/* A range of free addresses: where it ends. */
static char *free_range(size_t pages)
{
    char *range = mmap(NULL, pages * PAGE, PROT_NONE, ANONYMOUS, -1, 0);

    CHECK(range != MAP_FAILED && munmap(range, pages * PAGE) == 0);
    return range + pages * PAGE;
}

static void test_growth(void)
{
    char *end = free_range(4000), *stack = end - 4 * PAGE;

    CHECK(mmap(stack, 4 * PAGE, RW, ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED_NOREPLACE, -1, 0) ==
          stack);
    CHECK(store(stack) == 0 && store(stack - 1) == 0 && store(stack - 100 * PAGE) == 0);
    CHECK(stack[-50 * PAGE] == 0); /* all between is there */
    /* What is below keeps its distance. */
    char *below = stack - 500 * PAGE;
    CHECK(mmap(below, PAGE, RW, ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == below);
    CHECK(store(below + PAGE + (GAP + 40) * PAGE) == 0);
    CHECK(store(below + PAGE + (GAP - 40) * PAGE) == SEGV_MAPERR);
    CHECK(munmap(below, PAGE) == 0 && munmap(end - 1000 * PAGE, 1000 * PAGE) == 0);
    printf("growth\n");
}

/* PROT_GROWSDOWN: down to where it begins now. */
static void test_protection(void)
{
    char *end = free_range(2000), *stack = end - 4 * PAGE;

    CHECK(mmap(stack, 4 * PAGE, RW, ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED_NOREPLACE, -1, 0) ==
          stack);
    CHECK(mprotect(stack + 3 * PAGE, PAGE, PROT_READ | PROT_GROWSDOWN) == 0);
    CHECK(store(stack) == SEGV_ACCERR && store(stack + 3 * PAGE) == SEGV_ACCERR);
    CHECK(mprotect(stack, 4 * PAGE, RW) == 0 && store(stack) == 0);
    char *plain = mmap(NULL, PAGE, RW, ANONYMOUS, -1, 0);
    CHECK_ERRNO(mprotect(plain, PAGE, PROT_READ | PROT_GROWSDOWN), EINVAL);
    CHECK_ERRNO(mprotect(plain, PAGE, PROT_READ | PROT_GROWSDOWN | PROT_GROWSUP), EINVAL);
    CHECK(munmap(end - 500 * PAGE, 500 * PAGE) == 0);
    printf("protection\n");
}

/* Kernel accesses make it grow, too. */
static void test_call(void)
{
    char *end = free_range(2000), *stack = end - 2 * PAGE;
    int pipes[2];

    CHECK(mmap(stack, 2 * PAGE, RW, ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED_NOREPLACE, -1, 0) ==
          stack);
    CHECK(pipe(pipes) == 0 && write(pipes[1], "deep", 5) == 5);
    CHECK(read(pipes[0], stack - 9 * PAGE, 5) == 5 && strcmp(stack - 9 * PAGE, "deep") == 0);
    CHECK(munmap(end - 500 * PAGE, 500 * PAGE) == 0);
    printf("calls\n");
}

int main(void)
{
    static char alternative[64 << 10];
    stack_t on = {.ss_sp = alternative, .ss_size = sizeof alternative};
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};

    CHECK(sigaltstack(&on, NULL) == 0 && sigaction(SIGSEGV, &action, NULL) == 0);
    test_growth();
    test_protection();
    test_call();
    return 0;
}
