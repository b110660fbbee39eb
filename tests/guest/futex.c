/* SPDX-License-Identifier: Apache-2.0 */
/* What one thread can ask of futexes: the errors, and waits that end by themselves.
 * Calls: futex set_robust_list get_robust_list */
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include "check.h"

static int word = 1;

static long futex(void *at, int op, int value, void *timeout, void *at2, int value3)
{
    return syscall(SYS_futex, at, op, value, timeout, at2, value3);
}

/* The clock's time, some milliseconds on. */
static struct timespec after(clockid_t clock, int milliseconds)
{
    struct timespec time;
    CHECK(clock_gettime(clock, &time) == 0);
    time.tv_nsec += milliseconds * 1000000L;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

static int is_reached(clockid_t clock, const struct timespec *time)
{
    struct timespec now = after(clock, 0);
    return now.tv_sec > time->tv_sec ||
           (now.tv_sec == time->tv_sec && now.tv_nsec >= time->tv_nsec);
}

static void wait_errors(void)
{
    struct timespec bad = {0, 1000000000}, negative = {-1, 0};
    CHECK_ERRNO(futex(&word, FUTEX_WAIT, 2, NULL, NULL, 0), EAGAIN);
    CHECK_ERRNO(futex(&word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0), EAGAIN);
    CHECK_ERRNO(futex((char *)&word + 1, FUTEX_WAIT, 1, NULL, NULL, 0), EINVAL);
    CHECK_ERRNO(futex((void *)16, FUTEX_WAIT, 1, NULL, NULL, 0), EFAULT);
    CHECK_ERRNO(futex((void *)16, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0), EFAULT);
    CHECK_ERRNO(futex(&word, FUTEX_WAIT, 1, &bad, NULL, 0), EINVAL);
    CHECK_ERRNO(futex(&word, FUTEX_WAIT, 1, &negative, NULL, 0), EINVAL);
    CHECK_ERRNO(futex(&word, FUTEX_WAIT, 1, (void *)16, NULL, 0), EFAULT);
    CHECK_ERRNO(futex(&word, FUTEX_WAIT_BITSET, 1, NULL, NULL, 0), EINVAL); /* no bits */
    CHECK_ERRNO(futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0), EINVAL);
    printf("waits that do not begin\n");
}

static void wake_errors(void)
{
    CHECK(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0) == 0); /* nobody waits */
    CHECK(futex(&word, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0) == 0);
    CHECK(futex((void *)16, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 0); /* nobody looks */
    CHECK_ERRNO(futex((void *)16, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT);
    CHECK_ERRNO(futex((void *)-4096, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), EFAULT);
    CHECK_ERRNO(futex((char *)&word + 1, FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL);
    CHECK_ERRNO(futex(&word, 127, 1, NULL, NULL, 0), ENOSYS);
    CHECK_ERRNO(futex(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0), ENOSYS);
    CHECK_ERRNO(futex(&word, FUTEX_REQUEUE, -1, (void *)1, &word, 0), EINVAL);
    CHECK_ERRNO(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, &word, 2), EAGAIN);
    CHECK(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, &word, 1) == 0);
    printf("wakes\n");
}

static void timeouts(void)
{
    struct timespec span = {0, 20000000}, none = {0, 0};
    struct timespec end = after(CLOCK_MONOTONIC, 20);
    CHECK_ERRNO(futex(&word, FUTEX_WAIT, 1, &none, NULL, 0), ETIMEDOUT);
    CHECK_ERRNO(futex(&word, FUTEX_WAIT, 1, &span, NULL, 0), ETIMEDOUT);
    CHECK(is_reached(CLOCK_MONOTONIC, &end));
    end = after(CLOCK_MONOTONIC, 20);
    CHECK_ERRNO(futex(&word, FUTEX_WAIT_BITSET, 1, &end, NULL, 1), ETIMEDOUT);
    CHECK(is_reached(CLOCK_MONOTONIC, &end));
    CHECK_ERRNO(futex(&word, FUTEX_WAIT_BITSET, 1, &end, NULL, 1), ETIMEDOUT); /* past */
    end = after(CLOCK_REALTIME, 20);
    CHECK_ERRNO(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 1, &end, NULL, 1),
                ETIMEDOUT);
    CHECK(is_reached(CLOCK_REALTIME, &end));
    printf("timeouts\n");
}

static void lists(void)
{
    static int list[6];
    void *head;
    size_t size;
    CHECK_ERRNO(syscall(SYS_set_robust_list, list, 3), EINVAL);
    CHECK(syscall(SYS_set_robust_list, list, 24) == 0);
    CHECK(syscall(SYS_get_robust_list, 0, &head, &size) == 0 && head == list && size == 24);
    CHECK_ERRNO(syscall(SYS_get_robust_list, 4000000, &head, &size), ESRCH);
    CHECK_ERRNO(syscall(SYS_get_robust_list, 0, 8, &size), EFAULT);
    CHECK(syscall(SYS_set_robust_list, NULL, 24) == 0);
    printf("robust lists\n");
}

int main(void)
{
    wait_errors();
    wake_errors();
    timeouts();
    lists();
    return 0;
}
