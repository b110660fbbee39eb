/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of files that have memory. Invariants, under the mapping's lock:
 * 1. A chunk of the file has one extent or reads as zeros; the mapping owns the extent's chunk of
 *    the memfile once, and every map of it owns it once more (mapping_run with get).
 * 2. What lies past size is zero up to the end of its page, but for what a guest stored there.
 * 3. Whoever makes pages go or move first lists the owners of the users under the lock, then tells
 *    them without it. Who becomes a user meanwhile sees the new state.
 * Pages of host files are the host's: of those only the descriptor and the users are kept here.
 */
#include "vfs/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "core/base/host.h"

struct mapping_extent {
    uint64_t chunk;  /* number in the file */
    uint64_t offset; /* of its start in the memfile */
    RB_ENTRY(mapping_extent) link;
};

/* Owners of users, references. */
struct owners {
    struct object **list;
    size_t count, size;
};

static struct memfile *memory;
static void (*release_platform)(int platform);

static int extent_compare(const struct mapping_extent *a, const struct mapping_extent *b)
{
    return a->chunk < b->chunk ? -1 : a->chunk > b->chunk;
}

RB_GENERATE_INTERNAL(mapping_extents, mapping_extent, link, extent_compare,
                     __attribute__((unused)) static)

static bool loading;

void mapping_set_loading(bool is_loading)
{
    loading = is_loading;
}

bool mapping_is_loading(void)
{
    return loading;
}

void mapping_set_memfile(struct memfile *memfile)
{
    memory = memfile;
}

void mapping_space(uint64_t *size, uint64_t *used)
{
    *size = memfile_size(memory);
    *used = memfile_owned_size(memory);
}

void mapping_set_release(void (*release)(int platform))
{
    release_platform = release;
}

void mapping_init(struct mapping *mapping)
{
    mutex_init(&mapping->lock, LOCK_MAPPING);
    RB_INIT(&mapping->extents);
    LIST_INIT(&mapping->users);
    mapping->host.fd = -1;
    mapping->host.platform = -1;
    mapping->seals = F_SEAL_SEAL; /* only memfd may be sealed */
}

static void extent_free(struct mapping *mapping, struct mapping_extent *extent)
{
    RB_REMOVE(mapping_extents, &mapping->extents, extent);
    mapping->extent_count--;
    memfile_put(memory, extent->offset, MEM_CHUNK);
    host_free(extent);
}

static void close_windows(struct host_pages *host)
{
    struct host_window *old;

    if (host->window != NULL)
        (void)host_munmap(host->window, host->window_size);
    host->window = NULL;
    while ((old = host->old) != NULL) {
        host->old = old->next;
        (void)host_munmap(old->start, old->size);
        host_free(old);
    }
}

void mapping_fini(struct mapping *mapping)
{
    struct host_pages *host = &mapping->host;

    while (!RB_EMPTY(&mapping->extents))
        extent_free(mapping, RB_ROOT(&mapping->extents));
    if (host->platform >= 0 && release_platform != NULL)
        release_platform(host->platform);
    host->platform = -1;
    close_windows(host);
    if (host->fd >= 0)
        (void)host_close(host->fd);
    host->fd = -1;
}

void mapping_set_host(struct mapping *mapping, int fd, uint64_t size)
{
    mutex_lock(&mapping->lock);
    int old = mapping->host.fd;
    mapping->host.fd = fd;
    mapping->host.platform = -1;
    mapping->size = size;
    mutex_unlock(&mapping->lock);
    if (old >= 0)
        (void)host_close(old);
}

void mapping_set_size(struct mapping *mapping, uint64_t size)
{
    mutex_lock(&mapping->lock);
    mapping->size = size;
    mutex_unlock(&mapping->lock);
}

bool mapping_is_host(const struct mapping *mapping)
{
    return mapping->host.fd >= 0;
}

uint64_t mapping_size(struct mapping *mapping)
{
    mutex_lock(&mapping->lock);
    uint64_t size = mapping->size;
    mutex_unlock(&mapping->lock);
    return size;
}

