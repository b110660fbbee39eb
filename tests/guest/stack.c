/* SPDX-License-Identifier: Apache-2.0 */
/* The stack grows as it is used, up to its limit. Calls: sigaltstack setrlimit */
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "check.h"

static sigjmp_buf back;
static char *volatile fault_address;

static int deep(int levels)
{
    volatile char block[4000];
    memset((char *)block, levels, sizeof(block));
    int sum = levels == 0 ? 0 : deep(levels - 1);
    CHECK(block[17] == (char)levels);
    return sum + 1;
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    fault_address = info->si_addr;
    siglongjmp(back, 1);
}

#pragma GCC diagnostic ignored "-Winfinite-recursion"
static int endless(int nr)
{
    volatile char block[1000];
    block[0] = (char)nr;
    return endless(nr + 1) + block[0];
}

static void test_overflow(void)
{
    static char alternative[65536];
    stack_t stack = {.ss_sp = alternative, .ss_size = sizeof(alternative)};
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    CHECK(sigaltstack(&stack, NULL) == 0 && sigaction(SIGSEGV, &action, NULL) == 0);
    char *here = (char *)&stack;
    if (sigsetjmp(back, 1) == 0)
        endless(0);
    CHECK(here - fault_address > 500000 && here - fault_address < 9000000);
    printf("overflow is a SIGSEGV\n");
    CHECK(deep(100) == 101);
    printf("and life goes on\n");
}

int main(void)
{
    int status;
    struct rlimit limit = {1 << 20, 1 << 20};
    CHECK(deep(1500) == 1501);
    printf("6 MB deep\n");
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(deep(1500) == 1501);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    printf("so in a child\n");
    pid = fork();
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        return endless(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    printf("overflow without a handler kills\n");
    test_overflow();
    CHECK(setrlimit(RLIMIT_STACK, &limit) == 0 && getrlimit(RLIMIT_STACK, &limit) == 0);
    CHECK(limit.rlim_cur == 1 << 20);
    return 0;
}
