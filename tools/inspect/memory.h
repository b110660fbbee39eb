/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "snapshot/pages_reader.h"
#include "tools/inspect/views.h"

enum { MEMORY_WHY_SIZE = 4608 };

/* Guest memory of an image, by page. */
struct memory {
    const struct image *image;
    const Mm *mm;
    int helper; /* opens host files, or -1 */
    struct pages_reader *reader;
    uint64_t chunk; /* that content has, UINT64_MAX: none */
    uint8_t content[MEM_CHUNK];
    uint64_t host_inode; /* the file that host_fd is, 0: none */
    int host_fd;
    char why[MEMORY_WHY_SIZE]; /* a page cannot be shown */
};

/* Takes pages.idx and pages.img out of image. Errors are reported. */
int memory_open(struct image *image, const Process *process, const struct inspect_request *request,
                struct report *report, struct memory **ret);
void memory_close(struct memory *memory);
/* The page at address (of a page) as the process would read it. -ENODATA: memory->why says why
 * not. */
int memory_read(struct memory *memory, uint64_t address, uint8_t to[MEM_PAGE]);

/* Opens the reader of an image's pages. -ENOENT: the image has none. */
int memory_open_pages(struct image *image, struct report *report, struct pages_reader **ret);
