/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "platform/memfile.h"
#include "snapshot/image_file.h"
#include "snapshot/report.h"

/* Reads the memory of an image, pages.img and pages.idx, both hostile. */
struct pages_reader;

/* What the caller knows of the files, from the manifest. */
struct pages_expected {
    struct image_file img, index;
    uint64_t chunk_end; /* chunks of the memfile: numbers from here on are refused */
};

/* Opens both files in directory dirfd (borrowed) and checks the index whole, with its digest, and
 * the size of pages.img. -EINVAL: the report says what is wrong; other errors are the host's. */
int pages_reader_open(int dirfd, const struct pages_expected *expected, struct report *report,
                      struct pages_reader **ret);
/* The same with files that are open: img is taken, index borrowed. */
int pages_reader_open_files(int img, int index, const struct pages_expected *expected,
                            struct report *report, struct pages_reader **ret);
/* Reads every chunk, checks it and hands it to fill (laid out as memfile_emit_fn says), from two
 * threads at once, each chunk once. The first error ends it; -EINVAL: the report names the chunk.
 */
int pages_reader_read_all(struct pages_reader *reader, memfile_emit_fn *fill, void *context,
                          struct report *report);
/* Calls range for the 2 MB parts of the memfile of which the image has at least half: advise them
 * before reading, and they become huge folios. */
void pages_reader_each_dense(const struct pages_reader *reader,
                             void (*range)(void *context, uint64_t offset, uint64_t size),
                             void *context);
/* Calls fn for each chunk that the image has, in the order of their numbers; not 0 ends it and is
 * returned. */
int pages_reader_each(const struct pages_reader *reader,
                      int (*fn)(void *context, uint64_t chunk, uint16_t mask), void *context);
/* A memfile_load_fn whose context is the reader: reads one chunk and checks it. What is wrong with
 * it is logged once. Any threads. */
int pages_reader_load(void *reader, uint64_t chunk, memfile_emit_fn *fill, void *to);
/* Reads one chunk and checks it: MEM_CHUNK bytes, and which pages of it the image has. -ENOENT: it
 * has no such chunk; else *what says what is wrong. Any threads. */
int pages_reader_get(struct pages_reader *reader, uint64_t chunk, void *to, uint16_t *ret_mask,
                     const char **what);
/* Where it is in pages.img, whose descriptor is borrowed. False: the image has no such chunk. */
struct pages_entry;
bool pages_reader_find(const struct pages_reader *reader, uint64_t chunk, struct pages_entry *ret);
int pages_reader_fd(const struct pages_reader *reader);
uint64_t pages_reader_chunk_count(const struct pages_reader *reader);
uint64_t pages_reader_page_count(const struct pages_reader *reader);
/* Accepts NULL. */
void pages_reader_free(struct pages_reader *reader);
