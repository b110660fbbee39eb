/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks of files: flock, record locks of processes (of descriptor tables, to be exact) and of open
 * files. Invariants, under the one lock of all of them:
 * 1. A lock is in the list of its owner, which holds it, and (derived) in that of its inode and of
 *    all. It holds the inode; its owner outlives it.
 * 2. Locks of one owner and kind on one inode do not overlap, and those that touch differ in
 *    whether they are exclusive. A WHOLE lock is one a file.
 * 3. Who waits is kicked when a lock on the inode goes or shrinks, and when another one leaves the
 *    queue. It then takes the lock unless it is held, or somebody queued earlier can have it and
 *    is in the way: so locks are handed on in the order of the queue, also after a restore.
 * *Linux:* files of the host are locked inside the sandbox only, the host does not see it.
 */
#include "vfs/file_lock.h"

#include <errno.h>
#include <string.h>

#include "core/base/container.h"
#include "core/base/host.h"
#include "vfs/file_lock_owner.h"
#include "vfs/inode.h"

enum { LOCKS_MAX = 1 << 18, DEADLOCK_DEPTH_MAX = 64 };

static TAILQ_HEAD(, file_lock_request) waiting = TAILQ_HEAD_INITIALIZER(waiting);

void file_locks_init(struct file_locks *locks)
{
    TAILQ_INIT(&locks->list);
    wait_queue_init(&locks->waiters, &file_locks_lock);
}

/* --- who is in the way of whom --- */

static bool is_same_space(enum file_lock_kind a, enum file_lock_kind b)
{
    return (a == FILE_LOCK_WHOLE) == (b == FILE_LOCK_WHOLE);
}

/* The first lock in the way; NULL: none. */
static struct file_lock *find_conflict(const struct file_lock_request *request)
{
    struct file_lock *lock;

    TAILQ_FOREACH(lock, &request->inode->locks.list, of_inode) {
        if (lock->owner != request->owner && is_same_space(lock->kind, request->kind) &&
            (lock->is_exclusive || request->is_exclusive) && lock->start <= request->end &&
            request->start <= lock->end)
            return lock;
    }
    return NULL;
}

static bool requests_conflict(const struct file_lock_request *a, const struct file_lock_request *b)
{
    return a->owner != b->owner && is_same_space(a->kind, b->kind) &&
           (a->is_exclusive || b->is_exclusive) && a->start <= b->end && b->start <= a->end;
}

/* Can somebody queued earlier have the lock now, so that this one must wait for it? */
static bool is_behind(const struct file_lock_request *request)
{
    struct wait_entry *entry;

    if (request->entry.state != WAIT_QUEUED)
        return false;
    TAILQ_FOREACH(entry, &request->inode->locks.waiters.entries, link) {
        const struct file_lock_request *other =
            container_of(entry, struct file_lock_request, entry);
        if (other == request)
            return false;
        if (requests_conflict(other, request) && find_conflict(other) == NULL)
            return true;
    }
    return false;
}

/* What a table waits for. */
static struct file_lock_request *find_waiting(const struct file_lock_owner *owner)
{
    struct file_lock_request *request;

    TAILQ_FOREACH(request, &waiting, link) {
        if (request->owner == owner)
            return request;
    }
    return NULL;
}

/* Does who holds lock wait, by whatever way round, for the owner of the request? */
static bool is_deadlock(const struct file_lock_request *request, const struct file_lock *lock)
{
    if (request->kind != FILE_LOCK_TABLE)
        return false;
    for (int i = 0; lock != NULL && i < DEADLOCK_DEPTH_MAX; i++) {
        if (lock->owner == request->owner)
            return true;
        const struct file_lock_request *next = find_waiting(lock->owner);
        lock = next == NULL ? NULL : find_conflict(next);
        if (next != NULL && lock == NULL)
            return false;
    }
    return false;
}

/* --- setting --- */

static struct file_lock *lock_alloc(const struct file_lock_request *request)
{
    struct file_lock *lock = host_alloc(1, sizeof(*lock));

    if (lock == NULL)
        return NULL;
    *lock = (struct file_lock){.kind = request->kind,
                               .is_exclusive = request->is_exclusive,
                               .start = request->start,
                               .end = request->end,
                               .pid = request->pid,
                               .inode = object_get(&request->inode->object)};
    return lock;
}

static void lock_free(struct file_lock *lock)
{
    if (lock == NULL)
        return;
    object_put(&lock->inode->object);
    host_free(lock);
}

