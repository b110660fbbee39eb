/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs: who owns which chunks of the memfile, and which are given out. memfile_punch.c says what
 * happens when the last owner goes.
 *
 * 1. The runs cover the whole file without gap or overlap; neighbours differ in kind or owners. A
 *    run needs no allocation: its node is the one of its first chunk.
 * 2. The word of a chunk is EMPTY while the chunk is free or stale, and not EMPTY while it is owned
 *    or owed. A dying range belongs to one thread, which is between the two.
 * 3. A free chunk is a hole in the file. A stale one keeps its memory and is not given out: it is
 *    part of an advised folio of which more than half is owned.
 * 4. Chunks that nobody owns any more and that a running checkpoint has not taken yet are owed:
 *    kept until it has ended. It looks at owed and dying ranges as it does at owned ones, so none
 *    slips past it on the way.
 *
 * Best fit, lowest place first: small runs fill the gaps that large ones leave, whose places have
 * to suit their addresses.
 */
#include <assert.h>
#include <errno.h>
#include <limits.h>

#include "platform/memfile_struct.h"

uint64_t run_first(const struct memfile *memfile, const struct run *run)
{
    return (uint64_t)(run - memfile->runs);
}

uint64_t run_end(const struct memfile *memfile, const struct run *run)
{
    return run_first(memfile, run) + run->count;
}

static int compare_places(const struct run *a, const struct run *b)
{
    return a < b ? -1 : a > b;
}

static int compare_sizes(const struct run *a, const struct run *b)
{
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    return compare_places(a, b);
}

RB_GENERATE_INTERNAL(run_places, run, by_place, compare_places, __attribute__((unused)) static)
RB_GENERATE_INTERNAL(run_sizes, run, by_size, compare_sizes, __attribute__((unused)) static)

struct run *run_next(struct memfile *memfile, struct run *run)
{
    mutex_assert_held(&memfile->lock);
    return RB_NEXT(run_places, &memfile->places, run);
}

struct run *run_of(struct memfile *memfile, uint64_t chunk)
{
    struct run *at = &memfile->runs[chunk], *run = RB_NFIND(run_places, &memfile->places, at);

    if (run == at)
        return run;
    return run ? RB_PREV(run_places, &memfile->places, run) : RB_MAX(run_places, &memfile->places);
}

static struct run *insert_run(struct memfile *memfile, uint64_t first, uint64_t count,
                              enum run_kind kind, unsigned owners)
{
    struct run *run = &memfile->runs[first];

    *run = (struct run){.count = (uint32_t)count, .owners = owners, .kind = kind};
    RB_INSERT(run_places, &memfile->places, run);
    if (kind == RUN_FREE)
        RB_INSERT(run_sizes, &memfile->sizes, run);
    if (kind == RUN_OWNED)
        memfile->owned_count += count;
    if (kind == RUN_OWED)
        memfile->owed_count += count;
    return run;
}

static void remove_run(struct memfile *memfile, struct run *run)
{
    RB_REMOVE(run_places, &memfile->places, run);
    if (run->kind == RUN_FREE)
        RB_REMOVE(run_sizes, &memfile->sizes, run);
    if (run->kind == RUN_OWNED)
        memfile->owned_count -= run->count;
    if (run->kind == RUN_OWED)
        memfile->owed_count -= run->count;
}

/* Makes a run start at the chunk, unless it is the end of the file. */
static void cut_run(struct memfile *memfile, uint64_t chunk)
{
    struct run *run;
    uint64_t first, end;
    struct run was;

    if (chunk == memfile->chunk_count)
        return;
    run = run_of(memfile, chunk);
    first = run_first(memfile, run);
    if (first == chunk)
        return;
    was = *run;
    end = first + was.count;
    remove_run(memfile, run);
    insert_run(memfile, first, chunk - first, was.kind, was.owners);
    insert_run(memfile, chunk, end - chunk, was.kind, was.owners);
}

