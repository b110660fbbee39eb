/* SPDX-License-Identifier: Apache-2.0 */
/* What a child gets, and the advice that fills or frees. Calls: madvise fork */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "check.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

enum { PAGE = 4096, PAGES = 24, RW = PROT_READ | PROT_WRITE };

static sigjmp_buf back;
static char *area;

static void on_fault(int signal)
{
    (void)signal;
    siglongjmp(back, 1);
}

/* A letter, . for a zero, ! for what is not there. */
static char look(const volatile char *at)
{
    if (sigsetjmp(back, 0))
        return '!';
    return *at ? *at : '.';
}

static void show(const char *who)
{
    char text[PAGES + 1] = "";

    for (int i = 0; i < PAGES; i++)
        text[i] = look(area + i * PAGE);
    printf("%-12s %s\n", who, text);
}

static void show_child(const char *who)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        pid_t inner;

        show(who);
        inner = fork(); /* advice is inherited */
        if (inner == 0) {
            show("grandchild");
            _exit(0);
        }
        CHECK(waitpid(inner, &status, 0) == inner && status == 0);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static int advise(int first, int count, int advice)
{
    return madvise(area + first * PAGE, (size_t)count * PAGE, advice);
}

static void test_fork(void)
{
    CHECK(advise(2, 5, MADV_DONTFORK) == 0 && advise(10, 9, MADV_WIPEONFORK) == 0);
    show_child("child");
    CHECK(advise(3, 2, MADV_DOFORK) == 0 && advise(12, 2, MADV_KEEPONFORK) == 0);
    show_child("some again");
    CHECK(advise(0, PAGES, MADV_DOFORK) == 0 && advise(0, PAGES, MADV_KEEPONFORK) == 0);
    show_child("all again");
    show("parent");
}

static void test_fill(void)
{
    char *none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *reader = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = memfd_create("short", 0);
    char *file = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);

    CHECK(advise(0, PAGES, MADV_POPULATE_READ) == 0 && advise(0, 9, MADV_POPULATE_WRITE) == 0);
    CHECK_ERRNO(madvise(none, PAGE, MADV_POPULATE_READ), EINVAL);
    CHECK(madvise(reader, PAGE, MADV_POPULATE_READ) == 0);
    CHECK_ERRNO(madvise(reader, PAGE, MADV_POPULATE_WRITE), EINVAL);
    CHECK_ERRNO(madvise(file, PAGE, MADV_POPULATE_WRITE), EFAULT); /* past its end */
    CHECK(ftruncate(fd, PAGE) == 0 && madvise(file, PAGE, MADV_POPULATE_WRITE) == 0);
    CHECK(munmap(none, PAGE) == 0);
    CHECK_ERRNO(madvise(none, PAGE, MADV_POPULATE_READ), ENOMEM);
    show("filled");
}

static void test_hints(void)
{
    const int hints[] = {MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_COLD,     MADV_PAGEOUT,
                         MADV_DONTDUMP, MADV_DODUMP,     MADV_WILLNEED, MADV_RANDOM};

    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        CHECK(advise(1, PAGES - 2, hints[i]) == 0 || errno == EINVAL);
    (void)advise(0, PAGES, MADV_COLLAPSE);
    show("hints");
    CHECK(advise(4, 3, MADV_FREE) == 0);
    memset(area + 4 * PAGE, 'w', 3 * PAGE); /* what is written afterwards stays */
    CHECK_ERRNO(advise(0, 1, 77), EINVAL);
    CHECK_ERRNO(madvise(area + 8, PAGE, MADV_FREE), EINVAL);
    CHECK(munmap(area + 8 * PAGE, PAGE) == 0);
    CHECK_ERRNO(advise(6, 4, MADV_DONTNEED), ENOMEM); /* done around the hole */
    show("a hole");
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};

    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
    area = mmap(NULL, PAGES * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < PAGES; i++)
        memset(area + i * PAGE, 'a' + i, PAGE);
    test_fork();
    test_fill();
    test_hints();
    return 0;
}
