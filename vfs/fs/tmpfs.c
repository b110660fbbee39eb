/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tmpfs: inodes whose content is in memory. A directory holds its inodes by name, a regular file
 * its pages; an inode without a name lives as long as it is held. attr.nlink counts names (and .
 * and .. of directories) and is what tells a removed directory: 0.
 */
#include "vfs/fs/tmpfs.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <unistd.h>

#include "core/base/host.h"
#include "vfs/fs/devfs.h"

DEFINE_OBJECT_TYPE(TMPFS_INODE, tmpfs_inode, TmpfsInode, tmpfs_inode, .family = OBJECT_INODE);

static const struct file_ops tmpfs_file_ops;

static struct tmpfs_inode *tmpfs_of(struct inode *inode)
{
    return (struct tmpfs_inode *)inode;
}

/* What the type of an inode decides. */
static void set_ops(struct tmpfs_inode *tmpfs)
{
    uint32_t mode = tmpfs->inode.attr.mode;

    tmpfs->inode.ops = S_ISDIR(mode) ? &tmpfs_dir_ops : &tmpfs_inode_ops;
    tmpfs->inode.file_ops = NULL;
    if (S_ISDIR(mode))
        tmpfs->inode.file_ops = &directory_file_ops;
    else if (S_ISREG(mode))
        tmpfs->inode.file_ops = &tmpfs_file_ops;
    else if (S_ISCHR(mode))
        tmpfs->inode.file_ops = device_file_ops(tmpfs->inode.attr.rdev);
}

int tmpfs_inode_create(uint64_t dev, struct inode *dir, uint32_t mode, uint64_t rdev,
                       const struct cred *cred, struct tmpfs_inode **ret)
{
    struct tmpfs_inode *tmpfs = object_alloc(&tmpfs_inode_type.object);

    if (tmpfs == NULL)
        return -ENOMEM;
    inode_set_owner(&tmpfs->inode, dir, mode, cred);
    tmpfs->inode.attr.nr = inode_next_nr();
    tmpfs->inode.attr.rdev = S_ISCHR(mode) || S_ISBLK(mode) ? rdev : 0;
    tmpfs->inode.dev = dev;
    set_ops(tmpfs);
    *ret = tmpfs;
    return 0;
}

int tmpfs_symlink_create(uint64_t dev, struct inode *dir, const char *target,
                         const struct cred *cred, struct tmpfs_inode **ret)
{
    struct tmpfs_inode *tmpfs;

    int err = tmpfs_inode_create(dev, dir, S_IFLNK | 0777, 0, cred, &tmpfs);
    if (err < 0)
        return err;
    tmpfs->target = host_strdup(target);
    if (tmpfs->target == NULL) {
        object_put(&tmpfs->object);
        return -ENOMEM;
    }
    *ret = tmpfs;
    return 0;
}

int tmpfs_create(uint32_t mode, struct inode **ret)
{
    const struct cred root = {0};
    struct tmpfs_inode *tmpfs;

    int err = tmpfs_inode_create(inode_next_dev(), NULL, S_IFDIR | mode, 0, &root, &tmpfs);
    if (err == 0)
        *ret = &tmpfs->inode;
    return err;
}

static void tmpfs_open(struct file *file)
{
    mutex_lock(&file->inode->lock);
    tmpfs_of(file->inode)->open_count++;
    mutex_unlock(&file->inode->lock);
}

static void tmpfs_close(struct file *file)
{
    mutex_lock(&file->inode->lock);
    tmpfs_of(file->inode)->open_count--;
    mutex_unlock(&file->inode->lock);
}

static int64_t tmpfs_read(struct file *file, struct uio *uio, uint64_t *position,
                          const struct file_wait *wait)
{
    (void)wait;
    return memory_read(file, &tmpfs_of(file->inode)->mapping, uio, position);
}

static int64_t tmpfs_write(struct file *file, struct uio *uio, uint64_t *position, size_t more,
                           const struct file_wait *wait)
{
    (void)more;
    (void)wait;
    return memory_write(file, &tmpfs_of(file->inode)->mapping, uio, position);
}

static int64_t tmpfs_seek(struct file *file, int64_t offset, int whence)
{
    return memory_seek(file, &tmpfs_of(file->inode)->mapping, offset, whence);
}

static int tmpfs_sync(struct file *file)
{
    (void)file;
    return 0;
}

static int tmpfs_fallocate(struct file *file, int mode, uint64_t offset, uint64_t size)
{
    int err = memory_fallocate(&tmpfs_of(file->inode)->mapping, mode, offset, size);

    if (err == 0)
        inode_touch(file->inode, true);
    return err;
}

static const struct file_ops tmpfs_file_ops = {
    .open = tmpfs_open,
    .close = tmpfs_close,
    .read = tmpfs_read,
    .write = tmpfs_write,
    .seek = tmpfs_seek,
    .sync = tmpfs_sync,
    .fallocate = tmpfs_fallocate,
};

