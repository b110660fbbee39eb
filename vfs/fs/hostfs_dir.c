/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories of the host. Every name is one component below a descriptor of its directory, and no
 * symbolic link is ever followed by the host: that is for namei, within the guest's tree. All of
 * them share one lock, which namei holds around each of these; what they ask of the host is short.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/host.h"
#include "vfs/fs/hostfs.h"

enum { LIST_SIZE = 32 << 10 };

static struct mutex hostfs_names_lock = MUTEX_INITIALIZER(LOCK_DIR);

/* May names be looked up here? */
static int check_dir(const struct hostfs_inode *dir)
{
    if (dir->is_ghost)
        return -ENOENT;
    return dir->is_refused ? -EACCES : 0;
}

static int check_change(const struct hostfs_inode *dir)
{
    if (!dir->is_ghost && !dir->root->is_writable)
        return -EROFS;
    return check_dir(dir);
}

static char *path_in(const struct hostfs_inode *dir, const char *name)
{
    char *dir_path = hostfs_path(dir);
    char *path = dir_path == NULL ? NULL : hostfs_join(dir_path, name);

    host_free(dir_path);
    return path;
}

static int hostfs_lookup(struct inode *inode, const char *name, struct inode **ret)
{
    struct hostfs_inode *dir = hostfs_of(inode);

    int err = check_dir(dir);
    if (err < 0)
        return err;
    int fd = host_open_beneath(dir->fd, name, O_PATH | O_NOFOLLOW, 0);
    if (fd < 0)
        return fd;
    return hostfs_inode_get(dir->root, path_in(dir, name), fd, HOSTFS_PATH, dir->host_dev, ret);
}

/* What was made belongs to who made it, as far as the host lets us. */
static void give_owner(int fd, const struct cred *cred)
{
    struct stat stat;

    if (host_fstat(fd, &stat) == 0 && stat.st_uid != cred->fsuid)
        (void)host_fchown(fd, cred->fsuid, cred->fsgid);
}

/* Looks up what was just made. */
static int find_made(struct inode *dir, const char *name, const struct cred *cred,
                     struct inode **ret)
{
    int err = hostfs_lookup(dir, name, ret);

    if (err == 0)
        give_owner(hostfs_of(*ret)->fd, cred);
    return err;
}

static int hostfs_create_name(struct inode *inode, const char *name, uint32_t mode, uint64_t rdev,
                              const struct cred *cred, struct inode **ret)
{
    struct hostfs_inode *dir = hostfs_of(inode);

    (void)rdev;
    int err = check_change(dir);
    if (err < 0)
        return err;
    if (!S_ISREG(mode))
        return -EPERM;
    int fd = host_open_beneath(dir->fd, name, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_LARGEFILE,
                               mode & 07777);
    if (fd < 0)
        return fd;
    give_owner(fd, cred);
    return hostfs_inode_get(dir->root, path_in(dir, name), fd, HOSTFS_WRITE, dir->host_dev, ret);
}

static int hostfs_mkdir(struct inode *inode, const char *name, uint32_t mode,
                        const struct cred *cred, struct inode **ret)
{
    struct hostfs_inode *dir = hostfs_of(inode);

    int err = check_change(dir);
    if (err == 0)
        err = host_mkdirat(dir->fd, name, mode & 07777);
    return err < 0 ? err : find_made(inode, name, cred, ret);
}

static int hostfs_symlink(struct inode *inode, const char *name, const char *target,
                          const struct cred *cred, struct inode **ret)
{
    struct hostfs_inode *dir = hostfs_of(inode);

    int err = check_change(dir);
    if (err == 0)
        err = host_symlinkat(target, dir->fd, name);
    return err < 0 ? err : find_made(inode, name, cred, ret);
}

/* Links path below root to name in dir. The directory of path is opened first: a name of several
 * components would be walked by the host as it likes. */
static int link_path(const struct hostfs_inode *dir, char *path, const char *name)
{
    char *slash = strrchr(path, '/');
    const char *parent = slash == NULL ? "" : path;

    if (slash != NULL)
        *slash = '\0';
    int fd = host_open_beneath(dir->root->fd, parent, O_PATH | O_DIRECTORY, 0);
    if (fd < 0)
        return fd;
    int err = host_linkat(fd, slash == NULL ? path : slash + 1, dir->fd, name);
    (void)host_close(fd);
    return err;
}

static int hostfs_link(struct inode *inode, const char *name, struct inode *target)
{
    struct hostfs_inode *dir = hostfs_of(inode), *file = hostfs_of(target);

    int err = check_change(dir);
    if (err < 0)
        return err;
    if (file == NULL || file->root != dir->root)
        return -EXDEV;
    if (file->is_ghost)
        return -ENOENT;
    char *path = hostfs_path(file);
    if (path == NULL)
        return -ENOMEM;
    err = link_path(dir, path, name);
    host_free(path);
    return err;
}

