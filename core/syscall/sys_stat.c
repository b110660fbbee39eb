/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What files are: stat and its kin, access, statfs, readlink (stat(2), statx(2), access(2)).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/base/host.h"
#include "core/kernel.h"
#include "core/syscall/path_argument.h"
#include "core/syscall/syscall_table.h"
#include "vfs/mount.h"

/* The file of a descriptor. */
static int stat_fd(struct task *task, int fd, struct stat *ret)
{
    struct file *file = files_get(task->files, fd);

    if (file == NULL)
        return -EBADF;
    int err = inode_getattr(file->inode, ret);
    object_put(&file->object);
    return err;
}

static unsigned lookup_flags(uint32_t flags)
{
    return ((flags & AT_SYMLINK_NOFOLLOW) != 0 ? LOOKUP_NOFOLLOW : 0u) |
           ((flags & AT_EMPTY_PATH) != 0 ? LOOKUP_EMPTY : 0u);
}

/* flags: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH. */
static int stat_at(struct task *task, int fd, guest_addr_t name, uint32_t flags, struct stat *ret)
{
    struct path_argument argument;
    int err = path_argument_get(task, fd, name, &argument);

    /* A pipe has no place in the tree, but a descriptor says what it is. */
    if (err == -ENOTDIR && argument.name[0] == '\0' && (flags & AT_EMPTY_PATH) != 0)
        return stat_fd(task, fd, ret);
    if (err < 0)
        return err;
    if (argument.name[0] == '\0' && (flags & AT_EMPTY_PATH) != 0 && fd != AT_FDCWD)
        err = stat_fd(task, fd, ret);
    else
        err = vfs_stat(&argument.view, path_argument_at(&argument), argument.name,
                       lookup_flags(flags), ret);
    path_argument_put(&argument);
    return err;
}

static int64_t give_stat(struct task *task, int err, guest_addr_t to, const struct stat *stat)
{
    return err < 0 ? err : user_copy_out(task->mm, to, stat, sizeof(*stat));
}

int64_t sys_stat(struct task *task, guest_addr_t name, guest_addr_t to)
{
    struct stat stat;
    int err = stat_at(task, AT_FDCWD, name, 0, &stat);

    return give_stat(task, err, to, &stat);
}

int64_t sys_lstat(struct task *task, guest_addr_t name, guest_addr_t to)
{
    struct stat stat;
    int err = stat_at(task, AT_FDCWD, name, AT_SYMLINK_NOFOLLOW, &stat);

    return give_stat(task, err, to, &stat);
}

int64_t sys_fstat(struct task *task, int fd, guest_addr_t to)
{
    struct stat stat;
    int err = stat_fd(task, fd, &stat);

    return give_stat(task, err, to, &stat);
}

int64_t sys_newfstatat(struct task *task, int fd, guest_addr_t name, guest_addr_t to,
                       uint32_t flags)
{
    struct stat stat;

    if ((flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT)) != 0)
        return -EINVAL;
    int err = stat_at(task, fd, name, flags, &stat);
    return give_stat(task, err, to, &stat);
}

/* --- statx --- */

/* What statx is about: references; the path may be empty. */
static int statx_find(struct task *task, int fd, guest_addr_t name, uint32_t flags,
                      struct path *path, struct inode **inode)
{
    struct path_argument argument;
    struct file *file = NULL;
    int err = path_argument_get(task, fd, name, &argument);

    if (err < 0 && err != -ENOTDIR)
        return err;
    if (argument.name[0] == '\0' && (flags & AT_EMPTY_PATH) != 0 && fd != AT_FDCWD) {
        if (err == 0)
            path_argument_put(&argument);
        file = files_get(task->files, fd);
        if (file == NULL)
            return -EBADF;
        *path = file->path;
        path_get(path);
        *inode = object_get(&file->inode->object);
        object_put(&file->object);
        return 0;
    }
    if (err < 0)
        return err;
    err = path_lookup(&argument.view, path_argument_at(&argument), argument.name,
                      lookup_flags(flags), path);
    path_argument_put(&argument);
    if (err == 0)
        *inode = object_get(&path_inode(path)->object);
    return err;
}

static struct statx_timestamp statx_time(const struct timespec *time)
{
    return (struct statx_timestamp){.tv_sec = time->tv_sec, .tv_nsec = (uint32_t)time->tv_nsec};
}

static void statx_fill(const struct stat *stat, struct statx *ret)
{
    *ret = (struct statx){.stx_mask = STATX_BASIC_STATS,
                          .stx_blksize = (uint32_t)stat->st_blksize,
                          .stx_nlink = (uint32_t)stat->st_nlink,
                          .stx_uid = stat->st_uid,
                          .stx_gid = stat->st_gid,
                          .stx_mode = (uint16_t)stat->st_mode,
                          .stx_ino = stat->st_ino,
                          .stx_size = (uint64_t)stat->st_size,
                          .stx_blocks = (uint64_t)stat->st_blocks,
                          .stx_atime = statx_time(&stat->st_atim),
                          .stx_mtime = statx_time(&stat->st_mtim),
                          .stx_ctime = statx_time(&stat->st_ctim),
                          .stx_rdev_major = major(stat->st_rdev),
                          .stx_rdev_minor = minor(stat->st_rdev),
                          .stx_dev_major = major(stat->st_dev),
                          .stx_dev_minor = minor(stat->st_dev)};
}

