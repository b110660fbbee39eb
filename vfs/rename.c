/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rename. Only here do directories change their place, one move at a time (LOCK_RENAME), so that
 * none can become its own ancestor.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/host.h"
#include "vfs/namei.h"

static struct mutex rename_lock = MUTEX_INITIALIZER(LOCK_RENAME);

struct rename {
    const struct fs_view *view;
    unsigned flags;
    struct walk from, to;
    /* References: */
    struct dentry *source;
    struct dentry *target; /* NULL: there is none */
    /* Names for the dentries; taken when used. */
    char *to_name, *from_name;
};

static bool is_directory(struct dentry *dentry)
{
    return S_ISDIR(inode_mode(dentry->inode));
}

static int check_lasts(const struct rename *rename)
{
    if (rename->from.here.mount != rename->to.here.mount)
        return -EXDEV;
    if (rename->from.last != WALK_NAME)
        return -EBUSY;
    if (rename->to.last != WALK_NAME)
        return (rename->flags & RENAME_NOREPLACE) != 0 ? -EEXIST : -EBUSY;
    return 0;
}

static int find_children(struct rename *rename)
{
    int err = namei_child_locked(rename->from.here.dentry, rename->from.name, &rename->source);

    if (err < 0)
        return err;
    err = namei_child_locked(rename->to.here.dentry, rename->to.name, &rename->target);
    if (err < 0 && err != -ENOENT)
        return err;
    if (err == 0 && (rename->flags & RENAME_NOREPLACE) != 0)
        return -EEXIST;
    if (err == -ENOENT && (rename->flags & RENAME_EXCHANGE) != 0)
        return -ENOENT;
    return 0;
}

/* A slash after the name of what is no directory. */
static int check_slashes(const struct rename *rename)
{
    bool is_exchange = (rename->flags & RENAME_EXCHANGE) != 0;

    if (is_exchange && rename->to.must_be_directory && !is_directory(rename->target))
        return -ENOTDIR;
    if (is_directory(rename->source))
        return 0;
    if (rename->from.must_be_directory || (!is_exchange && rename->to.must_be_directory))
        return -ENOTDIR;
    return 0;
}

static int check_ancestors(const struct rename *rename)
{
    if (dentry_is_below(rename->to.here.dentry, rename->source))
        return -EINVAL;
    if (rename->target != NULL && dentry_is_below(rename->from.here.dentry, rename->target))
        return (rename->flags & RENAME_EXCHANGE) != 0 ? -EINVAL : -ENOTEMPTY;
    return 0;
}

/* A directory that gets another parent is itself written to (its ..). */
static int check_move(const struct rename *rename, struct dentry *dentry)
{
    if (!is_directory(dentry) || rename->from.here.dentry == rename->to.here.dentry)
        return 0;
    return inode_check(dentry->inode, rename->view->cred, W_OK);
}

static int check_rights(const struct rename *rename)
{
    bool is_dir = is_directory(rename->source);
    bool is_exchange = (rename->flags & RENAME_EXCHANGE) != 0;

    int err = namei_may_remove(rename->view, &rename->from.here, rename->source, is_dir);
    if (err < 0)
        return err;
    if (rename->target == NULL)
        err = namei_may_change(rename->view, &rename->to.here);
    else
        err = namei_may_remove(rename->view, &rename->to.here, rename->target,
                               is_exchange ? is_directory(rename->target) : is_dir);
    if (err == 0)
        err = check_move(rename, rename->source);
    if (err == 0 && is_exchange)
        err = check_move(rename, rename->target);
    return err;
}

/* The dentries follow what the file system has done. */
static void move_dentries(struct rename *rename)
{
    dentry_move(rename->source, rename->to.here.dentry, rename->to_name);
    rename->to_name = NULL;
    if ((rename->flags & RENAME_EXCHANGE) != 0) {
        dentry_move(rename->target, rename->from.here.dentry, rename->from_name);
        rename->from_name = NULL;
    }
}

/* Under LOCK_RENAME and the lock of both directories. */
static int rename_locked(struct rename *rename)
{
    struct inode *from_dir = path_inode(&rename->from.here);
    struct inode *to_dir = path_inode(&rename->to.here);

    int err = find_children(rename);
    if (err == 0)
        err = check_slashes(rename);
    if (err == 0)
        err = check_ancestors(rename);
    if (err < 0)
        return err;
    if (rename->target != NULL && rename->source->inode == rename->target->inode)
        return 0; /* two names of one file: nothing happens */
    err = check_rights(rename);
    if (err < 0)
        return err;
    if (from_dir->ops->rename == NULL)
        return -EPERM;
    err = from_dir->ops->rename(
        from_dir, rename->from.name, rename->source->inode, to_dir, rename->to.name,
        rename->target == NULL ? NULL : rename->target->inode, rename->flags);
    if (err == 0)
        move_dentries(rename);
    return err;
}

static int rename_walked(struct rename *rename)
{
    struct inode *dir = path_inode(&rename->from.here);

    int err = check_lasts(rename);
    if (err < 0)
        return err;
    rename->to_name = host_strdup(rename->to.name);
    rename->from_name = host_strdup(rename->from.name);
    if (rename->to_name == NULL || rename->from_name == NULL)
        return -ENOMEM;
    mutex_lock(&rename_lock);
    namei_lock(dir);
    err = rename_locked(rename);
    namei_unlock(dir);
    mutex_unlock(&rename_lock);
    return err;
}

int vfs_rename(const struct fs_view *view, const struct path *from_at, const char *from,
               const struct path *to_at, const char *to, unsigned flags)
{
    struct rename rename = {.view = view, .flags = flags};

    if ((flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE)) != 0 ||
        flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
        return -EINVAL;
    int err = namei_parent(&rename.from, view, from_at, from);
    if (err == 0) {
        err = namei_parent(&rename.to, view, to_at, to);
        if (err == 0)
            err = rename_walked(&rename);
        walk_end(&rename.to);
    }
    object_put((struct object *)rename.source);
    object_put((struct object *)rename.target);
    host_free(rename.to_name);
    host_free(rename.from_name);
    walk_end(&rename.from);
    return err;
}
