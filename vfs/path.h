/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "core/base/bytes.h"
#include "vfs/cred.h"

struct dentry;
struct mount;
struct inode;
struct file;
struct attr_change;

/* A place in the tree. Each of the two is a reference where the struct owns them. */
struct path {
    struct mount *mount;
    struct dentry *dentry;
};

void path_get(const struct path *path); /* one more reference to each */
void path_put(struct path *path);       /* legal on an empty one; leaves it empty */

/* Who looks: borrowed from a task for one call. */
struct fs_view {
    struct path root, cwd;
    const struct cred *cred;
    uint32_t umask;
    void *task;       /* for magic links of /proc */
    uint64_t resolve; /* RESOLVE_* of openat2(2): how far names may lead */
};

/* All functions below: at is where a relative name starts (NULL: cwd); name is hostile, at most
 * PATH_MAX (-ENAMETOOLONG). Errors and their order are those of the man pages. */

enum { LOOKUP_NOFOLLOW = 1, LOOKUP_EMPTY = 2 /* "" is at itself */, LOOKUP_DIRECTORY = 4 };
int path_lookup(const struct fs_view *view, const struct path *at, const char *name,
                unsigned lookup, struct path *ret);
/* Borrowed pointer; every dentry has one unless it is negative. */
struct inode *path_inode(const struct path *path);
/* The absolute name as seen from root; "(unreachable)" and " (deleted)" as Linux's d_path. */
int path_name(const struct path *root, const struct path *path, struct bytes *ret);

int vfs_open(const struct fs_view *view, const struct path *at, const char *name, int flags,
             uint32_t mode, struct file **ret);
/* A regular file with an x bit, for reading; flags: FILE_RUN or 0. */
int vfs_open_program(const struct fs_view *view, const char *name, int flags, struct file **ret);
int vfs_mkdir(const struct fs_view *view, const struct path *at, const char *name, uint32_t mode);
int vfs_mknod(const struct fs_view *view, const struct path *at, const char *name, uint32_t mode,
              uint64_t rdev);
int vfs_symlink(const struct fs_view *view, const char *target, const struct path *at,
                const char *name);
int vfs_link(const struct fs_view *view, const struct path *from_at, const char *from,
             const struct path *to_at, const char *to, int flags);
int vfs_unlink(const struct fs_view *view, const struct path *at, const char *name);
int vfs_rmdir(const struct fs_view *view, const struct path *at, const char *name);
int vfs_rename(const struct fs_view *view, const struct path *from_at, const char *from,
               const struct path *to_at, const char *to, unsigned flags);
int vfs_readlink(const struct fs_view *view, const struct path *at, const char *name,
                 struct bytes *ret);
int vfs_stat(const struct fs_view *view, const struct path *at, const char *name, unsigned lookup,
             struct stat *ret);
int vfs_statfs(const struct path *path, struct statfs *ret);
/* access(2); the caller gives real or effective ids in view->cred. */
int vfs_access(const struct fs_view *view, const struct path *at, const char *name, unsigned lookup,
               int mask);
/* chmod, chown, utimens, truncate: rights are checked here; path is looked up by the caller. */
int vfs_setattr(const struct fs_view *view, const struct path *path,
                const struct attr_change *change);
/* Before content changes: takes set-id bits away, unless cred is privileged. */
int vfs_drop_set_id(const struct cred *cred, struct inode *inode);
int vfs_fsetattr(const struct cred *cred, struct file *file, const struct attr_change *change);
