/* SPDX-License-Identifier: Apache-2.0 */
/* Those who wait at one word are made to wait at another one. Calls: futex clone wait4 */
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

enum { WAITERS = 4, STACK = 16384 };

static char stacks[WAITERS][STACK] __attribute__((aligned(16)));
static int from = 7, to = 9;
static volatile int woken[WAITERS];
static pid_t children[WAITERS];

static long futex(void *at, int op, int value, long value2, void *at2, int value3)
{
    return syscall(SYS_futex, at, op, value, value2, at2, value3);
}

static int waiter(void *argument)
{
    long nr = (long)argument;
    woken[nr] = futex(&from, FUTEX_WAIT_PRIVATE, 7, 0, NULL, 0) == 0 ? 1 : -1;
    return 0;
}

static void start(void)
{
    for (long i = 0; i < WAITERS; i++) {
        woken[i] = 0;
        children[i] = clone(waiter, stacks[i] + STACK, CLONE_VM | CLONE_FILES | SIGCHLD, (void *)i);
        CHECK(children[i] > 0);
        WAIT_FOR(futex(&from, FUTEX_REQUEUE_PRIVATE, 0, 100, &from, 0) == i + 1);
    }
}

static void end(int nr)
{
    CHECK(waitpid(children[nr], NULL, 0) == children[nr]);
    CHECK(woken[nr] == 1);
}

int main(void)
{
    start();
    CHECK_ERRNO(futex(&from, FUTEX_CMP_REQUEUE_PRIVATE, 1, 2, &to, 8), EAGAIN);
    CHECK(futex(&from, FUTEX_CMP_REQUEUE_PRIVATE, 1, 2, &to, 7) == 3);
    end(0);
    CHECK(woken[1] == 0 && woken[2] == 0 && woken[3] == 0);
    CHECK(futex(&from, FUTEX_WAKE_PRIVATE, 100, 0, NULL, 0) == 1);
    end(3);
    printf("one woken, two elsewhere, one left\n");
    CHECK(futex(&to, FUTEX_WAKE_PRIVATE, 1, 0, NULL, 0) == 1);
    end(1); /* still in order; what the word is now does not matter */
    CHECK(futex(&to, FUTEX_REQUEUE_PRIVATE, 0, 100, &from, 0) == 1);
    CHECK(futex(&to, FUTEX_WAKE_PRIVATE, 100, 0, NULL, 0) == 0);
    CHECK(futex(&from, FUTEX_WAKE_PRIVATE, 100, 0, NULL, 0) == 1);
    end(2);
    printf("in order at the other word, and back\n");
    return 0;
}
