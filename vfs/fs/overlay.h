/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "vfs/file.h"
#include "vfs/fs/dir_names.h"
#include "vfs/mapping.h"

/*
 * An inode of the overlay: a directory, or something of the lower layer. What is new and no
 * directory is a tmpfs inode.
 */
struct overlay_inode {
    union {
        struct object object;
        struct inode inode; /* attr is what the guest sees, from the start */
    };
    struct inode *lower; /* a reference, of hostfs; NULL: it is new */
    /* Guarded by the lock of directories: */
    struct overlay_inode
        *parent;            /* a reference: found there below, not held; NULL: held, or no name */
    char *name;             /* in parent */
    struct dir_names names; /* of a directory: what is held, and whiteouts */
    bool is_copied;         /* a regular file whose content is in mapping; inode.lock */
    struct mapping mapping;
    /* not saved, derived */
    unsigned open_count; /* files on it; inode.lock */
    /* not saved */
    struct mutex copy_lock; /* LOCK_COPY_UP: one copies the content */
};

extern const struct snapshot_type overlay_inode_type;
extern const struct inode_ops overlay_dir_ops, overlay_inode_ops;
extern const struct file_ops overlay_file_ops;
extern struct mutex overlay_names_lock;

/* Returns a reference to the root of a new overlay over lower (borrowed), a directory of hostfs. */
int overlay_create(struct inode *lower, struct inode **ret);

/* --- between the files of the overlay --- */

/* NULL: it is no inode of an overlay. */
struct overlay_inode *overlay_of(struct inode *inode);
/* What lookup found below as name in parent, or (lower NULL) a new directory in it. */
int overlay_wrap(struct inode *lower, struct overlay_inode *parent, const char *name,
                 struct overlay_inode **ret);
int overlay_create_directory(struct inode *dir, uint32_t mode, const struct cred *cred,
                             struct overlay_inode **ret);
/* The names lock is held: from now on the directory holds it, and its parents theirs. */
int overlay_hold(struct overlay_inode *overlay);
/* The names lock is held: it has no name any more. */
void overlay_forget_name(struct overlay_inode *overlay);
int overlay_change_xattr(struct inode *inode);
bool overlay_is_copied(struct overlay_inode *overlay);
/* Holds it and brings the content into memory, at most keep bytes of it. No lock is held. */
int overlay_copy_up(struct overlay_inode *overlay, uint64_t keep);
