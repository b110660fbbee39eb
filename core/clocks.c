/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clocks that guests read. The monotonic ones are the sandbox clock, which stands while the
 * sandbox is frozen or an image; CLOCK_REALTIME and CLOCK_TAI are the host's. Both as the vDSO
 * tells them, once it does. CPU clocks count the time that a process' threads were in guest code.
 */
#include "core/clocks.h"

#include <errno.h>

#include "core/base/host.h"
#include "core/kernel.h"
#include "core/task.h"

enum { CLOCK_COUNT = CLOCK_TAI + 1, MICROSECONDS = 1000000 };

struct timespec timespec_of(nsec_t time)
{
    return (struct timespec){.tv_sec = time / NSEC_PER_SEC, .tv_nsec = time % NSEC_PER_SEC};
}

int user_copy_timespec(struct mm *mm, guest_addr_t from, nsec_t *ret)
{
    struct timespec value;
    int err = user_copy_in(mm, &value, from, sizeof(value));

    if (err < 0)
        return err;
    if (value.tv_sec < 0 || value.tv_nsec < 0 || value.tv_nsec >= NSEC_PER_SEC)
        return -EINVAL;
    if (__builtin_mul_overflow(value.tv_sec, NSEC_PER_SEC, ret) ||
        __builtin_add_overflow(*ret, value.tv_nsec, ret))
        *ret = NSEC_NEVER;
    return 0;
}

bool clock_is_known(int clock)
{
    const int sgi_cycle = 10; /* CLOCK_SGI_CYCLE: the number is not used any more */

    return clock < 0 || (clock < CLOCK_COUNT && clock != sgi_cycle);
}

int task_clock(struct task *task, int clock, nsec_t *ret)
{
    struct kernel *kernel = task_kernel(task);
    nsec_t monotonic;
    nsec_t realtime;

    if (!vdso_now(kernel, &monotonic, &realtime)) {
        monotonic = clock_now(&kernel->clock);
        realtime = host_clock_realtime();
    }
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_REALTIME_ALARM:
    case CLOCK_TAI:
        *ret = realtime;
        return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
    case CLOCK_BOOTTIME_ALARM:
        *ret = monotonic;
        return 0;
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
        *ret = atomic_load(&task->process->cpu_time);
        return 0;
    default:
        return -EINVAL;
    }
}
