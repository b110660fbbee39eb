/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdatomic.h>

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

#include "core/base/lock.h"
#include "platform/memfile.h"

/* What the files memfile*.c share. */

/*
 * What nobody owns is free (a hole), or stale (not yet punched, because a folio backs it that is
 * mostly in use), or owed (a checkpoint has not taken it yet), or dying (a thread is about to make
 * it one of these).
 */
enum run_kind { RUN_FREE, RUN_STALE, RUN_OWED, RUN_DYING, RUN_OWNED };

/* Chunks of the same kind with as many owners. It lies in memfile->runs at its first chunk, so one
 * is always there. */
struct run {
    RB_ENTRY(run) by_place;
    RB_ENTRY(run) by_size; /* free ones */
    uint32_t count;        /* of chunks */
    unsigned owners;       /* RUN_OWNED: at least 1; others 0 */
    enum run_kind kind;
};
RB_HEAD(run_places, run);
RB_HEAD(run_sizes, run);

/* A chunk's old content, copied aside for the collector. */
struct slot {
    STAILQ_ENTRY(slot) link;
    uint64_t chunk;
    char *data; /* MEM_CHUNK bytes */
};
STAILQ_HEAD(slot_list, slot);

/* Bounded: who finds no free slot waits until the collector has emptied one. */
struct aside {
    struct mutex lock; /* LOCK_SLOTS; guards all below but what is fixed */
    struct slot_list free, full;
    unsigned free_count, waiters;
    atomic_uint turn;   /* futex: moves when a slot is free or the collection is over */
    bool is_collecting; /* a thread is in memfile_collect */
    /* fixed */
    struct slot *slots;
    unsigned count;
    char *data;
};

enum { CHUNK_TURNS = 64, FOLIO_CHUNKS = MEM_FOLIO / MEM_CHUNK };

struct memfile {
    struct mutex lock; /* LOCK_MEMFILE; guards the runs */
    struct run_places places;
    struct run_sizes sizes;
    uint64_t owned_count, owed_count; /* chunks */
    struct run *runs;

    _Atomic uint64_t *words;        /* one a chunk: see below */
    atomic_uint turns[CHUNK_TURNS]; /* futex: moves when a chunk of that hash is no longer busy */
    atomic_uchar *advised;          /* one a folio: this process's map has MADV_HUGEPAGE there */

    memfile_load_fn *load; /* of absent chunks; changes while none is */
    void *load_context;
    _Atomic uint64_t absent_count, absent_pages;

    _Atomic uint64_t epoch;   /* moves only while the sandbox is frozen */
    _Atomic uint64_t closing; /* the epoch that is being collected, 0: none */
    bool skips_holes;         /* a hole is zeros: nothing was absent at the freeze */
    uint64_t parent;          /* what was written after it is collected; moves only while frozen */
    struct aside aside;
    _Atomic uint64_t aside_count, in_place_count, slot_wait_count;

    /* fixed */
    int fd;
    bool has_folios;     /* on a tmpfs mount of its own, with huge=advise */
    bool has_hard_limit; /* the mount keeps to the limit */
    uint64_t size, limit, chunk_count;
    char *map;
};

/*
 * The chunk word, moved by compare-and-swap:
 *   0-1    enum chunk_state
 *   2      busy: one thread works at the chunk, the others wait
 *   3      somebody waits for it
 *   4-19   CHUNK_ABSENT: the pages that the image has; CHUNK_BASE: those that live in the memfile
 *   20-41  epoch of the last write
 *   42-63  the last checkpoint that took the content
 */
#define WORD_BUSY UINT64_C(4)
#define WORD_WAITED UINT64_C(8)
#define EPOCH_LAST ((UINT64_C(1) << 22) - 1)

static inline enum chunk_state word_state(uint64_t word)
{
    return (enum chunk_state)(word & 3);
}

static inline uint64_t word_epoch(uint64_t word)
{
    return word >> 20 & EPOCH_LAST;
}

static inline uint64_t word_taken(uint64_t word)
{
    return word >> 42;
}

