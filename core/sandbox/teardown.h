/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/control.h"
#include "core/kernel.h"

/* Frees all that a sandbox was made of, at whatever point it ended. False: something is left, an
 * object, memory of a guest, a descriptor, a leak; the log says what. kernel may be NULL. */
bool teardown(struct kernel *kernel, struct control_start *start);
