/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names go: unlink and rmdir. The inode stays while somebody holds it.
 */
#include <errno.h>
#include <unistd.h>

#include "vfs/namei.h"

/* What removing the last component of a walk is refused with, if it is no name. */
static int check_last(enum walk_last last, bool is_directory)
{
    switch (last) {
    case WALK_NAME:
        return 0;
    case WALK_DOT:
        return is_directory ? -EINVAL : -EISDIR;
    case WALK_DOTDOT:
        return is_directory ? -ENOTEMPTY : -EISDIR;
    case WALK_HERE:
        break;
    }
    return is_directory ? -EBUSY : -EISDIR;
}

/* Under the directory's lock. */
static int remove_child(struct walk *walk, struct dentry *victim, bool is_directory)
{
    struct inode *dir = path_inode(&walk->here), *inode = victim->inode;
    int (*remove)(struct inode *, const char *, struct inode *) =
        is_directory ? dir->ops->rmdir : dir->ops->unlink;

    if (!is_directory && walk->must_be_directory)
        return S_ISDIR(inode_mode(inode)) ? -EISDIR : -ENOTDIR;
    int err = namei_may_remove(walk->view, &walk->here, victim, is_directory);
    if (err < 0)
        return err;
    if (remove == NULL)
        return -EPERM;
    err = remove(dir, walk->name, inode);
    if (err == 0)
        dentry_unlink(victim);
    return err;
}

static int remove_name(const struct fs_view *view, const struct path *at, const char *name,
                       bool is_directory)
{
    struct dentry *victim = NULL;
    struct walk walk;

    int err = namei_parent(&walk, view, at, name);
    if (err == 0)
        err = check_last(walk.last, is_directory);
    if (err == 0) {
        namei_lock(path_inode(&walk.here));
        err = namei_child_locked(walk.here.dentry, walk.name, &victim);
        if (err == 0)
            err = remove_child(&walk, victim, is_directory);
        namei_unlock(path_inode(&walk.here));
    }
    object_put((struct object *)victim);
    walk_end(&walk);
    return err;
}

int vfs_unlink(const struct fs_view *view, const struct path *at, const char *name)
{
    return remove_name(view, at, name, false);
}

int vfs_rmdir(const struct fs_view *view, const struct path *at, const char *name)
{
    return remove_name(view, at, name, true);
}