static int remove_name(struct inode *inode, const char *name, int flags)
{
    struct hostfs_inode *dir = hostfs_of(inode);
    int err = check_change(dir);

    return err < 0 ? err : host_unlinkat(dir->fd, name, flags);
}

static int hostfs_unlink(struct inode *dir, const char *name, struct inode *inode)
{
    (void)inode;
    return remove_name(dir, name, 0);
}

static int hostfs_rmdir(struct inode *dir, const char *name, struct inode *inode)
{
    (void)inode;
    return remove_name(dir, name, AT_REMOVEDIR);
}

static int hostfs_rename(struct inode *from_dir, const char *from, struct inode *inode,
                         struct inode *to_dir, const char *to, struct inode *target, unsigned flags)
{
    struct hostfs_inode *source_dir = hostfs_of(from_dir), *dir = hostfs_of(to_dir);

    (void)inode;
    (void)target;
    int err = check_change(source_dir);
    if (err == 0)
        err = check_change(dir);
    if (err < 0)
        return err;
    char *from_path = path_in(source_dir, from);
    char *to_path = path_in(dir, to);
    if (from_path == NULL || to_path == NULL)
        err = -ENOMEM;
    if (err == 0)
        err = host_renameat2(source_dir->fd, from, dir->fd, to, flags);
    if (err == 0)
        hostfs_move_paths(dir->root, from_path, to_path, (flags & RENAME_EXCHANGE) != 0);
    host_free(from_path);
    host_free(to_path);
    return err;
}

/* struct linux_dirent64, as the host gives it. */
struct host_dirent {
    uint64_t nr;
    int64_t next;
    uint16_t size;
    uint8_t type;
    char name[];
} __attribute__((packed));

static int list_part(const char *data, size_t size, inode_list_fn *fn, void *context)
{
    const struct host_dirent *entry;
    int err = 0;

    for (size_t at = 0; at < size && err == 0; at += entry->size) {
        entry = (const struct host_dirent *)(data + at);
        if (strcmp(entry->name, ".") != 0 && strcmp(entry->name, "..") != 0)
            err = fn(context, entry->name, entry->nr, entry->type);
    }
    return err;
}

static int list_host(int fd, char *data, inode_list_fn *fn, void *context)
{
    for (;;) {
        ptrdiff_t size = host_getdents(fd, data, LIST_SIZE);
        if (size <= 0)
            return (int)size;
        int err = list_part(data, (size_t)size, fn, context);
        if (err != 0)
            return err;
    }
}

static int hostfs_list(struct inode *inode, inode_list_fn *fn, void *context)
{
    struct hostfs_inode *dir = hostfs_of(inode);

    if (dir->is_ghost)
        return 0;
    int err = check_dir(dir);
    if (err < 0)
        return err;
    int fd = host_open_beneath(dir->fd, "", O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return fd;
    char *data = host_alloc(LIST_SIZE, 1);
    err = data == NULL ? -ENOMEM : list_host(fd, data, fn, context);
    host_free(data);
    (void)host_close(fd);
    return err;
}

/* Would it open? Its names are read by list. */
static int hostfs_open_dir(struct inode **inode, int flags)
{
    struct hostfs_inode *dir = hostfs_of(*inode);

    (void)flags;
    if (dir->is_ghost)
        return 0;
    int err = check_dir(dir);
    if (err < 0)
        return err;
    int fd = host_open_beneath(dir->fd, "", O_RDONLY | O_DIRECTORY, 0);
    return fd < 0 ? fd : host_close(fd);
}

static int hostfs_dir_getattr(struct inode *inode, struct stat *ret)
{
    return hostfs_inode_ops.getattr(inode, ret);
}

static int hostfs_dir_setattr(struct inode *inode, const struct attr_change *change)
{
    return hostfs_inode_ops.setattr(inode, change);
}

static int hostfs_dir_statfs(struct inode *inode, struct statfs *ret)
{
    return hostfs_inode_ops.statfs(inode, ret);
}

const struct inode_ops hostfs_dir_ops = {
    .names_lock = &hostfs_names_lock,
    .lookup = hostfs_lookup,
    .create = hostfs_create_name,
    .mkdir = hostfs_mkdir,
    .symlink = hostfs_symlink,
    .link = hostfs_link,
    .unlink = hostfs_unlink,
    .rmdir = hostfs_rmdir,
    .rename = hostfs_rename,
    .list = hostfs_list,
    .getattr = hostfs_dir_getattr,
    .setattr = hostfs_dir_setattr,
    .open = hostfs_open_dir,
    .statfs = hostfs_dir_statfs,
};
