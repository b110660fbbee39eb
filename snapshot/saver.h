/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <bsd/sys/queue.h>

#include "snapshot/snapshot.h"

/* Private to snapshot/: the state of a save. */

struct visit;
struct save_block;

struct saver {
    const struct snapshot_save_options *options;
    STAILQ_HEAD(, visit) queue;
    struct visit *visits; /* hash */
    uint64_t count;
    struct save_block *blocks; /* memory of the message being made */
    int err;                   /* the first error that an x_save could not return */
};

/* Remembers an error, the first one. */
void saver_set_error(struct saver *saver, int err);
/* Ends the life of all that save_alloc gave. */
void saver_free_blocks(struct saver *saver);
