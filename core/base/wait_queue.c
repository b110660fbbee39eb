/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues of sleepers. Invariants:
 * 1. entry->state and the list change under the queue's lock. entry->queue outlives WAIT_WOKEN. It
 * is set and cleared by the waiter's own thread only, which so can ask it for a lock to take;
 * others may move it meanwhile (wait_move), so that it is read again under the lock.
 * 2. Tickets rise along the list; last_ticket is at least the largest of any entry of the queue.
 * 3. Whoever is taken out to be woken is kicked under the lock, so its waiter cannot be gone.
 */
#include "core/base/wait.h"

#include <stddef.h>

void wait_queue_init(struct wait_queue *queue, struct mutex *lock)
{
    queue->lock = lock;
    TAILQ_INIT(&queue->entries);
    queue->last_ticket = 0;
}

void wait_queue_fini(struct wait_queue *queue)
{
    struct wait_entry *entry;

    mutex_lock(queue->lock);
    while ((entry = TAILQ_FIRST(&queue->entries)) != NULL)
        wait_remove(queue, entry);
    mutex_unlock(queue->lock);
}

size_t wait_queue_count(const struct wait_queue *queue)
{
    const struct wait_entry *entry;
    size_t count = 0;

    TAILQ_FOREACH(entry, &queue->entries, link)
        count++;
    return count;
}

void wait_add(struct wait_queue *queue, struct wait_entry *entry, struct waiter *waiter)
{
    mutex_assert_held(queue->lock);
    if (entry->state == WAIT_QUEUED)
        return;
    entry->ticket = ++queue->last_ticket;
    entry->state = WAIT_QUEUED;
    entry->waiter = waiter;
    entry->queue = queue;
    TAILQ_INSERT_TAIL(&queue->entries, entry, link);
}

void wait_remove(struct wait_queue *queue, struct wait_entry *entry)
{
    mutex_assert_held(queue->lock);
    if (entry->state == WAIT_QUEUED)
        TAILQ_REMOVE(&queue->entries, entry, link);
    entry->state = WAIT_IDLE;
    entry->queue = NULL;
}

void wait_kick_all(struct wait_queue *queue)
{
    wait_kick(queue, UINT32_MAX);
}

void wait_kick(struct wait_queue *queue, uint32_t events)
{
    struct wait_entry *entry;
    bool is_spent = false;

    mutex_assert_held(queue->lock);
    TAILQ_FOREACH(entry, &queue->entries, link) {
        if (entry->notify == NULL)
            waiter_kick(entry->waiter);
        else if (events != 0 && !(entry->is_exclusive && is_spent))
            is_spent |= entry->notify(entry, events) && entry->is_exclusive;
    }
}

struct wait_entry *wait_wake_first(struct wait_queue *queue)
{
    struct wait_entry *entry = TAILQ_FIRST(&queue->entries);

    mutex_assert_held(queue->lock);
    if (entry == NULL)
        return NULL;
    wait_wake(queue, entry);
    return entry;
}

void wait_wake(struct wait_queue *queue, struct wait_entry *entry)
{
    mutex_assert_held(queue->lock);
    TAILQ_REMOVE(&queue->entries, entry, link);
    entry->state = WAIT_WOKEN;
    waiter_kick(entry->waiter);
}

void wait_move(struct wait_queue *from, struct wait_queue *to, struct wait_entry *entry)
{
    mutex_assert_held(from->lock);
    mutex_assert_held(to->lock);
    TAILQ_REMOVE(&from->entries, entry, link);
    entry->ticket = ++to->last_ticket;
    entry->queue = to;
    TAILQ_INSERT_TAIL(&to->entries, entry, link);
}

/* Locks the queue it is in. NULL: it is in none, and nothing is locked. */
static struct wait_queue *lock_queue_of(struct wait_entry *entry)
{
    struct wait_queue *queue = entry->queue;

    while (queue != NULL) {
        mutex_lock(queue->lock);
        struct wait_queue *now = entry->queue;
        if (now == queue)
            return queue;
        mutex_unlock(queue->lock);
        queue = now;
    }
    return NULL;
}

enum wait_state wait_state_of(struct wait_entry *entry)
{
    struct wait_queue *queue = lock_queue_of(entry);
    enum wait_state state = entry->state;

    if (queue != NULL)
        mutex_unlock(queue->lock);
    return state;
}

void wait_leave(struct wait_entry *entry)
{
    struct wait_queue *queue = lock_queue_of(entry);

    if (queue == NULL)
        return;
    if (entry->state == WAIT_QUEUED)
        wait_remove(queue, entry);
    mutex_unlock(queue->lock);
    entry->queue = NULL;
}

void wait_relink(struct wait_queue *queue, struct wait_entry *entry, struct waiter *waiter)
{
    struct wait_entry *before;

    entry->waiter = waiter;
    if (queue->last_ticket < entry->ticket)
        queue->last_ticket = entry->ticket;
    if (entry->state == WAIT_IDLE)
        return;
    entry->queue = queue;
    if (entry->state != WAIT_QUEUED)
        return;
    TAILQ_FOREACH_REVERSE(before, &queue->entries, wait_entries, link)
    {
        if (before->ticket < entry->ticket)
            break;
    }
    if (before != NULL)
        TAILQ_INSERT_AFTER(&queue->entries, before, entry, link);
    else
        TAILQ_INSERT_HEAD(&queue->entries, entry, link);
}
