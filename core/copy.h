/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "vfs/file.h"

struct task;

/* One side of a copy between files. */
struct copy_end {
    struct file *file;    /* a reference */
    guest_addr_t address; /* of the guest's own position (loff_t); 0: the file's */
    uint64_t position;    /* if address is not 0 */
};

/* The wait record of sendfile and copy_file_range. */
struct copy_wait {
    struct wait_record base;
    struct copy_end in, out;
    uint64_t size, done;
    struct wait_entry entry; /* in the queue of the writers of out */
};

/* The wait record of splice and tee. */
struct splice_wait {
    struct wait_record base;
    struct copy_end in, out;
    uint64_t size, done;
    bool is_tee;
    bool is_nonblocking;
    struct wait_entry in_entry, out_entry; /* for data; for room */
};

extern const struct wait_type copy_wait_type, splice_wait_type;

/* Takes fd's file, and the position at address (0: the file's own is used). -EBADF, -EFAULT,
 * -EINVAL, -ESPIPE. */
int copy_begin_end(struct task *task, struct copy_end *end, int fd, guest_addr_t address);
/* The result of a call that moved done bytes and ends with err (0: well): SIGPIPE; the guest's own
 * positions are given back. */
int64_t copy_result(struct waiter *waiter, const struct copy_end *in, const struct copy_end *out,
                    uint64_t done, int64_t err);
