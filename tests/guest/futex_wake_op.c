/* SPDX-License-Identifier: Apache-2.0 */
/* FUTEX_WAKE_OP: a word is changed, and its old value decides who else wakes.
 * Calls: futex clone wait4 */
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

enum { STACK = 16384 };

static char stacks[2][STACK] __attribute__((aligned(16)));
static int words[2];
static volatile int woken[2];

static long wake_op(int count, long count2, unsigned op)
{
    return syscall(SYS_futex, &words[0], FUTEX_WAKE_OP_PRIVATE, count, count2, &words[1], op);
}

static int waiter(void *argument)
{
    long nr = (long)argument;
    woken[nr] = syscall(SYS_futex, &words[nr], FUTEX_WAIT_PRIVATE, 0, NULL) == 0 ? 1 : -1;
    return 0;
}

static pid_t start(long nr)
{
    woken[nr] = words[nr] = 0;
    pid_t child = clone(waiter, stacks[nr] + STACK, CLONE_VM | CLONE_FILES | SIGCHLD, (void *)nr);
    CHECK(child > 0);
    WAIT_FOR(syscall(SYS_futex, &words[nr], FUTEX_REQUEUE_PRIVATE, 0, 1, &words[nr], 0) == 1);
    return child;
}

static void operations(void)
{
    words[1] = 10;
    CHECK(wake_op(1, 1, FUTEX_OP(FUTEX_OP_SET, 5, FUTEX_OP_CMP_EQ, 0)) == 0 && words[1] == 5);
    CHECK(wake_op(1, 1, FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_LT, 0)) == 0 && words[1] == 8);
    CHECK(wake_op(1, 1, FUTEX_OP(FUTEX_OP_ADD, -9, FUTEX_OP_CMP_LT, 0)) == 0 && words[1] == -1);
    words[1] = 8;
    CHECK(wake_op(1, 1, FUTEX_OP(FUTEX_OP_OR, 3, FUTEX_OP_CMP_GT, 0)) == 0 && words[1] == 11);
    CHECK(wake_op(1, 1, FUTEX_OP(FUTEX_OP_ANDN, 9, FUTEX_OP_CMP_NE, 0)) == 0 && words[1] == 2);
    CHECK(wake_op(1, 1, FUTEX_OP(FUTEX_OP_XOR, 6, FUTEX_OP_CMP_GE, 0)) == 0 && words[1] == 4);
    unsigned shift = (unsigned)FUTEX_OP_OPARG_SHIFT << 28;
    CHECK(wake_op(1, 1, shift | FUTEX_OP(FUTEX_OP_SET, 20, 0, 0)) == 0 && words[1] == 1 << 20);
    CHECK_ERRNO(wake_op(1, 1, FUTEX_OP(5, 1, FUTEX_OP_CMP_EQ, 0)), ENOSYS);
    CHECK_ERRNO(wake_op(1, 1, FUTEX_OP(FUTEX_OP_SET, 1, 7, 0)), ENOSYS);
    CHECK_ERRNO(syscall(SYS_futex, &words[0], FUTEX_WAKE_OP, 1, 1, (void *)16, 0), EFAULT);
    CHECK_ERRNO(syscall(SYS_futex, &words[0], FUTEX_WAKE_OP, 1, 1, "text", 0), EFAULT);
    printf("operations\n");
}

int main(void)
{
    operations();
    pid_t first = start(0), second = start(1);
    CHECK(wake_op(1, 1, FUTEX_OP(FUTEX_OP_SET, 1, FUTEX_OP_CMP_GT, 0)) == 1 && words[1] == 1);
    CHECK(waitpid(first, NULL, 0) == first && woken[0] == 1 && woken[1] == 0);
    printf("the first only\n");
    first = start(0);
    CHECK(wake_op(1, 1, FUTEX_OP(FUTEX_OP_SET, 2, FUTEX_OP_CMP_EQ, 1)) == 2 && words[1] == 2);
    CHECK(waitpid(first, NULL, 0) == first && woken[0] == 1);
    CHECK(waitpid(second, NULL, 0) == second && woken[1] == 1);
    printf("both\n");
    return 0;
}
