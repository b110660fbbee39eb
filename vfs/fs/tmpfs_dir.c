/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories of tmpfs. All of them share one lock, which namei holds around each of these.
 */
#include <errno.h>
#include <stdio.h>

#include "vfs/fs/tmpfs.h"

static struct mutex tmpfs_names_lock = MUTEX_INITIALIZER(LOCK_DIR);

static struct dir_names *names_of(struct inode *dir)
{
    mutex_assert_held(&tmpfs_names_lock);
    return &((struct tmpfs_inode *)dir)->names;
}

static uint32_t links_of(struct inode *inode)
{
    struct stat stat;

    inode_stat_attr(inode, &stat);
    return (uint32_t)stat.st_nlink;
}

static int tmpfs_lookup(struct inode *dir, const char *name, struct inode **ret)
{
    struct dir_name *found = dir_names_find(names_of(dir), name);

    if (found == NULL)
        return -ENOENT;
    *ret = object_get(&found->inode->object);
    return 0;
}

/* Enters a new inode, whose reference is taken on failure only. */
static int enter(struct inode *dir, const char *name, struct tmpfs_inode *tmpfs, struct inode **ret)
{
    int err = 0;

    if (links_of(dir) == 0)
        err = -ENOENT;
    else if (dir_names_find(names_of(dir), name) != NULL)
        err = -EEXIST;
    if (err == 0)
        err = dir_names_add(names_of(dir), name, &tmpfs->inode);
    if (err < 0) {
        object_put(&tmpfs->object);
        return err;
    }
    inode_touch(dir, true);
    *ret = &tmpfs->inode;
    return 0;
}

static int tmpfs_create_name(struct inode *dir, const char *name, uint32_t mode, uint64_t rdev,
                             const struct cred *cred, struct inode **ret)
{
    struct tmpfs_inode *tmpfs;

    int err = tmpfs_inode_create(dir->dev, dir, mode, rdev, cred, &tmpfs);
    return err < 0 ? err : enter(dir, name, tmpfs, ret);
}

static int tmpfs_mkdir(struct inode *dir, const char *name, uint32_t mode, const struct cred *cred,
                       struct inode **ret)
{
    int err = tmpfs_create_name(dir, name, mode, 0, cred, ret);

    if (err == 0)
        inode_add_links(dir, 1);
    return err;
}

static int tmpfs_symlink(struct inode *dir, const char *name, const char *target,
                         const struct cred *cred, struct inode **ret)
{
    struct tmpfs_inode *tmpfs;

    int err = tmpfs_symlink_create(dir->dev, dir, target, cred, &tmpfs);
    return err < 0 ? err : enter(dir, name, tmpfs, ret);
}

static int tmpfs_link(struct inode *dir, const char *name, struct inode *inode)
{
    if (links_of(dir) == 0)
        return -ENOENT;
    int err = dir_names_add(names_of(dir), name, inode);
    if (err < 0)
        return err;
    inode_add_links(inode, 1);
    inode_touch(dir, true);
    return 0;
}

static int tmpfs_unlink(struct inode *dir, const char *name, struct inode *inode)
{
    inode_add_links(inode, -1);
    dir_names_remove(names_of(dir), dir_names_find(names_of(dir), name));
    inode_touch(dir, true);
    return 0;
}

static int tmpfs_rmdir(struct inode *dir, const char *name, struct inode *inode)
{
    if (names_of(inode)->count > 0)
        return -ENOTEMPTY;
    inode_add_links(inode, -2);
    dir_names_remove(names_of(dir), dir_names_find(names_of(dir), name));
    inode_add_links(dir, -1);
    inode_touch(dir, true);
    return 0;
}

/* A directory comes to dir, or leaves it: its .. counts. */
static void count_directory(struct inode *dir, struct inode *inode, int count)
{
    if (S_ISDIR(inode_mode(inode)))
        inode_add_links(dir, count);
}

static int tmpfs_rename(struct inode *from_dir, const char *from, struct inode *inode,
                        struct inode *to_dir, const char *to, struct inode *target, unsigned flags)
{
    bool is_exchange = (flags & RENAME_EXCHANGE) != 0;

    if (links_of(to_dir) == 0)
        return -ENOENT;
    if (target != NULL && !is_exchange && S_ISDIR(inode_mode(target)) &&
        names_of(target)->count > 0)
        return -ENOTEMPTY;
    if (target == NULL) {
        int err = dir_names_add(names_of(to_dir), to, inode);
        if (err < 0)
            return err;
    } else {
        dir_name_set(dir_names_find(names_of(to_dir), to), inode);
        count_directory(to_dir, target, -1);
    }
    count_directory(to_dir, inode, 1);
    count_directory(from_dir, inode, -1);
    struct dir_name *old = dir_names_find(names_of(from_dir), from);
    if (is_exchange) {
        dir_name_set(old, target);
        count_directory(from_dir, target, 1);
        inode_touch(target, false);
    } else {
        dir_names_remove(names_of(from_dir), old);
        if (target != NULL)
            inode_add_links(target, S_ISDIR(inode_mode(target)) ? -2 : -1);
    }
    inode_touch(inode, false);
    inode_touch(from_dir, true);
    inode_touch(to_dir, true);
    return 0;
}

static int tmpfs_tmpfile(struct inode *dir, uint32_t mode, const struct cred *cred,
                         struct inode **ret)
{
    struct tmpfs_inode *tmpfs;

    int err = tmpfs_inode_create(dir->dev, dir, mode, 0, cred, &tmpfs);
    if (err < 0)
        return err;
    inode_add_links(&tmpfs->inode, -1);
    *ret = &tmpfs->inode;
    return 0;
}

static int tmpfs_list(struct inode *dir, inode_list_fn *fn, void *context)
{
    struct dir_name *name;
    struct stat stat;
    int err = 0;

    for (name = dir_names_first(names_of(dir)); name != NULL && err == 0;
         name = dir_names_next(name)) {
        inode_stat_attr(name->inode, &stat);
        err = fn(context, name->name, stat.st_ino, dir_type(stat.st_mode));
    }
    return err;
}

static int tmpfs_dir_setattr(struct inode *inode, const struct attr_change *change)
{
    inode_change_attr(inode, change);
    return 0;
}

static int tmpfs_dir_statfs(struct inode *inode, struct statfs *ret)
{
    return tmpfs_inode_ops.statfs(inode, ret);
}

const struct inode_ops tmpfs_dir_ops = {
    .change_xattr = tmpfs_change_xattr,
    .names_lock = &tmpfs_names_lock,
    .lookup = tmpfs_lookup,
    .create = tmpfs_create_name,
    .mkdir = tmpfs_mkdir,
    .symlink = tmpfs_symlink,
    .link = tmpfs_link,
    .unlink = tmpfs_unlink,
    .rmdir = tmpfs_rmdir,
    .rename = tmpfs_rename,
    .tmpfile = tmpfs_tmpfile,
    .list = tmpfs_list,
    .setattr = tmpfs_dir_setattr,
    .statfs = tmpfs_dir_statfs,
};
