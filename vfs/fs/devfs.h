/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "vfs/inode.h"
#include "vfs/vfs_context.h"

/* What is under /dev: a fixed tree. shm and pts are empty directories to mount on. */
struct dev_inode;

extern const struct snapshot_type dev_inode_type;

/* /dev/zero: a map of it is one of anonymous memory. */
bool devfs_is_zero(const struct inode *inode);

/* What a device node of these numbers, made anywhere, does when it is opened; NULL: ENXIO. */
const struct file_ops *device_file_ops(uint64_t rdev);

/* The root directory; a reference. */
int devfs_create(struct vfs_context *context, struct inode **root);
