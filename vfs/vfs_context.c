/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the embedder donates.
 */
#include "vfs/vfs_context.h"

#include <string.h>

struct host_root *vfs_host_root(struct vfs_context *context, const char *name)
{
    for (unsigned i = 0; i < context->root_count; i++) {
        if (strcmp(context->roots[i].name, name) == 0)
            return &context->roots[i];
    }
    return NULL;
}
