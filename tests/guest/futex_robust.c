/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a thread that holds locks: its robust list, however broken, and clear_child_tid.
 * Calls: set_robust_list get_robust_list futex set_tid_address fork clone execve wait4 */
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

struct lock {
    struct robust_list link;
    int word;
};
struct shared {
    struct robust_list_head head;
    struct lock locks[4];
};

static struct shared *shared;
static int tid_word = 5;
static char stack[16384] __attribute__((aligned(16)));

static long futex(int *at, int op, int value, long value2)
{
    return syscall(SYS_futex, at, op, value, value2, at, 0);
}

/* The list has locks 0 to count - 1; lock 3 is pending. */
static void make_list(int count, int words)
{
    struct robust_list *last = &shared->head.list;
    shared->head.futex_offset = offsetof(struct lock, word);
    shared->head.list_op_pending = &shared->locks[3].link;
    for (int i = 0; i < 4; i++)
        shared->locks[i].word = words;
    for (int i = 0; i < count; i++) {
        last->next = &shared->locks[i].link;
        last = last->next;
    }
    last->next = &shared->head.list;
    CHECK(syscall(SYS_set_robust_list, &shared->head, sizeof(shared->head)) == 0);
}

static void check_words(int w0, int w1, int w2, int w3)
{
    CHECK(shared->locks[0].word == w0 && shared->locks[1].word == w1);
    CHECK(shared->locks[2].word == w2 && shared->locks[3].word == w3);
}

/* How does a holder with such a list end? 0: the list is whole; 1: it leads nowhere; 2: it is a
 * ring without its head; 3: another program. */
static void end_holder(int how)
{
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        make_list(2, gettid());
        shared->locks[1].word = 1; /* somebody else's */
        if (how == 1)
            shared->locks[1].link.next = (void *)16;
        if (how == 2)
            shared->locks[1].link.next = &shared->locks[0].link;
        if (how == 3)
            execl("/bin/true", "true", NULL);
        _exit(0);
    }
    CHECK(waitpid(child, NULL, 0) == child);
}

static void wake_waiter(void)
{
    shared->locks[0].word = (int)FUTEX_WAITERS | 1;
    pid_t waiter = fork();
    CHECK(waiter >= 0);
    if (waiter == 0) {
        CHECK(syscall(SYS_futex, &shared->locks[0].word, FUTEX_WAIT, FUTEX_WAITERS | 1, NULL) == 0);
        _exit(0);
    }
    WAIT_FOR(futex(&shared->locks[0].word, FUTEX_REQUEUE, 0, 1) == 1);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        make_list(1, gettid() | (int)FUTEX_WAITERS);
        _exit(0);
    }
    CHECK(waitpid(waiter, NULL, 0) == waiter);
    CHECK(waitpid(child, NULL, 0) == child);
    CHECK(shared->locks[0].word == (int)(FUTEX_WAITERS | FUTEX_OWNER_DIED));
    printf("one that waits is woken\n");
}

static int leave(void *argument)
{
    (void)argument;
    syscall(SYS_set_tid_address, &tid_word);
    return 0;
}

int main(void)
{
    const int died = FUTEX_OWNER_DIED;
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    end_holder(0);
    CHECK(shared->locks[0].word == died && shared->locks[1].word == 1);
    CHECK(shared->locks[2].word != died && shared->locks[3].word == died);
    printf("all of a list\n");
    end_holder(1);
    CHECK(shared->locks[0].word == died && shared->locks[1].word == 1);
    CHECK(shared->locks[3].word != died);
    printf("as far as it goes\n");
    end_holder(2);
    CHECK(shared->locks[0].word == died && shared->locks[3].word == died);
    printf("a ring\n");
    end_holder(3);
    CHECK(shared->locks[0].word == died && shared->locks[3].word == died);
    printf("another program\n");
    wake_waiter();
    make_list(0, 0);
    check_words(0, 0, 0, 0);
    CHECK(syscall(SYS_set_robust_list, NULL, sizeof(shared->head)) == 0);

    int flags = CLONE_VM | CLONE_FILES | SIGCHLD | CLONE_CHILD_CLEARTID;
    pid_t child = clone(leave, stack + sizeof(stack), flags, NULL, NULL, NULL, &tid_word);
    CHECK(child > 0);
    long answer = syscall(SYS_futex, &tid_word, FUTEX_WAIT, 5, NULL);
    CHECK(answer == 0 || errno == EAGAIN);
    CHECK(tid_word == 0);
    CHECK(waitpid(child, NULL, 0) == child);
    printf("the word of a thread that ended\n");
    return 0;
}
