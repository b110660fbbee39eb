/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "vfs/file.h"
#include "vfs/fs/dir_names.h"
#include "vfs/mapping.h"

/* An inode whose content is in memory. */
struct tmpfs_inode {
    union {
        struct object object;
        struct inode inode;
    };
    struct dir_names names; /* of a directory; tmpfs_dir_ops.names_lock */
    char *target;           /* of a symbolic link; never changes */
    struct mapping mapping; /* of a regular file */
    /* not saved, derived */
    unsigned open_count; /* files on it; inode.lock */
};

extern const struct snapshot_type tmpfs_inode_type;

/* The operations of directories, and of all else. */
extern const struct inode_ops tmpfs_dir_ops, tmpfs_inode_ops;

int tmpfs_change_xattr(struct inode *inode);

/* Returns a reference to the root of a new file system, owned by root. */
int tmpfs_create(uint32_t mode, struct inode **ret);

/* For file systems that keep new inodes in memory: a reference to one without a name. */
int tmpfs_inode_create(uint64_t dev, struct inode *dir, uint32_t mode, uint64_t rdev,
                       const struct cred *cred, struct tmpfs_inode **ret);
int tmpfs_symlink_create(uint64_t dev, struct inode *dir, const char *target,
                         const struct cred *cred, struct tmpfs_inode **ret);

/* Regular files on a mapping of memory, whatever their inode: the end of file_ops and inode_ops. */
int64_t memory_read(struct file *file, struct mapping *mapping, struct uio *uio,
                    uint64_t *position);
int64_t memory_write(struct file *file, struct mapping *mapping, struct uio *uio,
                     uint64_t *position);
int memory_setattr(struct inode *inode, struct mapping *mapping, const struct attr_change *change);
int memory_fallocate(struct mapping *mapping, int mode, uint64_t offset, uint64_t size);
int64_t memory_seek(struct file *file, struct mapping *mapping, int64_t offset, int whence);
void memory_stat(struct mapping *mapping, struct stat *ret);
