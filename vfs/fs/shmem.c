/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared anonymous memory and memfd: tmpfs inodes that never had a name, on a file system of their
 * own that is mounted nowhere. Seals are kept by the mapping, which holds to them; every tmpfs file
 * has them (all but these are sealed against sealing).
 */
#include "vfs/fs/shmem.h"

#include <errno.h>

#include "vfs/dentry.h"
#include "vfs/fs/tmpfs.h"

/* As Linux: the first of the devices that are none. */
enum { SHMEM_DEV = 1 };

bool shmem_is(const struct inode *inode)
{
    return inode->dev == SHMEM_DEV;
}

static int open_file(struct tmpfs_inode *tmpfs, const char *name, struct file **ret)
{
    struct path path = {0};
    int err = dentry_create_root(&tmpfs->inode, name, &path.dentry);

    if (err < 0)
        return err;
    path.dentry->is_unlinked = true;
    err = file_create(&tmpfs->inode, &path, O_RDWR | FILE_LARGE, ret);
    path_put(&path);
    return err;
}

int shmem_create(const char *name, uint64_t size, uint32_t mode, unsigned seals,
                 const struct cred *cred, struct file **ret)
{
    struct tmpfs_inode *tmpfs;
    int err = tmpfs_inode_create(SHMEM_DEV, NULL, S_IFREG | mode, 0, cred, &tmpfs);

    if (err < 0)
        return err;
    tmpfs->inode.attr.nlink = 0;
    mapping_set_size(&tmpfs->mapping, size);
    tmpfs->mapping.seals = seals;
    err = open_file(tmpfs, name, ret);
    object_put(&tmpfs->object);
    return err;
}

static struct tmpfs_inode *sealable(const struct file *file)
{
    struct inode *inode = file->inode;

    return inode->ops == &tmpfs_inode_ops && S_ISREG(inode_mode(inode))
               ? (struct tmpfs_inode *)inode
               : NULL;
}

int shmem_add_seals(struct file *file, unsigned seals)
{
    struct tmpfs_inode *tmpfs = sealable(file);

    if (!file_is_writable(file))
        return -EPERM;
    if ((seals & ~(unsigned)MAPPING_SEALS) != 0 || tmpfs == NULL)
        return -EINVAL;
    if ((seals & F_SEAL_EXEC) != 0 && (inode_mode(file->inode) & 0111) != 0)
        seals |= F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
    return mapping_add_seals(&tmpfs->mapping, seals);
}

int shmem_seals(struct file *file)
{
    struct tmpfs_inode *tmpfs = sealable(file);

    return tmpfs == NULL ? -EINVAL : (int)mapping_seals(&tmpfs->mapping);
}
