/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <time.h>

#include "core/base/clock.h"
#include "core/base/uio.h"

#define NSEC_PER_TICK (NSEC_PER_SEC / 100) /* of clock_t */

struct mm;
struct task;
struct timer_setting;

struct timespec timespec_of(nsec_t time);

/* Reads a struct timespec: -EFAULT; -EINVAL: negative, or nanoseconds out of range. Spans past what
 * nsec_t holds become NSEC_NEVER. */
int user_copy_timespec(struct mm *mm, guest_addr_t from, nsec_t *ret);

/* A struct itimerspec, in the same way. */
int user_copy_setting(struct mm *mm, guest_addr_t from, struct timer_setting *ret);
int user_put_setting(struct mm *mm, guest_addr_t to, const struct timer_setting *setting);

/* Is it one of clock_gettime(2)'s, CPU clocks of processes included? */
bool clock_is_known(int clock);
bool clock_is_cpu(int clock);

/* A CPU clock of a process or one of its threads. */
struct cpu_clock {
    int id; /* tid or pid; 0: the caller's */
    bool is_thread;
    bool is_user; /* time in guest code only */
};
/* -EINVAL: it is none. */
int cpu_clock_decode(int clock, struct cpu_clock *ret);
/* -EINVAL: there is no such process or thread. No lock is held. */
int cpu_clock_read(struct task *task, const struct cpu_clock *clock, nsec_t *ret);
/* The time of a clock as the task sees it: -EINVAL. */
int task_clock(struct task *task, int clock, nsec_t *ret);
