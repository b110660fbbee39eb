/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/clock.h"
#include "platform/memfile.h"
#include "snapshot/image_file.h"

#define PAGES_IMG_NAME "pages.img"
#define PAGES_INDEX_NAME "pages.idx"

/*
 * Writes the memory of an image: pages.img and pages.idx. It is fed chunk by chunk, compresses them
 * on threads of its own and stores them in the order of arrival, so that the same chunks give the
 * same bytes.
 */
struct pages_writer;

struct pages_options {
    bool is_compressed;
    int level;          /* of zstd; negative: its fast levels */
    bool is_background; /* guests run meanwhile: they go first */
};
#define PAGES_OPTIONS_DEFAULT ((struct pages_options){.is_compressed = true, .level = -1})

/* What was written, for the manifest and for statistics. */
struct pages_totals {
    struct image_file img, index;
    uint64_t chunk_count, page_count, copied_count;
    nsec_t compress_time, write_time; /* of all threads together */
    nsec_t finish_time, sync_time;    /* of pages_writer_finish */
};

/* Makes both files in directory dirfd (borrowed), where they must not be yet, and starts the
 * threads. */
int pages_writer_create(int dirfd, const struct pages_options *options, struct pages_writer **ret);
/* A memfile_emit_fn whose context is the writer. Copies what it is given; waits while the queue is
 * full. One thread at a time; a chunk only once. An error of the file system comes back here or
 * from finish, and stays. */
int pages_writer_add(void *writer, uint64_t chunk, uint16_t mask, const void *data);
/* The same for a chunk of an older image, whose bytes are copied as they are. reader stays until
 * finish or free. -EINVAL: it has no such chunk. Damage comes back later, as -EIO. */
struct pages_reader;
int pages_writer_copy(struct pages_writer *writer, const struct pages_reader *reader,
                      uint64_t chunk);
/* Writes all that is queued, then the index; both files are on the disk (fsync) when it returns 0.
 */
int pages_writer_finish(struct pages_writer *writer, struct pages_totals *ret);
/* At any time: ends the threads and closes the files, which stay as they are. Accepts NULL. */
void pages_writer_free(struct pages_writer *writer);
