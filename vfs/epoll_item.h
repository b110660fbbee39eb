/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/base/hash.h"
#include "vfs/anon_inode.h"
#include "vfs/epoll.h"
#include "vfs/poll.h"

/* What an item is found by. */
struct epoll_key {
    uint64_t file; /* the pointer */
    uint64_t fd;
};

/* A file in a set. */
struct epoll_item {
    struct file *file; /* borrowed: it takes the item out of all lists before it goes */
    int fd;
    uint32_t events; /* EPOLL*; written under both locks of the set */
    uint64_t data;
    struct poll_place place;
    /* not saved */
    struct epoll *epoll;
    struct epoll_key key;
    UT_hash_handle hh;
    bool is_ready; /* in the set's list; its ready_lock */
    TAILQ_ENTRY(epoll_item) ready_link;
    bool is_listed; /* in the file's list and its queues; watches lock, as what follows */
    LIST_ENTRY(epoll_item) file_link;
    LIST_ENTRY(epoll_item) nested_link; /* if the file is a set itself */
};

struct epoll {
    union {
        struct object object;
        struct inode inode; /* not saved: it is like all of its kind */
    };
    struct epoll_item *items; /* uthash, in the order of addition; guarded by lock */
    TAILQ_HEAD(epoll_ready, epoll_item) ready; /* may have something to tell; by ready_lock */
    /* not saved, derived */
    struct wait_queue waiters; /* of epoll_wait; of ready_lock, as the next */
    struct wait_queue pollers; /* of poll, and of sets that this one is in */
    struct file *file;         /* on this inode, borrowed; watches lock, as what follows */
    LIST_HEAD(, epoll_item) nested;
    /* not saved */
    struct mutex lock;       /* LOCK_EPOLL */
    struct mutex ready_lock; /* LOCK_READY */
    uint32_t ready_count;
    uint64_t walk; /* the last walk that came here, and what it found */
    int walk_depth;
};

/* --- epoll_watch.c --- */
/* Puts the item in the list of its file and into its queues; place: they are loaded, and put back
 * by their tickets. -ELOOP: sets would be nested in a loop, or too deep. */
int epoll_watch(struct epoll_item *item, bool is_relink);
/* Takes it out of both. Legal twice. */
void epoll_unwatch(struct epoll_item *item);
/* The set's file comes and goes. */
void epoll_set_file(struct epoll *epoll, struct file *file);

/* --- epoll.c --- */
/* Called under the lock of the file's queue: the item may have something to tell. */
bool epoll_item_notify(struct epoll_item *item, uint32_t events);
/* Takes the item out of the set and frees it. Under the set's lock. */
void epoll_drop(struct epoll *epoll, struct epoll_item *item);
