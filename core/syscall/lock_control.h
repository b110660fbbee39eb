/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/task.h"

/* The lock commands of fcntl (F_GETLK and its kin), for the file (a reference, taken) of fd. */
int64_t lock_control(struct task *task, int fd, struct file *file, int command,
                     guest_addr_t argument);
