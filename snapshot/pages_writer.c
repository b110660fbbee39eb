/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing pages.img: a ring of jobs, one a chunk. The caller fills jobs, workers compress them in
 * any order, and they are stored in the order they came:
 *
 * 1. Jobs [tail, head) of the ring are in use. The caller moves head, who stores moves tail.
 * 2. A job belongs to whom its state says: free or being filled to the caller, claimed to a worker,
 *    done to who stores.
 * 3. Whoever finds the job at tail done and nobody storing stores it, and all that follow and are
 *    done. Segment, digest and index are his meanwhile, without the lock.
 * 4. The first error stays; later jobs go through the ring and are dropped, so nobody waits for
 * ever.
 *
 * Chunks are packed into segments of 1 MB, written at once; no chunk lies in two, and there is no
 * gap between them.
 */
#include "snapshot/pages_writer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

#include <xxhash.h>
#include <zstd.h>

#include "core/base/host.h"
#include "core/base/lock.h"
#include "snapshot/pages_index.h"
#include "snapshot/pages_reader.h"

enum { WORKERS_MAX = 16, JOBS = 64, SEGMENT_SIZE = 1 << 20 };

enum job_state { JOB_FREE, JOB_QUEUED, JOB_CLAIMED, JOB_DONE };

struct job {
    enum job_state state; /* under the lock */
    struct pages_entry entry;
    int source; /* not -1: the pages.img that the bytes are to be copied from */
    int error;
    uint8_t pages[MEM_CHUNK];  /* those of the mask, packed */
    uint8_t stored[MEM_CHUNK]; /* the frame, if it is smaller */
};

struct pages_writer {
    struct mutex lock;         /* LOCK_PAGES */
    uint64_t head, tail, next; /* next: the first that no worker has claimed */
    bool is_storing, is_ending;
    int error;
    atomic_uint turn; /* futex: moves when anybody should look again */
    unsigned sleepers;

    /* not under the lock */
    struct pages_options options;
    struct job *jobs;
    pthread_t threads[WORKERS_MAX];
    unsigned thread_count;
    int img, idx;
    /* of who stores */
    uint8_t *segment;
    size_t segment_size;
    uint64_t img_size; /* written */
    XXH3_state_t *digest;
    struct pages_index index;
    uint64_t page_count, copied_count;
    nsec_t write_time;
    _Atomic nsec_t compress_time; /* of all workers */
};

static struct job *job_at(struct pages_writer *writer, uint64_t nr)
{
    return &writer->jobs[nr % JOBS];
}

/* --- waiting --- */

static void sleep_once(struct pages_writer *writer)
{
    unsigned seen = atomic_load(&writer->turn);

    writer->sleepers++;
    mutex_unlock(&writer->lock);
    (void)host_futex_wait(&writer->turn, seen, NSEC_NEVER);
    mutex_lock(&writer->lock);
    writer->sleepers--;
}

static void wake_all(struct pages_writer *writer)
{
    mutex_assert_held(&writer->lock);
    if (writer->sleepers == 0)
        return;
    atomic_fetch_add(&writer->turn, 1);
    host_futex_wake(&writer->turn, INT_MAX);
}

/* --- storing --- */

static int flush_segment(struct pages_writer *writer)
{
    nsec_t start = host_clock_now();
    int err = host_pwrite_all(writer->img, writer->segment, writer->segment_size, writer->img_size);

    if (err < 0)
        return err;
    host_sync_begin(writer->img, writer->img_size, writer->segment_size);
    writer->write_time += host_clock_now() - start;
    (void)XXH3_128bits_update(writer->digest, writer->segment, writer->segment_size);
    writer->img_size += writer->segment_size;
    writer->segment_size = 0;
    return 0;
}

static int store_job(struct pages_writer *writer, struct job *job)
{
    int err;

    if (job->entry.size > SEGMENT_SIZE - writer->segment_size) {
        err = flush_segment(writer);
        if (err < 0)
            return err;
    }
    job->entry.offset = writer->img_size + writer->segment_size;
    memcpy(writer->segment + writer->segment_size, job->entry.is_raw ? job->pages : job->stored,
           job->entry.size);
    writer->segment_size += job->entry.size;
    writer->page_count += (uint64_t)__builtin_popcount(job->entry.mask);
    writer->copied_count += job->source >= 0;
    return pages_index_add(&writer->index, &job->entry);
}

