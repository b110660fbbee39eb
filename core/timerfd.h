/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/timerfd.h>

#include "core/timers.h"
#include "vfs/cred.h"
#include "vfs/file.h"

struct kernel;

/* Returns a reference to a file; clock is checked, flags are O_NONBLOCK or 0. */
int timerfd_create_file(struct kernel *kernel, int clock, uint32_t flags, const struct cred *cred,
                        struct file **ret);
bool timerfd_is(const struct file *file);
/* setting->span is a point of its clock with TFD_TIMER_ABSTIME. *old is what was left. */
void timerfd_set(struct file *file, int flags, const struct timer_setting *setting,
                 struct timer_setting *old);
void timerfd_get(struct file *file, struct timer_setting *ret);
