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
/* Rounds up to a power of two of pages and returns it. -EBUSY: more is in it. -EPERM: too much;
 * -EINVAL: more than any pipe has. *Linux:* root may have more than PIPE_CAPACITY_MAX. */
int64_t pipe_set_capacity(struct pipe *pipe, uint64_t capacity);

/* --- FIFOs: fifo.c --- */
/* For inode_open: replaces a FIFO (a reference, taken) by its pipe, which is made if nobody has it
 * open. -ENXIO: a writer that does not wait, and there is no reader. */
int fifo_open(struct inode **inode, int flags);
/* Does the open call that made the file have to wait for the other side? Then entry is queued. */
bool fifo_open_waits(struct file *file, struct wait_entry *entry, struct waiter *waiter);
/* The queue that such a call waits in; NULL: none. */
struct wait_queue *fifo_open_queue(struct file *file);

/* --- splices: pipe_ring.c. Results as those of file_ops->read and write --- */
/* Holds room for at most size bytes, which pipe_commit fills (size <= reserved) and lets go. */
int64_t pipe_reserve(struct pipe *pipe, uint32_t size, const struct file_wait *wait);
void pipe_commit(struct pipe *pipe, uint32_t reserved, const void *data, uint32_t size);
/* Copies the first bytes. */
int64_t pipe_peek(struct pipe *pipe, void *to, uint32_t size, const struct file_wait *wait);
/* Takes the first bytes out, and holds their room; pipe_put_back puts size bytes of them, the last
 * ones, back in front and lets go. */
int64_t pipe_take_out(struct pipe *pipe, void *to, uint32_t size, const struct file_wait *wait);
void pipe_put_back(struct pipe *pipe, uint32_t taken, const void *data, uint32_t size);
