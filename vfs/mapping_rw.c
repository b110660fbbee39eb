/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing the pages of files in memory, chunk by chunk, within the seals.
 */
#include <errno.h>
#include <fcntl.h>

#include "core/base/host.h"
#include "vfs/mapping_extent.h"

size_t mapping_part_of_chunk(uint64_t offset, uint64_t size)
{
    uint64_t part = MEM_CHUNK - offset % MEM_CHUNK;

    return part < size ? part : size;
}

static int64_t read_part(struct mapping *mapping, struct uio *uio, uint64_t offset, size_t size)
{
    struct mapping_extent *extent = mapping_extent_find(mapping, offset);

    if (extent == NULL)
        return uio_zero(uio, size);
    uint64_t at = extent->offset + offset % MEM_CHUNK;
    int err = memfile_prepare_read(mapping_memfile(), at, size);
    return err < 0 ? err : uio_copy_to(uio, memfile_at(mapping_memfile(), at), size);
}

int64_t mapping_read(struct mapping *mapping, struct uio *uio, uint64_t offset)
{
    uint64_t done = 0;
    int64_t moved = 0;

    mutex_lock(&mapping->lock);
    while (offset + done < mapping->size && uio_left(uio) > 0) {
        uint64_t left = mapping->size - offset - done;
        size_t part = mapping_part_of_chunk(offset + done, left);
        part = part < uio_left(uio) ? part : uio_left(uio);
        moved = read_part(mapping, uio, offset + done, part);
        if (moved > 0)
            done += (uint64_t)moved;
        if (moved < (int64_t)part)
            break;
    }
    mutex_unlock(&mapping->lock);
    return done > 0 ? (int64_t)done : moved;
}

int mapping_zero_part(struct mapping *mapping, uint64_t offset, size_t size)
{
    struct mapping_extent *extent = mapping_extent_find(mapping, offset);

    if (extent == NULL || size == 0)
        return 0;
    uint64_t at = extent->offset + offset % MEM_CHUNK;
    int err = memfile_prepare_write(mapping_memfile(), at, size);
    return err < 0 ? err : host_zero_guarded(memfile_at(mapping_memfile(), at), size);
}

int mapping_zero_tail(struct mapping *mapping)
{
    return mapping_zero_part(mapping, mapping->size,
                             mapping_page_up(mapping->size) - mapping->size);
}

static int64_t write_part(struct mapping *mapping, struct uio *uio, uint64_t offset, size_t size)
{
    struct mapping_extent *extent;

    int err = mapping_extent_make(mapping, offset, &extent);
    if (err < 0)
        return err;
    uint64_t at = extent->offset + offset % MEM_CHUNK;
    err = memfile_prepare_write(mapping_memfile(), at, size);
    return err < 0 ? err : uio_copy_from(uio, memfile_at(mapping_memfile(), at), size);
}

/* How much of size bytes at offset the seals let be written; Linux goes by pages of the cache. */
static int64_t allowed_write(const struct mapping *mapping, uint64_t offset, uint64_t size)
{
    uint64_t last = mapping->size & ~(MEM_PAGE - 1);

    if (size == 0 || mapping->seals == 0)
        return (int64_t)size;
    if ((mapping->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) != 0)
        return -EPERM;
    if ((mapping->seals & F_SEAL_GROW) == 0 || offset + size <= mapping->size)
        return (int64_t)size;
    return offset < last ? (int64_t)(last - offset) : -EPERM;
}

static int64_t write_locked(struct mapping *mapping, struct uio *uio, uint64_t offset)
{
    uint64_t done = 0;
    int64_t moved = 0, size;

    if (offset > INT64_MAX || uio_left(uio) > INT64_MAX - offset)
        return -EFBIG;
    size = allowed_write(mapping, offset, uio_left(uio));
    if (size < 0)
        return size;
    if (offset > mapping->size && size > 0)
        moved = mapping_zero_tail(mapping);
    while (moved >= 0 && done < (uint64_t)size) {
        size_t part = mapping_part_of_chunk(offset + done, (uint64_t)size - done);
        moved = write_part(mapping, uio, offset + done, part);
        if (moved <= 0)
            break;
        done += (uint64_t)moved;
        if (offset + done > mapping->size)
            mapping->size = offset + done;
        if (moved < (int64_t)part)
            break;
    }
    return done > 0 ? (int64_t)done : moved;
}

/* A full memfile is a full file system. */
static int64_t write_result(int64_t result)
{
    return result == -ENOMEM ? -ENOSPC : result;
}

int64_t mapping_write(struct mapping *mapping, struct uio *uio, uint64_t offset)
{
    mutex_lock(&mapping->lock);
    int64_t done = write_locked(mapping, uio, offset);
    mutex_unlock(&mapping->lock);
    return write_result(done);
}

int64_t mapping_append(struct mapping *mapping, struct uio *uio, uint64_t *offset)
{
    mutex_lock(&mapping->lock);
    int64_t done = write_locked(mapping, uio, mapping->size);
    if (done > 0)
        *offset = mapping->size;
    mutex_unlock(&mapping->lock);
    return write_result(done);
}

int mapping_write_kernel(struct mapping *mapping, const void *from, size_t size, uint64_t offset)
{
    struct uio uio;

    uio_init(&uio, (void *)from, size);
    int64_t done = mapping_write(mapping, &uio, offset);
    return done < 0 ? (int)done : (size_t)done < size ? -EIO : 0;
}
