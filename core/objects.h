/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "snapshot/snapshot.h"

/* All types of the kernel: what a snapshot needs to know of it. */
extern const struct snapshot_types object_types;
