/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of files that have memory. Invariants, under the mapping's lock:
 * 1. A chunk of the file has one extent or reads as zeros; the mapping owns the extent's chunk of
 *    the memfile once, and every map of it owns it once more (mapping_run with get).
 * 2. What lies past size is zero up to the end of its page, but for what a guest stored there.
 * 3. Whoever makes pages go or move tells the users (mapping_change.c).
 * Pages of host files are the host's: of those only the descriptor and the users are kept here.
 */
#include "vfs/mapping.h"

#include <errno.h>
#include <fcntl.h>

#include "core/base/host.h"
#include "vfs/mapping_extent.h"

static struct memfile *memory;
static void (*release_platform)(int platform);

static int extent_compare(const struct mapping_extent *a, const struct mapping_extent *b)
{
    return a->chunk < b->chunk ? -1 : a->chunk > b->chunk;
}

RB_GENERATE(mapping_extents, mapping_extent, link, extent_compare)

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

struct memfile *mapping_memfile(void)
{
    return memory;
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

void mapping_extent_free(struct mapping *mapping, struct mapping_extent *extent)
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
        mapping_extent_free(mapping, RB_ROOT(&mapping->extents));
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

struct mapping_extent *mapping_extent_find(struct mapping *mapping, uint64_t offset)
{
    struct mapping_extent key = {.chunk = offset / MEM_CHUNK};

    return RB_FIND(mapping_extents, &mapping->extents, &key);
}

int mapping_extent_make(struct mapping *mapping, uint64_t offset, struct mapping_extent **ret)
{
    struct mapping_extent *extent = mapping_extent_find(mapping, offset);

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
        err = mapping_extent_make(mapping, offset, &extent);
    else if ((extent = mapping_extent_find(mapping, offset)) == NULL)
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
