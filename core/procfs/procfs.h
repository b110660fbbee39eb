/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/kernel.h"
#include "vfs/fs/pseudofs.h"

/* What is in /proc: vfs_context.proc of every kernel. */
extern const struct pseudo_fs procfs;

/* The root directory of /proc; a reference. */
int procfs_create(struct kernel *kernel, struct inode **ret);
