/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "snapshot/pages_reader.h"
#include "snapshot/working_set.h"

struct kernel;

/* The background of a lazy restore: reads what guests have not asked for, and notes what they
 * touch. */
struct pager;

/* Frozen, after the objects are loaded: all chunks of the image are absent now, and loaded from
 * reader. Takes reader and set, also on failure. -EINVAL: the report names a chunk. */
int pager_create(struct kernel *kernel, struct pages_reader *reader, struct working_set *set,
                 struct report *report, struct pager **ret);
/* Starts the thread. The functions below accept NULL. */
int pager_start(struct pager *pager);
/* Returns when the thread stands; it goes on after resume. The caller is outside of the gate, which
 * is open. */
void pager_pause(struct pager *pager);
void pager_resume(struct pager *pager);
/* Ends the thread: the gate has ended, or nobody closes it any more. */
void pager_stop(struct pager *pager);
/* Stopped; nobody touches memory any more. */
void pager_free(struct pager *pager);
/* Paused: the image that absent chunks are in; NULL: all is loaded. */
const struct pages_reader *pager_reader(const struct pager *pager);
/* Frozen: what was touched since the restore, in the order of first touch; borrowed. */
size_t pager_touched(const struct pager *pager, const uint64_t **ret);

/* True while first touches are noted, for two seconds or until a checkpoint. */
bool pager_is_recording(const struct pager *pager);
/* Inside the gate: the chunk of the memfile at offset is being touched. */
void pager_note_touch(struct pager *pager, uint64_t offset);
