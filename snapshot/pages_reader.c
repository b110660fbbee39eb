/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading pages.img by its index, which has been checked. A chunk is handed on only after the bytes
 * in the file have the checksum of the index and give exactly the pages of its mask. Two threads
 * take the next chunk each from a counter; the first error stops both.
 */
#include "snapshot/pages_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <xxhash.h>
#include <zstd.h>

#include "core/base/host.h"
#include "core/base/lock.h"
#include "snapshot/pages_index.h"

struct pages_reader {
    int img;
    struct pages_index index;
    uint64_t page_count;
};

/* One pages_reader_read_all. */
struct reading {
    const struct pages_reader *reader;
    memfile_emit_fn *fill;
    void *context;
    atomic_ullong next;  /* entry */
    atomic_bool is_over; /* after an error */
    struct mutex lock;   /* LOCK_PAGES */
    struct report *report;
    int error;
};

/* A thread's own. */
struct buffers {
    ZSTD_DCtx *context;
    uint8_t stored[MEM_CHUNK];
    uint8_t pages[MEM_CHUNK];
    uint8_t chunk[MEM_CHUNK];
};

/* --- chunks --- */

/* Lays the packed pages out as they are in memory. */
static void unpack_pages(uint8_t *to, uint16_t mask, const uint8_t *from)
{
    memset(to, 0, MEM_CHUNK);
    for (; mask != 0; mask &= (uint16_t)(mask - 1), from += MEM_PAGE)
        memcpy(to + (size_t)__builtin_ctz(mask) * MEM_PAGE, from, MEM_PAGE);
}

/* Reads a chunk into buffers->chunk. What is wrong with it comes back in *what. */
static int read_chunk(const struct pages_reader *reader, const struct pages_entry *entry,
                      struct buffers *buffers, const char **what)
{
    uint32_t size = pages_size(entry->mask);
    int err = host_pread_all(reader->img, buffers->stored, entry->size, entry->offset);

    if (err < 0) {
        *what = strerror(-err);
        return err;
    }
    if (XXH3_64bits(buffers->stored, entry->size) != entry->checksum) {
        *what = "checksum mismatch";
        return -EINVAL;
    }
    if (!entry->is_raw && ZSTD_decompressDCtx(buffers->context, buffers->pages, size,
                                              buffers->stored, entry->size) != size) {
        *what = "cannot be decompressed to its pages";
        return -EINVAL;
    }
    unpack_pages(buffers->chunk, entry->mask, entry->is_raw ? buffers->stored : buffers->pages);
    return 0;
}

static int read_and_fill(struct reading *reading, const struct pages_entry *entry,
                         struct buffers *buffers, const char **what)
{
    int err = read_chunk(reading->reader, entry, buffers, what);

    if (err < 0)
        return err;
    err = reading->fill(reading->context, entry->chunk, entry->mask, buffers->chunk);
    if (err < 0)
        *what = err == -EINVAL ? "belongs to nobody" : strerror(-err);
    return err;
}

/* --- threads --- */

static void fail(struct reading *reading, int err)
{
    mutex_lock(&reading->lock);
    if (reading->error == 0)
        reading->error = err;
    mutex_unlock(&reading->lock);
    atomic_store(&reading->is_over, true);
}

static void fail_chunk(struct reading *reading, uint64_t chunk, const char *what, int err)
{
    mutex_lock(&reading->lock);
    report_bad(reading->report, PAGES_IMG_NAME ": chunk %" PRIu64 ": %s", chunk, what);
    mutex_unlock(&reading->lock);
    fail(reading, err);
}

static void *run_reader(void *argument)
{
    struct reading *reading = argument;
    const struct pages_index *index = &reading->reader->index;
    struct buffers *buffers = host_alloc(1, sizeof(*buffers));
    const char *what = NULL;
    uint64_t at;

    if (buffers != NULL)
        buffers->context = ZSTD_createDCtx();
    if (buffers == NULL || buffers->context == NULL)
        fail(reading, -ENOMEM);
    while (!atomic_load(&reading->is_over) &&
           (at = atomic_fetch_add(&reading->next, 1)) < index->count) {
        const struct pages_entry *entry = &index->entries[at];
        int err = read_and_fill(reading, entry, buffers, &what);
        if (err < 0)
            fail_chunk(reading, entry->chunk, what, err);
    }
    if (buffers != NULL)
        (void)ZSTD_freeDCtx(buffers->context);
    host_free(buffers);
    return NULL;
}

