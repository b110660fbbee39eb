/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/clock.h"
#include "snapshot/image_file.h"
#include "snapshot/pages_writer.h"
#include "snapshot/report.h"

struct kernel;

struct checkpoint_options {
    int dir; /* where the files are made; borrowed */
    bool leave_running;
    struct pages_options pages;
};

/* What was written and what it took: for the manifest and for people. */
struct checkpoint_result {
    struct image_file kernel_image;
    struct pages_totals pages;
    uint64_t object_count, root_count;
    uint64_t process_count, task_count, blocked_count;
    uint64_t epoch;
    nsec_t monotonic, realtime; /* the stopped clock, and the host's then */
    nsec_t freeze_time, pause_time, total_time;
    uint64_t aside, in_place, slot_waits;
};

/* Freezes, saves the kernel into the files of an image, and thaws if it is left running; otherwise
 * it stays frozen. On failure it runs on as if nothing had happened, and the report may say more.
 * The thread that calls is outside of the gate. */
int checkpoint_write(struct kernel *kernel, const struct checkpoint_options *options,
                     struct report *report, struct checkpoint_result *ret);
