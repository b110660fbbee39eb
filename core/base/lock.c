/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ranked locks. Invariant: the ranks that a thread holds rise strictly (two of one rank only by
 * mutex_lock_nested, more by mutex_lock_chain), so no cycle can form. With LOCK_CHECKS each thread
 * lists what it holds, in the order of locking; without, a lock is the host's and nothing else.
 */
#include "core/base/lock.h"

#include <assert.h>
#include <stddef.h>

#ifdef LOCK_CHECKS

enum { HELD_MAX = 32 };

static _Thread_local const struct mutex *held[HELD_MAX];
static _Thread_local unsigned held_count;

static void held_add(const struct mutex *mutex)
{
    assert(held_count < HELD_MAX);
    held[held_count++] = mutex;
}

static unsigned held_find(const struct mutex *mutex)
{
    unsigned i = 0;

    while (i < held_count && held[i] != mutex)
        i++;
    return i;
}

static void held_remove(const struct mutex *mutex)
{
    unsigned i = held_find(mutex);

    assert(i < held_count);
    held_count--;
    for (; i < held_count; i++)
        held[i] = held[i + 1];
}

static void held_check_rank(enum lock_rank rank)
{
    assert(held_count == 0 || held[held_count - 1]->rank < rank);
}

static void held_check_nested(enum lock_rank rank)
{
    assert(held_count > 0 && held[held_count - 1]->rank == rank);
    assert(held_count == 1 || held[held_count - 2]->rank < rank);
}

static void held_check_chain(enum lock_rank rank)
{
    assert(held_count == 0 || held[held_count - 1]->rank <= rank);
}

void mutex_assert_held(const struct mutex *mutex)
{
    assert(held_find(mutex) < held_count);
}

bool locks_are_free(void)
{
    return held_count == 0;
}

#else

static void held_add(const struct mutex *mutex)
{
    (void)mutex;
}

static void held_remove(const struct mutex *mutex)
{
    (void)mutex;
}

static void held_check_rank(enum lock_rank rank)
{
    (void)rank;
}

static void held_check_nested(enum lock_rank rank)
{
    (void)rank;
}

static void held_check_chain(enum lock_rank rank)
{
    (void)rank;
}

void mutex_assert_held(const struct mutex *mutex)
{
    (void)mutex;
}

bool locks_are_free(void)
{
    return true;
}

#endif

void mutex_init(struct mutex *mutex, enum lock_rank rank)
{
    int err = pthread_mutex_init(&mutex->host, NULL);

    assert(err == 0);
    mutex->rank = rank;
}

void mutex_fini(struct mutex *mutex)
{
    int err = pthread_mutex_destroy(&mutex->host);

    assert(err == 0);
}

static void lock_host(struct mutex *mutex)
{
    int err = pthread_mutex_lock(&mutex->host);

    assert(err == 0);
    held_add(mutex);
}

void mutex_lock(struct mutex *mutex)
{
    held_check_rank(mutex->rank);
    lock_host(mutex);
}

void mutex_lock_nested(struct mutex *mutex)
{
    held_check_nested(mutex->rank);
    lock_host(mutex);
}

void mutex_lock_chain(struct mutex *mutex)
{
    held_check_chain(mutex->rank);
    lock_host(mutex);
}

void mutex_unlock(struct mutex *mutex)
{
    held_remove(mutex);
    int err = pthread_mutex_unlock(&mutex->host);
    assert(err == 0);
}
