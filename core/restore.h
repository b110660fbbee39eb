/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/clock.h"
#include "snapshot/manifest.pb-c.h"
#include "snapshot/report.h"

struct kernel;

struct restore_result {
    nsec_t objects_time, memory_time, stubs_time, total_time;
    uint64_t object_count, chunk_count;
};

struct restore_options {
    int dir;       /* the image; borrowed */
    bool is_eager; /* memory is read at once; else as it is touched, and in the background */
};

/* Fills a new, frozen kernel, which has its platform and host roots, from an image. -EINVAL: the
 * report says all that does not fit. On failure the kernel is to be freed. */
int restore_read(struct kernel *kernel, const struct restore_options *options,
                 const Manifest *manifest, struct report *report, struct restore_result *ret);
