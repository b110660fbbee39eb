/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading pages.img by its index, which has been checked. A chunk is handed on only after the bytes
 * in the file have the checksum of the index and give exactly the pages of its mask. Two threads
 * take the next chunk each from a counter; the first error stops both. Or chunks are asked for one
 * by one, by any threads; then what is wrong is theirs to suffer.
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
    struct mutex lock; /* LOCK_PAGES; guards all below */
    struct buffers
        *idle_buffers;  /* of pages_reader_load: one for each thread there ever was in it */
    uint8_t *is_logged; /* an entry: it was found damaged */
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
    struct buffers *next; /* idle_buffers */
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

static void buffers_free(struct buffers *buffers)
{
    if (buffers != NULL)
        (void)ZSTD_freeDCtx(buffers->context);
    host_free(buffers);
}

static struct buffers *buffers_create(void)
{
    struct buffers *buffers = host_alloc(1, sizeof(*buffers));

    if (buffers != NULL)
        buffers->context = ZSTD_createDCtx();
    if (buffers != NULL && buffers->context != NULL)
        return buffers;
    buffers_free(buffers);
    return NULL;
}

static void *run_reader(void *argument)
{
    struct reading *reading = argument;
    const struct pages_index *index = &reading->reader->index;
    struct buffers *buffers = buffers_create();
    const char *what = NULL;
    uint64_t at;

    if (buffers == NULL)
        fail(reading, -ENOMEM);
    while (!atomic_load(&reading->is_over) &&
           (at = atomic_fetch_add(&reading->next, 1)) < index->count) {
        const struct pages_entry *entry = &index->entries[at];
        int err = read_and_fill(reading, entry, buffers, &what);
        if (err < 0)
            fail_chunk(reading, entry->chunk, what, err);
    }
    buffers_free(buffers);
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

/* --- single chunks --- */

int pages_reader_each(const struct pages_reader *reader,
                      int (*fn)(void *context, uint64_t chunk, uint16_t mask), void *context)
{
    const struct pages_index *index = &reader->index;
    int result = 0;

    for (uint64_t i = 0; i < index->count && result == 0; i++)
        result = fn(context, index->entries[i].chunk, index->entries[i].mask);
    return result;
}

static const struct pages_entry *find_entry(const struct pages_reader *reader, uint64_t chunk)
{
    const struct pages_entry *entries = reader->index.entries;
    uint64_t low = 0, high = reader->index.count;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if (entries[middle].chunk < chunk)
            low = middle + 1;
        else
            high = middle;
    }
    return low < reader->index.count && entries[low].chunk == chunk ? &entries[low] : NULL;
}

bool pages_reader_find(const struct pages_reader *reader, uint64_t chunk, struct pages_entry *ret)
{
    const struct pages_entry *entry = find_entry(reader, chunk);

    if (entry != NULL)
        *ret = *entry;
    return entry != NULL;
}

int pages_reader_fd(const struct pages_reader *reader)
{
    return reader->img;
}

static struct buffers *take_buffers(struct pages_reader *reader)
{
    struct buffers *buffers;

    mutex_lock(&reader->lock);
    buffers = reader->idle_buffers;
    if (buffers != NULL)
        reader->idle_buffers = buffers->next;
    mutex_unlock(&reader->lock);
    return buffers != NULL ? buffers : buffers_create();
}

static void give_buffers(struct pages_reader *reader, struct buffers *buffers)
{
    mutex_lock(&reader->lock);
    buffers->next = reader->idle_buffers;
    reader->idle_buffers = buffers;
    mutex_unlock(&reader->lock);
}

static void log_damage(struct pages_reader *reader, const struct pages_entry *entry,
                       const char *what)
{
    uint8_t *is_logged = &reader->is_logged[entry - reader->index.entries];
    bool is_new;

    mutex_lock(&reader->lock);
    is_new = !*is_logged;
    *is_logged = 1;
    mutex_unlock(&reader->lock);
    if (is_new)
        host_log(LOG_ERROR, PAGES_IMG_NAME ": chunk %" PRIu64 ": %s", entry->chunk, what);
}

