/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "vfs/file.h"

enum {
    PIPE_ATOMIC = 4096,       /* PIPE_BUF: a write of at most so much goes in whole or waits */
    PIPE_CAPACITY = 64 << 10, /* of a new pipe */
    PIPE_CAPACITY_MIN = 4096, /* one page */
    PIPE_CAPACITY_MAX = 1024 << 10, /* /proc/sys/fs/pipe-max-size */
};

struct pipe;

extern const struct snapshot_type pipe_type;

/* Two files on a new pipe, references both. flags: O_NONBLOCK and the like, for both. cred: the
 * owner fstat tells. */
int pipe_create(const struct cred *cred, uint32_t flags, struct file **reader,
                struct file **writer);

/* The pipe of a file, a borrowed pointer; NULL: it is none. */
struct pipe *pipe_of_file(const struct file *file);

uint32_t pipe_capacity(struct pipe *pipe);
/* Rounds up to a power of two of pages and returns it. -EBUSY: more is in it. -EPERM: too much. */
int64_t pipe_set_capacity(struct pipe *pipe, uint64_t capacity);
