/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoints: the freeze, which only moves numbers, and the collection of what it promised.
 *
 * 1. A chunk is owed while it was present at the freeze, was written after the parent's epoch, has
 *    not been written since and has not been taken (chunk_is_owed).
 * 2. It gets out once: the collector takes it in place and marks the word, or a writer queues its
 *    content and stamps the word. So a word that is not owed means: taken, queued, or not wanted.
 *    After the collector has seen every word, all that is left is in the queue.
 * 3. Those who wait for slots come first: the queue is emptied before each chunk.
 * 4. The collector waits for nobody but for busy chunks, and for emit.
 *
 * Holes are skipped without a look at their words: who writes there later queues zeros, which are
 * dropped. The content of a chunk that is owed cannot change, and pages of it cannot go.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/base/host.h"
#include "platform/memfile_struct.h"

struct collection {
    struct memfile *memfile;
    const struct memfile_sink *sink;
    char *buffer;
    uint64_t hole_end; /* the file has no data from where the collector stands up to here */
};

int memfile_freeze(struct memfile *memfile, uint64_t parent)
{
    uint64_t epoch = atomic_load(&memfile->epoch);

    assert(atomic_load(&memfile->closing) == 0 && !memfile->aside.is_collecting);
    assert(parent < epoch);
    if (epoch == EPOCH_LAST)
        return -EOVERFLOW;
    atomic_store(&memfile->aside_count, 0);
    atomic_store(&memfile->in_place_count, 0);
    atomic_store(&memfile->slot_wait_count, 0);
    memfile->parent = parent;
    memfile->skips_holes = parent == 0 && atomic_load(&memfile->absent_count) == 0;
    atomic_store(&memfile->closing, epoch);
    atomic_store(&memfile->epoch, epoch + 1);
    return 0;
}

static bool is_over(const struct memfile *memfile)
{
    return atomic_load(&memfile->closing) == 0;
}

static bool is_zero(const char *page)
{
    return page[0] == 0 && memcmp(page, page + 1, MEM_PAGE - 1) == 0;
}

static int emit_chunk(struct collection *collection, uint64_t chunk, const char *content)
{
    uint16_t mask = 0;

    for (unsigned i = 0; i < MEM_CHUNK / MEM_PAGE; i++)
        if (!is_zero(content + i * MEM_PAGE))
            mask |= (uint16_t)(1u << i);
    if (mask == 0 && collection->memfile->parent == 0)
        return 0;
    return collection->sink->emit(collection->sink->context, chunk, mask, content);
}

static int empty_queue(struct collection *collection)
{
    struct memfile *memfile = collection->memfile;
    struct slot *slot;
    int err = 0;

    while (err == 0 && (slot = aside_take(memfile))) {
        err = emit_chunk(collection, slot->chunk, slot->data);
        aside_put(memfile, slot);
    }
    return err;
}

/* True: the chunk has no data and nobody wants to know. */
static bool skips_hole(struct collection *collection, uint64_t chunk)
{
    struct memfile *memfile = collection->memfile;
    uint64_t offset = chunk * MEM_CHUNK;
    int64_t next;

    if (!memfile->skips_holes)
        return false;
    if (collection->hole_end <= offset) {
        next = host_lseek(memfile->fd, (int64_t)offset, SEEK_DATA);
        if (next == -ENXIO)
            next = (int64_t)memfile->size;
        collection->hole_end = next < 0 ? 0 : (uint64_t)next;
    }
    return collection->hole_end >= offset + MEM_CHUNK;
}

/* Busy and owed. Its word says that it is taken; the image that it is still in does not change. */
static int take_absent(struct collection *collection, uint64_t chunk, uint64_t word)
{
    struct memfile *memfile = collection->memfile;
    const struct memfile_sink *sink = collection->sink;

    chunk_release(memfile, chunk, word_take(word, atomic_load(&memfile->closing)));
    return sink->emit_absent(sink->context, chunk);
}

/* Busy and owed. */
static int take_present(struct collection *collection, uint64_t chunk, uint64_t word)
{
    struct memfile *memfile = collection->memfile;
    int err = chunk_copy(memfile, chunk, collection->buffer);

    if (err == 0)
        word = word_take(word, atomic_load(&memfile->closing));
    chunk_release(memfile, chunk, word);
    if (err < 0)
        return err;
    atomic_fetch_add(&memfile->in_place_count, 1);
    return emit_chunk(collection, chunk, collection->buffer);
}

