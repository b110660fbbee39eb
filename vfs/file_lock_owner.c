/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lists that locks of files are in, and their saved form. An owner holds its locks; the lists
 * of an inode and of all are derived: rebuilt by the relink of the owner.
 */
#include "vfs/file_lock_owner.h"

#include <errno.h>

#include "core/base/host.h"
#include "vfs/inode.h"

struct mutex file_locks_lock = MUTEX_INITIALIZER(LOCK_FLOCKS);
struct file_lock_list file_locks_all = TAILQ_HEAD_INITIALIZER(file_locks_all);
size_t file_lock_count;

void file_lock_owner_init(struct file_lock_owner *owner)
{
    TAILQ_INIT(&owner->locks);
}

/* Enters a lock of an owner into the lists of its inode and of all. */
void file_lock_link(struct file_lock *lock)
{
    struct file_locks *locks = &lock->inode->locks;
    struct file_lock *next;

    if (locks->last_ticket < lock->ticket)
        locks->last_ticket = lock->ticket;
    TAILQ_FOREACH(next, &locks->list, of_inode) {
        if (next->ticket > lock->ticket ||
            (next->ticket == lock->ticket && next->start > lock->start))
            break;
    }
    if (next != NULL)
        TAILQ_INSERT_BEFORE(next, lock, of_inode);
    else
        TAILQ_INSERT_TAIL(&locks->list, lock, of_inode);
    TAILQ_INSERT_TAIL(&file_locks_all, lock, of_all);
    lock->is_linked = true;
}

void file_lock_unlink(struct file_lock *lock)
{
    if (lock->is_linked) {
        TAILQ_REMOVE(&lock->inode->locks.list, lock, of_inode);
        TAILQ_REMOVE(&file_locks_all, lock, of_all);
    }
    lock->is_linked = false;
}

void file_lock_add(struct file_lock_owner *owner, struct file_lock *lock)
{
    lock->owner = owner;
    TAILQ_INSERT_TAIL(&owner->locks, lock, of_owner);
    atomic_fetch_add(&owner->count, 1);
    file_lock_count++;
}

/* Takes a lock out of all lists, onto gone, which is freed once the lock is dropped. */
void file_lock_remove(struct file_lock *lock, struct file_lock_list *gone)
{
    file_lock_unlink(lock);
    TAILQ_REMOVE(&lock->owner->locks, lock, of_owner);
    atomic_fetch_sub(&lock->owner->count, 1);
    file_lock_count--;
    TAILQ_INSERT_TAIL(gone, lock, of_owner);
}

void file_locks_free(struct file_lock_list *gone)
{
    struct file_lock *lock;

    while ((lock = TAILQ_FIRST(gone)) != NULL) {
        TAILQ_REMOVE(gone, lock, of_owner);
        object_put(&lock->inode->object);
        host_free(lock);
    }
}

/* Takes the locks of an owner on inode (NULL: all) away. True: there were some. */
bool file_locks_take(struct file_lock_owner *owner, const struct inode *inode,
                     enum file_lock_kind kind, bool is_any_kind, struct file_lock_list *gone)
{
    struct file_lock *lock = TAILQ_FIRST(&owner->locks), *next;
    bool is_changed = false;

    for (; lock != NULL; lock = next) {
        next = TAILQ_NEXT(lock, of_owner);
        if ((inode != NULL && lock->inode != inode) || (!is_any_kind && lock->kind != kind))
            continue;
        if (lock->is_linked)
            wait_kick_all(&lock->inode->locks.waiters);
        file_lock_remove(lock, gone);
        is_changed = true;
    }
    return is_changed;
}

void file_lock_release(struct file_lock_owner *owner, const struct inode *inode)
{
    struct file_lock_list gone = TAILQ_HEAD_INITIALIZER(gone);

    if (atomic_load(&owner->count) == 0)
        return;
    mutex_lock(&file_locks_lock);
    (void)file_locks_take(owner, inode, FILE_LOCK_WHOLE, true, &gone);
    mutex_unlock(&file_locks_lock);
    file_locks_free(&gone);
}

void file_lock_owner_fini(struct file_lock_owner *owner)
{
    file_lock_release(owner, NULL);
}

/* --- save and load: an owner's locks in the order they were made --- */

int file_lock_owner_save(const struct file_lock_owner *owner, struct saver *saver, FileLock ***ret,
                         size_t *count)
{
    const struct file_lock *lock;

    *ret = (void *)save_messages(saver, &file_lock__descriptor, owner->count);
    if (*ret == NULL && owner->count > 0)
        return -ENOMEM;
    TAILQ_FOREACH(lock, &owner->locks, of_owner) {
        FileLock *message = (*ret)[(*count)++];
        message->inode = save_ref(saver, &lock->inode->object);
        message->kind = lock->kind;
        message->is_exclusive = lock->is_exclusive;
        message->start = lock->start;
        message->end = lock->end;
        message->pid = lock->pid;
        message->ticket = lock->ticket;
    }
    return 0;
}

static bool is_possible(const FileLock *message, bool is_table)
{
    return message->kind <= FILE_LOCK_OPEN && (message->kind == FILE_LOCK_TABLE) == is_table &&
           message->start <= message->end && message->end <= INT64_MAX;
}

static int load_lock(struct file_lock_owner *owner, struct loader *loader, const FileLock *message)
{
    struct inode *inode = load_ref_family(loader, "locks.inode", message->inode, OBJECT_INODE);

    if (inode == NULL)
        return 0;
    struct file_lock *lock = host_alloc(1, sizeof(*lock));
    if (lock == NULL) {
        object_put(&inode->object);
        return -ENOMEM;
    }
    lock->kind = message->kind;
    lock->is_exclusive = message->is_exclusive;
    lock->start = message->start;
    lock->end = message->end;
    lock->pid = message->pid;
    lock->ticket = message->ticket;
    lock->inode = inode;
    mutex_lock(&file_locks_lock);
    file_lock_add(owner, lock);
    mutex_unlock(&file_locks_lock);
    return 0;
}

int file_lock_owner_load(struct file_lock_owner *owner, struct loader *loader, bool is_table,
                         FileLock *const *messages, size_t count)
{
    int err = 0;

    for (size_t i = 0; i < count && err == 0; i++) {
        if (!is_possible(messages[i], is_table))
            load_bad(loader, "locks", "there is no such lock");
        else
            err = load_lock(owner, loader, messages[i]);
    }
    return err;
}

void file_lock_owner_relink(struct file_lock_owner *owner)
{
    struct file_lock *lock;

    TAILQ_FOREACH(lock, &owner->locks, of_owner)
        file_lock_link(lock);
}

uint64_t file_lock_owner_derived(const struct file_lock_owner *owner)
{
    const struct file_lock *lock;
    uint64_t count = 0;

    TAILQ_FOREACH(lock, &owner->locks, of_owner)
        count += lock->is_linked;
    return count;
}
