/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <time.h>

#include "core/base/clock.h"
#include "core/base/uio.h"

struct mm;
struct task;

struct timespec timespec_of(nsec_t time);

/* Reads a struct timespec: -EFAULT; -EINVAL: negative, or nanoseconds out of range. Spans past what
 * nsec_t holds become NSEC_NEVER. */
int user_copy_timespec(struct mm *mm, guest_addr_t from, nsec_t *ret);

/* Is it one of clock_gettime(2)'s, CPU clocks of processes included? */
bool clock_is_known(int clock);
/* The time of a clock as the task sees it: -EINVAL. */
int task_clock(struct task *task, int clock, nsec_t *ret);