/* Stores what has its turn, unless somebody does already. */
static void store_done(struct pages_writer *writer)
{
    mutex_assert_held(&writer->lock);
    if (writer->is_storing)
        return;
    writer->is_storing = true;
    while (writer->tail < writer->head && job_at(writer, writer->tail)->state == JOB_DONE) {
        struct job *job = job_at(writer, writer->tail);
        int err = writer->error != 0 ? writer->error : job->error;

        if (err == 0) {
            mutex_unlock(&writer->lock);
            err = store_job(writer, job);
            mutex_lock(&writer->lock);
        }
        if (err < 0 && writer->error == 0)
            writer->error = err;
        job->state = JOB_FREE;
        writer->tail++;
        wake_all(writer);
    }
    writer->is_storing = false;
}

/* --- compressing --- */

/* Without a context, or where it does not shrink, the pages are stored as they are. */
static void compress_job(struct pages_writer *writer, ZSTD_CCtx *context, struct job *job)
{
    uint32_t size = pages_size(job->entry.mask);
    nsec_t start = host_clock_now();
    size_t compressed = size;

    if (context != NULL && size > 0)
        compressed = ZSTD_compressCCtx(context, job->stored, size - 1, job->pages, size,
                                       writer->options.level);
    job->entry.is_raw = ZSTD_isError(compressed) || compressed >= size;
    job->entry.size = job->entry.is_raw ? size : (uint32_t)compressed;
    job->entry.checksum =
        XXH3_64bits(job->entry.is_raw ? job->pages : job->stored, job->entry.size);
    atomic_fetch_add(&writer->compress_time, host_clock_now() - start);
}

/* entry says where the bytes are, and what they are. */
static void copy_job(struct job *job)
{
    uint8_t *to = job->entry.is_raw ? job->pages : job->stored;

    job->error = host_pread_all(job->source, to, job->entry.size, job->entry.offset);
    if (job->error == 0 && XXH3_64bits(to, job->entry.size) != job->entry.checksum) {
        host_log(LOG_ERROR, PAGES_IMG_NAME ": chunk %" PRIu64 ": checksum mismatch",
                 job->entry.chunk);
        job->error = -EIO;
    }
}

static void *run_worker(void *argument)
{
    struct pages_writer *writer = argument;
    ZSTD_CCtx *context = writer->options.is_compressed ? ZSTD_createCCtx() : NULL;

    if (writer->options.is_background)
        (void)host_thread_lower_priority();
    mutex_lock(&writer->lock);
    for (;;) {
        if (writer->next < writer->head) {
            struct job *job = job_at(writer, writer->next++);
            bool is_wanted = writer->error == 0;

            job->state = JOB_CLAIMED;
            mutex_unlock(&writer->lock);
            if (is_wanted && job->source >= 0)
                copy_job(job);
            else if (is_wanted)
                compress_job(writer, context, job);
            mutex_lock(&writer->lock);
            job->state = JOB_DONE;
            store_done(writer);
        } else if (writer->is_ending) {
            break;
        } else {
            sleep_once(writer);
        }
    }
    mutex_unlock(&writer->lock);
    (void)ZSTD_freeCCtx(context);
    return NULL;
}

/* Does what is queued, or drops it after an error, and ends the threads. */
static void end_workers(struct pages_writer *writer)
{
    mutex_lock(&writer->lock);
    writer->is_ending = true;
    wake_all(writer);
    mutex_unlock(&writer->lock);
    for (unsigned i = 0; i < writer->thread_count; i++)
        host_thread_join(writer->threads[i]);
    writer->thread_count = 0;
}

/* --- for the caller --- */

static void pack_pages(uint8_t *to, uint16_t mask, const char *from)
{
    for (; mask != 0; mask &= (uint16_t)(mask - 1), to += MEM_PAGE)
        memcpy(to, from + (size_t)__builtin_ctz(mask) * MEM_PAGE, MEM_PAGE);
}

/* The next free job, which is the caller's until it queues it. */
static int take_job(struct pages_writer *writer, struct job **ret)
{
    int err;

    mutex_lock(&writer->lock);
    assert(!writer->is_ending);
    while (writer->head - writer->tail == JOBS && writer->error == 0)
        sleep_once(writer);
    err = writer->error;
    mutex_unlock(&writer->lock);
    *ret = job_at(writer, writer->head);
    return err;
}

static void queue_job(struct pages_writer *writer, struct job *job)
{
    mutex_lock(&writer->lock);
    job->state = JOB_QUEUED;
    writer->head++;
    wake_all(writer);
    mutex_unlock(&writer->lock);
}

