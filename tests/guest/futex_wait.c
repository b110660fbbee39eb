/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a wake: in order of arrival, by number and by bits, private and not.
 * Calls: futex clone wait4 */
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

enum { WAITERS = 3, STACK = 16384 };

static char stacks[WAITERS][STACK] __attribute__((aligned(16)));
static int word, other, operation, bits[WAITERS];
static volatile int woken[WAITERS];
static pid_t children[WAITERS];

static long futex(void *at, int op, int value, int value3)
{
    return syscall(SYS_futex, at, op, value, NULL, NULL, value3);
}

/* A process with our memory. */
static int waiter(void *argument)
{
    long nr = (long)argument;
    woken[nr] = futex(&word, operation, 0, bits[nr]) == 0 ? 1 : -1;
    return 0;
}

/* Each sleeps before the next one comes: requeueing all to themselves tells how many there are. */
static void start(int op, int bits0, int bits1, int bits2)
{
    int is_private = op & FUTEX_PRIVATE_FLAG;
    operation = op;
    bits[0] = bits0, bits[1] = bits1, bits[2] = bits2;
    for (long i = 0; i < WAITERS; i++) {
        woken[i] = 0;
        children[i] = clone(waiter, stacks[i] + STACK, CLONE_VM | CLONE_FILES | SIGCHLD, (void *)i);
        CHECK(children[i] > 0);
        WAIT_FOR(syscall(SYS_futex, &word, FUTEX_REQUEUE | is_private, 0, 100, &word, 0) == i + 1);
    }
}

static void end(int nr)
{
    CHECK(waitpid(children[nr], NULL, 0) == children[nr]);
    CHECK(woken[nr] == 1);
}

int main(void)
{
    start(FUTEX_WAIT, 0, 0, 0);
    CHECK(futex(&other, FUTEX_WAKE, 1, 0) == 0);
    CHECK(futex(&word, FUTEX_WAKE_PRIVATE, 1, 0) == 0); /* not the same futex */
    CHECK(futex(&word, FUTEX_WAKE, 1, 0) == 1);
    end(0);
    CHECK(woken[1] == 0 && woken[2] == 0);
    CHECK(futex(&word, FUTEX_WAKE, 0, 0) == 1); /* none means one */
    end(1);
    CHECK(futex(&word, FUTEX_WAKE, 100, 0) == 1);
    end(2);
    printf("shared: in order of arrival\n");

    start(FUTEX_WAIT_PRIVATE, 0, 0, 0);
    CHECK(futex(&word, FUTEX_WAKE, 1, 0) == 0);
    CHECK(futex(&word, FUTEX_WAKE_PRIVATE, 2, 0) == 2);
    end(0);
    end(1);
    CHECK(woken[2] == 0);
    CHECK(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 1, 1 << 30) == 1); /* it has all bits */
    end(2);
    printf("private: two at once\n");

    start(FUTEX_WAIT_BITSET_PRIVATE, 1, 2, 4);
    CHECK(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, 8) == 0);
    CHECK(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, 2 | 8) == 1);
    end(1);
    CHECK(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 1, 4) == 1);
    end(2);
    CHECK(woken[0] == 0);
    CHECK(futex(&word, FUTEX_WAKE_PRIVATE, 1, 0) == 1);
    end(0);
    printf("by bits\n");
    return 0;
}
