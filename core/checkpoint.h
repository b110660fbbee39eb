/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/clock.h"
#include "snapshot/image_file.h"
#include "snapshot/pages_writer.h"
#include "snapshot/report.h"
#include "snapshot/working_set.h"

struct kernel;

struct checkpoint_options {
    int dir; /* where the files are made; borrowed */
    bool leave_running;
    bool is_frozen; /* it is already, and stays so whatever happens */
    struct pages_options pages;
};

/* What was written and what it took: for the manifest and for people. */
struct checkpoint_result {
    struct image_file kernel_image;
    struct pages_totals pages;
    uint64_t object_count, root_count;
    uint64_t process_count, task_count, blocked_count;
    uint64_t epoch;
    nsec_t monotonic, realtime;    /* the stopped clock, and the host's then */
    struct image_file working_set; /* size 0: none was written */
    nsec_t freeze_time, pause_time, total_time;
    nsec_t objects_time, protect_time, collect_time;
    uint64_t aside, in_place, slot_waits;
};

/* Frozen: which chunks whoever goes on from here touches first: what the registers point to, what
 * was touched first after the last restore, what was written last. */
int checkpoint_guess_set(struct kernel *kernel, struct working_set *ret);

/* Freezes, saves the kernel into the files of an image, and thaws if it is left running; otherwise
 * it stays frozen. On failure it runs on as if nothing had happened, and the report may say more.
 * The thread that calls is outside of the gate. */
int checkpoint_write(struct kernel *kernel, const struct checkpoint_options *options,
                     struct report *report, struct checkpoint_result *ret);
