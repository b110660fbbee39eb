/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lazy restore: absent chunks, whose content is in the image, become present: by a guest's fault, a
 * pin, a collection, or background readers. Whoever makes the chunk busy reads and stores it,
 * alone; the others wait. Epoch and taker stay, since the content does, so this needs no gate and a
 * freeze may come at any time. What cannot be read stays absent: no page of a chunk is ever seen
 * before all of them are there. A chunk that is freed meanwhile is not read.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "core/base/host.h"
#include "platform/memfile_struct.h"

struct filling {
    struct memfile *memfile;
    bool is_stored;
};

static int store(void *context, uint64_t chunk, uint16_t mask, const void *data)
{
    struct filling *filling = context;

    assert(!filling->is_stored);
    filling->is_stored = true;
    return chunk_store(filling->memfile, chunk, mask, data);
}

void chunk_note_gone(struct memfile *memfile, uint64_t word)
{
    atomic_fetch_sub(&memfile->absent_pages, (uint64_t)__builtin_popcount(word_mask(word)));
    atomic_fetch_sub(&memfile->absent_count, 1);
}

int chunk_load(struct memfile *memfile, uint64_t chunk, uint64_t word)
{
    struct filling filling = {.memfile = memfile};
    int err;

    assert(word_state(word) == CHUNK_ABSENT);
    host_stall();
    if (!chunk_claim(memfile, chunk, word))
        return 0;
    err = memfile->load(memfile->load_context, chunk, store, &filling);
    host_stall();
    if (err < 0) {
        chunk_release(memfile, chunk, word);
        return err == -ENOMEM ? -ENOMEM : -EIO;
    }
    assert(filling.is_stored);
    chunk_release(memfile, chunk, word_make(CHUNK_PRESENT, word_epoch(word), word_taken(word)));
    chunk_note_gone(memfile, word);
    return 0;
}

int memfile_load(struct memfile *memfile, uint64_t chunk)
{
    int err = 0;

    while (err == 0) {
        uint64_t word = chunk_idle_word(memfile, chunk);

        if (word_state(word) != CHUNK_ABSENT)
            break;
        err = chunk_load(memfile, chunk, word);
    }
    return err;
}

int memfile_set_absent(struct memfile *memfile, uint64_t chunk, uint16_t mask)
{
    uint64_t word;

    if (chunk >= memfile->chunk_count)
        return -EINVAL;
    word = atomic_load(&memfile->words[chunk]);
    if (word_state(word) != CHUNK_PRESENT)
        return -EINVAL;
    atomic_fetch_add(&memfile->absent_count, 1);
    atomic_fetch_add(&memfile->absent_pages, (uint64_t)__builtin_popcount(mask));
    atomic_store(&memfile->words[chunk],
                 word_make(CHUNK_ABSENT, atomic_load(&memfile->epoch), 0) | (uint64_t)mask << 4);
    return 0;
}

void memfile_set_source(struct memfile *memfile, memfile_load_fn *load, void *context)
{
    assert(atomic_load(&memfile->absent_count) == 0);
    memfile->load = load;
    memfile->load_context = context;
}

uint64_t memfile_absent_count(const struct memfile *memfile)
{
    return atomic_load(&memfile->absent_count);
}

uint16_t memfile_absent_pages(const struct memfile *memfile, uint64_t offset)
{
    uint64_t word = atomic_load(&memfile->words[offset / MEM_CHUNK]);

    assert(offset < memfile->size);
    return word_state(word) == CHUNK_ABSENT ? word_mask(word) : 0;
}
