/* SPDX-License-Identifier: Apache-2.0 */
/* Timers that are files. Calls: timerfd_create timerfd_settime timerfd_gettime read poll */
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>

#include "check.h"

static const struct timespec none = {0, 0}, soon = {0, 20000000}, hour = {3600, 0};

static long ns(const struct timespec *time)
{
    return time->tv_sec * 1000000000 + time->tv_nsec;
}

static void set(int fd, int flags, struct timespec value, struct timespec interval)
{
    struct itimerspec setting = {.it_value = value, .it_interval = interval};
    CHECK(timerfd_settime(fd, flags, &setting, NULL) == 0);
}

static uint64_t expirations(int fd)
{
    uint64_t count = 0;
    CHECK(read(fd, &count, sizeof(count)) == sizeof(count));
    return count;
}

static void once(int clock)
{
    struct timespec before, after;
    struct itimerspec left;
    int fd = timerfd_create(clock, TFD_NONBLOCK);
    uint64_t count;
    CHECK(fd >= 0);
    CHECK_ERRNO(read(fd, &count, sizeof(count)), EAGAIN);
    set(fd, 0, hour, none);
    CHECK(timerfd_gettime(fd, &left) == 0 && left.it_interval.tv_nsec == 0);
    CHECK(left.it_value.tv_sec >= 3590 && left.it_value.tv_sec <= 3600);
    CHECK_ERRNO(read(fd, &count, sizeof(count)), EAGAIN);
    CHECK(fcntl(fd, F_SETFL, 0) == 0);
    clock_gettime(CLOCK_MONOTONIC, &before);
    set(fd, 0, soon, none);
    CHECK(expirations(fd) == 1);
    clock_gettime(CLOCK_MONOTONIC, &after);
    CHECK(ns(&after) - ns(&before) >= ns(&soon));
    CHECK(timerfd_gettime(fd, &left) == 0 && left.it_value.tv_sec == 0);
    clock_gettime(clock, &before);
    set(fd, TFD_TIMER_ABSTIME, before, none);
    CHECK(expirations(fd) == 1); /* a point that has passed */
    clock_gettime(clock, &before);
    long end = ns(&before) + ns(&soon);
    struct timespec point = {end / 1000000000, end % 1000000000};
    set(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, point, none);
    CHECK(expirations(fd) == 1);
    clock_gettime(clock, &after);
    CHECK(ns(&after) >= end);
    CHECK(close(fd) == 0);
}

static void again_and_again(void)
{
    struct itimerspec left;
    struct timespec pause = {0, 30000000};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    struct pollfd poller = {.fd = fd, .events = POLLIN | POLLOUT};
    CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
    CHECK(poll(&poller, 1, 0) == 0);
    set(fd, 0, (struct timespec){0, 5000000}, (struct timespec){0, 10000000});
    CHECK(poll(&poller, 1, -1) == 1 && poller.revents == POLLIN);
    CHECK(expirations(fd) >= 1);
    nanosleep(&pause, NULL);
    CHECK(expirations(fd) >= 2);
    CHECK(timerfd_gettime(fd, &left) == 0 && left.it_interval.tv_nsec == 10000000);
    CHECK(ns(&left.it_value) > 0 && ns(&left.it_value) <= 10000000);
    set(fd, 0, none, none);
    CHECK(poll(&poller, 1, 0) == 0);
    CHECK(close(fd) == 0);
}

static void errors(void)
{
    struct itimerspec setting = {.it_value = {0, 1000000000}};
    uint64_t count = 0;
    int fd = timerfd_create(CLOCK_BOOTTIME, 0);
    CHECK(fd >= 0);
    CHECK_ERRNO(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
    CHECK_ERRNO(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
    CHECK_ERRNO(timerfd_settime(fd, 0, &setting, NULL), EINVAL);
    setting.it_value.tv_nsec = 0;
    CHECK_ERRNO(timerfd_settime(fd, 4, &setting, NULL), EINVAL);
    CHECK_ERRNO(timerfd_settime(0, 0, &setting, NULL), EINVAL);
    CHECK_ERRNO(timerfd_settime(999, 0, &setting, NULL), EBADF);
    CHECK_ERRNO(timerfd_gettime(999, &setting), EBADF);
    CHECK_ERRNO(syscall(SYS_timerfd_gettime, fd, 8), EFAULT);
    CHECK_ERRNO(syscall(SYS_timerfd_settime, fd, 0, 8, NULL), EFAULT);
    CHECK_ERRNO(read(fd, &count, 7), EINVAL);
    CHECK_ERRNO(write(fd, &count, 8), EINVAL);
    CHECK(lseek(fd, 10, SEEK_SET) == 0);
    CHECK(close(fd) == 0);
}

int main(void)
{
    once(CLOCK_MONOTONIC);
    once(CLOCK_REALTIME);
    printf("once\n");
    again_and_again();
    printf("again and again\n");
    errors();
    printf("errors\n");
    return 0;
}
