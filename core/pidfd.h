/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/task.h"

/* A file that stands for a process, also when it has ended; a reference. flags: O_NONBLOCK. */
int pidfd_create(struct process *process, uint32_t flags, struct file **ret);
/* The process of a file, a borrowed pointer; NULL: it is none. */
struct process *pidfd_process(const struct file *file);
