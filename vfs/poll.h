/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "vfs/file.h"

/* Where one who polls a file stands: in its queues, as far as it has any. */
struct poll_place {
    struct wait_entry reading, writing;
};

/* Queues, before looking with file_poll: so no change is missed. events are those of interest; the
 * others' queue is left out where the file is told of without it. */
void poll_join(struct file *file, struct poll_place *place, uint32_t events, struct waiter *waiter);
void poll_leave(struct poll_place *place);

/* A place ↔ its message. relink puts it back in its queues; takes no lock. */
int poll_place_save(struct saver *saver, const struct poll_place *place, PollPlace **ret);
void poll_place_load(struct loader *loader, const char *field, struct poll_place *place,
                     const PollPlace *message);
void poll_place_relink(struct file *file, struct poll_place *place, struct waiter *waiter);
