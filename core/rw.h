/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/ranges.h"
#include "core/task.h"

/* RWF_* that are known. */
enum { RW_FLAGS = RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND };

/* The wait record of read, write and their kin. */
struct rw_wait {
    struct wait_record base;
    struct file *file; /* a reference */
    bool is_write;
    bool has_position; /* at position (pread); else at the file's own */
    bool is_partial;   /* a write that waits only until it has begun (vmsplice) */
    uint32_t flags;    /* RWF_* */
    struct user_ranges ranges;
    uint64_t done;     /* bytes moved so far */
    uint64_t position; /* behind them */
    struct wait_entry entry;
};

extern const struct wait_type rw_wait_type;

/* What distinguishes the calls. */
struct rw_mode {
    bool is_write;
    bool has_position;
    int64_t position;
    uint32_t flags; /* RWF_* */
    bool is_partial;
};

/* Carry the call out: the bytes moved or -errno. SIGPIPE is sent here. */
int64_t rw_run(struct task *task, int fd, guest_addr_t address, uint64_t size,
               const struct rw_mode *mode);
int64_t rw_run_vector(struct task *task, int fd, guest_addr_t ranges, int count,
                      const struct rw_mode *mode);

/* Before a transfer by waiter's task, and before anything is pinned for it. position as below. */
int rw_prepare(struct waiter *waiter, struct file *file, bool is_write, const uint64_t *position);
/* One transfer: as file_ops->read and write, with the lock of the file's position; position NULL:
 * the file's own. Nothing is locked. */
int64_t rw_transfer(struct file *file, bool is_write, struct uio *uio, uint64_t *position,
                    size_t more, const struct file_wait *wait);

/* How many bytes a write at position (NULL: the file's own) may move: RLIMIT_FSIZE. -EFBIG: none,
 * and SIGXFSZ was sent. */
int rw_room(struct task *task, struct file *file, const uint64_t *position, bool is_append,
            size_t *ret);

/* lseek of a file that has one. Nothing is locked. */
int64_t rw_seek(struct file *file, int64_t offset, int whence);

/* A long call gives way to a closing gate between two parts: what step then returns, or 0. */
int64_t rw_give_way(struct waiter *waiter, struct wait_record *record);
