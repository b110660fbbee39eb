/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/kernel.h"
#include "vfs/fs/pseudofs.h"

/* What is in /sys: vfs_context.sys of every kernel. */
extern const struct pseudo_fs sysfs;

/* The root directory of /sys; a reference. */
int sysfs_create(struct kernel *kernel, struct inode **ret);
