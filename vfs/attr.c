/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes: stat, access, readlink, statfs, and who may change what. The file system only carries
 * out what was allowed here.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <unistd.h>

#include "vfs/file.h"
#include "vfs/namei.h"

/* f_flags of statfs: the flags are valid, relatime. */
enum { STATFS_FLAGS = 0x20 | 0x1000, STATFS_READONLY = 1 };

int vfs_stat(const struct fs_view *view, const struct path *at, const char *name, unsigned lookup,
             struct stat *ret)
{
    struct path path;

    int err = path_lookup(view, at, name, lookup, &path);
    if (err < 0)
        return err;
    err = inode_getattr(path_inode(&path), ret);
    path_put(&path);
    return err;
}

int vfs_statfs(const struct path *path, struct statfs *ret)
{
    if (path->mount == NULL) { /* a pipe, a stream: also by the names of /proc/PID/fd */
        *ret = (struct statfs){.f_type = PIPEFS_MAGIC, .f_bsize = 4096, .f_namelen = NAME_MAX};
        return 0;
    }
    int err = inode_statfs(path->mount->root->inode, ret);
    if (err < 0)
        return err;
    ret->f_flags = STATFS_FLAGS | (mount_is_readonly(path->mount) ? STATFS_READONLY : 0);
    return 0;
}

int vfs_access(const struct fs_view *view, const struct path *at, const char *name, unsigned lookup,
               int mask)
{
    struct path path;

    if ((mask & ~(R_OK | W_OK | X_OK)) != 0)
        return -EINVAL;
    int err = path_lookup(view, at, name, lookup, &path);
    if (err < 0)
        return err;
    uint32_t mode = inode_mode(path_inode(&path));
    err = inode_check(path_inode(&path), view->cred, mask);
    if (err == 0 && (mask & W_OK) != 0 && mount_is_readonly(path.mount) &&
        (S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode)))
        err = -EROFS;
    path_put(&path);
    return err;
}

int vfs_readlink(const struct fs_view *view, const struct path *at, const char *name,
                 struct bytes *ret)
{
    struct path path;

    int err = path_lookup(view, at, name, LOOKUP_NOFOLLOW | (at != NULL ? LOOKUP_EMPTY : 0), &path);
    if (err < 0)
        return err;
    struct inode *inode = path_inode(&path);
    if (!S_ISLNK(inode_mode(inode)))
        err = name[0] == '\0' ? -ENOENT : -EINVAL;
    else
        err = inode_readlink(inode, view->task, ret);
    path_put(&path);
    return err;
}

/* chown: root, or the owner who gives the file to another of its groups. */
static int check_owner_change(const struct cred *cred, const struct stat *stat,
                              const struct attr_change *change)
{
    if (cred_is_privileged(cred))
        return 0;
    if (cred->fsuid != stat->st_uid)
        return -EPERM;
    if ((change->set & ATTR_UID) != 0 && change->uid != stat->st_uid)
        return -EPERM;
    if ((change->set & ATTR_GID) != 0 && change->gid != stat->st_gid &&
        !cred_in_group(cred, change->gid))
        return -EPERM;
    return 0;
}

static int check_change(const struct cred *cred, struct inode *inode, const struct stat *stat,
                        const struct attr_change *change)
{
    bool is_owner = cred_is_privileged(cred) || cred->fsuid == stat->st_uid;

    if ((change->set & (ATTR_UID | ATTR_GID)) != 0)
        return check_owner_change(cred, stat, change);
    if (is_owner || change->set == ATTR_SIZE)
        return 0;
    if ((change->set & ATTR_TOUCH) != 0)
        return inode_check(inode, cred, W_OK);
    return -EPERM;
}

/* What follows from a change: set-id bits go. */
static void adjust_mode(const struct cred *cred, const struct stat *stat,
                        struct attr_change *change)
{
    bool is_moved = (change->set & (ATTR_UID | ATTR_GID)) != 0;

    if (is_moved && !S_ISDIR(stat->st_mode) && (change->set & ATTR_MODE) == 0) {
        change->set |= ATTR_MODE;
        change->mode = stat->st_mode & ~(uint32_t)S_ISUID;
        if ((stat->st_mode & S_IXGRP) != 0)
            change->mode &= ~(uint32_t)S_ISGID;
    } else if ((change->set & ATTR_MODE) != 0 && !cred_is_privileged(cred) &&
               !cred_in_group(cred, stat->st_gid)) {
        change->mode &= ~(uint32_t)S_ISGID;
    }
}

/* The set-id bits that a change of content takes away, unless root makes it. */
static uint32_t set_id_bits(const struct cred *cred, uint32_t mode, uint32_t gid)
{
    uint32_t bits = mode & S_ISUID;

    if (!S_ISREG(mode) || cred_is_privileged(cred))
        return 0;
    if ((mode & S_ISGID) != 0 && ((mode & S_IXGRP) != 0 || !cred_in_group(cred, gid)))
        bits |= S_ISGID;
    return bits;
}

int vfs_drop_set_id(const struct cred *cred, struct inode *inode)
{
    struct attr_change change = {.set = ATTR_MODE};
    struct stat stat;

    if ((inode_mode(inode) & (S_ISUID | S_ISGID)) == 0)
        return 0;
    inode_stat_attr(inode, &stat);
    uint32_t bits = set_id_bits(cred, stat.st_mode, stat.st_gid);
    if (bits == 0)
        return 0;
    change.mode = stat.st_mode & 07777 & ~bits;
    if (inode->ops->setattr != NULL)
        return inode->ops->setattr(inode, &change);
    inode_change_attr(inode, &change);
    return 0;
}

static int set_attr(const struct cred *cred, struct inode *inode, const struct mount *mount,
                    const struct attr_change *change)
{
    struct attr_change adjusted = *change;
    struct stat stat;

    if (mount_is_readonly(mount))
        return -EROFS;
    int err = inode_getattr(inode, &stat);
    if (err == 0)
        err = check_change(cred, inode, &stat, change);
    if (err < 0)
        return err;
    if ((change->set & ATTR_SIZE) != 0) {
        if (change->size > (uint64_t)stat.st_size && change->has_limit &&
            change->size > change->size_limit)
            return -EFBIG;
        err = vfs_drop_set_id(cred, inode);
        if (err < 0)
            return err;
    }
    adjust_mode(cred, &stat, &adjusted);
    if (inode->ops->setattr != NULL)
        return inode->ops->setattr(inode, &adjusted);
    inode_change_attr(inode, &adjusted);
    return 0;
}

int vfs_setattr(const struct fs_view *view, const struct path *path,
                const struct attr_change *change)
{
    struct inode *inode = path_inode(path);
    uint32_t mode = inode_mode(inode);

    if ((change->set & ATTR_SIZE) != 0) {
        if (!S_ISREG(mode))
            return S_ISDIR(mode) ? -EISDIR : -EINVAL;
        int err = inode_check(inode, view->cred, W_OK);
        if (err < 0)
            return err;
        if (inode_is_run(inode))
            return -ETXTBSY;
    }
    return set_attr(view->cred, inode, path->mount, change);
}

int vfs_fsetattr(const struct cred *cred, struct file *file, const struct attr_change *change)
{
    bool is_size = (change->set & ATTR_SIZE) != 0;

    if ((file_flags(file) & O_PATH) != 0)
        return -EBADF;
    if (is_size && (!S_ISREG(inode_mode(file->inode)) || !file_is_writable(file)))
        return -EINVAL;
    return set_attr(cred, file->inode, file->path.mount, change);
}
