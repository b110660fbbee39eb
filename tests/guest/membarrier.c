/* SPDX-License-Identifier: Apache-2.0 */
/* Barriers that one thread makes for others: of two that each write and then read, one at least
 * sees what the other wrote, though only one has a barrier. Calls: membarrier clone */
#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "check.h"

enum { ROUNDS = 40 };

static volatile int turn, done, ours, theirs, their_view;

static long membarrier(int command)
{
    return syscall(SYS_membarrier, command, 0, 0);
}

/* Without a barrier of its own, but for the compiler. */
static void *other(void *argument)
{
    (void)argument;
    for (int i = 1; i <= ROUNDS; i++) {
        while (turn != i)
            ;
        theirs = i;
        __asm__ volatile("" ::: "memory");
        their_view = ours;
        done = i;
    }
    return NULL;
}

static void race(int command)
{
    pthread_t thread;
    turn = done = ours = theirs = 0;
    CHECK(pthread_create(&thread, NULL, other, NULL) == 0);
    for (int i = 1; i <= ROUNDS; i++) {
        turn = i;
        ours = i;
        CHECK(membarrier(command) == 0);
        int our_view = theirs;
        while (done != i)
            ;
        CHECK(our_view == i || their_view == i);
    }
    CHECK(pthread_join(thread, NULL) == 0);
}

int main(void)
{
    long all = membarrier(MEMBARRIER_CMD_QUERY);
    CHECK((all & MEMBARRIER_CMD_PRIVATE_EXPEDITED) && (all & MEMBARRIER_CMD_GLOBAL));
    CHECK_ERRNO(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 1, 0), EINVAL);
    CHECK_ERRNO(membarrier(3), EINVAL);
    CHECK_ERRNO(membarrier(1 << 30), EINVAL);
    CHECK_ERRNO(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED), EPERM);
    CHECK_ERRNO(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE), EPERM);
    printf("not registered\n");
    CHECK(membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0);
    CHECK(membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE) == 0);
    CHECK(membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED) == 0);
    CHECK(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0);
    CHECK(membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED) == 0);
    CHECK(membarrier(MEMBARRIER_CMD_GLOBAL) == 0);
    printf("registered\n");
    race(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    race(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE);
    printf("one of two sees the other\n");
    return 0;
}
