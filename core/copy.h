/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "vfs/file.h"

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

extern const struct wait_type copy_wait_type;
