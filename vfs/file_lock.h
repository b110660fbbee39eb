/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <bsd/sys/queue.h>

#include "core/base/wait.h"
#include "snapshot/snapshot.h"

struct inode;

/* flock(2); fcntl's record locks of a descriptor table; those of an open file (F_OFD_*). The last
 * two exclude each other, flock knows only its own. */
enum file_lock_kind { FILE_LOCK_WHOLE, FILE_LOCK_TABLE, FILE_LOCK_OPEN };

/* A lock that is held. All of them are guarded by one lock: LOCK_FLOCKS. */
struct file_lock {
    enum file_lock_kind kind;
    bool is_exclusive;
    uint64_t start, end; /* the last byte; INT64_MAX: to the end, however far it is */
    int pid;             /* of the process that asked */
    uint64_t ticket;     /* orders the owners of locks on one inode, by their first lock */
    struct inode *inode; /* a reference */
    TAILQ_ENTRY(file_lock) of_owner, of_inode, of_all;
    struct file_lock_owner *owner; /* whose list it is in */
    bool is_linked;                /* in the lists of its inode and of all */
};

TAILQ_HEAD(file_lock_list, file_lock);

/* Who has locks: part of a file (WHOLE, OPEN) or of a descriptor table (TABLE). Locks go with it.
 */
struct file_lock_owner {
    struct file_lock_list locks;
    atomic_uint count;
};

/* Part of every inode: the locks on it, by ticket and start, and who waits for one. Derived. */
struct file_locks {
    struct file_lock_list list;
    struct wait_queue waiters;
    uint64_t last_ticket;
};

/* A lock that is asked for. What stands above entry is the caller's; owner and inode are borrowed,
 * and live as long as the request. */
struct file_lock_request {
    enum file_lock_kind kind;
    bool is_exclusive;
    uint64_t start, end;
    int pid;
    struct file_lock_owner *owner;
    struct inode *inode;
    struct wait_entry entry;
    TAILQ_ENTRY(file_lock_request) link; /* of the TABLE requests that wait */
};

/* What a lock looks like to others. */
struct file_lock_info {
    enum file_lock_kind kind;
    bool is_exclusive;
    bool is_waiting; /* for the one that was told before */
    uint64_t start, end;
    int pid;
    uint64_t dev, nr; /* of the inode */
};

void file_locks_init(struct file_locks *locks);
void file_locks_fini(struct file_locks *locks);
void file_lock_owner_init(struct file_lock_owner *owner);
/* Legal twice. */
void file_lock_owner_fini(struct file_lock_owner *owner);

/* Sets the lock; what the owner had of the range is replaced. 0; -EAGAIN: others are in the way and
 * waiter is NULL; WAIT_AGAIN: the entry is queued; -EDEADLK: waiting would be for ever; -ENOLCK.
 * WHOLE: the old lock is gone even so, as on Linux. No entry is queued but with WAIT_AGAIN. */
int64_t file_lock_set(struct file_lock_request *request, struct waiter *waiter);
/* Takes the owner's locks of the range away. -ENOLCK: no memory to split one. */
int file_lock_clear(struct file_lock_request *request);
/* The first lock in the way of the request. False: there is none. */
bool file_lock_find(const struct file_lock_request *request, struct file_lock_info *ret);
/* A request that is not waited for any more leaves the queue. */
void file_lock_cancel(struct file_lock_request *request);
/* A loaded request goes back to its place in the queue. */
void file_lock_relink(struct file_lock_request *request, struct waiter *waiter);
/* The locks of an owner on inode go (NULL: on all). */
void file_lock_release(struct file_lock_owner *owner, const struct inode *inode);
/* Calls fn for each lock and then for those who wait for it, in /proc/locks' order. fn takes no
 * lock. Not 0: ends it with that result. */
int file_lock_list(int (*fn)(void *context, const struct file_lock_info *info), void *context);

/* Owner ↔ message. only: the inode that all its locks are on; NULL: any, named by the message. */
int file_lock_owner_save(const struct file_lock_owner *owner, struct saver *saver, FileLock ***ret,
                         size_t *count);
int file_lock_owner_load(struct file_lock_owner *owner, struct loader *loader, bool is_table,
                         FileLock *const *messages, size_t count);
void file_lock_owner_relink(struct file_lock_owner *owner);
/* For x_derived: how many of its locks their inodes know. */
uint64_t file_lock_owner_derived(const struct file_lock_owner *owner);
