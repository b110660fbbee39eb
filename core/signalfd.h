/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/kernel.h"

/* A file that tells the signals of mask that whoever reads it has pending; a reference. */
int signalfd_create(struct kernel *kernel, uint64_t mask, uint32_t flags, struct file **ret);
/* Another mask. -EINVAL: it is no such file. */
int signalfd_set_mask(struct file *file, uint64_t mask);
/* A signal has been queued somewhere. Under any lock up to LOCK_SIGHAND. */
void signalfd_kick(struct kernel *kernel);
