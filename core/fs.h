/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "vfs/path.h"
#include "snapshot/snapshot.h"

/* Root, working directory, umask (Linux: fs_struct). Tasks made with CLONE_FS share one. */
struct fs {
    struct object object;
    struct mutex lock; /* LOCK_FS */
    struct path root, cwd;
    uint32_t umask;
    /* not saved, derived */
    bool is_linked;
};

extern const struct snapshot_type fs_type;

int fs_create(const struct path *root, const struct path *cwd, uint32_t umask, struct fs **ret);
int fs_fork(struct fs *from, struct fs **ret);
/* Takes references into view; fs_view_put drops them. cred and task are borrowed. */
void fs_view_get(struct fs *fs, const struct cred *cred, void *task, struct fs_view *view);
void fs_view_put(struct fs_view *view);
void fs_set_cwd(struct fs *fs, const struct path *cwd);   /* gets references */
void fs_set_root(struct fs *fs, const struct path *root); /* gets references */
uint32_t fs_set_umask(struct fs *fs, uint32_t umask);     /* returns the old one */
