/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which sets watch a file. One lock guards the lists of all files and sets, so that both ends of an
 * item may go at any time: an item is in the list of its file, and in its queues, until either
 * takes it out. Sets that watch sets form no loop and no path of more than NESTS_MAX steps, which
 * is seen to before an item enters the lists; a walk comes to each set once.
 */
#include <errno.h>

#include "core/base/container.h"
#include "vfs/epoll_item.h"

enum { NESTS_MAX = 4 };

static struct mutex watches_lock = MUTEX_INITIALIZER(LOCK_WATCHES);
static uint64_t last_walk;

/* Steps to the set that is farthest inside. */
static int depth_below(struct epoll *epoll)
{
    const struct epoll_item *item;

    if (epoll->walk == last_walk)
        return epoll->walk_depth;
    int depth = 0;
    LIST_FOREACH(item, &epoll->nested, nested_link) {
        int below = 1 + depth_below(epoll_of_file(item->file));
        depth = below > depth ? below : depth;
    }
    epoll->walk = last_walk;
    epoll->walk_depth = depth;
    return depth;
}

/* Steps to the set that is farthest outside; one that is found on the way is a loop. */
static int depth_above(struct epoll *epoll, const struct epoll *unwanted)
{
    const struct epoll_item *item;

    if (epoll == unwanted)
        return -ELOOP;
    if (epoll->walk == last_walk)
        return epoll->walk_depth;
    int depth = 0;
    if (epoll->file != NULL) {
        LIST_FOREACH(item, &epoll->file->watches, file_link) {
            int above = depth_above(item->epoll, unwanted);
            if (above < 0)
                return above;
            depth = above + 1 > depth ? above + 1 : depth;
        }
    }
    epoll->walk = last_walk;
    epoll->walk_depth = depth;
    return depth;
}

static int check_nesting(struct epoll *outer, struct epoll *inner)
{
    last_walk++;
    int above = depth_above(outer, inner);
    if (above < 0)
        return above;
    last_walk++;
    return above + 1 + depth_below(inner) > NESTS_MAX ? -ELOOP : 0;
}

static bool notify_reading(struct wait_entry *entry, uint32_t events)
{
    struct poll_place *place = container_of(entry, struct poll_place, reading);

    return epoll_item_notify(container_of(place, struct epoll_item, place), events);
}

static bool notify_writing(struct wait_entry *entry, uint32_t events)
{
    struct poll_place *place = container_of(entry, struct poll_place, writing);

    return epoll_item_notify(container_of(place, struct epoll_item, place), events);
}

static void enter_queues(struct epoll_item *item, bool is_relink)
{
    bool is_exclusive = (item->events & EPOLLEXCLUSIVE) != 0;
    struct poll_place *place = &item->place;

    place->reading.notify = notify_reading;
    place->writing.notify = notify_writing;
    place->reading.is_exclusive = place->writing.is_exclusive = is_exclusive;
    if (is_relink)
        poll_place_relink(item->file, place, NULL);
    else
        poll_join(item->file, place, item->events, NULL);
}

int epoll_watch(struct epoll_item *item, bool is_relink)
{
    struct epoll *inner = epoll_of_file(item->file);
    int err = 0;

    mutex_lock(&watches_lock);
    if (inner != NULL)
        err = check_nesting(item->epoll, inner);
    if (err == 0) {
        if (inner != NULL)
            LIST_INSERT_HEAD(&item->epoll->nested, item, nested_link);
        LIST_INSERT_HEAD(&item->file->watches, item, file_link);
        item->is_listed = true;
        atomic_store(&item->file->is_watched, true);
        enter_queues(item, is_relink);
    }
    mutex_unlock(&watches_lock);
    return err;
}

static void unlist(struct epoll_item *item)
{
    mutex_assert_held(&watches_lock);
    if (!item->is_listed)
        return;
    poll_leave(&item->place);
    if (epoll_of_file(item->file) != NULL)
        LIST_REMOVE(item, nested_link);
    LIST_REMOVE(item, file_link);
    item->is_listed = false;
}

void epoll_unwatch(struct epoll_item *item)
{
    mutex_lock(&watches_lock);
    unlist(item);
    mutex_unlock(&watches_lock);
}

void epoll_set_file(struct epoll *epoll, struct file *file)
{
    mutex_lock(&watches_lock);
    epoll->file = file;
    mutex_unlock(&watches_lock);
}

/* An item of epoll on file that is not unlisted yet, or NULL. */
static struct epoll_item *find_item(struct file *file, const struct epoll *epoll)
{
    struct epoll_item *item;

    mutex_lock(&watches_lock);
    LIST_FOREACH(item, &file->watches, file_link) {
        if (item->epoll == epoll)
            break;
    }
    mutex_unlock(&watches_lock);
    return item;
}

/* A reference to a set that watches file; NULL: none does. Items of sets that are about to go
 * themselves are unlisted: the sets free them. */
static struct epoll *next_epoll(struct file *file)
{
    struct epoll_item *item;
    struct epoll *epoll = NULL;

    mutex_lock(&watches_lock);
    while (epoll == NULL && (item = LIST_FIRST(&file->watches)) != NULL) {
        epoll = object_get_live(&item->epoll->object);
        if (epoll == NULL)
            unlist(item);
    }
    mutex_unlock(&watches_lock);
    return epoll;
}

void epoll_forget_file(struct file *file)
{
    struct epoll_item *item;
    struct epoll *epoll;

    if (!atomic_load(&file->is_watched))
        return;
    while ((epoll = next_epoll(file)) != NULL) {
        mutex_lock(&epoll->lock);
        while ((item = find_item(file, epoll)) != NULL)
            epoll_drop(epoll, item);
        mutex_unlock(&epoll->lock);
        object_put(&epoll->object);
    }
}