int pages_reader_load(void *context, uint64_t chunk, memfile_emit_fn *fill, void *to)
{
    struct pages_reader *reader = context;
    const struct pages_entry *entry = find_entry(reader, chunk);
    struct buffers *buffers;
    const char *what;
    int err;

    if (entry == NULL)
        return -EINVAL;
    buffers = take_buffers(reader);
    if (buffers == NULL)
        return -ENOMEM;
    err = read_chunk(reader, entry, buffers, &what);
    if (err < 0)
        log_damage(reader, entry, what);
    else
        err = fill(to, chunk, entry->mask, buffers->chunk);
    give_buffers(reader, buffers);
    return err;
}

int pages_reader_get(struct pages_reader *reader, uint64_t chunk, void *to, uint16_t *ret_mask,
                     const char **what)
{
    const struct pages_entry *entry = find_entry(reader, chunk);
    struct buffers *buffers;
    int err;

    if (entry == NULL)
        return -ENOENT;
    buffers = take_buffers(reader);
    *what = strerror(ENOMEM);
    if (buffers == NULL)
        return -ENOMEM;
    err = read_chunk(reader, entry, buffers, what);
    if (err == 0) {
        memcpy(to, buffers->chunk, MEM_CHUNK);
        *ret_mask = entry->mask;
    }
    give_buffers(reader, buffers);
    return err;
}

/* --- opening --- */

/* fd: of name, or why it could not be opened. */
static int check_file(int fd, const char *name, const struct image_file *file,
                      struct report *report)
{
    struct stat stat;
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
    return err;
}

static int read_index(struct pages_reader *reader, int fd, const struct pages_expected *expected,
                      struct report *report)
{
    size_t bad_before = report->bad_count;
    int err = check_file(fd, PAGES_INDEX_NAME, &expected->index, report);

    if (err < 0)
        return err;
    err = pages_index_read(&reader->index, fd, &expected->index, expected->img.size,
                           expected->chunk_end, report);
    if (err < 0 && report->bad_count == bad_before)
        report_bad(report, "%s: %s", PAGES_INDEX_NAME, strerror(-err));
    for (uint64_t i = 0; err == 0 && i < reader->index.count; i++)
        reader->page_count += (uint64_t)__builtin_popcount(reader->index.entries[i].mask);
    if (err == 0)
        reader->is_logged = host_alloc(reader->index.count + 1, 1);
    return err == 0 && reader->is_logged == NULL ? -ENOMEM : err;
}

int pages_reader_open(int dirfd, const struct pages_expected *expected, struct report *report,
                      struct pages_reader **ret)
{
    const int flags = O_RDONLY | O_NONBLOCK; /* a FIFO must not make us wait */
    int img = host_open_beneath(dirfd, PAGES_IMG_NAME, flags, 0);
    int index = host_open_beneath(dirfd, PAGES_INDEX_NAME, flags, 0);
    int err = pages_reader_open_files(img, index, expected, report, ret);

    if (index >= 0)
        (void)host_close(index);
    return err;
}

int pages_reader_open_files(int img, int index, const struct pages_expected *expected,
                            struct report *report, struct pages_reader **ret)
{
    struct pages_reader *reader = host_alloc(1, sizeof(*reader));

    if (reader == NULL) {
        if (img >= 0)
            (void)host_close(img);
        return -ENOMEM;
    }
    mutex_init(&reader->lock, LOCK_PAGES);
    reader->img = img;
    int err = check_file(img, PAGES_IMG_NAME, &expected->img, report);
    if (err == 0)
        err = read_index(reader, index, expected, report);
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
    while (reader->idle_buffers != NULL) {
        struct buffers *buffers = reader->idle_buffers;
        reader->idle_buffers = buffers->next;
        buffers_free(buffers);
    }
    pages_index_fini(&reader->index);
    host_free(reader->is_logged);
    mutex_fini(&reader->lock);
    host_free(reader);
}