static int tmpfs_readlink(struct inode *inode, struct bytes *ret)
{
    const char *target = tmpfs_of(inode)->target;

    return target == NULL ? -EINVAL : bytes_append(ret, target, strlen(target));
}

static int tmpfs_getattr(struct inode *inode, struct stat *ret)
{
    struct tmpfs_inode *tmpfs = tmpfs_of(inode);

    inode_stat_attr(inode, ret);
    if (S_ISREG(ret->st_mode))
        memory_stat(&tmpfs->mapping, ret);
    else if (S_ISLNK(ret->st_mode))
        ret->st_size = (int64_t)strlen(tmpfs->target);
    return 0;
}

static int tmpfs_setattr(struct inode *inode, const struct attr_change *change)
{
    if ((change->set & ATTR_MODE) != 0 && ((change->mode ^ inode_mode(inode)) & 0111) != 0 &&
        (mapping_seals(&tmpfs_of(inode)->mapping) & F_SEAL_EXEC) != 0)
        return -EPERM;
    return memory_setattr(inode, &tmpfs_of(inode)->mapping, change);
}

static int tmpfs_statfs(struct inode *inode, struct statfs *ret)
{
    uint64_t size, used;

    mapping_space(&size, &used);
    ret->f_type = TMPFS_MAGIC;
    ret->f_blocks = size / MEM_PAGE;
    ret->f_bfree = ret->f_bavail = used < size ? (size - used) / MEM_PAGE : 0;
    ret->f_files = ret->f_ffree = INT32_MAX;
    ret->f_fsid.__val[0] = (int)inode->dev;
    return 0;
}

static struct mapping *tmpfs_mapping(struct inode *inode)
{
    return S_ISREG(inode_mode(inode)) ? &tmpfs_of(inode)->mapping : NULL;
}

/* Also that of directories. */
int tmpfs_change_xattr(struct inode *inode)
{
    (void)inode;
    return 0;
}

const struct inode_ops tmpfs_inode_ops = {
    .change_xattr = tmpfs_change_xattr,
    .readlink = tmpfs_readlink,
    .getattr = tmpfs_getattr,
    .setattr = tmpfs_setattr,
    .statfs = tmpfs_statfs,
    .mapping = tmpfs_mapping,
};

static void tmpfs_inode_init(struct tmpfs_inode *tmpfs)
{
    inode_init(&tmpfs->inode, &tmpfs_inode_ops, NULL);
    dir_names_init(&tmpfs->names);
    mapping_init(&tmpfs->mapping);
}

static void tmpfs_inode_fini(struct tmpfs_inode *tmpfs)
{
    dir_names_fini(&tmpfs->names);
    mapping_fini(&tmpfs->mapping);
    host_free(tmpfs->target);
    tmpfs->target = NULL;
    inode_fini(&tmpfs->inode);
}

static int tmpfs_inode_save(const struct tmpfs_inode *tmpfs, struct saver *saver,
                            TmpfsInode *message)
{
    int err = inode_save_attr(&tmpfs->inode, saver, &message->attr);

    if (err < 0)
        return err;
    message->target = save_string(saver, tmpfs->target);
    if (S_ISREG(tmpfs->inode.attr.mode))
        err = mapping_save(&tmpfs->mapping, saver, &message->mapping);
    if (err == 0)
        err = xattrs_save(&tmpfs->inode.xattrs, saver, &message->xattrs, &message->n_xattrs);
    if (err == 0)
        err = dir_names_save(&tmpfs->names, saver, &message->names, &message->n_names);
    return err;
}

static int tmpfs_inode_load(struct tmpfs_inode *tmpfs, struct loader *loader,
                            const TmpfsInode *message)
{
    int err = 0;

    inode_load_attr(&tmpfs->inode, loader, message->attr);
    uint32_t mode = tmpfs->inode.attr.mode;
    set_ops(tmpfs);
    if (S_ISLNK(mode))
        tmpfs->target = load_string(loader, "target", message->target, PATH_MAX - 1);
    if (!S_ISDIR(mode) && message->n_names > 0)
        load_bad(loader, "names", "are there, but it is no directory");
    if (S_ISREG(mode))
        err = mapping_load(&tmpfs->mapping, loader, message->mapping);
    if (err == 0)
        err = xattrs_load(&tmpfs->inode.xattrs, loader, message->xattrs, message->n_xattrs);
    if (err == 0)
        err = dir_names_load(&tmpfs->names, loader, message->names, message->n_names, false);
    return err;
}

/* The files count themselves. */
static void tmpfs_inode_relink(struct tmpfs_inode *tmpfs, struct loader *loader)
{
    (void)tmpfs;
    (void)loader;
}

static uint64_t tmpfs_inode_derived(const struct tmpfs_inode *tmpfs)
{
    return tmpfs->open_count;
}