/* The ticket of the owner's locks on the inode; a new one if it has none. */
static uint64_t ticket_of(const struct file_lock_request *request)
{
    const struct file_lock *lock;

    TAILQ_FOREACH(lock, &request->inode->locks.list, of_inode) {
        if (lock->owner == request->owner && lock->kind == request->kind)
            return lock->ticket;
    }
    return request->inode->locks.last_ticket + 1;
}

/* Cuts [start, end] out of a lock that overlaps it; the part behind goes to *spare. */
static void cut(struct file_lock *lock, uint64_t start, uint64_t end, struct file_lock **spare,
                struct file_lock_list *gone)
{
    struct file_lock *rest = *spare;

    if (lock->start < start && lock->end > end && rest != NULL) {
        rest->is_exclusive = lock->is_exclusive;
        rest->start = end + 1;
        rest->end = lock->end;
        rest->pid = lock->pid;
        rest->ticket = lock->ticket;
        file_lock_add(lock->owner, rest);
        file_lock_link(rest);
        *spare = NULL;
    }
    if (lock->start < start)
        lock->end = start - 1;
    else if (lock->end > end)
        lock->start = end + 1;
    else
        file_lock_remove(lock, gone);
}

/* Makes room for the range among the owner's own locks: those of the same type become part of made
 * (NULL: none is to be made), others are cut. True: somebody may have a use for what went. */
static bool make_room(const struct file_lock_request *request, struct file_lock *made,
                      struct file_lock **spare, struct file_lock_list *gone)
{
    struct file_lock *lock = TAILQ_FIRST(&request->inode->locks.list), *next;
    bool is_changed = false;

    for (; lock != NULL; lock = next) {
        next = TAILQ_NEXT(lock, of_inode);
        if (lock->owner != request->owner || lock->kind != request->kind)
            continue;
        bool is_part = made != NULL && lock->is_exclusive == made->is_exclusive;
        if (is_part && lock->start <= made->end + 1 && made->start <= lock->end + 1) {
            made->start = made->start < lock->start ? made->start : lock->start;
            made->end = made->end > lock->end ? made->end : lock->end;
            file_lock_remove(lock, gone);
        } else if (!is_part && lock->start <= request->end && request->start <= lock->end) {
            cut(lock, request->start, request->end, spare, gone);
            is_changed = true;
        }
    }
    return is_changed;
}

/* Nothing is in the way. */
static void take(struct file_lock_request *request, struct file_lock *made,
                 struct file_lock **spare, struct file_lock_list *gone)
{
    made->ticket = ticket_of(request);
    if (make_room(request, made, spare, gone))
        wait_kick_all(&request->inode->locks.waiters);
    file_lock_add(request->owner, made);
    file_lock_link(made);
}

/* Leaves the queue, which others may have waited for. */
static void leave(struct file_lock_request *request)
{
    if (request->entry.state != WAIT_QUEUED)
        return;
    if (request->kind == FILE_LOCK_TABLE)
        TAILQ_REMOVE(&waiting, request, link);
    wait_remove(&request->inode->locks.waiters, &request->entry);
    wait_kick_all(&request->inode->locks.waiters);
}

/* Lets go of all, for inodes of a load that failed. */
void file_locks_fini(struct file_locks *locks)
{
    struct wait_entry *entry;
    struct file_lock *lock;

    if (TAILQ_EMPTY(&locks->list) && TAILQ_EMPTY(&locks->waiters.entries))
        return;
    mutex_lock(&file_locks_lock);
    while ((lock = TAILQ_FIRST(&locks->list)) != NULL)
        file_lock_unlink(lock);
    while ((entry = TAILQ_FIRST(&locks->waiters.entries)) != NULL)
        leave(container_of(entry, struct file_lock_request, entry));
    mutex_unlock(&file_locks_lock);
}

static void enqueue(struct file_lock_request *request, struct waiter *waiter)
{
    if (request->entry.state != WAIT_QUEUED && request->kind == FILE_LOCK_TABLE)
        TAILQ_INSERT_TAIL(&waiting, request, link);
    wait_add(&request->inode->locks.waiters, &request->entry, waiter);
}

/* The old lock of a file goes before the new one is looked for, unless it is the same. */
static bool has_whole(struct file_lock_request *request, struct file_lock_list *gone)
{
    const struct file_lock *lock;

    TAILQ_FOREACH(lock, &request->owner->locks, of_owner) {
        if (lock->kind == FILE_LOCK_WHOLE && lock->is_exclusive == request->is_exclusive)
            return true;
    }
    (void)file_locks_take(request->owner, request->inode, FILE_LOCK_WHOLE, false, gone);
    return false;
}

