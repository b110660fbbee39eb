/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <limits.h>

#include "vfs/dentry.h"
#include "vfs/mount.h"
#include "vfs/path.h"

enum { WALK_LINKS_MAX = 40 };

/* What the last component of a name is. */
enum walk_last { WALK_NAME, WALK_DOT, WALK_DOTDOT, WALK_HERE /* none is left: / or a jump */ };

/*
 * A walk along a name, component by component. The names of symbolic links on the way lie on a
 * stack above what was left when they were met.
 */
struct walk {
    const struct fs_view *view;
    struct path here;  /* references */
    struct path start; /* where it began: borrowed. RESOLVE_BENEATH and _IN_ROOT end here */
    unsigned link_count;
    unsigned depth; /* of the stack; rests[0] is the caller's name */
    const char *rests[WALK_LINKS_MAX + 1];
    char *texts[WALK_LINKS_MAX + 1]; /* what the rests are in; texts[0] is NULL */
    enum walk_last last;
    bool must_be_directory; /* the last one: a slash follows it */
    char name[NAME_MAX + 1];
};

/* Starts at at (NULL: the working directory). -ENOENT: an empty name. Ended by walk_end, also when
 * it fails. */
int walk_begin(struct walk *walk, const struct fs_view *view, const struct path *at,
               const char *name);
/* Goes on until the last component is in walk->last and walk->name; here is then the directory to
 * look it up in, and may be searched. */
int walk_to_last(struct walk *walk);
/* The place that the last component names, following a symbolic link there if it is to be followed.
 * A reference. */
int walk_finish(struct walk *walk, bool is_following, struct path *ret);
/* Goes where link (the last component) points; then walk_to_last is to be called. */
int walk_follow(struct walk *walk, const struct path *link);
void walk_end(struct walk *walk);

/* Looks up a name in a directory: what is mounted there counts. A reference. */
int namei_child(const struct path *dir, const char *name, struct path *ret);
/* As namei_child without mounts; the directory's names_lock is held. */
int namei_child_locked(struct dentry *dir, const char *name, struct dentry **ret);
/* Of a directory; nothing if it needs none. */
void namei_lock(struct inode *dir);
void namei_unlock(struct inode *dir);
/* The directory above, within view->root. Changes path. */
void namei_up(const struct fs_view *view, struct path *path);

/* Walks to the directory of the last component. */
int namei_parent(struct walk *walk, const struct fs_view *view, const struct path *at,
                 const char *name);
/* May names in dir be changed? -EROFS, -EACCES. */
int namei_may_change(const struct fs_view *view, const struct path *dir);
/* May the name of victim in dir be taken away, too? -EPERM (sticky), -EBUSY, -ENOTDIR, -EISDIR. */
int namei_may_remove(const struct fs_view *view, const struct path *dir, struct dentry *victim,
                     bool is_directory);
