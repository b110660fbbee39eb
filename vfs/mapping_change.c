/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of which pages a file has. Whoever makes pages go or move first lists the owners of the
 * users under the lock, then tells them without it. Who becomes a user meanwhile sees the new
 * state.
 */
#include <errno.h>
#include <fcntl.h>

#include "core/base/host.h"
#include "vfs/mapping_extent.h"

/* Owners of users, references. */
struct owners {
    struct object **list;
    size_t count, size;
};

/* Locks the mapping, with room for as many owners as it has users. */
static int lock_for_change(struct mapping *mapping, struct owners *owners)
{
    *owners = (struct owners){0};
    mutex_lock(&mapping->lock);
    while (owners->size < mapping->user_count) {
        size_t size = mapping->user_count;
        mutex_unlock(&mapping->lock);
        host_free(owners->list);
        owners->list = host_alloc(size, sizeof(*owners->list));
        if (owners->list == NULL)
            return -ENOMEM;
        owners->size = size;
        mutex_lock(&mapping->lock);
    }
    return 0;
}

/* Unlocks it and tells the users that pages from offset on have changed. */
static void unlock_and_tell(struct mapping *mapping, struct owners *owners, uint64_t offset)
{
    const struct object *last = NULL;
    struct mapping_user *user;
    void (*changed)(struct object *, struct mapping *, uint64_t) = NULL;

    LIST_FOREACH(user, &mapping->users, link) {
        if (user->owner == last)
            continue;
        last = user->owner;
        changed = user->changed;
        struct object *owner = object_get_live(user->owner);
        if (owner != NULL)
            owners->list[owners->count++] = owner;
    }
    mutex_unlock(&mapping->lock);
    for (size_t i = 0; i < owners->count; i++) {
        changed(owners->list[i], mapping, offset);
        object_put(owners->list[i]);
    }
    host_free(owners->list);
}

/* Frees the whole chunks of [start, end) and zeroes the rest of it, which ends before zero_end. */
static int clear_range(struct mapping *mapping, uint64_t start, uint64_t end)
{
    struct mapping_extent *extent, *next;
    uint64_t first = (start + MEM_CHUNK - 1) / MEM_CHUNK, last = end / MEM_CHUNK;
    struct mapping_extent key = {.chunk = first};
    int err;

    if (first > last) /* within one chunk */
        return mapping_zero_part(mapping, start, end - start);
    err = mapping_zero_part(mapping, start, first * MEM_CHUNK - start);
    if (err == 0)
        err = mapping_zero_part(mapping, last * MEM_CHUNK, end % MEM_CHUNK);
    if (err < 0)
        return err;
    for (extent = RB_NFIND(mapping_extents, &mapping->extents, &key);
         extent != NULL && extent->chunk < last; extent = next) {
        next = RB_NEXT(mapping_extents, &mapping->extents, extent);
        mapping_extent_free(mapping, extent);
    }
    return 0;
}

int mapping_truncate(struct mapping *mapping, uint64_t size)
{
    struct owners owners;

    if (size > INT64_MAX)
        return -EFBIG;
    int err = lock_for_change(mapping, &owners);
    if (err < 0)
        return err;
    bool is_cut = size < mapping->size;
    if ((is_cut && (mapping->seals & F_SEAL_SHRINK) != 0) ||
        (size > mapping->size && (mapping->seals & F_SEAL_GROW) != 0)) {
        err = -EPERM;
        is_cut = false;
    } else if (is_cut) /* to the end of the last chunk: a guest may have stored past the end of file
                        */
        err = clear_range(mapping, size, (mapping->size + MEM_CHUNK - 1) & ~(MEM_CHUNK - 1));
    else if (size > mapping->size)
        err = mapping_zero_tail(mapping);
    if (err == 0)
        mapping->size = size;
    if (err == 0 && is_cut) {
        unlock_and_tell(mapping, &owners, mapping_page_up(size));
        return 0;
    }
    mutex_unlock(&mapping->lock);
    host_free(owners.list);
    return err;
}

