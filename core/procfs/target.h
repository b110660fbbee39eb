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

/* The leader of process numbers[0], or thread numbers[1] of it where the node is one of a thread's.
 * /proc/TID is that thread. -ESRCH: there is none. */
int target_get(const struct pseudo_place *place, struct target *ret);
void target_put(struct target *target);
/* The number after those of process and thread. */
int target_number(const struct pseudo_place *place);
/* 0, or -EPERM: who reads or writes may not look into target. */
int target_permit(const struct pseudo_place *place, const struct target *target);

static inline struct kernel *place_kernel(const struct pseudo_place *place)
{
    return kernel_of_context(place->context);
}

/* Who reads or writes; NULL: nobody knows. */
static inline struct task *place_asker(const struct pseudo_place *place)
{
    return place->asker != NULL ? task_of(place->asker) : NULL;
}
