/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making the memfile: the file, its map in this process, and its tables. The file has no name and
 * lies on a tmpfs mount that was never attached anywhere, so nothing is left behind however the
 * process ends. Making the mount needs CAP_SYS_ADMIN in the user namespace that owns the mount
 * namespace; without it a memfd serves, which has 4 KB pages only and no limit of its own (there
 * the limit holds for owned address space).
 *
 * The tables have one entry a chunk and are sparse maps: what is never used costs address space.
 */
#include "platform/memfile.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include "core/base/host.h"
#include "platform/memfile_struct.h"

static int set_option(int context, const char *key, const char *value)
{
    return fsconfig(context, FSCONFIG_SET_STRING, key, value, 0) < 0 ? -errno : 0;
}

/* A nameless file on a new tmpfs. */
static int open_on_mount(uint64_t limit, bool with_folios)
{
    char size[32];
    int context, mount = -1, fd = -1, err;

    context = fsopen("tmpfs", FSOPEN_CLOEXEC);
    if (context < 0)
        return -errno;
    (void)snprintf(size, sizeof(size), "%llu", (unsigned long long)limit);
    err = set_option(context, "size", size);
    if (err == 0)
        err = set_option(context, "mode", "0700");
    if (err == 0 && with_folios)
        err = set_option(context, "huge", "advise");
    if (err == 0 && fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        err = -errno;
    if (err == 0) {
        mount = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
        err = mount < 0 ? -errno : 0;
    }
    if (err == 0) {
        fd = openat(mount, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        err = fd < 0 ? -errno : 0;
    }
    if (mount >= 0)
        (void)host_close(mount);
    (void)host_close(context);
    return err < 0 ? err : fd;
}

static int open_file(struct memfile *memfile)
{
    /* tmpfs takes no size that is not a multiple of a page, and 0 for no limit. */
    memfile->limit = (memfile->limit + MEM_PAGE - 1) & ~(MEM_PAGE - 1);
    memfile->fd = open_on_mount(memfile->limit, true);
    memfile->has_folios = memfile->fd >= 0;
    if (memfile->fd < 0)
        memfile->fd = open_on_mount(memfile->limit, false);
    memfile->has_hard_limit = memfile->fd >= 0;
    if (memfile->fd < 0) {
        host_log(LOG_DEBUG, "memfile: no tmpfs mount (error %d), using a memfd", -memfile->fd);
        memfile->fd = host_memfd("sbx-memory", MFD_CLOEXEC);
    }
    if (memfile->fd < 0)
        return memfile->fd;
    return host_ftruncate(memfile->fd, memfile->size);
}

/* Maps the file at an address that is a multiple of 2 MB, as folios need it. */
static int map_file(struct memfile *memfile)
{
    void *reserved, *map;
    uint64_t skip;
    int err;

    err = host_mmap(&reserved, NULL, memfile->size + MEM_FOLIO, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (err < 0)
        return err;
    skip = -(uintptr_t)reserved & (MEM_FOLIO - 1);
    err = host_mmap(&map, (char *)reserved + skip, memfile->size, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_NORESERVE | MAP_FIXED, memfile->fd, 0);
    if (err < 0) {
        (void)host_munmap(reserved, memfile->size + MEM_FOLIO);
        return err;
    }
    if (skip > 0)
        (void)host_munmap(reserved, skip);
    (void)host_munmap((char *)map + memfile->size, MEM_FOLIO - skip);
    memfile->map = map;
    /* Maps merge only with equal advice: there shall be two kinds, not three. A host without huge
     * pages knows none. */
    (void)host_madvise(map, memfile->size, MADV_NOHUGEPAGE);
    return 0;
}

static int map_table(void **ret, uint64_t count, size_t size)
{
    return host_mmap(ret, NULL, count * size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static int map_tables(struct memfile *memfile)
{
    void *table;
    int err;

    err = map_table(&table, memfile->chunk_count, sizeof(*memfile->words));
    if (err < 0)
        return err;
    memfile->words = table;
    err = map_table(&table, memfile->chunk_count, sizeof(*memfile->runs));
    if (err < 0)
        return err;
    memfile->runs = table;
    err = map_table(&table, memfile->size / MEM_FOLIO, sizeof(*memfile->advised));
    if (err < 0)
        return err;
    memfile->advised = table;
    return 0;
}

int memfile_create(uint64_t size, uint64_t limit, struct memfile **ret)
{
    struct memfile *memfile;
    int err;

    memfile = host_alloc(1, sizeof(*memfile));
    if (!memfile)
        return -ENOMEM;
    mutex_init(&memfile->lock, LOCK_MEMFILE);
    mutex_init(&memfile->aside.lock, LOCK_SLOTS);
    memfile->fd = -1;
    memfile->limit = limit;
    memfile->size = (size + MEM_FOLIO - 1) & ~(MEM_FOLIO - 1);
    memfile->chunk_count = memfile->size / MEM_CHUNK;
    atomic_store(&memfile->epoch, 1);
    assert(memfile->chunk_count > 0 && memfile->chunk_count < UINT32_MAX);

    err = open_file(memfile);
    if (err == 0)
        err = map_file(memfile);
    if (err == 0)
        err = map_tables(memfile);
    if (err == 0)
        err = aside_init(memfile);
    if (err < 0) {
        memfile_free(memfile);
        return err;
    }
    runs_init(memfile);
    *ret = memfile;
    return 0;
}

static void unmap(void *at, uint64_t size)
{
    if (at)
        (void)host_munmap(at, size);
}

void memfile_free(struct memfile *memfile)
{
    if (!memfile)
        return;
    aside_fini(memfile);
    unmap(memfile->advised, memfile->size / MEM_FOLIO * sizeof(*memfile->advised));
    unmap(memfile->runs, memfile->chunk_count * sizeof(*memfile->runs));
    unmap(memfile->words, memfile->chunk_count * sizeof(*memfile->words));
    unmap(memfile->map, memfile->size);
    if (memfile->fd >= 0)
        (void)host_close(memfile->fd);
    mutex_fini(&memfile->aside.lock);
    mutex_fini(&memfile->lock);
    host_free(memfile);
}

int memfile_fd(const struct memfile *memfile)
{
    return memfile->fd;
}

uint64_t memfile_size(const struct memfile *memfile)
{
    return memfile->size;
}

bool memfile_has_folios(const struct memfile *memfile)
{
    return memfile->has_folios;
}

char *memfile_at(const struct memfile *memfile, uint64_t offset)
{
    assert(offset < memfile->size);
    return memfile->map + offset;
}

uint64_t memfile_memory_size(struct memfile *memfile)
{
    struct stat stat;

    if (host_fstat(memfile->fd, &stat) < 0)
        return 0;
    return (uint64_t)stat.st_blocks * 512 + atomic_load(&memfile->absent_pages) * MEM_PAGE;
}

/* Advises those of the folios that are owned as a whole, one stretch at a time. */
void memfile_advise(struct memfile *memfile, uint64_t offset, uint64_t size)
{
    uint64_t first = (offset + MEM_FOLIO - 1) / MEM_FOLIO, end = (offset + size) / MEM_FOLIO, at;

    if (!memfile->has_folios)
        return;
    for (; first < end; first = at + 1) {
        for (at = first; at < end && folio_is_owned(memfile, at); at++)
            atomic_store(&memfile->advised[at], 1);
        if (at > first)
            (void)host_madvise(memfile->map + first * MEM_FOLIO, (at - first) * MEM_FOLIO,
                               MADV_HUGEPAGE);
    }
}
