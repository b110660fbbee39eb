/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "core/base/clock.h"
#include "snapshot/manifest.pb-c.h"
#include "snapshot/report.h"

struct kernel;

struct restore_result {
    nsec_t objects_time, memory_time, total_time;
    uint64_t object_count, chunk_count;
};

/* Fills a new, frozen kernel, which has its platform and host roots, from the image in directory
 * dir (borrowed). -EINVAL: the report says all that does not fit. On failure the kernel is to be
 * freed. */
int restore_read(struct kernel *kernel, int dir, const Manifest *manifest, struct report *report,
                 struct restore_result *ret);