static inline uint16_t word_mask(uint64_t word)
{
    return (uint16_t)(word >> 4);
}

/* The same word with another last taker. */
static inline uint64_t word_take(uint64_t word, uint64_t taken)
{
    return (word & ((UINT64_C(1) << 42) - 1)) | taken << 42;
}

static inline uint64_t word_make(enum chunk_state state, uint64_t epoch, uint64_t taken)
{
    return (uint64_t)state | epoch << 20 | taken << 42;
}

/* --- memfile_chunk.c --- */
/* True: the checkpoint that is being collected needs the chunk's content and has not got it. */
bool chunk_is_owed(const struct memfile *memfile, uint64_t word);
/* The word of a chunk, once nobody works at it. */
uint64_t chunk_idle_word(struct memfile *memfile, uint64_t chunk);
/* Makes it busy if the word is still that; the caller releases it soon and waits for nothing. */
bool chunk_claim(struct memfile *memfile, uint64_t chunk, uint64_t word);
void chunk_release(struct memfile *memfile, uint64_t chunk, uint64_t word);
/* The content of a busy chunk, MEM_CHUNK bytes. */
int chunk_copy(struct memfile *memfile, uint64_t chunk, void *to);
/* Empty chunks become present, written now. Nobody else knows them. */
void chunks_start(struct memfile *memfile, uint64_t first, uint64_t count);
/* For chunks without owners, count >= 1: the first ones that are alike; they are empty now, unless
 * they are owed. Returns how many. */
uint64_t chunks_end(struct memfile *memfile, uint64_t first, uint64_t count, bool *are_owed);

/* --- memfile_fill.c --- */
/* Stores the pages of mask in a busy chunk; -ENOMEM. */
int chunk_store(struct memfile *memfile, uint64_t chunk, uint16_t mask, const char *from);

/* --- memfile_load.c --- */
/* Nobody works at the chunk, its word is that, and absent: loads it. 0 also if somebody was faster.
 */
int chunk_load(struct memfile *memfile, uint64_t chunk, uint64_t word);
/* An absent chunk's word has been replaced. */
void chunk_note_gone(struct memfile *memfile, uint64_t word);

/* --- memfile_run.c --- */
void runs_init(struct memfile *memfile);
uint64_t run_first(const struct memfile *memfile, const struct run *run);
uint64_t run_end(const struct memfile *memfile, const struct run *run);
/* The chunks that a range of bytes touches. */
void chunks_of(const struct memfile *memfile, uint64_t offset, uint64_t size, uint64_t *first,
               uint64_t *end);
/* These need the lock: the run that has the chunk; the next one, or NULL; makes a range one of that
 * kind, whatever it was. */
struct run *run_next(struct memfile *memfile, struct run *run);
struct run *run_of(struct memfile *memfile, uint64_t chunk);
void runs_set(struct memfile *memfile, uint64_t first, uint64_t count, enum run_kind kind,
              unsigned owners);
bool folio_is_owned(struct memfile *memfile, uint64_t folio);
/* The first range at or after chunk from that is in use: owned, owed or dying. */
bool runs_next_used(struct memfile *memfile, uint64_t from, uint64_t *first, uint64_t *count);

/* --- memfile_punch.c --- */
/* The collection is over: nothing is owed any more. */
void runs_end_owed(struct memfile *memfile);

/* --- memfile_aside.c --- */
int aside_init(struct memfile *memfile);
void aside_fini(struct memfile *memfile);
/* A free slot; may wait. NULL: the collection is over. The caller has no busy chunk. */
struct slot *aside_get(struct memfile *memfile);
void aside_put(struct memfile *memfile, struct slot *slot);
/* Hands a filled slot to the collector. Before the chunk's word moves. */
void aside_queue(struct memfile *memfile, struct slot *slot);
/* The first filled slot, or NULL; aside_put afterwards. */
struct slot *aside_take(struct memfile *memfile);
/* Ends the collection: drops what is filled, wakes everybody. False: it was over. */
bool aside_end(struct memfile *memfile);
