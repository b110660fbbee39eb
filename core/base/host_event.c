/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for descriptors of the host: epoll for the event thread, poll without waiting for all.
 */
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/host.h"
#include "core/base/host_inject.h"

int host_epoll_create(void)
{
    int err = host_inject();

    return err < 0 ? err : (int)host_result(epoll_create1(EPOLL_CLOEXEC));
}

int host_epoll_ctl(int epoll, int op, int fd, uint32_t events, uint64_t key)
{
    struct epoll_event event = {.events = events, .data.u64 = key};
    int err = host_inject();

    return err < 0 ? err : (int)host_result(epoll_ctl(epoll, op, fd, &event));
}

int host_epoll_wait(int epoll, struct epoll_event *ret, int count, int timeout)
{
    return (int)host_result(epoll_wait(epoll, ret, count, timeout));
}

int host_epoll_wait_until(int epoll, struct epoll_event *ret, int count, nsec_t deadline)
{
    if (deadline == NSEC_NEVER)
        return host_epoll_wait(epoll, ret, count, -1);
    nsec_t span = deadline - host_clock_now();
    span = span < 0 ? 0 : span;
    struct timespec timeout = {.tv_sec = span / NSEC_PER_SEC, .tv_nsec = span % NSEC_PER_SEC};
    int result = (int)host_result(epoll_pwait2(epoll, ret, count, &timeout, NULL));
    if (result != -ENOSYS)
        return result;
    nsec_t ms = (span + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC;
    return host_epoll_wait(epoll, ret, count, ms < INT32_MAX ? (int)ms : INT32_MAX);
}

int host_eventfd(void)
{
    int err = host_inject();

    return err < 0 ? err : (int)host_result(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

int host_eventfd_add(int fd)
{
    return (int)host_result(eventfd_write(fd, 1));
}

int host_eventfd_take(int fd)
{
    eventfd_t value;

    return (int)host_result(eventfd_read(fd, &value));
}

int host_poll_now(int fd, short events)
{
    struct pollfd poll_fd = {.fd = fd, .events = events};
    int err = host_inject();

    if (err < 0)
        return err;
    err = (int)host_result(TEMP_FAILURE_RETRY(poll(&poll_fd, 1, 0)));
    return err < 0 ? err : poll_fd.revents;
}
