/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last owner of a range goes. The range is dying then, which makes it this thread's; its words
 * become empty, its memory is given back, it is free. Chunks that a running checkpoint still needs
 * are set aside as owed, and go the same way once it has ended: freeing much memory neither waits
 * for the collector nor makes it lose anything.
 *
 * Whole folios are punched. Part of a folio becomes stale, and is punched once half of the folio is
 * no longer in use: cutting up a folio takes as long as copying many chunks. All punching is done
 * without the lock.
 */
#include <assert.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "core/base/host.h"
#include "platform/memfile_struct.h"

static bool is_advised(const struct memfile *memfile, uint64_t chunk)
{
    return atomic_load(&memfile->advised[chunk / FOLIO_CHUNKS]) != 0;
}

static void unadvise(struct memfile *memfile, uint64_t folio, uint64_t count)
{
    for (uint64_t i = folio; i < folio + count; i++)
        atomic_store(&memfile->advised[i], 0);
    (void)host_madvise(memfile->map + folio * MEM_FOLIO, count * MEM_FOLIO, MADV_NOHUGEPAGE);
}

/* Punches a dying range and makes it free. */
static void free_range(struct memfile *memfile, uint64_t first, uint64_t count)
{
    int err = host_fallocate(memfile->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                             first * MEM_CHUNK, count * MEM_CHUNK);

    mutex_lock(&memfile->lock);
    /* What does not read as zeros is not given out. */
    runs_set(memfile, first, count, err < 0 ? RUN_STALE : RUN_FREE, 0);
    mutex_unlock(&memfile->lock);
}

/* The next stale range of a folio from chunk on becomes dying. False: there is none. */
static bool take_stale(struct memfile *memfile, uint64_t *chunk, uint64_t end, uint64_t *count)
{
    bool found = false;

    mutex_lock(&memfile->lock);
    while (*chunk < end && !found) {
        struct run *run = run_of(memfile, *chunk);
        uint64_t part_end = run_end(memfile, run) < end ? run_end(memfile, run) : end;

        found = run->kind == RUN_STALE;
        *count = part_end - *chunk;
        if (found)
            runs_set(memfile, *chunk, *count, RUN_DYING, 0);
        else
            *chunk = part_end;
    }
    mutex_unlock(&memfile->lock);
    return found;
}

static uint64_t count_used(struct memfile *memfile, uint64_t first, uint64_t end)
{
    uint64_t owned = 0, part_end;

    mutex_assert_held(&memfile->lock);
    for (; first < end; first = part_end) {
        struct run *run = run_of(memfile, first);

        part_end = run_end(memfile, run) < end ? run_end(memfile, run) : end;
        if (run->kind == RUN_OWNED || run->kind == RUN_OWED)
            owned += part_end - first;
    }
    return owned;
}

/* Part of an advised folio is dying. It is kept as long as more than half of the folio is in use:
 * cutting up a folio costs more than it gives. */
static void free_part(struct memfile *memfile, uint64_t first, uint64_t count)
{
    uint64_t folio = first / FOLIO_CHUNKS, at = folio * FOLIO_CHUNKS, end = at + FOLIO_CHUNKS;
    bool is_kept;

    mutex_lock(&memfile->lock);
    runs_set(memfile, first, count, RUN_STALE, 0);
    is_kept = is_advised(memfile, first) && count_used(memfile, at, end) > FOLIO_CHUNKS / 2;
    if (!is_kept)
        unadvise(memfile, folio, 1);
    mutex_unlock(&memfile->lock);
    if (is_kept)
        return;
    for (; take_stale(memfile, &at, end, &count); at += count)
        free_range(memfile, at, count);
}

/* Chunks from first on that are treated alike: parts of one advised folio, whole advised folios, or
 * neither. */
static uint64_t count_alike(const struct memfile *memfile, uint64_t first, uint64_t end,
                            bool *is_part, bool *is_whole)
{
    uint64_t at = first, next;

    *is_part = *is_whole = false;
    for (; at < end; at = next) {
        bool is_whole_folio;

        next = (at / FOLIO_CHUNKS + 1) * FOLIO_CHUNKS;
        is_whole_folio = at % FOLIO_CHUNKS == 0 && next <= end;
        next = next < end ? next : end;
        if (is_advised(memfile, at) && !is_whole_folio) {
            *is_part = at == first;
            return at == first ? next - first : at - first;
        }
        if (at == first)
            *is_whole = is_advised(memfile, at);
        else if (*is_whole != is_advised(memfile, at))
            break;
    }
    return at - first;
}

/* A dying range whose words are empty. */
static void free_dying(struct memfile *memfile, uint64_t first, uint64_t end)
{
    uint64_t count;
    bool is_part, is_whole;

    for (; first < end; first += count) {
        count = count_alike(memfile, first, end, &is_part, &is_whole);
        if (is_whole)
            unadvise(memfile, first / FOLIO_CHUNKS, count / FOLIO_CHUNKS);
        if (is_part)
            free_part(memfile, first, count);
        else
            free_range(memfile, first, count);
    }
}

/* A dying range becomes free, stale or owed. */
static void end_dying(struct memfile *memfile, uint64_t first, uint64_t count)
{
    uint64_t end = first + count;
    bool are_owed;

    while (first < end) {
        count = chunks_end(memfile, first, end - first, &are_owed);
        host_stall();
        if (are_owed) {
            mutex_lock(&memfile->lock);
            /* Under the lock: runs_end_owed comes after the end of the collection. */
            are_owed = atomic_load(&memfile->closing) != 0;
            if (are_owed)
                runs_set(memfile, first, count, RUN_OWED, 0);
            mutex_unlock(&memfile->lock);
            if (!are_owed)
                continue;
        } else {
            free_dying(memfile, first, first + count);
        }
        first += count;
    }
}

/* Takes one owner off the start of the range. Returns how many chunks; true: that was the last. */
static uint64_t put_part(struct memfile *memfile, uint64_t first, uint64_t end, bool *is_last)
{
    struct run *run;
    uint64_t count;

    mutex_lock(&memfile->lock);
    run = run_of(memfile, first);
    assert(run->kind == RUN_OWNED);
    count = (run_end(memfile, run) < end ? run_end(memfile, run) : end) - first;
    *is_last = run->owners == 1;
    runs_set(memfile, first, count, *is_last ? RUN_DYING : RUN_OWNED, run->owners - 1);
    mutex_unlock(&memfile->lock);
    return count;
}

void memfile_put(struct memfile *memfile, uint64_t offset, uint64_t size)
{
    uint64_t first, end, count;
    bool is_last;

    chunks_of(memfile, offset, size, &first, &end);
    for (; first < end; first += count) {
        count = put_part(memfile, first, end, &is_last);
        if (is_last)
            end_dying(memfile, first, count);
    }
}

static bool take_owed(struct memfile *memfile, uint64_t *first, uint64_t *count)
{
    struct run *run = NULL;

    mutex_lock(&memfile->lock);
    if (memfile->owed_count > 0) {
        run = run_of(memfile, *first);
        while (run->kind != RUN_OWED)
            run = run_next(memfile, run);
        *first = run_first(memfile, run);
        *count = run->count;
        runs_set(memfile, *first, *count, RUN_DYING, 0);
    }
    mutex_unlock(&memfile->lock);
    return run != NULL;
}

void runs_end_owed(struct memfile *memfile)
{
    uint64_t first = 0, count;

    while (take_owed(memfile, &first, &count))
        end_dying(memfile, first, count);
}
