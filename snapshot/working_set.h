/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "snapshot/image_file.h"
#include "snapshot/report.h"

#define WORKING_SET_NAME "ws"

/* Chunks of an image in the order in which they are likely to be touched; a hint. */
struct working_set {
    uint64_t *chunks;
    size_t count;
};

/* The most that is written or read. */
enum { WORKING_SET_MAX = 32768 };

/* Makes the file in directory dirfd (borrowed), on the disk when it returns 0. */
int working_set_write(const struct working_set *set, int dirfd, struct image_file *ret);
/* Reads a hostile file into an empty set: any numbers may be in it. -EINVAL: the report says why.
 */
int working_set_read(struct working_set *set, int dirfd, const struct image_file *file,
                     struct report *report);
/* The same of one that is open. */
int working_set_read_file(struct working_set *set, int fd, const struct image_file *file,
                          struct report *report);
void working_set_fini(struct working_set *set);