uint64_t mapping_size_now(struct mapping *mapping)
{
    struct stat stat;

    mutex_lock(&mapping->lock);
    if (mapping->host.fd >= 0 && host_fstat(mapping->host.fd, &stat) == 0)
        mapping->size = (uint64_t)stat.st_size;
    uint64_t size = mapping->size;
    mutex_unlock(&mapping->lock);
    return size;
}

uint64_t mapping_memory(struct mapping *mapping)
{
    mutex_lock(&mapping->lock);
    uint64_t size = mapping->extent_count * MEM_CHUNK;
    mutex_unlock(&mapping->lock);
    return size;
}

static struct mapping_extent *extent_find(struct mapping *mapping, uint64_t offset)
{
    struct mapping_extent key = {.chunk = offset / MEM_CHUNK};

    return RB_FIND(mapping_extents, &mapping->extents, &key);
}

static int extent_make(struct mapping *mapping, uint64_t offset, struct mapping_extent **ret)
{
    struct mapping_extent *extent = extent_find(mapping, offset);

    if (extent == NULL) {
        extent = host_alloc(1, sizeof(*extent));
        if (extent == NULL)
            return -ENOMEM;
        int err = memfile_alloc(memory, MEM_CHUNK, 0, &extent->offset);
        if (err < 0) {
            host_free(extent);
            return err;
        }
        extent->chunk = offset / MEM_CHUNK;
        RB_INSERT(mapping_extents, &mapping->extents, extent);
        mapping->extent_count++;
    }
    *ret = extent;
    return 0;
}

int mapping_run(struct mapping *mapping, uint64_t offset, bool make, bool get, uint64_t *ret)
{
    struct mapping_extent *extent;
    int err = 0;

    mutex_lock(&mapping->lock);
    if (make)
        err = extent_make(mapping, offset, &extent);
    else if ((extent = extent_find(mapping, offset)) == NULL)
        err = -ENOENT;
    if (err == 0) {
        if (get)
            memfile_get(memory, extent->offset, MEM_CHUNK);
        *ret = extent->offset;
    }
    mutex_unlock(&mapping->lock);
    return err;
}

/* Makes count extents from chunk on, which are missing, of one run; less than all is no harm. */
static void make_row(struct mapping *mapping, uint64_t chunk, uint64_t count)
{
    uint64_t place;

    if (memfile_alloc(memory, count * MEM_CHUNK, 0, &place) < 0)
        return;
    for (uint64_t i = 0; i < count; i++) {
        struct mapping_extent *extent = host_alloc(1, sizeof(*extent));

        if (extent == NULL) {
            memfile_put(memory, place + i * MEM_CHUNK, (count - i) * MEM_CHUNK);
            return;
        }
        extent->chunk = chunk + i;
        extent->offset = place + i * MEM_CHUNK;
        RB_INSERT(mapping_extents, &mapping->extents, extent);
        mapping->extent_count++;
    }
}

void mapping_make(struct mapping *mapping, uint64_t offset, uint64_t size)
{
    uint64_t chunk = offset / MEM_CHUNK, end = (offset + size + MEM_CHUNK - 1) / MEM_CHUNK;

    mutex_lock(&mapping->lock);
    while (chunk < end) {
        struct mapping_extent key = {.chunk = chunk};
        struct mapping_extent *next = RB_NFIND(mapping_extents, &mapping->extents, &key);
        uint64_t stop = next != NULL && next->chunk < end ? next->chunk : end;

        if (stop > chunk)
            make_row(mapping, chunk, stop - chunk);
        chunk = stop + 1;
    }
    mutex_unlock(&mapping->lock);
}

int mapping_add_seals(struct mapping *mapping, unsigned seals)
{
    int err = 0;

    mutex_lock(&mapping->lock);
    if ((mapping->seals & F_SEAL_SEAL) != 0)
        err = -EPERM;
    else if ((seals & F_SEAL_WRITE) != 0 && (mapping->seals & F_SEAL_WRITE) == 0 &&
             mapping->writer_count > 0)
        err = -EBUSY;
    else
        mapping->seals |= seals;
    mutex_unlock(&mapping->lock);
    return err;
}

