/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular files whose pages are a mapping of memory: tmpfs, the upper layer of an overlay, and what
 * is left of deleted host files.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <unistd.h>

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

/* Zeroes a range, which may reach past the end. */
static int zero_range(struct mapping *mapping, bool keeps_size, uint64_t offset, uint64_t size)
{
    int err = mapping_punch(mapping, offset, size);

    if (err == 0)
        err = mapping_reserve(mapping, offset, size);
    if (err == 0 && !keeps_size && offset + size > mapping_size(mapping))
        err = mapping_truncate(mapping, offset + size);
    return err;
}

static int allocate(struct mapping *mapping, int mode, uint64_t offset, uint64_t size)
{
    bool keeps_size = (mode & FALLOC_FL_KEEP_SIZE) != 0;

    switch (mode & ~FALLOC_FL_KEEP_SIZE) {
    case 0:
        if (!keeps_size && offset + size > mapping_size(mapping) &&
            (mapping_seals(mapping) & F_SEAL_GROW) != 0)
            return -EPERM;
        int err = mapping_reserve(mapping, offset, size);
        if (err == 0 && !keeps_size && offset + size > mapping_size(mapping))
            err = mapping_truncate(mapping, offset + size);
        return err;
    case FALLOC_FL_PUNCH_HOLE:
        return keeps_size ? mapping_punch(mapping, offset, size) : -EOPNOTSUPP;
    case FALLOC_FL_ZERO_RANGE:
        return zero_range(mapping, keeps_size, offset, size);
    default:
        return -EOPNOTSUPP;
    }
}

/* As tmpfs, and ext4's FALLOC_FL_ZERO_RANGE. *Linux:* what is set aside past the end stays when the
 * file is cut off before it. */
int memory_fallocate(struct mapping *mapping, int mode, uint64_t offset, uint64_t size)
{
    if (offset > INT64_MAX || size > INT64_MAX - offset)
        return -EFBIG;
    int err = allocate(mapping, mode, offset, size);
    return err == -ENOMEM ? -ENOSPC : err;
}

int64_t memory_seek(struct file *file, struct mapping *mapping, int64_t offset, int whence)
{
    if (whence != SEEK_DATA && whence != SEEK_HOLE)
        return file_seek_regular(file, offset, whence);
    int64_t position =
        offset < 0 ? -ENXIO : mapping_next(mapping, (uint64_t)offset, whence == SEEK_DATA);
    if (position >= 0)
        file->position = (uint64_t)position;
    return position;
}

/* Chunks count whole, but for what the last one has past the last page. */
void memory_stat(struct mapping *mapping, struct stat *ret)
{
    uint64_t size = mapping_size(mapping), memory = mapping_memory(mapping), run;
    uint64_t end = (size + MEM_PAGE - 1) & ~(MEM_PAGE - 1);

    if (end % MEM_CHUNK != 0 && mapping_run(mapping, end - 1, false, false, &run) == 0)
        memory -= MEM_CHUNK - end % MEM_CHUNK;
    ret->st_size = (int64_t)size;
    ret->st_blocks = (int64_t)(memory / STAT_BLOCK);
}
