/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New names: mkdir, mknod, symlink, link. Each walks to the directory, locks its names, sees that
 * the name is free and may be made, asks the file system, and enters what it made.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "vfs/namei.h"

/* Walks to the directory of a new name and locks it: the name is free. */
static int create_begin(struct walk *walk, const struct fs_view *view, const struct path *at,
                        const char *name, bool is_directory)
{
    struct dentry *dentry;

    int err = namei_parent(walk, view, at, name);
    if (err < 0)
        return err;
    if (walk->last != WALK_NAME)
        return -EEXIST;
    namei_lock(path_inode(&walk->here));
    err = namei_child_locked(walk->here.dentry, walk->name, &dentry);
    if (err == 0) {
        object_put(&dentry->object);
        err = -EEXIST;
    } else if (err == -ENOENT && (is_directory || !walk->must_be_directory)) {
        err = 0;
    }
    if (err < 0)
        namei_unlock(path_inode(&walk->here));
    return err;
}

/* After a successful begin: enters the inode (borrowed) that was made, unless err, and unlocks. */
static int create_end(struct walk *walk, int err, struct inode *inode)
{
    struct dentry *dentry;

    if (err == 0 && dentry_add(walk->here.dentry, walk->name, inode, &dentry) == 0)
        object_put(&dentry->object);
    namei_unlock(path_inode(&walk->here));
    return err;
}

int vfs_mkdir(const struct fs_view *view, const struct path *at, const char *name, uint32_t mode)
{
    struct inode *inode = NULL;
    struct walk walk;

    int err = create_begin(&walk, view, at, name, true);
    if (err == 0) {
        struct inode *dir = path_inode(&walk.here);
        mode = S_IFDIR | (mode & ~view->umask & 01777);
        err = namei_may_change(view, &walk.here);
        if (err == 0 && dir->ops->mkdir == NULL)
            err = -EPERM;
        if (err == 0)
            err = dir->ops->mkdir(dir, walk.name, mode, view->cred, &inode);
        err = create_end(&walk, err, inode);
        object_put((struct object *)inode);
    }
    walk_end(&walk);
    return err;
}

static int check_node(const struct cred *cred, uint32_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
    case S_IFIFO:
    case S_IFSOCK:
        return 0;
    case S_IFCHR:
    case S_IFBLK:
        return cred_is_privileged(cred) ? 0 : -EPERM;
    case S_IFDIR:
        return -EPERM;
    default:
        return -EINVAL;
    }
}

int vfs_mknod(const struct fs_view *view, const struct path *at, const char *name, uint32_t mode,
              uint64_t rdev)
{
    struct inode *inode = NULL;
    struct walk walk;

    if ((mode & S_IFMT) == 0)
        mode |= S_IFREG;
    int err = check_node(view->cred, mode);
    if (err == -EINVAL || S_ISDIR(mode))
        return err;
    int checked = err;
    err = create_begin(&walk, view, at, name, false);
    if (err == 0) {
        struct inode *dir = path_inode(&walk.here);
        mode = (mode & S_IFMT) | (mode & ~view->umask & 07777);
        err = namei_may_change(view, &walk.here);
        if (err == 0)
            err = checked;
        if (err == 0)
            err = dir->ops->create == NULL
                      ? -EPERM
                      : dir->ops->create(dir, walk.name, mode, rdev, view->cred, &inode);
        err = create_end(&walk, err, inode);
        object_put((struct object *)inode);
    }
    walk_end(&walk);
    return err;
}

int vfs_symlink(const struct fs_view *view, const char *target, const struct path *at,
                const char *name)
{
    struct inode *inode = NULL;
    struct walk walk;

    if (target[0] == '\0')
        return -ENOENT;
    if (strnlen(target, PATH_MAX) == PATH_MAX)
        return -ENAMETOOLONG;
    int err = create_begin(&walk, view, at, name, false);
    if (err == 0) {
        struct inode *dir = path_inode(&walk.here);
        err = namei_may_change(view, &walk.here);
        if (err == 0)
            err = dir->ops->symlink == NULL
                      ? -EPERM
                      : dir->ops->symlink(dir, walk.name, target, view->cred, &inode);
        err = create_end(&walk, err, inode);
        object_put((struct object *)inode);
    }
    walk_end(&walk);
    return err;
}

/* As with fs.protected_hardlinks, which distributions turn on: others' files get new names from
 * those only who may read and write them, and set-id programs from nobody. */
static int check_source(const struct cred *cred, struct inode *inode)
{
    struct stat stat;

    inode_stat_attr(inode, &stat);
    bool is_set_id = (stat.st_mode & S_ISUID) != 0 ||
                     (stat.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);
    if (cred_is_privileged(cred) || cred->fsuid == stat.st_uid)
        return 0;
    if (!S_ISREG(stat.st_mode) || is_set_id || inode_check(inode, cred, R_OK | W_OK) < 0)
        return -EPERM;
    return 0;
}

/* May the inode of path get one more name, in walk's directory? */
static int check_link(const struct walk *walk, const struct path *path)
{
    struct inode *inode = path_inode(path);
    struct stat stat;

    if (path->mount != walk->here.mount)
        return -EXDEV;
    int err = check_source(walk->view->cred, inode);
    if (err == 0)
        err = namei_may_change(walk->view, &walk->here);
    if (err < 0)
        return err;
    inode_stat_attr(inode, &stat);
    if (S_ISDIR(stat.st_mode) || path_inode(&walk->here)->ops->link == NULL)
        return -EPERM;
    return stat.st_nlink == 0 && !inode->attr.is_linkable ? -ENOENT : 0;
}

/* It has had a name: once that is gone, it gets no other. */
static void forget_linkable(struct inode *inode)
{
    mutex_lock(&inode->lock);
    inode->attr.is_linkable = false;
    mutex_unlock(&inode->lock);
}

static int link_path(const struct fs_view *view, const struct path *path, const struct path *at,
                     const char *name)
{
    struct inode *inode = path_inode(path);
    struct walk walk;

    int err = create_begin(&walk, view, at, name, false);
    if (err == 0) {
        struct inode *dir = path_inode(&walk.here);
        err = check_link(&walk, path);
        if (err == 0)
            err = dir->ops->link(dir, walk.name, inode);
        if (err == 0)
            forget_linkable(inode);
        err = create_end(&walk, err, inode);
    }
    walk_end(&walk);
    return err;
}

int vfs_link(const struct fs_view *view, const struct path *from_at, const char *from,
             const struct path *to_at, const char *to, int flags)
{
    unsigned lookup = ((flags & AT_SYMLINK_FOLLOW) != 0 ? 0 : LOOKUP_NOFOLLOW) |
                      ((flags & AT_EMPTY_PATH) != 0 ? LOOKUP_EMPTY : 0);
    struct path path;

    if ((flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) != 0)
        return -EINVAL;
    int err = path_lookup(view, from_at, from, lookup, &path);
    if (err < 0)
        return err;
    err = link_path(view, &path, to_at, to);
    path_put(&path);
    return err;
}
