/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunk words: who may read and write a chunk, and what a checkpoint still needs of it.
 *
 * 1. A guest may have write permission on a chunk, and the kernel may store to it, only if its
 *    epoch is the current one. The epoch moves only while the sandbox is frozen.
 * 2. Only who has made a chunk busy moves its word. It waits for nothing meanwhile but the image
 *    that an absent chunk is read from, so everybody may wait for a busy chunk: asleep, on a futex
 *    that chunks share by hash.
 * 3. A slot is got before the chunk is made busy, and is queued before its word moves: a word of
 *    the new epoch means that the old content is queued.
 *
 * A chunk is copied by pread: it allocates no page for a hole, which reading through the map would.
 * Every chunk that is owned is present or absent: nothing here makes ones in a base file.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "core/base/host.h"
#include "platform/memfile_struct.h"

static atomic_uint *turn_of(struct memfile *memfile, uint64_t chunk)
{
    return &memfile->turns[chunk % CHUNK_TURNS];
}

bool chunk_is_owed(const struct memfile *memfile, uint64_t word)
{
    uint64_t closing = atomic_load(&memfile->closing);

    return closing != 0 && word_state(word) != CHUNK_EMPTY && word_epoch(word) <= closing &&
           word_epoch(word) > memfile->parent && word_taken(word) != closing;
}

/* Sleeps while the chunk is busy. */
static void wait_for_chunk(struct memfile *memfile, uint64_t chunk, uint64_t word)
{
    atomic_uint *turn = turn_of(memfile, chunk);
    unsigned seen = atomic_load(turn);

    if (!atomic_compare_exchange_strong(&memfile->words[chunk], &word, word | WORD_WAITED) &&
        word != (word | WORD_BUSY | WORD_WAITED))
        return;
    host_stall();
    (void)host_futex_wait(turn, seen, NSEC_NEVER);
}

uint64_t chunk_idle_word(struct memfile *memfile, uint64_t chunk)
{
    for (;;) {
        uint64_t word = atomic_load(&memfile->words[chunk]);

        if (!(word & WORD_BUSY))
            return word;
        wait_for_chunk(memfile, chunk, word);
    }
}

bool chunk_claim(struct memfile *memfile, uint64_t chunk, uint64_t word)
{
    return atomic_compare_exchange_strong(&memfile->words[chunk], &word, word | WORD_BUSY);
}

void chunk_release(struct memfile *memfile, uint64_t chunk, uint64_t word)
{
    uint64_t was = atomic_exchange(&memfile->words[chunk], word);

    assert(was & WORD_BUSY);
    if (was & WORD_WAITED) {
        atomic_fetch_add(turn_of(memfile, chunk), 1);
        host_futex_wake(turn_of(memfile, chunk), INT32_MAX);
    }
}

int chunk_copy(struct memfile *memfile, uint64_t chunk, void *to)
{
    return host_pread_all(memfile->fd, to, MEM_CHUNK, chunk * MEM_CHUNK);
}

void chunks_start(struct memfile *memfile, uint64_t first, uint64_t count)
{
    uint64_t word = word_make(CHUNK_PRESENT, atomic_load(&memfile->epoch), 0);

    for (uint64_t i = first; i < first + count; i++) {
        uint64_t was = atomic_exchange(&memfile->words[i], word);

        assert(was == CHUNK_EMPTY);
    }
}

/* True: the chunk is owed. False: it is empty now. */
static bool end_chunk(struct memfile *memfile, uint64_t chunk)
{
    for (;;) {
        uint64_t word = chunk_idle_word(memfile, chunk);

        if (chunk_is_owed(memfile, word))
            return true;
        if (atomic_compare_exchange_strong(&memfile->words[chunk], &word, CHUNK_EMPTY)) {
            if (word_state(word) == CHUNK_ABSENT)
                chunk_note_gone(memfile, word);
            return false;
        }
    }
}

uint64_t chunks_end(struct memfile *memfile, uint64_t first, uint64_t count, bool *are_owed)
{
    uint64_t done = 1;

    *are_owed = end_chunk(memfile, first);
    if (*are_owed)
        return done;
    while (done < count && !chunk_is_owed(memfile, atomic_load(&memfile->words[first + done])) &&
           !end_chunk(memfile, first + done))
        done++;
    return done;
}

