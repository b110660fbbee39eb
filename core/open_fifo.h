/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/task.h"

/* The wait record of opening a FIFO. */
struct open_fifo_wait {
    struct wait_record base;
    struct file *file; /* a reference: it counts as open already */
    bool is_cloexec;
    struct wait_entry entry;
};

extern const struct wait_type open_fifo_wait_type;

/* The end of every open: waits for the other side of a FIFO, then enters the file (a reference,
 * taken) into the table. A descriptor or -errno. */
int64_t open_finish(struct task *task, struct file *file, bool is_cloexec);
