/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/image_file.h"
#include "snapshot/pages_writer.h"
#include "snapshot/report.h"

/* Where in pages.img a chunk is. */
struct pages_entry {
    uint64_t chunk;
    uint64_t offset;
    uint64_t checksum; /* of the bytes there */
    uint32_t size;
    uint16_t mask;
    bool is_raw;
};

/* pages.idx in memory; all zero is an empty one. */
struct pages_index {
    struct pages_entry *entries;
    uint64_t count;
    uint64_t capacity;
};

/* Bytes of the pages of a mask. */
uint32_t pages_size(uint16_t mask);

int pages_index_add(struct pages_index *index, const struct pages_entry *entry);
/* Sorts and writes it to an empty file; no chunk is in it twice. */
int pages_index_write(struct pages_index *index, int fd, struct image_file *ret);
/* Reads a hostile file of size bytes into an empty index: its chunks rise and are below chunk_end,
 * and what it says of pages.img (img_size bytes) makes sense. */
int pages_index_read(struct pages_index *index, int fd, const struct image_file *file,
                     uint64_t img_size, uint64_t chunk_end, struct report *report);
void pages_index_fini(struct pages_index *index);
