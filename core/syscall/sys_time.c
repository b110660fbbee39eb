/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading clocks. Nobody here can set them.
 */
#include <errno.h>
#include <sys/time.h>
#include <sys/timex.h>

#include "core/base/host.h"
#include "core/clocks.h"
#include "core/kernel.h"
#include "core/syscall/syscall_table.h"
#include "core/task.h"

int64_t sys_clock_gettime(struct task *task, int clock, guest_addr_t to)
{
    nsec_t time;
    int err = task_clock(task, clock, &time);

    if (err < 0)
        return err;
    struct timespec value = timespec_of(time);
    return user_copy_out(task->mm, to, &value, sizeof(value));
}

/* CPU clocks of what is not there are unknown. */
static int check_clock(struct task *task, int clock)
{
    nsec_t time;

    if (!clock_is_known(clock))
        return -EINVAL;
    return clock_is_cpu(clock) ? task_clock(task, clock, &time) : 0;
}

int64_t sys_clock_getres(struct task *task, int clock, guest_addr_t to)
{
    struct timespec value = {.tv_nsec = 1};
    bool counts_ticks = clock < 0 && (clock & 2) == 0; /* Linux: CPUCLOCK_PROF and VIRT */
    int err = check_clock(task, clock);

    if (err < 0)
        return err;
    if (clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE || counts_ticks)
        value.tv_nsec = 4 * NSEC_PER_MSEC;
    return to == 0 ? 0 : user_copy_out(task->mm, to, &value, sizeof(value));
}

int64_t sys_gettimeofday(struct task *task, guest_addr_t to, guest_addr_t zone)
{
    nsec_t now;
    (void)task_clock(task, CLOCK_REALTIME, &now);
    struct timeval value = {.tv_sec = now / NSEC_PER_SEC, .tv_usec = now % NSEC_PER_SEC / 1000};
    struct timezone utc = {0};
    int err = 0;

    if (to != 0)
        err = user_copy_out(task->mm, to, &value, sizeof(value));
    if (err == 0 && zone != 0)
        err = user_copy_out(task->mm, zone, &utc, sizeof(utc));
    return err;
}

int64_t sys_time(struct task *task, guest_addr_t to)
{
    nsec_t time;
    (void)task_clock(task, CLOCK_REALTIME, &time);
    int64_t now = time / NSEC_PER_SEC;
    int err = to == 0 ? 0 : user_copy_out(task->mm, to, &now, sizeof(now));

    return err < 0 ? err : now;
}

/* *Linux:* the state of the host's clock is not told. */
static int64_t read_adjustment(struct task *task, guest_addr_t to)
{
    const nsec_t tick = 10000; /* us between ticks, as it is said since ever */
    struct timex value;
    nsec_t now;
    int err = user_copy_in(task->mm, &value, to, sizeof(value));

    if (err < 0)
        return err;
    if (value.modes != 0 && value.modes != ADJ_OFFSET_SS_READ)
        return -EPERM;
    (void)task_clock(task, CLOCK_REALTIME, &now);
    value = (struct timex){
        .status = STA_UNSYNC,
        .maxerror = 16000000,
        .esterror = 16000000,
        .constant = 2,
        .precision = 1,
        .tolerance = 32768000,
        .tick = tick,
        .time = {.tv_sec = now / NSEC_PER_SEC, .tv_usec = now % NSEC_PER_SEC / 1000}};
    err = user_copy_out(task->mm, to, &value, sizeof(value));
    return err < 0 ? err : TIME_ERROR;
}

int64_t sys_adjtimex(struct task *task, guest_addr_t to)
{
    return read_adjustment(task, to);
}

int64_t sys_clock_adjtime(struct task *task, int clock, guest_addr_t to)
{
    if (clock == CLOCK_REALTIME)
        return read_adjustment(task, to);
    return clock_is_known(clock) ? -EOPNOTSUPP : -EINVAL;
}
