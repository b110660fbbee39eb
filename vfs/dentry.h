/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <bsd/sys/tree.h>

#include "core/base/lock.h"
#include "snapshot/snapshot.h"
#include "vfs/inode.h"

RB_HEAD(dentry_tree, dentry);

/*
 * A name in a tree and what it stands for. It lives while it is referenced; children hold their
 * parent. There are no negative ones: the file system is asked again.
 */
struct dentry {
    struct object object;
    struct inode *inode; /* a reference; never changes */
    /* Guarded by LOCK_NAMES: */
    struct dentry *parent; /* a reference; NULL: the root of a file system */
    char *name;
    bool is_unlinked; /* nobody finds it by name any more */
    /* not saved, derived */
    bool is_hashed; /* among its parent's children */
    RB_ENTRY(dentry) link;
    struct dentry_tree children; /* weak */
    unsigned child_count;
    unsigned mount_count; /* mounts on it */
};

extern const struct snapshot_type dentry_type;

/* A name that a directory may hold: one component, neither . nor .. */
bool name_is_possible(const char *name);

/* The lock of all dentries and mounts (LOCK_NAMES). */
void names_lock(void);
void names_unlock(void);

/* A reference to the root of a file system, or to an inode without a place (a pipe): name is what
 * path_name shows of the latter. inode is borrowed. */
int dentry_create_root(struct inode *inode, const char *name, struct dentry **ret);
/* A reference to an inode that has no name yet (O_TMPFILE), below dir. */
int dentry_create_unlinked(struct dentry *dir, struct inode *inode, const char *name,
                           struct dentry **ret);
/* Returns a reference to the child, or NULL: none is in memory. */
struct dentry *dentry_find(struct dentry *dir, const char *name);
/* Returns a reference to the child for what the file system found or made: the one that is there if
 * it stands for inode, else a new one; another is unlinked. The names_lock of dir is held. */
int dentry_add(struct dentry *dir, const char *name, struct inode *inode, struct dentry **ret);
/* Nobody finds it any more. */
void dentry_unlink(struct dentry *dentry);
/* Takes name (host_alloc): dentry is now called so in dir; what was called so is unlinked. */
void dentry_move(struct dentry *dentry, struct dentry *dir, char *name);
/* Returns a reference; NULL for a root. */
struct dentry *dentry_parent(struct dentry *dentry);
/* LOCK_RENAME is held: dentry is ancestor or below it. */
bool dentry_is_below(struct dentry *dentry, const struct dentry *ancestor);
bool dentry_is_mountpoint(struct dentry *dentry);
