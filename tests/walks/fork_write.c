/* SPDX-License-Identifier: Apache-2.0 */
/* After a fork and a checkpoint the child writes pages, then ends, and the parent writes them. */
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "check.h"

enum { PAGES = 2000, PAGE = 4096 };

static char *pages;

static char pattern(int page)
{
    return (char)(page * 31 + page / 256);
}

static void expect_unwritten(int step)
{
    for (int i = 0; i < PAGES; i++)
        CHECK(i % step == 0 ||
              (pages[i * PAGE] == pattern(i) && pages[i * PAGE + 4095] == pattern(i)));
}

int main(void)
{
    int go[2], status;
    char byte;
    pages = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED && pipe(go) == 0);
    for (int i = 0; i < PAGES; i++)
        memset(pages + i * PAGE, pattern(i), PAGE);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(read(go[0], &byte, 1) == 1);
        for (int i = 0; i < PAGES; i += 7)
            pages[i * PAGE] = 'c';
        expect_unwritten(7);
        _exit(0);
    }
    printf("ready\n");
    CHECK(read(0, &byte, 1) == 1 && write(go[1], "x", 1) == 1);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    expect_unwritten(PAGES + 1);
    printf("the child's writes did not reach the parent\n");
    for (int i = 0; i < PAGES; i += 3)
        pages[i * PAGE] = 'p';
    expect_unwritten(3);
    printf("ready again\n");
    CHECK(read(0, &byte, 1) == 1);
    expect_unwritten(3);
    for (int i = 0; i < PAGES; i += 3)
        CHECK(pages[i * PAGE] == 'p');
    printf("the parent's writes are there\n");
    return 0;
}
