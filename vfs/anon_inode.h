/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "vfs/file.h"

/* For x_init of an inode that never has a name and whose attributes are nobody's (Linux:
 * anon_inode). ops has anon_inode_refuse as open, and the name that /proc/pid/fd shows. Nothing of
 * the inode itself is saved. */
void anon_inode_init(struct inode *inode, const struct inode_ops *ops,
                     const struct file_ops *file_ops);
/* -ENXIO: it cannot be opened by the link in /proc/pid/fd. */
int anon_inode_refuse(struct inode **inode, int flags);
/* A file on a new inode, whose reference is taken, also on failure. */
int anon_inode_open(struct inode *inode, uint32_t flags, struct file **ret);