int mapping_resized(struct mapping *mapping, uint64_t size)
{
    struct owners owners;

    int err = lock_for_change(mapping, &owners);
    if (err < 0)
        return err;
    mapping->size = size;
    unlock_and_tell(mapping, &owners, mapping_page_up(size));
    return 0;
}

int mapping_punch(struct mapping *mapping, uint64_t offset, uint64_t size)
{
    struct owners owners;

    int err = lock_for_change(mapping, &owners);
    if (err < 0)
        return err;
    uint64_t end = size < mapping->size - offset ? offset + size : mapping->size;
    if ((mapping->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) != 0)
        err = -EPERM;
    else if (offset < mapping->size)
        err = clear_range(mapping, offset, end);
    unlock_and_tell(mapping, &owners, offset & ~(MEM_PAGE - 1));
    return err;
}

/* Sets memory aside for the part of a chunk; *fresh: the chunk had none before. */
static int reserve_part(struct mapping *mapping, uint64_t offset, uint64_t size, bool *fresh)
{
    struct mapping_extent *extent;

    *fresh = mapping_extent_find(mapping, offset) == NULL;
    int err = mapping_extent_make(mapping, offset, &extent);
    return err < 0 ? err
                   : memfile_prepare_write(mapping_memfile(), extent->offset + offset % MEM_CHUNK,
                                           size);
}

/* A reservation that failed gives back what it made; fresh has a byte for each chunk from first on.
 */
static void unreserve(struct mapping *mapping, const uint8_t *fresh, uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct mapping_extent *extent = mapping_extent_find(mapping, (first + i) * MEM_CHUNK);
        if (fresh[i] != 0 && extent != NULL)
            mapping_extent_free(mapping, extent);
    }
}

int mapping_reserve(struct mapping *mapping, uint64_t offset, uint64_t size)
{
    uint64_t first = offset / MEM_CHUNK, count = 0;
    int err = 0;

    if (size > memfile_size(mapping_memfile()))
        return -ENOMEM;
    uint8_t *fresh = host_alloc(size / MEM_CHUNK + 2, 1);
    if (fresh == NULL)
        return -ENOMEM;
    mutex_lock(&mapping->lock);
    for (uint64_t done = 0; done < size && err == 0; count++) {
        size_t part = mapping_part_of_chunk(offset + done, size - done);
        bool is_fresh;
        err = reserve_part(mapping, offset + done, part, &is_fresh);
        fresh[count] = is_fresh;
        done += part;
    }
    if (err < 0)
        unreserve(mapping, fresh, first, count);
    mutex_unlock(&mapping->lock);
    host_free(fresh);
    return err;
}

/* The first byte from offset on that is in a chunk with mapping_memfile(), or is in none. */
static uint64_t next_locked(struct mapping *mapping, uint64_t offset, bool is_data)
{
    struct mapping_extent key = {.chunk = offset / MEM_CHUNK};
    struct mapping_extent *extent = RB_NFIND(mapping_extents, &mapping->extents, &key);
    uint64_t chunk = key.chunk;

    if (is_data)
        chunk = extent == NULL ? UINT64_MAX / MEM_CHUNK : extent->chunk;
    while (!is_data && extent != NULL && extent->chunk == chunk) {
        chunk++;
        extent = RB_NEXT(mapping_extents, &mapping->extents, extent);
    }
    return chunk * MEM_CHUNK > offset ? chunk * MEM_CHUNK : offset;
}

int64_t mapping_next(struct mapping *mapping, uint64_t offset, bool is_data)
{
    mutex_lock(&mapping->lock);
    uint64_t size = mapping->size, next = next_locked(mapping, offset, is_data);
    mutex_unlock(&mapping->lock);
    if (offset >= size || (is_data && next >= size))
        return -ENXIO;
    return (int64_t)(next < size ? next : size);
}

int mapping_moved(struct mapping *mapping)
{
    struct owners owners;

    int err = lock_for_change(mapping, &owners);
    if (err < 0)
        return err;
    unlock_and_tell(mapping, &owners, 0);
    return 0;
}
