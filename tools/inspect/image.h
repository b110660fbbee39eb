/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "snapshot/manifest.h"
#include "snapshot/objects.pb-c.h"
#include "snapshot/report.h"

/* The files that an image may have. */
enum image_part {
    PART_MANIFEST,
    PART_KERNEL,
    PART_INDEX,
    PART_PAGES,
    PART_RAW,
    PART_WORKING_SET,
    PART_COUNT
};

enum { IMAGE_STRANGERS_MAX = 8, IMAGE_STRANGER_SIZE = 256 };

/* An image whose objects are decoded, each by itself: references are ids, and may lead anywhere. */
struct image {
    int parts[PART_COUNT]; /* descriptors, or why they could not be opened */
    char strangers[IMAGE_STRANGERS_MAX][IMAGE_STRANGER_SIZE]; /* other names in the directory */
    size_t stranger_count;                                    /* of all of them */
    Manifest *manifest;
    Object **objects; /* by id, from 1: objects[id - 1] */
    size_t count;
    uint64_t *mount_parents; /* by id; image_index_mounts */
    uint64_t packed_size;
    bool is_tolerant; /* an object that cannot be decoded becomes one without a body */
};

/* The name of a part in the directory. */
const char *image_part_name(enum image_part part);

/* Opens what there is at path and confines this process (confine_reader; helper: a socket that it
 * may send to, or -1). Errors are reported; those of single parts stand in parts. */
int image_open_parts(const char *path, int helper, struct report *report, struct image *ret);
/* Decode a part; -EINVAL and the like: the report says what is wrong. */
int image_read_manifest(struct image *image, struct report *report);
int image_read_objects(struct image *image, struct report *report);
/* The last act of image_read_objects: finds the parents of mounts. -ENOMEM. */
int image_index_mounts(struct image *image);
/* All three; on failure there is nothing to free. */
int image_open(const char *path, int helper, struct report *report, struct image *ret);
void image_free(struct image *image);

/* The body of object id if it is of that type, else NULL: a borrowed pointer. */
const void *image_body(const struct image *image, uint64_t id, Object__BodyCase type);
/* The same of any type. */
const ProtobufCMessage *image_any_body(const struct image *image, uint64_t id);
/* The name of an object's type; "?" for id that is none. */
const char *image_type_name(const struct image *image, uint64_t id);
/* The attributes of an inode of any kind, or NULL. */
const InodeAttr *image_inode_attr(const struct image *image, uint64_t id);

/* The process with that pid, and its first task; NULL. */
const Process *image_process(const struct image *image, uint64_t pid);
const Task *image_first_task(const struct image *image, const Process *process);
const Mm *image_mm(const struct image *image, const Process *process);

/* The name of a dentry as seen from the root of all mounts, at most size - 1 bytes; "?" where the
 * image makes no sense. mount: a Mount's id. */
void image_path(const struct image *image, uint64_t mount, uint64_t dentry, char *ret, size_t size);
/* The mount that has id among its children; 0: none. */
uint64_t image_parent_mount(const struct image *image, uint64_t id);
/* What /proc would say of an open file: its path, or "pipe:[7]" and the like. file: a File's id. */
void image_file_name(const struct image *image, uint64_t file, char *ret, size_t size);