static struct run *join_runs(struct memfile *memfile, struct run *a, struct run *b)
{
    uint64_t count;

    if (!a || !b || a->kind != b->kind || a->owners != b->owners)
        return b;
    count = (uint64_t)a->count + b->count;
    remove_run(memfile, a);
    remove_run(memfile, b);
    return insert_run(memfile, run_first(memfile, a), count, a->kind, a->owners);
}

void runs_set(struct memfile *memfile, uint64_t first, uint64_t count, enum run_kind kind,
              unsigned owners)
{
    struct run *run, *next;
    uint64_t end = first + count;

    mutex_assert_held(&memfile->lock);
    cut_run(memfile, first);
    cut_run(memfile, end);
    for (run = &memfile->runs[first]; run && run_first(memfile, run) < end; run = next) {
        next = run_next(memfile, run);
        remove_run(memfile, run);
    }
    run = insert_run(memfile, first, count, kind, owners);
    run = join_runs(memfile, RB_PREV(run_places, &memfile->places, run), run);
    next = run_next(memfile, run);
    if (next)
        join_runs(memfile, run, next);
}

void runs_init(struct memfile *memfile)
{
    RB_INIT(&memfile->places);
    RB_INIT(&memfile->sizes);
    insert_run(memfile, 0, memfile->chunk_count, RUN_FREE, 0);
}

/* --- allocation --- */

/* The first chunk of count in run whose number is congruent to place modulo a folio. */
static bool fits(const struct memfile *memfile, const struct run *run, uint64_t count,
                 uint64_t place, uint64_t *ret)
{
    uint64_t first = run_first(memfile, run);

    first += (place - first) % FOLIO_CHUNKS;
    if (first + count > run_end(memfile, run))
        return false;
    *ret = first;
    return true;
}

/* The smallest free run of at least count chunks, the lowest of these. */
static struct run *first_of_size(struct memfile *memfile, uint64_t count)
{
    struct run *at = RB_ROOT(&memfile->sizes), *best = NULL;

    while (at) {
        if (at->count >= count) {
            best = at;
            at = RB_LEFT(at, by_size);
        } else {
            at = RB_RIGHT(at, by_size);
        }
    }
    return best;
}

/* Looks at a few runs that are just large enough, then at one that must fit. */
static bool find_free(struct memfile *memfile, uint64_t count, uint64_t place, bool is_placed,
                      uint64_t *ret)
{
    struct run *run = first_of_size(memfile, count);

    for (unsigned i = 0; run && i < 8; i++) {
        if (fits(memfile, run, count, is_placed ? place : run_first(memfile, run), ret))
            return true;
        run = RB_NEXT(run_sizes, &memfile->sizes, run);
    }
    run = first_of_size(memfile, count + FOLIO_CHUNKS);
    return run && fits(memfile, run, count, place, ret);
}

static bool is_past_limit(const struct memfile *memfile, uint64_t count)
{
    return memfile->limit > 0 && !memfile->has_hard_limit &&
           (memfile->owned_count + count) * MEM_CHUNK > memfile->limit;
}

int memfile_alloc(struct memfile *memfile, uint64_t size, uint64_t address, uint64_t *ret)
{
    uint64_t skew = address % MEM_CHUNK, count, first = 0;
    bool found = false;

    assert(size > 0);
    if (size > memfile->size)
        return -ENOMEM;
    count = (skew + size + MEM_CHUNK - 1) / MEM_CHUNK;
    mutex_lock(&memfile->lock);
    if (!is_past_limit(memfile, count))
        found = find_free(memfile, count, address / MEM_CHUNK, size >= MEM_FOLIO, &first);
    if (found)
        runs_set(memfile, first, count, RUN_OWNED, 1);
    mutex_unlock(&memfile->lock);
    if (!found)
        return -ENOMEM;
    chunks_start(memfile, first, count);
    *ret = first * MEM_CHUNK + skew;
    return 0;
}