int pages_reader_read_all(struct pages_reader *reader, memfile_emit_fn *fill, void *context,
                          struct report *report)
{
    struct reading reading = {.reader = reader, .fill = fill, .context = context, .report = report};
    pthread_t thread;
    int err;

    mutex_init(&reading.lock, LOCK_PAGES);
    err = host_thread_start(&thread, run_reader, &reading, "pages-reader");
    if (err == 0) {
        (void)run_reader(&reading);
        host_thread_join(thread);
        err = reading.error;
    }
    mutex_fini(&reading.lock);
    return err;
}

void pages_reader_each_dense(const struct pages_reader *reader,
                             void (*range)(void *context, uint64_t offset, uint64_t size),
                             void *context)
{
    const struct pages_index *index = &reader->index;

    for (uint64_t i = 0, next; i < index->count; i = next) {
        uint64_t folio = index->entries[i].chunk * MEM_CHUNK / MEM_FOLIO, size = 0;

        for (next = i;
             next < index->count && index->entries[next].chunk * MEM_CHUNK / MEM_FOLIO == folio;
             next++)
            size += pages_size(index->entries[next].mask);
        if (size >= MEM_FOLIO / 2)
            range(context, folio * MEM_FOLIO, MEM_FOLIO);
    }
}

/* --- opening --- */

/* Opens a regular file of that size; a FIFO must not make us wait. */
static int open_file(int dirfd, const char *name, const struct image_file *file,
                     struct report *report)
{
    struct stat stat;
    int fd = host_open_beneath(dirfd, name, O_RDONLY | O_NONBLOCK, 0);
    int err = fd < 0 ? fd : host_fstat(fd, &stat);

    if (err < 0) {
        report_bad(report, "%s: %s", name, strerror(-err));
    } else if (!S_ISREG(stat.st_mode)) {
        report_bad(report, "%s: not a regular file", name);
        err = -EINVAL;
    } else if ((uint64_t)stat.st_size != file->size) {
        report_bad(report, "%s: %" PRIu64 " bytes, expected %" PRIu64, name, (uint64_t)stat.st_size,
                   file->size);
        err = -EINVAL;
    }
    if (err == 0)
        return fd;
    if (fd >= 0)
        (void)host_close(fd);
    return err;
}

static int read_index(struct pages_reader *reader, int dirfd, const struct pages_expected *expected,
                      struct report *report)
{
    size_t bad_before = report->bad_count;
    int fd = open_file(dirfd, PAGES_INDEX_NAME, &expected->index, report), err;

    if (fd < 0)
        return fd;
    err = pages_index_read(&reader->index, fd, &expected->index, expected->img.size,
                           expected->chunk_end, report);
    (void)host_close(fd);
    if (err < 0 && report->bad_count == bad_before)
        report_bad(report, "%s: %s", PAGES_INDEX_NAME, strerror(-err));
    for (uint64_t i = 0; err == 0 && i < reader->index.count; i++)
        reader->page_count += (uint64_t)__builtin_popcount(reader->index.entries[i].mask);
    return err;
}

int pages_reader_open(int dirfd, const struct pages_expected *expected, struct report *report,
                      struct pages_reader **ret)
{
    struct pages_reader *reader = host_alloc(1, sizeof(*reader));
    int err;

    if (reader == NULL)
        return -ENOMEM;
    reader->img = open_file(dirfd, PAGES_IMG_NAME, &expected->img, report);
    err = reader->img < 0 ? reader->img : read_index(reader, dirfd, expected, report);
    if (err < 0) {
        pages_reader_free(reader);
        return err;
    }
    *ret = reader;
    return 0;
}

uint64_t pages_reader_chunk_count(const struct pages_reader *reader)
{
    return reader->index.count;
}

uint64_t pages_reader_page_count(const struct pages_reader *reader)
{
    return reader->page_count;
}

void pages_reader_free(struct pages_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->img >= 0)
        (void)host_close(reader->img);
    pages_index_fini(&reader->index);
    host_free(reader);
}
