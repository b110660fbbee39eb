/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/task.h"

/* The soft limit of a resource, RLIMIT_*. No lock held that is below LOCK_SIGHAND. */
uint64_t task_limit(struct task *task, unsigned resource);
/* Those of memory; and tells the task's address space of them: for calls that map. */
void task_memory_limits(struct task *task, struct mm_limits *ret);
void task_tell_limits(struct task *task);
