/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEM_PAGE UINT64_C(4096)
#define MEM_CHUNK (UINT64_C(64) << 10)
#define MEM_FOLIO (UINT64_C(2) << 20)

/*
 * The memfile: one sparse file with all guest memory of a sandbox, mapped linearly in this process.
 * Offsets are bytes in the file; a run is a range of whole chunks. It is thread-safe.
 */
struct memfile;

/* What is in a chunk. ABSENT: in the image that was restored; ABSENT and busy is being loaded.
 * BASE: in a raw page file. */
enum chunk_state { CHUNK_EMPTY, CHUNK_ABSENT, CHUNK_PRESENT, CHUNK_BASE };

/* Makes the file, size bytes of address space (sparse), on a private tmpfs mount limited to limit
 * bytes of memory (0: none) with huge=advise, or as a memfd where there may be no mount (it needs
 * CAP_SYS_ADMIN, in a user namespace will do): then owned address space is what the limit holds
 * for. host_guard_init has been called. */
int memfile_create(uint64_t size, uint64_t limit, struct memfile **ret);
void memfile_free(struct memfile *memfile);
int memfile_fd(const struct memfile *memfile);
/* Address space of the file, bytes. */
uint64_t memfile_size(const struct memfile *memfile);
bool memfile_has_folios(const struct memfile *memfile);
/* The byte at offset in this process. Only what has been read or written by memfile_prepare_* in
 * the same stay inside the gate may be touched, with host_copy_guarded. */
char *memfile_at(const struct memfile *memfile, uint64_t offset);
/* Gives the whole 2 MB parts of the byte range huge folios, filled through this process's map; for
 * what is used, or will be, by half at least: one byte written to such a part costs 2 MB. Parts
 * that are not owned as a whole are left as they are; the caller owns what it advises, and gives
 * the stub's map the same advice. It ends with the last owner. */
void memfile_advise(struct memfile *memfile, uint64_t offset, uint64_t size);

/* --- runs: counted per chunk, punched when the last owner goes --- */

/* A new run of size bytes (rounded to whole chunks at both ends), owned once, reading as zeros,
 * written in the current epoch. Its offset is congruent to address modulo 2 MB when size >= 2 MB,
 * else modulo 64 KB. -ENOMEM: past the size of the file. */
int memfile_alloc(struct memfile *memfile, uint64_t size, uint64_t address, uint64_t *ret);
/* One more, one owner less of every chunk that the byte range touches. put: no guest maps what has
 * no owner then. */
void memfile_get(struct memfile *memfile, uint64_t offset, uint64_t size);
void memfile_put(struct memfile *memfile, uint64_t offset, uint64_t size);
/* The largest count of owners in the byte range. */
unsigned memfile_owners(struct memfile *memfile, uint64_t offset, uint64_t size);
/* Relink after a load, before the pages are filled: counts an owner of a range that an image names.
 * -EINVAL: not in the file. */
int memfile_claim(struct memfile *memfile, uint64_t offset, uint64_t size);
/* Bytes of runs that are owned (address space), and of memory in use: by the host's account, and
 * in the image still. */
uint64_t memfile_owned_size(struct memfile *memfile);
uint64_t memfile_memory_size(struct memfile *memfile);

/* --- chunk words: every access of the kernel, every fault and every filler goes through these ---
 */

/* Makes the content of the byte range present; that of absent chunks is read from the image. The
 * caller is inside the gate. -EIO: the image has not got what it promised; -ENOMEM. */
int memfile_prepare_read(struct memfile *memfile, uint64_t offset, uint64_t size);
/* As above, and takes the old content aside where a checkpoint still needs it (may wait for a
 * slot), stamps the chunks with the current epoch. After it guests may be given write permission.
 * With a limit the pages of the range are allocated, so that the kernel can write them: -ENOMEM,
 * past the limit (what is stamped by then stays so). */
int memfile_prepare_write(struct memfile *memfile, uint64_t offset, uint64_t size);
/* True: a guest may have write permission on all of the range now (its epochs are current). */
bool memfile_is_writable(const struct memfile *memfile, uint64_t offset, uint64_t size);
/* True: all of the range is here, so a guest may have read permission on it. It stays so as long
 * as it has an owner. */
