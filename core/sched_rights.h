/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/task.h"

/* All under the tasks lock. */

/* Is target of task's user, or task privileged? */
bool sched_is_owner(const struct task *task, const struct task *target);
/* May task give target a higher priority by nice? RLIMIT_NICE. */
bool sched_may_nice(const struct task *task, const struct task *target, int nice);
/* May target's policy, priority, nice and resets_on_fork become new's? 0 or -EPERM. */
int sched_may_change(const struct task *task, const struct task *target,
                     const struct sched_state *new);
