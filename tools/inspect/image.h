/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "snapshot/manifest.h"
#include "snapshot/objects.pb-c.h"
#include "snapshot/report.h"

/* An image whose objects are decoded, each by itself: references are ids, and may lead anywhere. */
struct image {
    Manifest *manifest;
    Object **objects; /* by id, from 1: objects[id - 1] */
    size_t count;
    uint64_t packed_size;
};

/* Opens the image at path, confines this process (confine_reader), then reads and decodes. -EINVAL
 * and the like: the report says what is wrong. */
int image_open(const char *path, struct report *report, struct image *ret);
void image_free(struct image *image);

/* The body of object id if it is of that type, else NULL: a borrowed pointer. */
const void *image_body(const struct image *image, uint64_t id, Object__BodyCase type);
/* The name of an object's type; "?" for id that is none. */
const char *image_type_name(const struct image *image, uint64_t id);
/* The attributes of an inode of any kind, or NULL. */
const InodeAttr *image_inode_attr(const struct image *image, uint64_t id);

/* The process with that pid, and its first task; NULL. */
const Process *image_process(const struct image *image, uint64_t pid);
const Task *image_first_task(const struct image *image, const Process *process);

/* The name of a dentry as seen from the root of all mounts, at most size - 1 bytes; "?" where the
 * image makes no sense. mount: a Mount's id. */
void image_path(const struct image *image, uint64_t mount, uint64_t dentry, char *ret, size_t size);
/* What /proc would say of an open file: its path, or "pipe:[7]" and the like. file: a File's id. */
void image_file_name(const struct image *image, uint64_t file, char *ret, size_t size);
