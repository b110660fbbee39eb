/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "vfs/mapping.h"

/* For the files of mapping: all under the mapping's lock. */

struct mapping_extent {
    uint64_t chunk;  /* number in the file */
    uint64_t offset; /* of its start in the memfile */
    RB_ENTRY(mapping_extent) link;
};

RB_PROTOTYPE(mapping_extents, mapping_extent, link, )

struct memfile *mapping_memfile(void);

/* The extent of the chunk that has offset; NULL: there is none. */
struct mapping_extent *mapping_extent_find(struct mapping *mapping, uint64_t offset);
int mapping_extent_make(struct mapping *mapping, uint64_t offset, struct mapping_extent **ret);
void mapping_extent_free(struct mapping *mapping, struct mapping_extent *extent);

/* Bytes from offset to the end of its chunk, at most size. */
size_t mapping_part_of_chunk(uint64_t offset, uint64_t size);
/* Zeroes bytes of one chunk, if it has memory. */
int mapping_zero_part(struct mapping *mapping, uint64_t offset, size_t size);
/* Before the file grows past size: what becomes visible must be zero. */
int mapping_zero_tail(struct mapping *mapping);

static inline uint64_t mapping_page_up(uint64_t size)
{
    return (size + MEM_PAGE - 1) & ~(MEM_PAGE - 1);
}
