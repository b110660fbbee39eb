/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clocks that guests read. The monotonic ones are the sandbox clock, which stands while the
 * sandbox is frozen or an image; CLOCK_REALTIME and CLOCK_TAI are the host's. Both as the vDSO
 * tells them, once it does. CPU clocks are usage.c's. A negative number names the CPU clock of a
 * process or thread, as Linux makes them: the id, inverted, above three bits.
 */
#include "core/clocks.h"

#include <errno.h>

#include "core/base/host.h"
#include "core/kernel.h"
#include "core/task.h"

enum { CLOCK_COUNT = CLOCK_TAI + 1 };

/* The low bits of a CPU clock. Linux: CPUCLOCK_*. */
enum { CPU_ALL, CPU_USER, CPU_TIME, CPU_KINDS, CPU_OF_THREAD = 4 };

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

int user_copy_setting(struct mm *mm, guest_addr_t from, struct timer_setting *ret)
{
    int err = user_copy_timespec(mm, from, &ret->interval);

    return err < 0 ? err : user_copy_timespec(mm, from + sizeof(struct timespec), &ret->span);
}

int user_put_setting(struct mm *mm, guest_addr_t to, const struct timer_setting *setting)
{
    const struct itimerspec value = {.it_interval = timespec_of(setting->interval),
                                     .it_value = timespec_of(setting->span)};

    return user_copy_out(mm, to, &value, sizeof(value));
}

bool clock_is_known(int clock)
{
    const int sgi_cycle = 10; /* CLOCK_SGI_CYCLE: the number is not used any more */

    return clock < 0 || (clock < CLOCK_COUNT && clock != sgi_cycle);
}

bool clock_is_cpu(int clock)
{
    return clock < 0 || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
}

int cpu_clock_decode(int clock, struct cpu_clock *ret)
{
    if (clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID) {
        *ret = (struct cpu_clock){.is_thread = clock == CLOCK_THREAD_CPUTIME_ID};
        return 0;
    }
    if (clock >= 0 || (clock & 3) >= CPU_KINDS)
        return -EINVAL; /* files of clocks have the last kind: there are none */
    *ret = (struct cpu_clock){.id = ~(clock >> 3),
                              .is_thread = (clock & CPU_OF_THREAD) != 0,
                              .is_user = (clock & 3) == CPU_USER};
    return ret->id < 0 ? -EINVAL : 0;
}

/* Threads of other processes are not seen. */
static int find_thread(struct task *task, const struct cpu_clock *clock, struct usage *ret)
{
    struct task *target = clock->id == 0 ? task : task_find(task_kernel(task), clock->id);

    if (target == NULL || target->process != task->process)
        return -EINVAL;
    usage_of_task(target, ret);
    return 0;
}

static int find_process(struct task *task, const struct cpu_clock *clock, struct usage *ret)
{
    bool is_own = clock->id == 0 || clock->id == task->tid;
    struct process *target = is_own ? task->process : process_find(task_kernel(task), clock->id);

    if (target == NULL)
        return -EINVAL;
    usage_of_process(target, ret);
    return 0;
}

int cpu_clock_read(struct task *task, const struct cpu_clock *clock, nsec_t *ret)
{
    struct kernel *kernel = task_kernel(task);
    struct usage usage;

    usage_settle(task);
    mutex_lock(&kernel->tasks_lock);
    int err =
        clock->is_thread ? find_thread(task, clock, &usage) : find_process(task, clock, &usage);
    mutex_unlock(&kernel->tasks_lock);
    if (err == 0)
        *ret = clock->is_user ? usage.user : usage.user + usage.system;
    return err;
}

int task_clock(struct task *task, int clock, nsec_t *ret)
{
    struct kernel *kernel = task_kernel(task);
    struct cpu_clock cpu;
    nsec_t monotonic;
    nsec_t realtime;

    if (cpu_clock_decode(clock, &cpu) == 0)
        return cpu_clock_read(task, &cpu, ret);
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
    default:
        return -EINVAL;
    }
}