static int collect_chunk(struct collection *collection, uint64_t chunk)
{
    struct memfile *memfile = collection->memfile;

    for (;;) {
        uint64_t word = chunk_idle_word(memfile, chunk);
        bool is_absent = word_state(word) == CHUNK_ABSENT;

        if (!chunk_is_owed(memfile, word))
            return 0;
        host_stall();
        if (is_absent && !collection->sink->emit_absent) {
            int err = chunk_load(memfile, chunk, word);
            if (err < 0)
                return err;
            continue;
        }
        if (!chunk_claim(memfile, chunk, word))
            continue;
        host_stall();
        return is_absent ? take_absent(collection, chunk, word)
                         : take_present(collection, chunk, word);
    }
}

static int collect_range(struct collection *collection, uint64_t first, uint64_t count)
{
    int err;

    for (uint64_t i = first; i < first + count; i++) {
        err = empty_queue(collection);
        if (err == 0 && is_over(collection->memfile))
            err = -ECANCELED;
        if (err == 0 && !skips_hole(collection, i))
            err = collect_chunk(collection, i);
        if (err < 0)
            return err;
    }
    return 0;
}

static int collect_first(struct collection *collection)
{
    const struct memfile_sink *sink = collection->sink;
    int err = 0;

    for (size_t i = 0; i < sink->first_count && err == 0; i++) {
        if (sink->first[i] < collection->memfile->chunk_count)
            err = collect_range(collection, sink->first[i], 1);
        collection->hole_end = 0; /* they are in any order */
    }
    return err;
}

static int collect_all(struct collection *collection)
{
    uint64_t first, count, from = 0;
    int err = collect_first(collection);

    if (err < 0)
        return err;

    for (; runs_next_used(collection->memfile, from, &first, &count); from = first + count) {
        err = collect_range(collection, first, count);
        if (err < 0)
            return err;
    }
    return empty_queue(collection);
}

static bool begin(struct memfile *memfile)
{
    bool is_on;

    mutex_lock(&memfile->aside.lock);
    is_on = !is_over(memfile);
    memfile->aside.is_collecting = is_on;
    mutex_unlock(&memfile->aside.lock);
    return is_on;
}

/* False: it was over before. */
static bool end(struct memfile *memfile)
{
    bool was_on = aside_end(memfile);

    runs_end_owed(memfile);
    return was_on;
}

int memfile_collect(struct memfile *memfile, memfile_emit_fn *emit, void *context)
{
    struct memfile_sink sink = {.emit = emit, .context = context};

    return memfile_collect_to(memfile, &sink);
}

int memfile_collect_to(struct memfile *memfile, const struct memfile_sink *sink)
{
    struct collection collection = {.memfile = memfile, .sink = sink};
    int err = -ENOMEM;

    if (!begin(memfile))
        return -ECANCELED;
    collection.buffer = host_alloc(1, MEM_CHUNK);
    if (collection.buffer)
        err = collect_all(&collection);
    host_free(collection.buffer);
    if (!end(memfile) && err == 0)
        err = -ECANCELED;
    mutex_lock(&memfile->aside.lock);
    memfile->aside.is_collecting = false;
    mutex_unlock(&memfile->aside.lock);
    return err;
}

size_t memfile_list_written(struct memfile *memfile, uint64_t *ret, size_t max)
{
    uint64_t epoch = atomic_load(&memfile->epoch), first, chunks, from = 0;
    size_t count = 0;

    for (; runs_next_used(memfile, from, &first, &chunks); from = first + chunks)
        for (uint64_t i = first; i < first + chunks; i++) {
            uint64_t word = atomic_load(&memfile->words[i]);

            if (word_state(word) != CHUNK_PRESENT || word_epoch(word) != epoch)
                continue;
            if (count == max)
                return 0;
            ret[count++] = i;
        }
    return count;
}

void memfile_collect_cancel(struct memfile *memfile)
{
    (void)end(memfile);
}

struct memfile_stats memfile_stats(const struct memfile *memfile)
{
    return (struct memfile_stats){.aside = atomic_load(&memfile->aside_count),
                                  .in_place = atomic_load(&memfile->in_place_count),
                                  .slot_waits = atomic_load(&memfile->slot_wait_count)};
}