/* --- owners --- */

void chunks_of(const struct memfile *memfile, uint64_t offset, uint64_t size, uint64_t *first,
               uint64_t *end)
{
    assert(size > 0 && offset <= memfile->size && size <= memfile->size - offset);
    *first = offset / MEM_CHUNK;
    *end = (offset + size + MEM_CHUNK - 1) / MEM_CHUNK;
}

void memfile_get(struct memfile *memfile, uint64_t offset, uint64_t size)
{
    uint64_t at, end, part_end;

    chunks_of(memfile, offset, size, &at, &end);
    mutex_lock(&memfile->lock);
    for (; at < end; at = part_end) {
        struct run *run = run_of(memfile, at);

        assert(run->kind == RUN_OWNED && run->owners < UINT_MAX);
        part_end = run_end(memfile, run) < end ? run_end(memfile, run) : end;
        runs_set(memfile, at, part_end - at, RUN_OWNED, run->owners + 1);
    }
    mutex_unlock(&memfile->lock);
}

unsigned memfile_owners(struct memfile *memfile, uint64_t offset, uint64_t size)
{
    uint64_t at, end;
    unsigned most = 0;

    chunks_of(memfile, offset, size, &at, &end);
    mutex_lock(&memfile->lock);
    for (; at < end; at = run_end(memfile, run_of(memfile, at))) {
        struct run *run = run_of(memfile, at);

        most = run->owners > most ? run->owners : most;
    }
    mutex_unlock(&memfile->lock);
    return most;
}

bool folio_is_owned(struct memfile *memfile, uint64_t folio)
{
    uint64_t at = folio * FOLIO_CHUNKS, end = at + FOLIO_CHUNKS;
    bool is_owned = true;

    mutex_lock(&memfile->lock);
    while (at < end && is_owned) {
        struct run *run = run_of(memfile, at);

        is_owned = run->kind == RUN_OWNED;
        at = run_end(memfile, run);
    }
    mutex_unlock(&memfile->lock);
    return is_owned;
}

int memfile_claim(struct memfile *memfile, uint64_t offset, uint64_t size)
{
    uint64_t at, end, part_end;

    if (size == 0 || offset > memfile->size || size > memfile->size - offset)
        return -EINVAL;
    chunks_of(memfile, offset, size, &at, &end);
    mutex_lock(&memfile->lock);
    for (; at < end; at = part_end) {
        struct run *run = run_of(memfile, at);
        bool is_new = run->kind == RUN_FREE;

        assert((is_new || run->kind == RUN_OWNED) && run->owners < UINT_MAX);
        part_end = run_end(memfile, run) < end ? run_end(memfile, run) : end;
        runs_set(memfile, at, part_end - at, RUN_OWNED, run->owners + 1);
        if (is_new)
            chunks_start(memfile, at, part_end - at);
    }
    mutex_unlock(&memfile->lock);
    return 0;
}

uint64_t memfile_owned_size(struct memfile *memfile)
{
    uint64_t count;

    mutex_lock(&memfile->lock);
    count = memfile->owned_count;
    mutex_unlock(&memfile->lock);
    return count * MEM_CHUNK;
}

/* --- for a checkpoint --- */

bool runs_next_used(struct memfile *memfile, uint64_t from, uint64_t *first, uint64_t *count)
{
    struct run *run = NULL;

    mutex_lock(&memfile->lock);
    if (from < memfile->chunk_count)
        run = run_of(memfile, from);
    while (run && (run->kind == RUN_FREE || run->kind == RUN_STALE))
        run = run_next(memfile, run);
    if (run) {
        *first = run_first(memfile, run) < from ? from : run_first(memfile, run);
        *count = run_end(memfile, run) - *first;
    }
    mutex_unlock(&memfile->lock);
    return run != NULL;
}
