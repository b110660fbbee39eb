/* SPDX-License-Identifier: Apache-2.0 */
/* The heap's end. Calls: brk */
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static char *raw_brk(void *end)
{
    return (char *)syscall(SYS_brk, end);
}

static void test_grow_and_shrink(void)
{
    char *start = raw_brk(NULL);
    CHECK(raw_brk(start + 100000) == start + 100000);
    for (int i = 0; i < 100000; i++)
        CHECK(start[i] == 0);
    memset(start, 'h', 100000);
    CHECK(raw_brk(start + 10) == start + 10 && start[9] == 'h');
    CHECK(raw_brk(start + 100000) == start + 100000);
    CHECK(start[9] == 'h' && start[50000] == 0); /* pages that went come back as zeros */
    CHECK(raw_brk(start + (64 << 20)) == start + (64 << 20));
    start[(64 << 20) - 1] = 'e';
    CHECK(raw_brk(start) == start);
    printf("grow and shrink\n");
}

static void test_refused(void)
{
    char *start = raw_brk(NULL);
    CHECK(raw_brk((char *)1) == start); /* answers what is there */
    CHECK(raw_brk((char *)0x7f0000000000) == start);
    CHECK(raw_brk((char *)-1) == start);
    struct rlimit limit = {1 << 20, 1 << 20};
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(setrlimit(RLIMIT_DATA, &limit) == 0);
        CHECK(raw_brk(start + (16 << 20)) == start);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    printf("refused\n");
}

static void test_fork(void)
{
    int status;
    char *start = raw_brk(NULL);
    CHECK(raw_brk(start + 4096) == start + 4096);
    start[0] = 'p';
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(raw_brk(NULL) == start + 4096 && start[0] == 'p');
        CHECK(raw_brk(start + 8192) == start + 8192);
        start[0] = 'c';
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(raw_brk(NULL) == start + 4096 && start[0] == 'p');
    printf("fork\n");
}

int main(void)
{
    free(malloc(1)); /* glibc's own heap first, if it wants one */
    test_grow_and_shrink();
    test_refused();
    test_fork();
    return 0;
}
