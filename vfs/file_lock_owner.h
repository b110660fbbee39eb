/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/base/lock.h"
#include "vfs/file_lock.h"

/* Between the files of file locks. All but file_locks_free need file_locks_lock (while loading:
 * nothing). */

extern struct mutex file_locks_lock;         /* LOCK_FLOCKS */
extern struct file_lock_list file_locks_all; /* in the order they were made */
extern size_t file_lock_count;

/* Enters a lock of an owner into the lists of its inode and of all. */
void file_lock_link(struct file_lock *lock);
void file_lock_unlink(struct file_lock *lock);
void file_lock_add(struct file_lock_owner *owner, struct file_lock *lock);
/* Takes a lock out of all lists, onto gone, which is freed once the lock is dropped. */
void file_lock_remove(struct file_lock *lock, struct file_lock_list *gone);
void file_locks_free(struct file_lock_list *gone);
/* Takes the locks of an owner on inode (NULL: all) away, and kicks who waits. True: there were
 * some. */
bool file_locks_take(struct file_lock_owner *owner, const struct inode *inode,
                     enum file_lock_kind kind, bool is_any_kind, struct file_lock_list *gone);
