/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories of the overlay: the names that are held, then those of below that are neither held
 * nor hidden. All of it is under the overlay's lock of directories, which namei holds; asking the
 * host is short. Before a name changes its directory is held, and a name that exists below leaves a
 * whiteout.
 */
#include <errno.h>
#include <stdio.h>

#include "vfs/fs/hostfs.h"
#include "vfs/fs/overlay.h"
#include "vfs/fs/tmpfs.h"

static struct overlay_inode *dir_of(struct inode *dir)
{
    mutex_assert_held(&overlay_names_lock);
    return overlay_of(dir);
}

/* The inode below, a reference. */
static int lookup_lower(struct overlay_inode *dir, const char *name, struct inode **ret)
{
    return dir->lower == NULL ? -ENOENT : dir->lower->ops->lookup(dir->lower, name, ret);
}

static int overlay_lookup(struct inode *inode, const char *name, struct inode **ret)
{
    struct overlay_inode *dir = dir_of(inode), *overlay;
    struct dir_name *held = dir_names_find(&dir->names, name);
    struct inode *lower;

    if (held != NULL) {
        if (held->inode == NULL)
            return -ENOENT;
        *ret = object_get(&held->inode->object);
        return 0;
    }
    int err = lookup_lower(dir, name, &lower);
    if (err < 0)
        return err;
    err = overlay_wrap(lower, dir, name, &overlay);
    object_put(&lower->object);
    if (err == 0)
        *ret = &overlay->inode;
    return err;
}

static bool is_removed(struct inode *dir)
{
    struct stat stat;

    inode_stat_attr(dir, &stat);
    return stat.st_nlink == 0;
}

/* Makes the name stand for inode, whatever it was. */
static int set_name(struct overlay_inode *dir, const char *name, struct inode *inode)
{
    struct dir_name *held = dir_names_find(&dir->names, name);

    if (held == NULL)
        return dir_names_add(&dir->names, name, inode);
    dir_name_set(held, inode);
    return 0;
}

/* Takes the name away: hidden is for one that exists below. */
static int clear_name(struct overlay_inode *dir, const char *name, bool is_hidden)
{
    struct dir_name *held = dir_names_find(&dir->names, name);

    if (is_hidden)
        return set_name(dir, name, NULL);
    if (held != NULL)
        dir_names_remove(&dir->names, held);
    return 0;
}

/* A name that cannot be looked up below for another reason is hidden, too. */
static bool exists_below(struct overlay_inode *dir, const char *name)
{
    struct inode *lower;
    int err = lookup_lower(dir, name, &lower);

    if (err == 0)
        object_put(&lower->object);
    return err != -ENOENT;
}

/* A subdirectory comes or goes: only directories without a lower one count them. */
static void count_directory(struct overlay_inode *dir, struct inode *inode, int count)
{
    if (dir->lower == NULL && S_ISDIR(inode_mode(inode)))
        inode_add_links(&dir->inode, count);
}

/* Enters a new inode; the reference is given back on failure, else handed on. */
static int enter(struct inode *inode, const char *name, struct inode *made, struct inode **ret)
{
    struct overlay_inode *dir = dir_of(inode);
    int err = is_removed(inode) ? -ENOENT : overlay_hold(dir);

    if (err == 0)
        err = set_name(dir, name, made);
    if (err < 0) {
        object_put(&made->object);
        return err;
    }
    count_directory(dir, made, 1);
    inode_touch(inode, true);
    *ret = made;
    return 0;
}

static int overlay_create_name(struct inode *dir, const char *name, uint32_t mode, uint64_t rdev,
                               const struct cred *cred, struct inode **ret)
{
    struct tmpfs_inode *made;

    int err = tmpfs_inode_create(dir->dev, dir, mode, rdev, cred, &made);
    return err < 0 ? err : enter(dir, name, &made->inode, ret);
}

static int overlay_mkdir(struct inode *dir, const char *name, uint32_t mode,
                         const struct cred *cred, struct inode **ret)
{
    struct overlay_inode *made;

    int err = overlay_create_directory(dir, mode, cred, &made);
    return err < 0 ? err : enter(dir, name, &made->inode, ret);
}

static int overlay_symlink(struct inode *dir, const char *name, const char *target,
                           const struct cred *cred, struct inode **ret)
{
    struct tmpfs_inode *made;

    int err = tmpfs_symlink_create(dir->dev, dir, target, cred, &made);
    return err < 0 ? err : enter(dir, name, &made->inode, ret);
}

static int overlay_tmpfile(struct inode *dir, uint32_t mode, const struct cred *cred,
                           struct inode **ret)
{
    struct tmpfs_inode *made;

    int err = tmpfs_inode_create(dir->dev, dir, mode, 0, cred, &made);
    if (err < 0)
        return err;
    inode_add_links(&made->inode, -1);
    *ret = &made->inode;
    return 0;
}

/* Inodes of below are held under their name; others are anyway. */
static int hold_inode(struct inode *inode)
{
    struct overlay_inode *overlay = overlay_of(inode);

    return overlay == NULL ? 0 : overlay_hold(overlay);
}

static int overlay_link(struct inode *inode, const char *name, struct inode *target)
{
    struct overlay_inode *dir = dir_of(inode);
    int err = is_removed(inode) ? -ENOENT : overlay_hold(dir);

    if (err == 0)
        err = hold_inode(target);
    if (err == 0)
        err = set_name(dir, name, target);
    if (err < 0)
        return err;
    inode_add_links(target, 1);
    inode_touch(inode, true);
    return 0;
}