int pages_writer_add(void *context, uint64_t chunk, uint16_t mask, const void *data)
{
    struct pages_writer *writer = context;
    struct job *job;
    int err = take_job(writer, &job);

    if (err < 0)
        return err;
    job->entry = (struct pages_entry){.chunk = chunk, .mask = mask};
    job->source = -1;
    job->error = 0;
    pack_pages(job->pages, mask, data);
    queue_job(writer, job);
    return 0;
}

int pages_writer_copy(struct pages_writer *writer, const struct pages_reader *reader,
                      uint64_t chunk)
{
    struct pages_entry entry;
    struct job *job;
    int err = pages_reader_find(reader, chunk, &entry) ? 0 : -EINVAL;

    if (err == 0)
        err = take_job(writer, &job);
    if (err < 0)
        return err;
    job->entry = entry;
    job->source = pages_reader_fd(reader);
    job->error = 0;
    queue_job(writer, job);
    return 0;
}

static int create_file(int dirfd, const char *name)
{
    return host_open_beneath(dirfd, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
}

static int open_files(struct pages_writer *writer, int dirfd)
{
    writer->img = create_file(dirfd, PAGES_IMG_NAME);
    if (writer->img < 0)
        return writer->img;
    writer->idx = create_file(dirfd, PAGES_INDEX_NAME);
    return writer->idx < 0 ? writer->idx : 0;
}

static int start_workers(struct pages_writer *writer)
{
    unsigned count = host_cpu_count();
    int err = 0;

    count = count < 2 ? 2 : count > WORKERS_MAX ? WORKERS_MAX : count;
    while (err == 0 && writer->thread_count < count) {
        err = host_thread_start(&writer->threads[writer->thread_count], run_worker, writer,
                                "pages-writer");
        writer->thread_count += err == 0;
    }
    return err;
}

int pages_writer_create(int dirfd, const struct pages_options *options, struct pages_writer **ret)
{
    struct pages_writer *writer;
    int err;

    if (options->level < ZSTD_minCLevel() || options->level > ZSTD_maxCLevel())
        return -EINVAL;
    writer = host_alloc(1, sizeof(*writer));
    if (writer == NULL)
        return -ENOMEM;
    mutex_init(&writer->lock, LOCK_PAGES);
    writer->options = *options;
    writer->img = writer->idx = -1;
    writer->jobs = host_alloc(JOBS, sizeof(*writer->jobs));
    writer->segment = host_alloc(1, SEGMENT_SIZE);
    writer->digest = XXH3_createState();
    err = writer->jobs == NULL || writer->segment == NULL || writer->digest == NULL ? -ENOMEM : 0;
    if (err == 0)
        err = open_files(writer, dirfd);
    if (err == 0) {
        (void)XXH3_128bits_reset(writer->digest);
        err = start_workers(writer);
    }
    if (err < 0) {
        pages_writer_free(writer);
        return err;
    }
    *ret = writer;
    return 0;
}

int pages_writer_finish(struct pages_writer *writer, struct pages_totals *ret)
{
    struct pages_totals totals = {0};
    nsec_t start = host_clock_now(), written;
    int err;

    end_workers(writer);
    err = writer->error;
    if (err == 0)
        err = flush_segment(writer);
    if (err == 0)
        err = pages_index_write(&writer->index, writer->idx, &totals.index);
    written = host_clock_now();
    if (err == 0)
        err = host_fsync(writer->img);
    if (err == 0)
        err = host_fsync(writer->idx);
    if (err < 0)
        return err;
    totals.finish_time = written - start;
    totals.sync_time = host_clock_now() - written;
    totals.compress_time = atomic_load(&writer->compress_time);
    totals.write_time = writer->write_time;
    totals.copied_count = writer->copied_count;
    totals.img.size = writer->img_size;
    image_digest_print(writer->digest, totals.img.digest);
    totals.chunk_count = writer->index.count;
    totals.page_count = writer->page_count;
    *ret = totals;
    return 0;
}

void pages_writer_free(struct pages_writer *writer)
{
    if (writer == NULL)
        return;
    mutex_lock(&writer->lock);
    if (writer->error == 0)
        writer->error = -ECANCELED;
    mutex_unlock(&writer->lock);
    end_workers(writer);
    if (writer->img >= 0)
        (void)host_close(writer->img);
    if (writer->idx >= 0)
        (void)host_close(writer->idx);
    pages_index_fini(&writer->index);
    (void)XXH3_freeState(writer->digest);
    host_free(writer->segment);
    host_free(writer->jobs);
    mutex_fini(&writer->lock);
    host_free(writer);
}
