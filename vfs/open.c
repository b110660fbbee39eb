/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open(2). With O_CREAT a name is looked up and made under one lock of its directory, so two
 * creators never both think they made it. What is opened is the inode that the name stood for at
 * that moment. A host file that is no longer what its name says (ESTALE) is looked up once more.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "core/base/host.h"
#include "vfs/file.h"
#include "vfs/namei.h"

enum { OPEN_TRIES = 3, PATH_FLAGS = O_PATH | O_DIRECTORY | O_NOFOLLOW };

/* The bit of O_TMPFILE that is not O_DIRECTORY. */
static const int tmpfile_flag = O_TMPFILE & ~O_DIRECTORY;

static int access_mask(int flags)
{
    static const int masks[] = {
        [O_RDONLY] = R_OK, [O_WRONLY] = W_OK, [O_RDWR] = R_OK | W_OK, [O_ACCMODE] = R_OK | W_OK};

    return masks[flags & O_ACCMODE] | ((flags & O_TRUNC) != 0 ? W_OK : 0);
}

static bool is_owner(struct inode *inode, const struct cred *cred)
{
    struct stat stat;

    inode_stat_attr(inode, &stat);
    return cred_is_privileged(cred) || cred->fsuid == stat.st_uid;
}

/* May path be opened so? */
static int check_open(const struct fs_view *view, const struct path *path, int flags)
{
    struct inode *inode = path_inode(path);
    uint32_t mode = inode_mode(inode);
    int mask = access_mask(flags);

    if (!S_ISDIR(mode) && (flags & O_DIRECTORY) != 0)
        return -ENOTDIR;
    if (S_ISLNK(mode))
        return -ELOOP;
    if (S_ISDIR(mode) && ((mask & W_OK) != 0 || (flags & O_CREAT) != 0))
        return -EISDIR;
    int err = inode_check(inode, view->cred, mask);
    if (err < 0)
        return err;
    if (inode->ops->permit != NULL)
        err = inode->ops->permit(inode, view->task);
    if (err < 0)
        return err;
    if (S_ISREG(mode) && (mask & W_OK) != 0 && mount_is_readonly(path->mount))
        return -EROFS;
    if ((flags & O_NOATIME) != 0 && !is_owner(inode, view->cred))
        return -EPERM;
    return 0;
}

/* Opens the inode of path, which has been checked. */
static int open_inode(const struct path *path, int flags, struct file **ret)
{
    struct inode *inode = object_get(&path_inode(path)->object), *used = NULL;
    int err = 0;

    if (S_ISREG(inode_mode(inode)) && (access_mask(flags) & W_OK) != 0) {
        err = inode_begin_use(inode, false, false); /* before it is cut off */
        used = err == 0 ? object_get(&inode->object) : NULL;
    }
    if (err == 0)
        err = inode_open(&inode, flags);
    if (err == 0 && inode->file_ops == NULL)
        err = -ENXIO;
    if (err == 0)
        err = file_create(inode, path, (uint32_t)flags | FILE_LARGE, ret);
    if (used != NULL)
        inode_end_use(used, false);
    object_put((struct object *)used);
    object_put(&inode->object);
    return err;
}

static int open_found(const struct fs_view *view, const struct path *path, int flags,
                      struct file **ret)
{
    int err = check_open(view, path, flags);

    return err < 0 ? err : open_inode(path, flags, ret);
}

/* Under the directory's lock: the child, made if it is not there. */
static int find_or_create(struct walk *walk, int flags, uint32_t mode, struct dentry **ret,
                          bool *is_created)
{
    struct dentry *dir = walk->here.dentry;
    struct inode *inode;

    int err = namei_child_locked(dir, walk->name, ret);
    if (err == 0 && (flags & O_EXCL) != 0) {
        object_put(&(*ret)->object);
        return -EEXIST;
    }
    if (err != -ENOENT)
        return err;
    err = namei_may_change(walk->view, &walk->here);
    if (err < 0)
        return err;
    if (dir->inode->ops->create == NULL)
        return -EACCES;
    err = dir->inode->ops->create(dir->inode, walk->name, mode, 0, walk->view->cred, &inode);
    if (err < 0)
        return err;
    *is_created = true;
    err = dentry_add(dir, walk->name, inode, ret);
    object_put(&inode->object);
    return err;
}

/* The place of the last component, made if it is not there. */
static int create_last(struct walk *walk, int flags, uint32_t mode, struct path *ret,
                       bool *is_created)
{
    struct inode *dir = path_inode(&walk->here);
    struct dentry *dentry;

    if (walk->last != WALK_NAME && (flags & O_EXCL) != 0)
        return -EEXIST;
    if (walk->last == WALK_HERE) {
        *ret = walk->here;
        path_get(ret);
        return 0;
    }
    if (walk->last != WALK_NAME || walk->must_be_directory)
        return -EISDIR;
    namei_lock(dir);
    int err = find_or_create(walk, flags, mode, &dentry, is_created);
    namei_unlock(dir);
    if (err < 0)
        return err;
    *ret = (struct path){.mount = object_get((struct object *)walk->here.mount), .dentry = dentry};
    mount_cross_down(ret);
    return 0;
}

