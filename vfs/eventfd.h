/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "vfs/file.h"

/* A file on a new counter, a reference. flags: O_NONBLOCK. */
int eventfd_create(uint64_t count, bool is_semaphore, uint32_t flags, struct file **ret);
