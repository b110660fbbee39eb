/* SPDX-License-Identifier: Apache-2.0 */
/* Two processes count up in turns in one file that both have mapped; each checks that it sees what
 * the other wrote. They go on until standard input ends. */
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

enum { PAGES = 64, WORDS = 4096 / sizeof(long) };

struct shared {
    volatile long turn;
    volatile long is_over;
};

/* Every page has the number of the round in its last word. */
static void play(struct shared *shared, volatile long *pages, int who)
{
    struct timespec pause = {0, 1000000};
    for (;;) {
        long turn;
        while ((turn = shared->turn) % 2 != who) {
            if (shared->is_over)
                return;
            sched_yield();
        }
        if (shared->is_over)
            return;
        for (int i = 0; i < PAGES; i++) {
            CHECK(pages[(i + 1) * WORDS - 1] == turn);
            pages[(i + 1) * WORDS - 1] = turn + 1;
        }
        if (turn % 50 == 0)
            printf("turn %ld\n", turn);
        nanosleep(&pause, NULL);
        shared->turn = turn + 1;
    }
}

int main(void)
{
    int status, fd = open("counters", O_RDWR | O_CREAT, 0600);
    char byte;
    CHECK(fd >= 0 && ftruncate(fd, PAGES * 4096) == 0);
    volatile long *pages = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    struct shared *shared =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED && shared != MAP_FAILED);
    pid_t first = fork();
    if (first == 0) {
        play(shared, pages, 0);
        _exit(0);
    }
    pid_t second = fork();
    if (second == 0) {
        long *own = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        CHECK(own != MAP_FAILED); /* at another address */
        play(shared, own, 1);
        _exit(0);
    }
    CHECK(read(0, &byte, 1) == 0);
    shared->is_over = 1;
    CHECK(waitpid(first, &status, 0) == first && status == 0);
    CHECK(waitpid(second, &status, 0) == second && status == 0);
    long turn = shared->turn;
    for (int i = 0; i < PAGES; i++)
        CHECK(pages[(i + 1) * WORDS - 1] == turn);
    printf("over\n");
    return 0;
}
