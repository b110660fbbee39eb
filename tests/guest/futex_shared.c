/* SPDX-License-Identifier: Apache-2.0 */
/* Futexes in memory that processes share: anonymous, and a file at different addresses.
 * Calls: futex fork mmap wait4 */
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static long futex(void *at, int op, int value, void *at2)
{
    return syscall(SYS_futex, at, op, value, 100L, at2, 0);
}

static void sleepers_are(int *word, int count)
{
    WAIT_FOR(futex(word, FUTEX_REQUEUE, 0, word) == count);
}

/* Two children wait at theirs, which is ours. */
static void try(int *ours, int *theirs)
{
    for (int i = 0; i < 2; i++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            CHECK(syscall(SYS_futex, theirs, FUTEX_WAIT, 0, NULL) == 0);
            __atomic_fetch_add(theirs, 1, __ATOMIC_SEQ_CST);
            _exit(0);
        }
    }
    sleepers_are(ours, 2);
    CHECK(futex(ours, FUTEX_WAKE_PRIVATE, 100, NULL) == 0);
    CHECK(futex(ours + 1, FUTEX_WAKE, 100, NULL) == 0);
    CHECK(futex(ours, FUTEX_WAKE, 1, NULL) == 1);
    CHECK(wait(NULL) > 0);
    CHECK(*ours == 1);
    CHECK(futex(ours, FUTEX_WAKE, 100, NULL) == 1);
    CHECK(wait(NULL) > 0);
    CHECK(*ours == 2);
}

int main(void)
{
    int prot = PROT_READ | PROT_WRITE;
    int *word = mmap(NULL, 8192, prot, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(word != MAP_FAILED);
    try(word + 1030, word + 1030);
    printf("shared anonymous memory\n");

    int fd = open("file", O_RDWR | O_CREAT, 0600);
    CHECK(fd >= 0 && ftruncate(fd, 8192) == 0);
    int *map = mmap(NULL, 8192, prot, MAP_SHARED, fd, 0);
    int *page = mmap(NULL, 4096, prot, MAP_SHARED, fd, 4096);
    CHECK(map != MAP_FAILED && page != MAP_FAILED);
    try(map + 1030, page + 6);
    printf("a file, mapped twice\n");

    word = mmap(NULL, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(word != MAP_FAILED);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        struct timespec span = {0, 200000000};
        CHECK_ERRNO(syscall(SYS_futex, word, FUTEX_WAIT, 0, &span), ETIMEDOUT);
        _exit(0);
    }
    CHECK(futex(word, FUTEX_WAKE, 1, NULL) == 0); /* a copy: another futex */
    CHECK(wait(NULL) == child);
    printf("private memory is not\n");
    return 0;
}
