/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <bsd/sys/queue.h>

#include "vfs/dentry.h"
#include "vfs/path.h"

enum { MOUNT_READONLY = 1, MOUNT_FLAGS = 1 };

TAILQ_HEAD(mount_list, mount);

/* A file system at a place of another one. A mount holds those that are mounted on it. */
struct mount {
    struct object object;
    struct dentry *root;       /* a reference */
    struct dentry *mountpoint; /* a reference, in the parent; NULL: the root of all */
    char *type, *source;       /* as /proc/mounts says */
    unsigned flags;            /* MOUNT_* */
    /* Guarded by LOCK_NAMES: */
    struct mount_list children; /* references, in the order of mounting */
    unsigned child_count;
    /* not saved, derived */
    struct mount *parent; /* weak */
    bool is_covering;     /* counted by its mountpoint */
    TAILQ_ENTRY(mount) link;
    /* not saved */
    bool is_counted; /* among all there are */
};

extern const struct snapshot_type mount_type;

/* A mount whose parent is that of at (NULL: a root of all) on the dentry of at, which it then
 * covers. fs_root is borrowed. -ENOSPC: there are enough. Returns a borrowed pointer; with at NULL
 * a reference. */
int mount_create(const struct path *at, struct inode *fs_root, const char *type, const char *source,
                 unsigned flags, struct mount **ret);
/* While something is mounted on path: goes to its root. */
void mount_cross_down(struct path *path);
/* While path is the root of a mount that has a parent: goes to the mountpoint. False: it has none.
 */
bool mount_cross_up(struct path *path);
/* Takes a mount away, of which the caller holds one reference. -EINVAL: it is a root of all;
 * -EBUSY: others hold it, or there are mounts on it. */
int mount_remove(struct mount *mount);
/* Lets go of all below, so that the tree of a sandbox that ends holds nothing. */
void mount_free_children(struct mount *mount);
/* How /proc/PID shows mounts. */
enum mount_format { MOUNT_MOUNTS, MOUNT_MOUNTINFO, MOUNT_MOUNTSTATS };
/* Appends the lines of mount and those below it that are visible from root. */
int mount_show(struct mount *mount, const struct path *root, enum mount_format format,
               struct bytes *ret);
/* The number of a mount (statx, mountinfo) in the tree of mount root; 0: it is not in it. */
int mount_nr(struct mount *root, const struct mount *mount);

static inline bool mount_is_readonly(const struct mount *mount)
{
    return mount != NULL && (mount->flags & MOUNT_READONLY) != 0;
}
