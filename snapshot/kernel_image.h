/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "snapshot/objects.pb-c.h"
#include "snapshot/report.h"

/* kernel.img in memory: zstd frames of varint-delimited objects. The counts stand in the manifest.
 */
struct kernel_image {
    struct bytes frames;
    uint64_t object_count;
    uint64_t root_count;
    struct bytes open_frame; /* objects not compressed yet */
};

/* Called for each object of an image, in order. */
typedef int kernel_image_object_fn(void *context, const uint8_t *packed, size_t size);

int kernel_image_add(struct kernel_image *image, const Object *object);
int kernel_image_add_packed(struct kernel_image *image, const uint8_t *packed, size_t size);

/* After the last object. */
int kernel_image_close(struct kernel_image *image);

/* Reads a hostile image. -EINVAL: the report says what is wrong; or what object returned. */
int kernel_image_read(const struct kernel_image *image, kernel_image_object_fn *object,
                      void *context, struct report *report);

void kernel_image_fini(struct kernel_image *image);
