/* SPDX-License-Identifier: Apache-2.0 */
/* What the C library makes of futexes: a token that goes round by condition variables, a barrier, a
 * semaphore, timed waits, and a robust mutex whose owner has died. Calls: futex clone */
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#include "check.h"

enum { THREADS = 4, ROUNDS = 25 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, robust;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t items;
static int turn, passed, taken;

static void *player(void *argument)
{
    long nr = (long)argument;
    for (int i = 0; i < ROUNDS; i++) {
        CHECK(pthread_mutex_lock(&mutex) == 0);
        while (turn != nr)
            CHECK(pthread_cond_wait(&turned, &mutex) == 0);
        passed++;
        turn = (turn + 1) % THREADS;
        CHECK(pthread_cond_broadcast(&turned) == 0);
        CHECK(pthread_mutex_unlock(&mutex) == 0);
    }
    pthread_barrier_wait(&barrier);
    CHECK(passed == THREADS * ROUNDS);
    for (int i = 0; i < ROUNDS; i++) {
        CHECK(sem_wait(&items) == 0);
        __atomic_fetch_add(&taken, 1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

static void *owner(void *argument)
{
    (void)argument;
    CHECK(pthread_mutex_lock(&robust) == 0);
    pthread_barrier_wait(&barrier);
    return NULL; /* with the lock */
}

static struct timespec soon(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    time.tv_nsec += 20000000;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

static void timed(void)
{
    struct timespec end = soon(CLOCK_REALTIME);
    CHECK(sem_timedwait(&items, &end) == -1 && errno == ETIMEDOUT);
    CHECK(pthread_mutex_lock(&mutex) == 0);
    end = soon(CLOCK_MONOTONIC);
    CHECK(pthread_cond_clockwait(&turned, &mutex, CLOCK_MONOTONIC, &end) == ETIMEDOUT);
    end = soon(CLOCK_REALTIME);
    CHECK(pthread_cond_timedwait(&turned, &mutex, &end) == ETIMEDOUT);
    CHECK(pthread_mutex_unlock(&mutex) == 0);
    printf("timed waits\n");
}

static void dead_owner(void)
{
    pthread_mutexattr_t attributes;
    pthread_t thread;
    pthread_mutexattr_init(&attributes);
    CHECK(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0);
    CHECK(pthread_mutex_init(&robust, &attributes) == 0);
    pthread_barrier_destroy(&barrier);
    pthread_barrier_init(&barrier, NULL, 2);
    CHECK(pthread_create(&thread, NULL, owner, NULL) == 0);
    pthread_barrier_wait(&barrier);
    CHECK(pthread_mutex_lock(&robust) == EOWNERDEAD);
    CHECK(pthread_mutex_consistent(&robust) == 0 && pthread_mutex_unlock(&robust) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    printf("a dead owner\n");
}

int main(void)
{
    pthread_t threads[THREADS];
    CHECK(pthread_barrier_init(&barrier, NULL, THREADS) == 0 && sem_init(&items, 0, 0) == 0);
    for (long i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, player, (void *)i) == 0);
    for (int i = 0; i < THREADS * ROUNDS; i++)
        CHECK(sem_post(&items) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(passed == THREADS * ROUNDS && taken == THREADS * ROUNDS);
    printf("token, barrier, semaphore\n");
    timed();
    dead_owner();
    return 0;
}
