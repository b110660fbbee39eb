/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "vfs/file.h"
#include "vfs/vfs_context.h"

/* A donated descriptor of the host: standard input, output and error output. */
struct host_stream;

extern const struct snapshot_type host_stream_type;

/* A file on context->stdio[index], open for what the descriptor is open for (none: for both).
 * Returns a reference. The descriptor stays the context's, which outlives the file. */
int host_stream_open(struct vfs_context *context, unsigned index, struct file **ret);

/* The index of the stream that an inode is, or -1. */
int host_stream_index(const struct inode *inode);
