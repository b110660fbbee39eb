/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/base/clock.h"

struct kernel;

/* Stops everything; -ETIMEDOUT (deadline in host time): nothing has happened. Any thread but a
 * task's. */
int kernel_freeze(struct kernel *kernel, nsec_t deadline);
void kernel_thaw(struct kernel *kernel);
/* Asserts the invariant of the frozen kernel. */
void kernel_assert_frozen(struct kernel *kernel);