static int open_create(struct walk *walk, int flags, uint32_t mode, struct file **ret)
{
    struct path path;
    bool is_created = false;

    for (;;) {
        int err = create_last(walk, flags, mode, &path, &is_created);
        if (err < 0)
            return err;
        bool is_link = S_ISLNK(inode_mode(path_inode(&path))) && walk->last == WALK_NAME;
        if (!is_link || (flags & O_NOFOLLOW) != 0)
            break;
        err = walk_follow(walk, &path);
        path_put(&path);
        if (err == 0)
            err = walk_to_last(walk);
        if (err < 0)
            return err;
    }
    /* Who makes a file may open it, whatever its mode says. */
    int err = is_created ? open_inode(&path, flags & ~O_TRUNC, ret)
                         : open_found(walk->view, &path, flags, ret);
    path_put(&path);
    return err;
}

static int open_once(const struct fs_view *view, const struct path *at, const char *name, int flags,
                     uint32_t mode, struct file **ret)
{
    struct walk walk;
    struct path path;

    int err = namei_parent(&walk, view, at, name);
    if (err == 0 && (flags & O_CREAT) != 0) {
        err = open_create(&walk, flags, mode, ret);
    } else if (err == 0) {
        err = walk_finish(&walk, (flags & O_NOFOLLOW) == 0, &path);
        if (err == 0) {
            err = open_found(view, &path, flags, ret);
            path_put(&path);
        }
    }
    walk_end(&walk);
    return err;
}

static int open_path(const struct fs_view *view, const struct path *at, const char *name, int flags,
                     struct file **ret)
{
    unsigned lookup = ((flags & O_NOFOLLOW) != 0 ? LOOKUP_NOFOLLOW : 0) |
                      ((flags & O_DIRECTORY) != 0 ? LOOKUP_DIRECTORY : 0);
    struct path path;

    int err = path_lookup(view, at, name, lookup, &path);
    if (err < 0)
        return err;
    err = file_create(path_inode(&path), &path, (uint32_t)flags & PATH_FLAGS, ret);
    path_put(&path);
    return err;
}

/* Makes a file without a name in dir. */
static int create_tmpfile(const struct fs_view *view, const struct path *dir, int flags,
                          uint32_t mode, struct file **ret)
{
    struct inode *dir_inode = path_inode(dir), *inode;
    struct path path = {.mount = dir->mount};
    char name[32];

    int err = namei_may_change(view, dir);
    if (err < 0)
        return err;
    if (dir_inode->ops->tmpfile == NULL)
        return -EOPNOTSUPP;
    namei_lock(dir_inode);
    err = dir_inode->ops->tmpfile(dir_inode, mode, view->cred, &inode);
    namei_unlock(dir_inode);
    if (err < 0)
        return err;
    inode->attr.is_linkable = (flags & O_EXCL) == 0;
    (void)snprintf(name, sizeof(name), "#%" PRIu64, inode->attr.nr);
    err = dentry_create_unlinked(dir->dentry, inode, name, &path.dentry);
    if (err == 0) {
        err = open_inode(&path, flags & ~O_TRUNC, ret);
        object_put(&path.dentry->object);
    }
    object_put(&inode->object);
    return err;
}

static int open_tmpfile(const struct fs_view *view, const struct path *at, const char *name,
                        int flags, uint32_t mode, struct file **ret)
{
    struct path dir;

    if ((flags & O_DIRECTORY) == 0 || (access_mask(flags) & W_OK) == 0 || (flags & O_CREAT) != 0)
        return -EINVAL;
    int err = path_lookup(view, at, name, LOOKUP_DIRECTORY, &dir);
    if (err < 0)
        return err;
    err = create_tmpfile(view, &dir, flags & ~(tmpfile_flag | O_DIRECTORY), mode, ret);
    path_put(&dir);
    return err;
}

int vfs_open(const struct fs_view *view, const struct path *at, const char *name, int flags,
             uint32_t mode, struct file **ret)
{
    int err = -ESTALE;

    if ((flags & O_PATH) != 0)
        return open_path(view, at, name, flags, ret);
    mode = S_IFREG | (mode & ~view->umask & 07777);
    if ((flags & tmpfile_flag) != 0)
        return open_tmpfile(view, at, name, flags, mode, ret);
    if ((flags & O_CREAT) != 0 && (flags & O_DIRECTORY) != 0)
        return -EINVAL;
    for (int i = 0; i < OPEN_TRIES && err == -ESTALE; i++)
        err = open_once(view, at, name, flags, mode, ret);
    return err;
}

int vfs_open_program(const struct fs_view *view, const char *name, int flags, struct file **ret)
{
    struct stat stat;
    struct file *file;
    int err = vfs_access(view, NULL, name, 0, X_OK);

    if (err == 0)
        err = vfs_open(view, NULL, name, O_RDONLY | O_CLOEXEC | flags, 0, &file);
    if (err < 0)
        return err;
    err = inode_getattr(file->inode, &stat);
    if (err == 0 && !S_ISREG(stat.st_mode))
        err = -EACCES;
    if (err < 0) {
        object_put(&file->object);
        return err;
    }
    *ret = file;
    return 0;
}
