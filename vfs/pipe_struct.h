/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <bsd/sys/queue.h>

#include "vfs/pipe.h"

/* Bytes that lie together: a packet, whose end a read does not pass, or plain ones. */
struct pipe_segment {
    uint32_t size;
    bool is_packet;
};

enum { PIPE_SEGMENTS_MAX = PIPE_CAPACITY_MAX / 4096 }; /* a page each, at most */

/* A pipe: pipe.c, pipe_ring.c and fifo.c. */
struct pipe {
    union {
        struct object object;
        struct inode inode;
    };
    struct inode *node; /* a reference: the FIFO that it belongs to; NULL: made by pipe(2) */
    uint32_t capacity;  /* a power of two; lock guards it and what follows */
    uint32_t size;
    uint8_t *data;
    struct pipe_segment *segments; /* room for PIPE_SEGMENTS_MAX; NULL: there were no packets yet */
    uint32_t segment_count;        /* 0: all bytes are plain */
    uint32_t reader_opens, writer_opens; /* of a FIFO, from 1 on: who opens waits for the next */
    /* not saved, derived */
    uint32_t reader_count, writer_count;
    struct wait_queue readers, writers;
    struct wait_queue openers; /* who opens a FIFO and waits for the other side */
    bool is_listed;            /* node can be asked for it */
    /* not saved */
    LIST_ENTRY(pipe) link; /* of the FIFOs that are open: fifo.c */
    struct mutex lock;     /* LOCK_PIPE */
    uint32_t start;        /* a loaded pipe starts at 0 */
    uint32_t reserved;     /* room held during a splice, which never lasts over a sleep */
};

extern const struct file_ops pipe_file_ops;

/* An empty pipe; a reference. */
int pipe_alloc(const struct cred *cred, struct pipe **ret);
/* Under the lock: everybody looks again. */
void pipe_kick(struct pipe *pipe);
/* What reads and writes are made of; under the lock. */
int64_t pipe_take(struct pipe *pipe, struct uio *uio);
int64_t pipe_give(struct pipe *pipe, struct uio *uio, bool is_atomic, bool is_packet);
/* May a write of PIPE_ATOMIC bytes go in? */
bool pipe_is_writable(const struct pipe *pipe);

/* --- fifo.c --- */
/* A file was made (not: loaded) on the pipe of a FIFO. Under the lock. */
void fifo_count_open(struct pipe *pipe, struct file *file);
/* A loaded pipe with a node; false: the node has one already, or is no FIFO. */
bool fifo_relink(struct pipe *pipe);
/* The pipe goes: its node forgets it. */
void fifo_forget(struct pipe *pipe);