/* An inode has lost a name. */
static void drop_link(struct inode *inode)
{
    struct overlay_inode *overlay = overlay_of(inode);
    struct stat stat;

    if (overlay != NULL)
        overlay_forget_name(overlay);
    inode_stat_attr(inode, &stat);
    inode_add_links(inode, S_ISDIR(stat.st_mode) ? -(int)stat.st_nlink : -1);
}

static int remove_name(struct inode *inode, const char *name, struct inode *target)
{
    struct overlay_inode *dir = dir_of(inode);

    int err = overlay_hold(dir);
    if (err == 0)
        err = clear_name(dir, name, exists_below(dir, name));
    if (err < 0)
        return err;
    count_directory(dir, target, -1);
    drop_link(target);
    inode_touch(inode, true);
    return 0;
}

/* The names of below that are shown. */
struct lower_list {
    struct overlay_inode *dir;
    inode_list_fn *fn;
    void *context;
};

static int list_lower(void *context, const char *name, uint64_t nr, unsigned type)
{
    const struct lower_list *list = context;

    if (dir_names_find(&list->dir->names, name) != NULL)
        return 0;
    return list->fn(list->context, name, nr, type);
}

static int overlay_list(struct inode *inode, inode_list_fn *fn, void *context)
{
    struct overlay_inode *dir = dir_of(inode);
    struct lower_list list = {.dir = dir, .fn = fn, .context = context};
    struct dir_name *name;
    struct stat stat;
    int err = 0;

    for (name = dir_names_first(&dir->names); name != NULL && err == 0;
         name = dir_names_next(name)) {
        if (name->inode == NULL)
            continue;
        inode_stat_attr(name->inode, &stat);
        err = fn(context, name->name, stat.st_ino, dir_type(stat.st_mode));
    }
    if (err == 0 && dir->lower != NULL)
        err = dir->lower->ops->list(dir->lower, list_lower, &list);
    return err;
}

static int found_name(void *context, const char *name, uint64_t nr, unsigned type)
{
    (void)context;
    (void)name;
    (void)nr;
    (void)type;
    return -ENOTEMPTY;
}

static int overlay_unlink(struct inode *dir, const char *name, struct inode *inode)
{
    return remove_name(dir, name, inode);
}

static int overlay_rmdir(struct inode *dir, const char *name, struct inode *inode)
{
    int err = overlay_list(inode, found_name, NULL);

    return err < 0 ? err : remove_name(dir, name, inode);
}

/* All that a move touches is held: from here on names move in memory. */
static int hold_for_rename(struct inode *from_dir, struct inode *inode, struct inode *to_dir,
                           struct inode *target, bool is_exchange)
{
    int err = is_removed(to_dir) ? -ENOENT : 0;

    if (err == 0 && target != NULL && !is_exchange && S_ISDIR(inode_mode(target)))
        err = overlay_list(target, found_name, NULL);
    if (err == 0)
        err = hold_inode(from_dir);
    if (err == 0)
        err = hold_inode(to_dir);
    if (err == 0)
        err = hold_inode(inode);
    if (err == 0 && target != NULL)
        err = hold_inode(target);
    return err;
}

static int overlay_rename(struct inode *from_inode, const char *from, struct inode *inode,
                          struct inode *to_inode, const char *to, struct inode *target,
                          unsigned flags)
{
    struct overlay_inode *from_dir = dir_of(from_inode), *to_dir = dir_of(to_inode);
    bool is_exchange = (flags & RENAME_EXCHANGE) != 0;

    int err = hold_for_rename(from_inode, inode, to_inode, target, is_exchange);
    if (err < 0)
        return err;
    bool is_hidden = exists_below(from_dir, from);
    err = set_name(to_dir, to, inode);
    if (err < 0)
        return err;
    /* The name is held, so these need no memory. */
    (void)(is_exchange ? set_name(from_dir, from, target) : clear_name(from_dir, from, is_hidden));
    count_directory(from_dir, inode, -1);
    count_directory(to_dir, inode, 1);
    if (target != NULL)
        count_directory(to_dir, target, -1);
    if (is_exchange)
        count_directory(from_dir, target, 1);
    else if (target != NULL)
        drop_link(target);
    if (is_exchange)
        inode_touch(target, false);
    inode_touch(inode, false);
    inode_touch(from_inode, true);
    inode_touch(to_inode, true);
    return 0;
}

static int overlay_dir_getattr(struct inode *inode, struct stat *ret)
{
    return overlay_inode_ops.getattr(inode, ret);
}

static int overlay_dir_setattr(struct inode *inode, const struct attr_change *change)
{
    return overlay_inode_ops.setattr(inode, change);
}

static int overlay_dir_statfs(struct inode *inode, struct statfs *ret)
{
    return overlay_inode_ops.statfs(inode, ret);
}

static int overlay_open_dir(struct inode **inode, int flags)
{
    struct inode *lower = overlay_of(*inode)->lower;

    return lower == NULL ? 0 : inode_open(&lower, flags);
}

const struct inode_ops overlay_dir_ops = {
    .change_xattr = overlay_change_xattr,
    .names_lock = &overlay_names_lock,
    .lookup = overlay_lookup,
    .create = overlay_create_name,
    .mkdir = overlay_mkdir,
    .symlink = overlay_symlink,
    .link = overlay_link,
    .unlink = overlay_unlink,
    .rmdir = overlay_rmdir,
    .rename = overlay_rename,
    .tmpfile = overlay_tmpfile,
    .list = overlay_list,
    .getattr = overlay_dir_getattr,
    .setattr = overlay_dir_setattr,
    .open = overlay_open_dir,
    .statfs = overlay_dir_statfs,
};
