/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <limits.h>

#include "core/task.h"

/* The descriptor and the name that a call like openat takes: read once, with the references that
 * resolving them needs. */
struct path_argument {
    char name[PATH_MAX];
    struct path at; /* where a relative name starts; empty: the working directory */
    struct fs_view view;
};

/* fd may be AT_FDCWD. -EFAULT, -ENAMETOOLONG, -EBADF; -ENOTDIR when fd is of no directory and the
 * name is relative and not empty. What is returned with 0 is to be put. */
int path_argument_get(struct task *task, int fd, guest_addr_t name, struct path_argument *ret);
void path_argument_put(struct path_argument *argument);
/* The place to give to vfs calls: NULL for the working directory. */
const struct path *path_argument_at(const struct path_argument *argument);

/* The whole of it: the name is resolved, too. ret is a reference. */
int path_argument_lookup(struct task *task, int fd, guest_addr_t name, unsigned lookup,
                         struct path *ret);
