/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting on a set with a mask, and with an exact timeout. Calls: epoll_pwait epoll_pwait2 */
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>

#include "check.h"

static volatile sig_atomic_t users;
static int set, fd;

static void on_user(int sig)
{
    (void)sig;
    users++;
}

static int pwait(struct epoll_event *event, int timeout, const uint64_t *mask)
{
    return (int)syscall(SYS_epoll_pwait, set, event, 1, timeout, mask, sizeof(*mask));
}

static int pwait2(struct epoll_event *event, const void *timeout, const uint64_t *mask)
{
    return (int)syscall(SYS_epoll_pwait2, set, event, 1, timeout, mask, sizeof(*mask));
}

static uint64_t set_mask(uint64_t mask)
{
    uint64_t old;
    CHECK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, &old, sizeof(mask)) == 0);
    return old;
}

static void test_mask(void)
{
    uint64_t blocked = 1u << (SIGUSR1 - 1), none = 0;
    struct epoll_event event;
    (void)set_mask(blocked);
    CHECK(kill(getpid(), SIGUSR1) == 0 && pwait(&event, 0, NULL) == 0 && users == 0);
    CHECK_ERRNO(pwait(&event, -1, &none), EINTR);
    CHECK(users == 1 && set_mask(blocked) == blocked);
    CHECK(kill(getpid(), SIGUSR1) == 0);
    CHECK_ERRNO(pwait2(&event, NULL, &none), EINTR);
    CHECK(users == 2 && set_mask(blocked) == blocked);

    CHECK(kill(getpid(), SIGUSR1) == 0 && eventfd_write(fd, 1) == 0);
    CHECK(pwait(&event, -1, &none) == 1 && users == 2); /* what is ready comes first */
    CHECK(set_mask(0) == blocked && users == 3);
    eventfd_t value;
    CHECK(eventfd_read(fd, &value) == 0);
    printf("mask\n");
}

static void test_timeout(void)
{
    struct timespec span = {0, 25000000}, zero = {0, 0}, bad = {0, 1000000000}, start, end;
    struct epoll_event event;
    uint64_t none = 0;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &start) == 0);
    CHECK(pwait2(&event, &span, NULL) == 0 && span.tv_nsec == 25000000);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &end) == 0);
    CHECK((end.tv_sec - start.tv_sec) * 1000000000 + end.tv_nsec - start.tv_nsec >= 25000000);
    CHECK(pwait2(&event, &zero, NULL) == 0);
    CHECK_ERRNO(pwait2(&event, &bad, NULL), EINVAL);
    CHECK_ERRNO(pwait2(&event, (void *)8, NULL), EFAULT);
    CHECK_ERRNO(pwait(&event, 0, (void *)8), EFAULT);
    CHECK_ERRNO(syscall(SYS_epoll_pwait, set, &event, 1, 0, &none, 7), EINVAL);
    CHECK_ERRNO(syscall(SYS_epoll_pwait2, set, &event, 0, &zero, NULL, 0), EINVAL);
    printf("timeout\n");
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_user, .sa_flags = SA_RESTART};
    struct epoll_event event = {.events = EPOLLIN};
    set = epoll_create1(0);
    fd = eventfd(0, 0);
    CHECK(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0);
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    test_mask();
    test_timeout();
    return 0;
}