/* --- access --- */

/* The current epoch's stamp on the chunk; its old content is queued first if it is owed. */
static int write_chunk(struct memfile *memfile, uint64_t chunk)
{
    uint64_t epoch = atomic_load(&memfile->epoch);
    struct slot *slot = NULL;
    int err = 0;

    for (;;) {
        uint64_t word = chunk_idle_word(memfile, chunk);
        bool is_owed = chunk_is_owed(memfile, word);

        if (word_state(word) == CHUNK_ABSENT) {
            err = chunk_load(memfile, chunk, word);
            if (err < 0)
                break;
            continue;
        }
        assert(word_state(word) == CHUNK_PRESENT);
        if (word_epoch(word) == epoch)
            break;
        if (is_owed && !slot) {
            slot = aside_get(memfile);
            continue;
        }
        host_stall();
        if (!chunk_claim(memfile, chunk, word))
            continue;
        if (is_owed) {
            err = chunk_copy(memfile, chunk, slot->data);
            if (err < 0) {
                chunk_release(memfile, chunk, word);
                break;
            }
            slot->chunk = chunk;
            aside_queue(memfile, slot);
            slot = NULL;
            host_stall();
        }
        chunk_release(memfile, chunk, word_make(CHUNK_PRESENT, epoch, word_taken(word)));
        break;
    }
    if (slot)
        aside_put(memfile, slot);
    return err;
}

/*
 * Allocates the pages, so that the kernel's stores cannot fail for want of memory. Without a limit
 * there is nothing to hit. Populating goes through our map, which makes folios where it is advised.
 */
static int reserve(struct memfile *memfile, uint64_t offset, uint64_t size)
{
    uint64_t first = offset & ~(MEM_PAGE - 1),
             end = (offset + size + MEM_PAGE - 1) & ~(MEM_PAGE - 1);
    int err;

    if (memfile->limit == 0 || !memfile->has_hard_limit)
        return 0;
    err = host_madvise(memfile->map + first, end - first, MADV_POPULATE_WRITE);
    if (err == -EINVAL) /* Linux before 5.14 */
        err = host_fallocate(memfile->fd, FALLOC_FL_KEEP_SIZE, first, end - first);
    return err < 0 ? -ENOMEM : 0;
}

int memfile_prepare_read(struct memfile *memfile, uint64_t offset, uint64_t size)
{
    uint64_t first, end;

    chunks_of(memfile, offset, size, &first, &end);
    for (; first < end; first++) {
        int err = memfile_load(memfile, first);

        if (err < 0)
            return err;
        assert(word_state(atomic_load(&memfile->words[first])) == CHUNK_PRESENT);
    }
    return 0;
}

int memfile_prepare_write(struct memfile *memfile, uint64_t offset, uint64_t size)
{
    uint64_t first, end;
    int err;

    chunks_of(memfile, offset, size, &first, &end);
    for (; first < end; first++) {
        err = write_chunk(memfile, first);
        if (err < 0)
            return err;
    }
    return reserve(memfile, offset, size);
}

bool memfile_is_writable(const struct memfile *memfile, uint64_t offset, uint64_t size)
{
    uint64_t first, end, epoch = atomic_load(&memfile->epoch);

    chunks_of(memfile, offset, size, &first, &end);
    for (; first < end; first++) {
        uint64_t word = atomic_load(&memfile->words[first]);

        if (word_state(word) != CHUNK_PRESENT || word_epoch(word) != epoch)
            return false;
    }
    return true;
}

bool memfile_is_loaded(const struct memfile *memfile, uint64_t offset, uint64_t size)
{
    uint64_t first, end;

    if (atomic_load(&memfile->absent_count) == 0)
        return true;
    chunks_of(memfile, offset, size, &first, &end);
    for (; first < end; first++)
        if (word_state(atomic_load(&memfile->words[first])) == CHUNK_ABSENT)
            return false;
    return true;
}

enum chunk_state memfile_chunk_state(const struct memfile *memfile, uint64_t offset)
{
    assert(offset < memfile->size);
    return word_state(atomic_load(&memfile->words[offset / MEM_CHUNK]));
}

uint64_t memfile_epoch(const struct memfile *memfile)
{
    return atomic_load(&memfile->epoch);
}