/* 0: taken, *made is used up. */
static int64_t set_locked(struct file_lock_request *request, struct waiter *waiter,
                          struct file_lock **made, struct file_lock **spare,
                          struct file_lock_list *gone)
{
    if (request->kind == FILE_LOCK_WHOLE && has_whole(request, gone))
        return 0;
    if (file_lock_count >= LOCKS_MAX)
        return -ENOLCK;
    const struct file_lock *conflict = find_conflict(request);
    if (conflict != NULL && waiter == NULL)
        return -EAGAIN;
    if (conflict != NULL && is_deadlock(request, conflict))
        return -EDEADLK;
    if (conflict != NULL || is_behind(request)) {
        enqueue(request, waiter);
        return WAIT_AGAIN;
    }
    take(request, *made, spare, gone);
    *made = NULL;
    return 0;
}

int64_t file_lock_set(struct file_lock_request *request, struct waiter *waiter)
{
    struct file_lock_list gone = TAILQ_HEAD_INITIALIZER(gone);
    struct file_lock *made = lock_alloc(request), *spare = lock_alloc(request);
    int64_t result = -ENOLCK;

    mutex_lock(&file_locks_lock);
    if (made != NULL && spare != NULL)
        result = set_locked(request, waiter, &made, &spare, &gone);
    if (result != WAIT_AGAIN)
        leave(request);
    mutex_unlock(&file_locks_lock);
    file_locks_free(&gone);
    lock_free(made);
    lock_free(spare);
    return result;
}

int file_lock_clear(struct file_lock_request *request)
{
    struct file_lock_list gone = TAILQ_HEAD_INITIALIZER(gone);

    if (atomic_load(&request->owner->count) == 0)
        return 0;
    struct file_lock *spare = lock_alloc(request);
    if (spare == NULL)
        return -ENOLCK;
    mutex_lock(&file_locks_lock);
    if (make_room(request, NULL, &spare, &gone))
        wait_kick_all(&request->inode->locks.waiters);
    mutex_unlock(&file_locks_lock);
    file_locks_free(&gone);
    lock_free(spare);
    return 0;
}

void file_lock_cancel(struct file_lock_request *request)
{
    if (request->entry.queue == NULL)
        return;
    mutex_lock(&file_locks_lock);
    leave(request);
    mutex_unlock(&file_locks_lock);
}

void file_lock_relink(struct file_lock_request *request, struct waiter *waiter)
{
    wait_relink(&request->inode->locks.waiters, &request->entry, waiter);
    if (request->entry.state == WAIT_QUEUED && request->kind == FILE_LOCK_TABLE)
        TAILQ_INSERT_TAIL(&waiting, request, link);
}

/* --- telling --- */

static void describe(const struct file_lock *lock, struct file_lock_info *ret)
{
    struct inode *inode = lock->inode;

    mutex_lock(&inode->lock);
    uint64_t nr = inode->attr.nr;
    mutex_unlock(&inode->lock);
    *ret = (struct file_lock_info){.kind = lock->kind,
                                   .is_exclusive = lock->is_exclusive,
                                   .start = lock->start,
                                   .end = lock->end,
                                   .pid = lock->pid,
                                   .dev = inode->dev,
                                   .nr = nr};
}

bool file_lock_find(const struct file_lock_request *request, struct file_lock_info *ret)
{
    mutex_lock(&file_locks_lock);
    const struct file_lock *lock = find_conflict(request);
    if (lock != NULL)
        describe(lock, ret);
    mutex_unlock(&file_locks_lock);
    return lock != NULL;
}

/* Those who wait for lock, which info describes. */
static int list_waiting(const struct file_lock *lock, struct file_lock_info info,
                        int (*fn)(void *context, const struct file_lock_info *info), void *context)
{
    struct wait_entry *entry;
    int result = 0;

    TAILQ_FOREACH(entry, &lock->inode->locks.waiters.entries, link) {
        const struct file_lock_request *request =
            container_of(entry, struct file_lock_request, entry);
        if (find_conflict(request) != lock)
            continue;
        info.kind = request->kind;
        info.is_exclusive = request->is_exclusive;
        info.is_waiting = true;
        info.start = request->start;
        info.end = request->end;
        info.pid = request->pid;
        result = fn(context, &info);
        if (result != 0)
            break;
    }
    return result;
}

int file_lock_list(int (*fn)(void *context, const struct file_lock_info *info), void *context)
{
    const struct file_lock *lock;
    struct file_lock_info info;
    int result = 0;

    mutex_lock(&file_locks_lock);
    TAILQ_FOREACH(lock, &file_locks_all, of_all) {
        describe(lock, &info);
        result = fn(context, &info);
        if (result == 0)
            result = list_waiting(lock, info, fn, context);
        if (result != 0)
            break;
    }
    mutex_unlock(&file_locks_lock);
    return result;
}
