/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular files whose pages are a mapping of memory: tmpfs, the upper layer of an overlay, and what
 * is left of deleted host files.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>

#include "vfs/fs/tmpfs.h"

enum { STAT_BLOCK = 512 };

int64_t memory_read(struct file *file, struct mapping *mapping, struct uio *uio, uint64_t *position)
{
    int64_t done = mapping_read(mapping, uio, *position);

    if (done > 0)
        *position += (uint64_t)done;
    if (done >= 0 && (file_flags(file) & O_NOATIME) == 0)
        inode_touch_read(file->inode);
    return done;
}

int64_t memory_write(struct file *file, struct mapping *mapping, struct uio *uio,
                     uint64_t *position)
{
    int64_t done;

    if ((file_flags(file) & O_APPEND) != 0) {
        done = mapping_append(mapping, uio, position);
    } else {
        done = mapping_write(mapping, uio, *position);
        if (done > 0)
            *position += (uint64_t)done;
    }
    if (done > 0)
        inode_touch(file->inode, true);
    return done;
}

int memory_setattr(struct inode *inode, struct mapping *mapping, const struct attr_change *change)
{
    int err = (change->set & ATTR_SIZE) != 0 ? mapping_truncate(mapping, change->size) : 0;

    if (err < 0)
        return err == -ENOMEM ? -ENOSPC : err;
    inode_change_attr(inode, change);
    return 0;
}

/* *Linux:* no pages are set aside; what a later write finds full is ENOSPC then. */
int memory_fallocate(struct mapping *mapping, int mode, uint64_t offset, uint64_t size)
{
    if (offset > INT64_MAX || size > INT64_MAX - offset)
        return -EFBIG;
    if (mode == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
        return mapping_punch(mapping, offset, size);
    if ((mode & ~FALLOC_FL_KEEP_SIZE) != 0)
        return -EOPNOTSUPP;
    if (mode != 0 || offset + size <= mapping_size(mapping))
        return 0;
    return mapping_truncate(mapping, offset + size);
}

void memory_stat(struct mapping *mapping, struct stat *ret)
{
    ret->st_size = (int64_t)mapping_size(mapping);
    ret->st_blocks = (int64_t)(mapping_memory(mapping) / STAT_BLOCK);
}