bool memfile_is_loaded(const struct memfile *memfile, uint64_t offset, uint64_t size);
enum chunk_state memfile_chunk_state(const struct memfile *memfile, uint64_t offset);
uint64_t memfile_epoch(const struct memfile *memfile);

/* --- checkpoints --- */

/* Called once a chunk: data has MEM_CHUNK bytes, those of page i count if bit i of mask is set; the
 * other pages are zero. An error ends the collection. */
typedef int memfile_emit_fn(void *context, uint64_t chunk, uint16_t mask, const void *data);

/* Frozen: the content as of now, written after epoch parent (0: all), is to be collected; advances
 * the epoch. The caller then write-protects every stub and thaws; memfile_collect or
 * memfile_collect_cancel has to follow. -EOVERFLOW: no epochs are left. */
int memfile_freeze(struct memfile *memfile, uint64_t parent);
/* Frozen: the chunks written in the current epoch, by number, at most max of them; 0 if there are
 * more. */
size_t memfile_list_written(struct memfile *memfile, uint64_t *ret, size_t max);
/* Thawed or frozen: emits every chunk that memfile_freeze promised, each once, and ends the
 * collection. A chunk of zeros is left out, or has mask 0 where a parent may have had more. Any one
 * thread. */
int memfile_collect(struct memfile *memfile, memfile_emit_fn *emit, void *context);
/* Brings out a chunk that is absent; its content is what the image that it was restored from has.
 */
typedef int memfile_emit_absent_fn(void *context, uint64_t chunk);
/* The same in full. first: these chunks, as far as they are promised, before all others; numbers
 * that no chunk has are passed over. emit_absent: NULL loads what is absent. */
struct memfile_sink {
    memfile_emit_fn *emit;
    memfile_emit_absent_fn *emit_absent;
    void *context;
    const uint64_t *first;
    size_t first_count;
};
int memfile_collect_to(struct memfile *memfile, const struct memfile_sink *sink);
/* Gives up, from any thread: wakes those who wait for slots; memfile_collect, if running, returns
 * -ECANCELED. */
void memfile_collect_cancel(struct memfile *memfile);
/* Chunks copied aside, taken in place, waits for a slot: since the last freeze. */
struct memfile_stats {
    uint64_t aside, in_place, slot_waits;
};
struct memfile_stats memfile_stats(const struct memfile *memfile);

/* Restore, frozen: fills a chunk that has been claimed (laid out as for memfile_emit_fn), once; it
 * counts as written in the current epoch. Any threads. -EINVAL: nobody has claimed it, or it is not
 * in the file; -ENOMEM. */
int memfile_fill(struct memfile *memfile, uint64_t chunk, uint16_t mask, const void *data);
/* Calls fill(to, …) once with the content of the chunk in the image, laid out as for
 * memfile_emit_fn, and returns what it does, or an error of its own. Any threads; locks of rank
 * MEMFILE and outer ones may be held. */
typedef int memfile_load_fn(void *context, uint64_t chunk, memfile_emit_fn *fill, void *to);
/* Restore, frozen: where the content of absent chunks comes from. While a chunk is absent it may be
 * asked for; with NULL, when none is, never more. */
void memfile_set_source(struct memfile *memfile, memfile_load_fn *load, void *context);
/* Restore, frozen: the chunk, which has been claimed, has the pages of mask in the source. -EINVAL:
 * as for memfile_fill. */
int memfile_set_absent(struct memfile *memfile, uint64_t chunk, uint16_t mask);
/* Loads the chunk if it is absent. Any thread, inside the gate or outside. -EIO, -ENOMEM. */
int memfile_load(struct memfile *memfile, uint64_t chunk);
/* How many are absent, or will be: it only falls. */
uint64_t memfile_absent_count(const struct memfile *memfile);
/* Which pages of the chunk at offset the image has, if it is absent; else 0. */
uint16_t memfile_absent_pages(const struct memfile *memfile, uint64_t offset);
/* Restore, frozen: the epoch to go on with. Set to an image's before its chunks are claimed and
 * filled, and to the next one afterwards, it makes that image a parent of the next. -EINVAL: 0 or
 * too large. */
int memfile_set_epoch(struct memfile *memfile, uint64_t epoch);
