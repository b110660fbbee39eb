/* SPDX-License-Identifier: Apache-2.0 */
/* A fork copies memory, and each side writes its own. Calls: fork getpid getppid exit_group */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

enum { PAGES = 300 };

static int initialised = 11, zeroed;
static char *pages;

static void expect(pid_t pid, int code)
{
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == code);
}

static void child_writes(void)
{
    int local = 5, *volatile heap = malloc(sizeof(int));
    *heap = 6;
    pid_t pid = (pid_t)syscall(SYS_fork);
    if (pid == 0) {
        local++, (*heap)++, initialised++, zeroed++;
        for (int i = 0; i < PAGES; i += 3)
            pages[i * 4096] = 'c';
        CHECK(local == 6 && *heap == 7 && initialised == 12 && zeroed == 1 && pages[4096] == 'p');
        _exit(3);
    }
    expect(pid, 3);
    CHECK(local == 5 && *heap == 6 && initialised == 11 && zeroed == 0);
    for (int i = 0; i < PAGES; i++)
        CHECK(pages[i * 4096] == 'p');
    printf("the child's writes are its own\n");
}

static void parent_writes(void)
{
    int ends[2];
    char byte;
    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(read(ends[0], &byte, 1) == 1); /* the parent has written by now */
        for (int i = 0; i < PAGES; i++)
            CHECK(pages[i * 4096] == 'p');
        _exit(4);
    }
    for (int i = 0; i < PAGES; i++)
        pages[i * 4096] = 'P';
    CHECK(write(ends[1], "x", 1) == 1);
    expect(pid, 4);
    for (int i = 0; i < PAGES; i++)
        CHECK(pages[i * 4096] == 'P');
    printf("the parent's writes are its own\n");
}

/* Each generation changes one page and sees those of its ancestors. */
static void generations(int depth)
{
    if (depth == 5)
        _exit(depth);
    pages[depth * 4096] = (char)('0' + depth);
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i <= depth; i++)
            CHECK(pages[i * 4096] == '0' + i);
        CHECK(pages[(depth + 1) * 4096] == 'P');
        generations(depth + 1);
    }
    expect(pid, depth + 1);
    CHECK(pages[(depth + 1) * 4096] == 'P');
    if (depth > 0)
        _exit(depth);
}

static void test_pids(void)
{
    pid_t self = getpid(), pid = fork();
    if (pid == 0) {
        CHECK(getppid() == self && getpid() != self && syscall(SYS_gettid) == getpid());
        _exit(0);
    }
    expect(pid, 0);
    CHECK(getpid() == self);
    printf("pids\n");
}

static void test_shared_offset(void)
{
    char byte;
    int fd = open("file", O_RDWR | O_CREAT, 0600);
    CHECK(write(fd, "abcd", 4) == 4 && lseek(fd, 1, SEEK_SET) == 1);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(read(fd, &byte, 1) == 1 && byte == 'b' && close(fd) == 0);
        _exit(0);
    }
    expect(pid, 0);
    CHECK(read(fd, &byte, 1) == 1 && byte == 'c');
    printf("one position for both\n");
}

int main(void)
{
    pages = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(pages, 'p', PAGES * 4096);
    child_writes();
    parent_writes();
    generations(0);
    printf("five generations\n");
    test_pids();
    test_shared_offset();
    return 0;
}
