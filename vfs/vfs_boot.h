/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "vfs/mount.h"
#include "vfs/vfs_context.h"

/* The tree of a new sandbox. Mountpoints that are missing are made, parents too. */

/* The root "/" of context, below an overlay in memory or as it is; /run is covered by an
 * empty directory in memory. Returns a reference. -ENOENT: nothing is donated for "/". */
int vfs_mount_root(struct vfs_context *context, bool overlay, struct mount **ret);
/* A donated directory or file at dst; read-only unless it was donated for writing. */
int vfs_mount_bind(struct mount *root, const struct host_root *host, const char *dst);
int vfs_mount_tmpfs(struct mount *root, const char *dst, uint32_t mode);
/* Any file system. flags: MOUNT_*. */
int vfs_mount(struct mount *root, const char *dst, struct inode *fs_root, const char *type,
              const char *source, unsigned flags);
