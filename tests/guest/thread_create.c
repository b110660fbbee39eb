/* SPDX-License-Identifier: Apache-2.0 */
/* Threads share memory, files and directories of their process and have ids and registers of their
 * own. Calls: clone, clone3, exit, gettid, set_tid_address */
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "check.h"

enum { THREADS = 4, ROUNDS = 200000 };

static __thread int own = 7;
static int results[THREADS];
static pid_t tids[THREADS];
static int done[2]; /* pipe: a byte for each thread that is about to end */

static void wait_for_thread(void)
{
    char byte;
    CHECK(read(done[0], &byte, 1) == 1);
}

static void *compute(void *argument)
{
    long nr = (long)argument;
    volatile double sum = 0;

    CHECK(own == 7);
    own = (int)nr;
    tids[nr] = gettid();
    CHECK(getpid() != gettid());
    for (int i = 0; i < ROUNDS; i++)
        sum += own + 0.5;
    results[nr] = (int)(sum / ROUNDS * 2);
    CHECK(own == nr && write(done[1], "x", 1) == 1);
    return &results[nr];
}

static void test_many(void)
{
    pthread_t threads[THREADS];

    for (long i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, compute, (void *)i) == 0);
    for (int i = 0; i < THREADS; i++)
        wait_for_thread();
    for (int i = 0; i < THREADS; i++) {
        void *result;
        CHECK(pthread_join(threads[i], &result) == 0);
        CHECK(result == &results[i] && results[i] == 2 * i + 1 && tids[i] > 0);
        for (int k = 0; k < i; k++)
            CHECK(tids[i] != tids[k]);
    }
    CHECK(own == 7);
    printf("%d threads\n", THREADS);
}

static void *change(void *unused)
{
    CHECK(dup2(1, 60) == 60 && umask(077) == 022 && mkdir("dir", 0700) == 0 && chdir("dir") == 0);
    CHECK(write(done[1], "x", 1) == 1);
    return unused;
}

static void test_sharing(void)
{
    pthread_t thread;

    umask(022);
    CHECK(pthread_create(&thread, NULL, change, NULL) == 0);
    wait_for_thread();
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(close(60) == 0 && umask(022) == 077 && access("../dir", F_OK) == 0 && chdir("..") == 0);
    printf("files and directories\n");
}

static volatile int value;
static volatile pid_t cleared = -1;
static pid_t from_parent;

static int bare(void *argument)
{
    value = *(int *)argument;
    return 5; /* ends the thread only */
}

/* Without the C library: the ids are where the flags say. */
static void test_ids(void)
{
    static char stack[16384] __attribute__((aligned(16)));
    int argument = 42;
    int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
    int tid = clone(bare, stack + sizeof(stack), flags, &argument, &from_parent, NULL, &cleared);

    CHECK(tid > 0 && from_parent == tid);
    while (cleared != 0)
        sched_yield();
    CHECK(value == 42);
    printf("ids\n");
}

static void *wait_for_byte(void *pipe)
{
    char byte;
    CHECK(read(*(int *)pipe, &byte, 1) == 1 && byte == 'x');
    CHECK(write(done[1], "y", 1) == 1);
    return NULL;
}

/* Threads that are blocked in one pipe take one byte each. */
static void test_blocked(void)
{
    pthread_t threads[THREADS];
    int pipes[2];

    CHECK(pipe(pipes) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, wait_for_byte, &pipes[0]) == 0);
    for (int i = 0; i < THREADS; i++) {
        CHECK(write(pipes[1], "x", 1) == 1);
        wait_for_thread();
    }
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    printf("blocked threads\n");
}

int main(void)
{
    CHECK(pipe(done) == 0);
    test_many();
    test_sharing();
    test_ids();
    test_blocked();
    return 0;
}
