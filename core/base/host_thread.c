/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads, futexes and the host's clocks.
 */
#include <assert.h>
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "core/base/host.h"
#include "core/base/host_inject.h"

enum { STACK_SIZE = 512 << 10 };

static struct timespec to_timespec(nsec_t time)
{
    return (struct timespec){.tv_sec = time / NSEC_PER_SEC, .tv_nsec = time % NSEC_PER_SEC};
}

static nsec_t read_clock(clockid_t clock)
{
    struct timespec now;
    int err = clock_gettime(clock, &now);

    assert(err == 0);
    return (nsec_t)now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

nsec_t host_clock_now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

nsec_t host_clock_realtime(void)
{
    return read_clock(CLOCK_REALTIME);
}

nsec_t host_clock_thread(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

int host_futex_wait(atomic_uint *word, unsigned value, nsec_t deadline)
{
    struct timespec end = to_timespec(deadline < 0 ? 0 : deadline);

    return (int)host_result(syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, value,
                                    deadline == NSEC_NEVER ? NULL : &end, NULL,
                                    FUTEX_BITSET_MATCH_ANY));
}

void host_futex_wake(atomic_uint *word, int count)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, NULL, NULL, 0);
}

void host_sleep(nsec_t duration)
{
    struct timespec left = to_timespec(duration < 0 ? 0 : duration);

    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        continue;
}

void host_yield(void)
{
    (void)sched_yield();
}

void host_stall(void)
{
#ifdef HOST_STALL
    static atomic_uint turn;

    if (atomic_fetch_add_explicit(&turn, 1, memory_order_relaxed) % 5 == 0)
        host_sleep(30000);
#endif
}

int host_thread_start(pthread_t *ret, void *(*run)(void *), void *argument, const char *name)
{
    pthread_attr_t attributes;
    pthread_t thread;
    int err = host_inject();

    if (err < 0)
        return err;
    err = pthread_attr_init(&attributes);
    if (err > 0)
        return -err;
    (void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
    err = pthread_create(&thread, &attributes, run, argument);
    (void)pthread_attr_destroy(&attributes);
    if (err > 0)
        return -err;
    (void)pthread_setname_np(thread, name);
    *ret = thread;
    return 0;
}

void host_thread_join(pthread_t thread)
{
    int err = pthread_join(thread, NULL);

    assert(err == 0);
}

void host_thread_detach(pthread_t thread)
{
    int err = pthread_detach(thread);

    assert(err == 0);
}

unsigned host_cpu_count(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) < 0)
        return 1;
    return (unsigned)CPU_COUNT(&set);
}

int host_thread_lower_priority(void)
{
    return (int)host_result(setpriority(PRIO_PROCESS, 0, 10)); /* of this thread only */
}

uint64_t host_memory_size(void)
{
    struct sysinfo info;

    return sysinfo(&info) < 0 ? 0 : (uint64_t)info.totalram * info.mem_unit;
}
