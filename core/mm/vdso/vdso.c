/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vDSO: runs in guests, linked alone, without a library. Clocks are the time stamp counter
 * scaled by the data page behind this text; whoever is interrupted by an update, or by a
 * checkpoint, finds another sequence and reads again. What it does not know it asks the kernel.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "core/mm/vdso/vdso_data.h"

#define NS_PER_SEC INT64_C(1000000000)

/* The first byte behind the text: vdso.lds. */
extern const struct vdso_data vdso_data_page __attribute__((visibility("hidden")));

int __vdso_clock_gettime(clockid_t clock, struct timespec *to);
int __vdso_gettimeofday(struct timeval *to, struct timezone *zone);
time_t __vdso_time(time_t *to);
int __vdso_getcpu(unsigned *cpu, unsigned *node); /* the third argument is not used */

static long call(long nr, const void *a, const void *b, const void *c)
{
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(nr), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}

static uint64_t read_tsc(void)
{
    uint32_t low, high;

    __asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

/* Nanoseconds of one of the two clocks; false: the kernel knows. */
static bool read_clock(bool is_realtime, int64_t *ret)
{
    const struct vdso_data *data = &vdso_data_page;
    uint64_t now, from, scale;
    uint32_t sequence, mode;
    int64_t base;

    do {
        while ((sequence = __atomic_load_n(&data->sequence, __ATOMIC_ACQUIRE)) & 1)
            __builtin_ia32_pause();
        mode = __atomic_load_n(&data->mode, __ATOMIC_RELAXED);
        from = __atomic_load_n(&data->tsc, __ATOMIC_RELAXED);
        scale = __atomic_load_n(&data->scale, __ATOMIC_RELAXED);
        base = __atomic_load_n(is_realtime ? &data->realtime : &data->monotonic, __ATOMIC_RELAXED);
        now = read_tsc();
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (__atomic_load_n(&data->sequence, __ATOMIC_RELAXED) != sequence);
    if (mode != VDSO_MODE_TSC)
        return false;
    if (now > from) /* CPUs may differ by some ticks */
        base += (int64_t)((unsigned __int128)(now - from) * scale >> 32);
    *ret = base;
    return true;
}

int __vdso_clock_gettime(clockid_t clock, struct timespec *to)
{
    bool is_realtime = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
    int64_t now;

    if ((!is_realtime && clock != CLOCK_MONOTONIC && clock != CLOCK_MONOTONIC_COARSE) ||
        !read_clock(is_realtime, &now))
        return (int)call(SYS_clock_gettime, (void *)(long)clock, to, NULL);
    to->tv_sec = now / NS_PER_SEC;
    to->tv_nsec = now % NS_PER_SEC;
    return 0;
}

int __vdso_gettimeofday(struct timeval *to, struct timezone *zone)
{
    int64_t now;

    if (zone || !to || !read_clock(true, &now))
        return (int)call(SYS_gettimeofday, to, zone, NULL);
    to->tv_sec = now / NS_PER_SEC;
    to->tv_usec = now % NS_PER_SEC / 1000;
    return 0;
}

time_t __vdso_time(time_t *to)
{
    int64_t now;

    if (!read_clock(true, &now))
        return call(SYS_time, to, NULL, NULL);
    if (to)
        *to = now / NS_PER_SEC;
    return now / NS_PER_SEC;
}

int __vdso_getcpu(unsigned *cpu, unsigned *node)
{
    return (int)call(SYS_getcpu, cpu, node, NULL);
}

/* The names without a prefix, as Linux's has them. */
__asm__(".weak clock_gettime, gettimeofday, time, getcpu\n\t"
        ".set clock_gettime, __vdso_clock_gettime\n\t"
        ".set gettimeofday, __vdso_gettimeofday\n\t"
        ".set time, __vdso_time\n\t"
        ".set getcpu, __vdso_getcpu\n\t"
        ".type clock_gettime, @function\n\t"
        ".type gettimeofday, @function\n\t"
        ".type time, @function\n\t"
        ".type getcpu, @function");
