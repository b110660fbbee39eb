/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of watched files: what is in them. Calls: epoll_create epoll_create1 epoll_ctl */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#include "check.h"

static int set;

static int control(int operation, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event event = {.events = events, .data.u64 = data};
    return epoll_ctl(set, operation, fd, &event);
}

/* The one event that there is: its data, or -1. */
static int64_t one_event(uint32_t events)
{
    struct epoll_event event[2];
    int count = epoll_wait(set, event, 2, 0);
    CHECK(count <= 1);
    CHECK(count == 0 || event[0].events == events);
    return count == 0 ? -1 : (int64_t)event[0].data.u64;
}

static void test_create(void)
{
    int fd = (int)syscall(SYS_epoll_create, 1);
    CHECK(fd >= 0 && fcntl(fd, F_GETFD) == 0 && fcntl(fd, F_GETFL) == O_RDWR && close(fd) == 0);
    fd = epoll_create1(EPOLL_CLOEXEC);
    CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
    CHECK_ERRNO(read(fd, &fd, 1), EINVAL);
    CHECK_ERRNO(write(fd, &fd, 1), EINVAL);
    close(fd);
    CHECK_ERRNO(syscall(SYS_epoll_create, 0), EINVAL);
    CHECK_ERRNO(epoll_create1(1), EINVAL);
    printf("create\n");
}

static void test_operations(void)
{
    int ends[2];
    CHECK(pipe(ends) == 0 && write(ends[1], "x", 1) == 1);
    CHECK(one_event(0) == -1);
    CHECK(control(EPOLL_CTL_ADD, ends[0], EPOLLIN, UINT64_C(1) << 40) == 0);
    CHECK(one_event(EPOLLIN) == INT64_C(1) << 40);
    CHECK_ERRNO(control(EPOLL_CTL_ADD, ends[0], EPOLLIN, 1), EEXIST);
    CHECK(control(EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLRDNORM, 2) == 0);
    CHECK(one_event(EPOLLIN | EPOLLRDNORM) == 2);
    CHECK(control(EPOLL_CTL_MOD, ends[0], 0, 3) == 0 && one_event(0) == -1);
    CHECK(control(EPOLL_CTL_MOD, ends[0], EPOLLOUT | EPOLLIN, 3) == 0 && one_event(EPOLLIN) == 3);
    CHECK(control(EPOLL_CTL_DEL, ends[0], 0, 0) == 0 && one_event(0) == -1);
    CHECK_ERRNO(control(EPOLL_CTL_DEL, ends[0], 0, 0), ENOENT);
    CHECK_ERRNO(control(EPOLL_CTL_MOD, ends[0], EPOLLIN, 0), ENOENT);
    CHECK(control(EPOLL_CTL_ADD, ends[1], EPOLLIN, 4) == 0 && one_event(0) == -1);
    close(ends[0]);
    CHECK(one_event(EPOLLERR) == 4); /* always told */
    close(ends[1]);
    printf("operations\n");
}

/* A place in a set is a file and a number. It goes with the last descriptor of the file. */
static void test_duplicates(void)
{
    struct epoll_event events[4];
    int ends[2], copy;
    CHECK(pipe(ends) == 0 && write(ends[1], "x", 1) == 1);
    copy = dup(ends[0]);
    CHECK(control(EPOLL_CTL_ADD, ends[0], EPOLLIN, 1) == 0);
    CHECK(control(EPOLL_CTL_ADD, copy, EPOLLIN, 2) == 0);
    CHECK(epoll_wait(set, events, 4, -1) == 2);
    CHECK(events[0].data.u64 == 1 && events[1].data.u64 == 2);
    CHECK(control(EPOLL_CTL_DEL, copy, 0, 0) == 0);
    CHECK(close(ends[0]) == 0 && one_event(EPOLLIN) == 1); /* still there */
    CHECK_ERRNO(control(EPOLL_CTL_DEL, ends[0], 0, 0), EBADF);
    CHECK(dup2(copy, ends[0]) == ends[0]); /* the same file at the same number again */
    CHECK_ERRNO(control(EPOLL_CTL_ADD, ends[0], EPOLLIN, 3), EEXIST);
    close(copy);
    CHECK(one_event(EPOLLIN) == 1);
    close(ends[0]);
    CHECK(one_event(0) == -1);
    close(ends[1]);
    printf("duplicates\n");
}

/* Both ends closed and the set with them, in both orders. */
static void test_closing(void)
{
    int ends[2], other;
    for (int order = 0; order < 2; order++) {
        other = epoll_create1(0);
        struct epoll_event event = {.events = EPOLLIN};
        CHECK(pipe(ends) == 0 && epoll_ctl(other, EPOLL_CTL_ADD, ends[0], &event) == 0);
        CHECK(epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event) == 0);
        close(order == 0 ? other : ends[0]);
        close(order == 0 ? ends[0] : other);
        CHECK(one_event(0) == -1);
        close(ends[1]);
    }
    printf("closing\n");
}

static void test_errors(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    int file = open("file", O_RDWR | O_CREAT, 0600), dir = open(".", O_RDONLY), ends[2];
    int null = open("/dev/null", O_RDWR), random = open("/dev/random", O_RDONLY);
    CHECK(pipe(ends) == 0 && file >= 0 && null >= 0);
    CHECK_ERRNO(control(EPOLL_CTL_ADD, file, EPOLLIN, 0), EPERM);
    CHECK_ERRNO(control(EPOLL_CTL_ADD, dir, EPOLLIN, 0), EPERM);
    CHECK_ERRNO(control(EPOLL_CTL_ADD, null, EPOLLIN, 0), EPERM);
    CHECK(control(EPOLL_CTL_ADD, random, EPOLLIN, 8) == 0 && one_event(EPOLLIN) == 8);
    close(random);
    CHECK_ERRNO(control(EPOLL_CTL_ADD, 999, EPOLLIN, 0), EBADF);
    CHECK_ERRNO(epoll_ctl(999, EPOLL_CTL_ADD, ends[0], &event), EBADF);
    CHECK_ERRNO(epoll_ctl(ends[1], EPOLL_CTL_ADD, ends[0], &event), EINVAL);
    CHECK_ERRNO(control(EPOLL_CTL_ADD, set, EPOLLIN, 0), EINVAL);
    CHECK_ERRNO(control(7, ends[0], EPOLLIN, 0), EINVAL);
    CHECK_ERRNO(epoll_ctl(set, EPOLL_CTL_ADD, ends[0], (void *)8), EFAULT);
    CHECK_ERRNO(control(EPOLL_CTL_ADD, ends[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 0),
                EINVAL);
    CHECK(control(EPOLL_CTL_ADD, ends[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLWAKEUP, 0) == 0);
    CHECK_ERRNO(control(EPOLL_CTL_MOD, ends[0], EPOLLIN, 0), EINVAL);
    CHECK(epoll_ctl(set, EPOLL_CTL_DEL, ends[0], NULL) == 0);
    CHECK(unlink("file") == 0);
    printf("errors\n");
}

int main(void)
{
    test_create();
    set = epoll_create1(0);
    test_operations();
    test_duplicates();
    test_closing();
    test_errors();
    return 0;
}
