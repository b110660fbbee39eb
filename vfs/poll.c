/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for a file to become ready. Whoever polls stands in the queue for reading, and in that
 * for writing if it cares for it; a file that hangs up or fails kicks both. Order: first queue,
 * then look; so what happens in between is a kick.
 */
#include "vfs/poll.h"

#include <errno.h>

static const uint32_t WRITING = POLLOUT | POLLWRNORM | POLLWRBAND;

/* The queue for reading or writing; NULL: none, or the other one is the same. */
static struct wait_queue *queue_of(struct file *file, bool writing)
{
    const struct file_ops *ops = file->ops;

    if (ops->queue == NULL || ops->poll == NULL)
        return NULL;
    struct wait_queue *queue = ops->queue(file, writing);
    return writing && queue == ops->queue(file, false) ? NULL : queue;
}

static void join(struct wait_queue *queue, struct wait_entry *entry, struct waiter *waiter)
{
    if (queue == NULL)
        return;
    mutex_lock(queue->lock);
    wait_add(queue, entry, waiter);
    mutex_unlock(queue->lock);
}

void poll_join(struct file *file, struct poll_place *place, uint32_t events, struct waiter *waiter)
{
    bool is_reading = file_is_readable(file) || !file_is_writable(file);

    if (is_reading)
        join(queue_of(file, false), &place->reading, waiter);
    if (!is_reading || (file_is_writable(file) && (events & WRITING) != 0))
        join(queue_of(file, true), &place->writing, waiter);
}

void poll_leave(struct poll_place *place)
{
    wait_leave(&place->reading);
    wait_leave(&place->writing);
}

int poll_place_save(struct saver *saver, const struct poll_place *place, PollPlace **ret)
{
    PollPlace *message = save_message(saver, &poll_place__descriptor);

    if (message == NULL)
        return -ENOMEM;
    int err = save_wait_entry(saver, &place->reading, &message->reading);
    if (err == 0)
        err = save_wait_entry(saver, &place->writing, &message->writing);
    *ret = message;
    return err;
}

void poll_place_load(struct loader *loader, const char *field, struct poll_place *place,
                     const PollPlace *message)
{
    if (message == NULL)
        return;
    load_wait_entry(loader, field, &place->reading, message->reading);
    load_wait_entry(loader, field, &place->writing, message->writing);
}

static void relink(struct wait_queue *queue, struct wait_entry *entry, struct waiter *waiter)
{
    if (queue != NULL && entry->state == WAIT_QUEUED)
        wait_relink(queue, entry, waiter);
    else
        entry->state = WAIT_IDLE;
}

void poll_place_relink(struct file *file, struct poll_place *place, struct waiter *waiter)
{
    relink(queue_of(file, false), &place->reading, waiter);
    relink(queue_of(file, true), &place->writing, waiter);
}