unsigned mapping_seals(struct mapping *mapping)
{
    mutex_lock(&mapping->lock);
    unsigned seals = mapping->seals;
    mutex_unlock(&mapping->lock);
    return seals;
}

bool mapping_is_write_sealed(struct mapping *mapping)
{
    return (mapping_seals(mapping) & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) != 0;
}

/* Bytes from offset to the end of its chunk, at most size. */
static size_t part_of_chunk(uint64_t offset, uint64_t size)
{
    uint64_t part = MEM_CHUNK - offset % MEM_CHUNK;

    return part < size ? part : size;
}

static int64_t read_part(struct mapping *mapping, struct uio *uio, uint64_t offset, size_t size)
{
    struct mapping_extent *extent = extent_find(mapping, offset);

    if (extent == NULL)
        return uio_zero(uio, size);
    uint64_t at = extent->offset + offset % MEM_CHUNK;
    int err = memfile_prepare_read(memory, at, size);
    return err < 0 ? err : uio_copy_to(uio, memfile_at(memory, at), size);
}

int64_t mapping_read(struct mapping *mapping, struct uio *uio, uint64_t offset)
{
    uint64_t done = 0;
    int64_t moved = 0;

    mutex_lock(&mapping->lock);
    while (offset + done < mapping->size && uio_left(uio) > 0) {
        uint64_t left = mapping->size - offset - done;
        size_t part = part_of_chunk(offset + done, left);
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

/* Zeroes bytes of one chunk, if it has memory. */
static int zero_part(struct mapping *mapping, uint64_t offset, size_t size)
{
    struct mapping_extent *extent = extent_find(mapping, offset);

    if (extent == NULL || size == 0)
        return 0;
    uint64_t at = extent->offset + offset % MEM_CHUNK;
    int err = memfile_prepare_write(memory, at, size);
    return err < 0 ? err : host_zero_guarded(memfile_at(memory, at), size);
}

static uint64_t page_up(uint64_t size)
{
    return (size + MEM_PAGE - 1) & ~(MEM_PAGE - 1);
}

/* Before the file grows past size: invariant 2 must hold for what becomes visible. */
static int zero_tail(struct mapping *mapping)
{
    return zero_part(mapping, mapping->size, page_up(mapping->size) - mapping->size);
}

static int64_t write_part(struct mapping *mapping, struct uio *uio, uint64_t offset, size_t size)
{
    struct mapping_extent *extent;

    int err = extent_make(mapping, offset, &extent);
    if (err < 0)
        return err;
    uint64_t at = extent->offset + offset % MEM_CHUNK;
    err = memfile_prepare_write(memory, at, size);
    return err < 0 ? err : uio_copy_from(uio, memfile_at(memory, at), size);
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
        moved = zero_tail(mapping);
    while (moved >= 0 && done < (uint64_t)size) {
        size_t part = part_of_chunk(offset + done, (uint64_t)size - done);
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
        return zero_part(mapping, start, end - start);
    err = zero_part(mapping, start, first * MEM_CHUNK - start);
    if (err == 0)
        err = zero_part(mapping, last * MEM_CHUNK, end % MEM_CHUNK);
    if (err < 0)
        return err;
    for (extent = RB_NFIND(mapping_extents, &mapping->extents, &key);
         extent != NULL && extent->chunk < last; extent = next) {
        next = RB_NEXT(mapping_extents, &mapping->extents, extent);
        extent_free(mapping, extent);
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
        err = zero_tail(mapping);
    if (err == 0)
        mapping->size = size;
    if (err == 0 && is_cut) {
        unlock_and_tell(mapping, &owners, page_up(size));
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
    unlock_and_tell(mapping, &owners, page_up(size));
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

    *fresh = extent_find(mapping, offset) == NULL;
    int err = extent_make(mapping, offset, &extent);
    return err < 0 ? err : memfile_prepare_write(memory, extent->offset + offset % MEM_CHUNK, size);
}

/* A reservation that failed gives back what it made; fresh has a byte for each chunk from first on.
 */
static void unreserve(struct mapping *mapping, const uint8_t *fresh, uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct mapping_extent *extent = extent_find(mapping, (first + i) * MEM_CHUNK);
        if (fresh[i] != 0 && extent != NULL)
            extent_free(mapping, extent);
    }
}

int mapping_reserve(struct mapping *mapping, uint64_t offset, uint64_t size)
{
    uint64_t first = offset / MEM_CHUNK, count = 0;
    int err = 0;

    if (size > memfile_size(memory))
        return -ENOMEM;
    uint8_t *fresh = host_alloc(size / MEM_CHUNK + 2, 1);
    if (fresh == NULL)
        return -ENOMEM;
    mutex_lock(&mapping->lock);
    for (uint64_t done = 0; done < size && err == 0; count++) {
        size_t part = part_of_chunk(offset + done, size - done);
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

/* The first byte from offset on that is in a chunk with memory, or is in none. */
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

void mapping_add_user(struct mapping *mapping, struct mapping_user *user)
{
    mutex_lock(&mapping->lock);
    LIST_INSERT_HEAD(&mapping->users, user, link);
    mapping->user_count++;
    mapping->writer_count += user->is_writer;
    mutex_unlock(&mapping->lock);
}

void mapping_remove_user(struct mapping *mapping, struct mapping_user *user)
{
    mutex_lock(&mapping->lock);
    LIST_REMOVE(user, link);
    mapping->user_count--;
    mapping->writer_count -= user->is_writer;
    mutex_unlock(&mapping->lock);
}

int mapping_save(const struct mapping *mapping, struct saver *saver, Mapping **ret)
{
    struct mapping_extents *extents = (struct mapping_extents *)&mapping->extents;
    struct mapping_extent *extent;
    Mapping *message = save_message(saver, &mapping__descriptor);

    if (message == NULL)
        return -ENOMEM;
    message->size = mapping->size;
    message->seals = mapping->seals;
    message->extents =
        (void *)save_messages(saver, &mapping_extent__descriptor, mapping->extent_count);
    if (message->extents == NULL)
        return -ENOMEM;
    RB_FOREACH(extent, mapping_extents, extents) {
        message->extents[message->n_extents]->chunk = extent->chunk;
        message->extents[message->n_extents++]->offset = extent->offset;
    }
    *ret = message;
    return 0;
}

static int extent_load(struct mapping *mapping, struct loader *loader, const MappingExtent *message)
{
    struct mapping_extent *last = RB_MAX(mapping_extents, &mapping->extents);

    if (message->chunk > INT64_MAX / MEM_CHUNK || (last != NULL && message->chunk <= last->chunk)) {
        load_bad(loader, "mapping.extents.chunk", "%" PRIu64 " is out of order", message->chunk);
        return 0;
    }
    if (message->offset % MEM_CHUNK != 0 || memfile_claim(memory, message->offset, MEM_CHUNK) < 0) {
        load_bad(loader, "mapping.extents.offset", "%" PRIx64 " is no chunk", message->offset);
        return 0;
    }
    struct mapping_extent *extent = host_alloc(1, sizeof(*extent));
    if (extent == NULL) {
        memfile_put(memory, message->offset, MEM_CHUNK);
        return -ENOMEM;
    }
    extent->chunk = message->chunk;
    extent->offset = message->offset;
    RB_INSERT(mapping_extents, &mapping->extents, extent);
    mapping->extent_count++;
    return 0;
}

int mapping_load(struct mapping *mapping, struct loader *loader, const Mapping *message)
{
    if (message == NULL)
        return 0;
    if (message->size > INT64_MAX) {
        load_bad(loader, "mapping.size", "%" PRIu64 " is too large", message->size);
        return 0;
    }
    mapping->size = message->size;
    mapping->seals = message->seals;
    if ((message->seals & ~(unsigned)MAPPING_SEALS) != 0)
        load_bad(loader, "mapping.seals", "unknown seal in %#x", message->seals);
    for (size_t i = 0; i < message->n_extents; i++) {
        int err = extent_load(mapping, loader, message->extents[i]);
        if (err < 0)
            return err;
    }
    return 0;
}
