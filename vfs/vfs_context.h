/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "core/base/events.h"
#include "snapshot/report.h"

struct pseudo_fs;

/* A host directory (or file) that was donated: the root or a bind. */
struct host_root {
    char *name; /* its key in images: "/" for the root, else the destination of the bind */
    char *path; /* of the source on the host, for messages */
    int fd;     /* O_PATH; of a file: open as it may be used. Owned by this table */
    bool is_writable;
};

/*
 * What vfs needs from the embedder, the first member of struct kernel: saver_context and
 * loader_context point to it.
 */
struct vfs_context {
    struct host_root *roots;
    unsigned root_count;
    int stdio[3]; /* donated; -1: none (reads give end of file, writes vanish) */
    struct events *events;
    const struct pseudo_fs *proc; /* what is in /proc: set once at start, before any load */
    const struct pseudo_fs *sys;  /* what is in /sys */
    bool is_strict;               /* --strict-files */
    uint64_t ghost_limit;         /* largest deleted file that goes into an image, bytes */
};

struct host_root *vfs_host_root(struct vfs_context *context, const char *name); /* or NULL */
