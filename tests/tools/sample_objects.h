/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "snapshot/kernel_image.h"

/* Objects as a sandbox would save them: dash with a child that sleeps, a file, a pipe, a stream,
 * mounts. Closed and ready to be written. */
void sample_objects(struct kernel_image *image);