/* What stat does not tell. */
static void statx_add(struct task *task, const struct path *path, struct inode *inode,
                      struct statx *ret)
{
    mutex_lock(&inode->lock);
    int64_t btime = inode->attr.btime;
    mutex_unlock(&inode->lock);
    if (btime > 0) {
        ret->stx_mask |= STATX_BTIME;
        ret->stx_btime.tv_sec = btime / NSEC_PER_SEC;
        ret->stx_btime.tv_nsec = (uint32_t)(btime % NSEC_PER_SEC);
    }
    ret->stx_attributes_mask = STATX_ATTR_MOUNT_ROOT;
    if (path->mount == NULL)
        return;
    ret->stx_mask |= STATX_MNT_ID;
    ret->stx_mnt_id = (uint64_t)mount_nr(task_kernel(task)->machine->root_mount, path->mount);
    if (path->dentry == path->mount->root)
        ret->stx_attributes |= STATX_ATTR_MOUNT_ROOT;
}

int64_t sys_statx(struct task *task, int fd, guest_addr_t name, uint32_t flags, uint32_t mask,
                  guest_addr_t to)
{
    const uint32_t known =
        AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE;
    struct path path = {0};
    struct inode *inode = NULL;
    struct statx value;
    struct stat stat;

    if ((flags & ~known) != 0 || (mask & STATX__RESERVED) != 0 ||
        (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
        return -EINVAL;
    int err = statx_find(task, fd, name, flags, &path, &inode);
    if (err < 0)
        return err;
    err = inode_getattr(inode, &stat);
    if (err == 0) {
        statx_fill(&stat, &value);
        statx_add(task, &path, inode, &value);
    }
    object_put(&inode->object);
    path_put(&path);
    return err < 0 ? err : user_copy_out(task->mm, to, &value, sizeof(value));
}

/* --- access --- */

static int64_t access_at(struct task *task, int fd, guest_addr_t name, int mask, uint32_t flags)
{
    struct path_argument argument;
    struct cred real = task->cred;

    if ((mask & ~(R_OK | W_OK | X_OK)) != 0 ||
        (flags & ~(uint32_t)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0)
        return -EINVAL;
    int err = path_argument_get(task, fd, name, &argument);
    if (err < 0)
        return err;
    real.fsuid = real.uid;
    real.fsgid = real.gid;
    if ((flags & AT_EACCESS) == 0)
        argument.view.cred = &real;
    err = vfs_access(&argument.view, path_argument_at(&argument), argument.name,
                     lookup_flags(flags), mask);
    path_argument_put(&argument);
    return err;
}

int64_t sys_access(struct task *task, guest_addr_t name, int mask)
{
    return access_at(task, AT_FDCWD, name, mask, 0);
}

int64_t sys_faccessat(struct task *task, int fd, guest_addr_t name, int mask)
{
    return access_at(task, fd, name, mask, 0);
}

int64_t sys_faccessat2(struct task *task, int fd, guest_addr_t name, int mask, uint32_t flags)
{
    return access_at(task, fd, name, mask, flags);
}

/* --- symbolic links --- */

int64_t sys_readlinkat(struct task *task, int fd, guest_addr_t name, guest_addr_t to, uint64_t size)
{
    struct path_argument argument;
    struct bytes target = {0};

    if ((int)size <= 0)
        return -EINVAL;
    int64_t result = path_argument_get(task, fd, name, &argument);
    if (result < 0)
        return result;
    result = vfs_readlink(&argument.view, path_argument_at(&argument), argument.name, &target);
    path_argument_put(&argument);
    if (result >= 0) {
        uint64_t part = target.size < size ? target.size : size;
        result = user_copy_out(task->mm, to, target.data, part);
        result = result < 0 ? result : (int64_t)part;
    }
    bytes_fini(&target);
    return result;
}

int64_t sys_readlink(struct task *task, guest_addr_t name, guest_addr_t to, uint64_t size)
{
    return sys_readlinkat(task, AT_FDCWD, name, to, size);
}

/* --- file systems --- */

static int64_t give_statfs(struct task *task, struct path *path, guest_addr_t to)
{
    struct statfs value;
    int err = vfs_statfs(path, &value);

    path_put(path);
    return err < 0 ? err : user_copy_out(task->mm, to, &value, sizeof(value));
}

int64_t sys_statfs(struct task *task, guest_addr_t name, guest_addr_t to)
{
    struct path path;
    int err = path_argument_lookup(task, AT_FDCWD, name, 0, &path);

    return err < 0 ? err : give_statfs(task, &path, to);
}

int64_t sys_fstatfs(struct task *task, int fd, guest_addr_t to)
{
    struct file *file = files_get(task->files, fd);

    if (file == NULL)
        return -EBADF;
    struct path path = file->path;
    path_get(&path);
    object_put(&file->object);
    return give_statfs(task, &path, to);
}
