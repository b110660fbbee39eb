/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular files of the overlay: read from below until the first opening for writing, a truncation
 * or a writable map copies the content into memory (a copy-up). Address spaces that map the file
 * below are then told, and find the copy. Holes are not read, and pieces of zeros take no memory.
 */
#include <errno.h>
#include <unistd.h>

#include "core/base/host.h"
#include "vfs/fs/hostfs.h"
#include "vfs/fs/overlay.h"
#include "vfs/fs/tmpfs.h"

static bool is_zero(const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] != 0)
            return false;
    }
    return true;
}

/* Copies one piece from offset on, at most size bytes. Returns the bytes; 0: the end. */
static int64_t copy_piece(struct overlay_inode *overlay, char *buffer, uint64_t offset, size_t size)
{
    struct uio uio;
    int err = 0;

    uio_init(&uio, buffer, size);
    int64_t done = hostfs_read_inode(overlay->lower, &uio, offset);
    if (done > 0 && !is_zero(buffer, (size_t)done))
        err = mapping_write_kernel(&overlay->mapping, buffer, (size_t)done, offset);
    return err < 0 ? err : done;
}

/* The first byte from offset on that is not in a hole below; what a host does not tell is data. */
static uint64_t skip_hole(struct overlay_inode *overlay, uint64_t offset, uint64_t keep)
{
    struct stat stat;
    int64_t data = hostfs_next(overlay->lower, (int64_t)offset, SEEK_DATA);

    if (data == -ENXIO && inode_getattr(overlay->lower, &stat) == 0)
        data = stat.st_size;
    if (data <= (int64_t)offset)
        return offset;
    return (uint64_t)data < keep ? (uint64_t)data : keep;
}

static int copy_content(struct overlay_inode *overlay, uint64_t keep)
{
    char *buffer = host_alloc(UIO_SIZE_MAX, 1);
    uint64_t offset = 0;
    int64_t done = 1;

    if (buffer == NULL)
        return -ENOMEM;
    while (done > 0 && (offset = skip_hole(overlay, offset, keep)) < keep) {
        uint64_t left = keep - offset;
        done =
            copy_piece(overlay, buffer, offset, left < UIO_SIZE_MAX ? (size_t)left : UIO_SIZE_MAX);
        if (done > 0)
            offset += (uint64_t)done;
    }
    host_free(buffer);
    if (done >= 0)
        done = mapping_truncate(&overlay->mapping, offset);
    if (done < 0)
        (void)mapping_truncate(&overlay->mapping, 0);
    return (int)done;
}

/* Under copy_lock. */
static int copy_once(struct overlay_inode *overlay, uint64_t keep)
{
    if (overlay_is_copied(overlay))
        return 0;
    int err = copy_content(overlay, keep);
    if (err < 0)
        return err;
    mutex_lock(&overlay->inode.lock);
    overlay->is_copied = true;
    mutex_unlock(&overlay->inode.lock);
    return 1;
}

int overlay_copy_up(struct overlay_inode *overlay, uint64_t keep)
{
    if (overlay_is_copied(overlay))
        return 0;
    mutex_lock(&overlay_names_lock);
    int err = overlay_hold(overlay);
    mutex_unlock(&overlay_names_lock);
    if (err < 0)
        return err;
    mutex_lock(&overlay->copy_lock);
    err = copy_once(overlay, keep);
    mutex_unlock(&overlay->copy_lock);
    return err <= 0 ? err : mapping_moved(&hostfs_of(overlay->lower)->mapping);
}

static void count_open(struct file *file, int count)
{
    mutex_lock(&file->inode->lock);
    overlay_of(file->inode)->open_count += (unsigned)count;
    mutex_unlock(&file->inode->lock);
}

static void overlay_file_open(struct file *file)
{
    count_open(file, 1);
}

static void overlay_file_close(struct file *file)
{
    count_open(file, -1);
}

static int64_t overlay_read(struct file *file, struct uio *uio, uint64_t *position,
                            const struct file_wait *wait)
{
    struct overlay_inode *overlay = overlay_of(file->inode);

    (void)wait;
    if (overlay_is_copied(overlay))
        return memory_read(file, &overlay->mapping, uio, position);
    int64_t done = hostfs_read_inode(overlay->lower, uio, *position);
    if (done > 0)
        *position += (uint64_t)done;
    return done;
}

static int64_t overlay_write(struct file *file, struct uio *uio, uint64_t *position, size_t more,
                             const struct file_wait *wait)
{
    struct overlay_inode *overlay = overlay_of(file->inode);

    (void)more;
    (void)wait;
    if (!overlay_is_copied(overlay)) /* only a strange image has such a file */
        return -EIO;
    return memory_write(file, &overlay->mapping, uio, position);
}

/* Where the holes of a file below are is the host's to know. */
static int64_t overlay_seek(struct file *file, int64_t offset, int whence)
{
    struct overlay_inode *overlay = overlay_of(file->inode);

    if (overlay_is_copied(overlay))
        return memory_seek(file, &overlay->mapping, offset, whence);
    if (whence != SEEK_DATA && whence != SEEK_HOLE)
        return file_seek_regular(file, offset, whence);
    int64_t position = hostfs_next(overlay->lower, offset, whence);
    if (position >= 0)
        file->position = (uint64_t)position;
    return position;
}

static int overlay_sync(struct file *file)
{
    (void)file;
    return 0;
}

static int overlay_fallocate(struct file *file, int mode, uint64_t offset, uint64_t size)
{
    struct overlay_inode *overlay = overlay_of(file->inode);

    if (!overlay_is_copied(overlay))
        return -EIO;
    int err = memory_fallocate(&overlay->mapping, mode, offset, size);
    if (err == 0)
        inode_touch(file->inode, true);
    return err;
}

const struct file_ops overlay_file_ops = {
    .open = overlay_file_open,
    .close = overlay_file_close,
    .read = overlay_read,
    .write = overlay_write,
    .seek = overlay_seek,
    .sync = overlay_sync,
    .fallocate = overlay_fallocate,
};
