/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/kernel.h"
#include "vfs/fs/pseudofs.h"

/* The process or thread that a place below /proc/PID tells about: references, each but process NULL
 * where it is gone (a zombie). */
struct target {
    struct process *process;
    struct task *task;
    struct mm *mm;
    struct files *files;
    struct fs *fs;
};

/* The leader of process numbers[0]. -ESRCH: there is none. */
int target_get(const struct pseudo_place *place, struct target *ret);
/* Thread numbers[1] of it. */
int target_get_thread(const struct pseudo_place *place, struct target *ret);
void target_put(struct target *target);

static inline struct kernel *place_kernel(const struct pseudo_place *place)
{
    return kernel_of_context(place->context);
}
