/* SPDX-License-Identifier: Apache-2.0 */
/* What a set tells, how often, and in which order. Calls: epoll_wait */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

static void control(int set, int operation, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    CHECK(epoll_ctl(set, operation, fd, &event) == 0);
}

/* What a set tells at most once of fd: its events, 0 for none. */
static uint32_t look(int set, int fd)
{
    struct epoll_event events[2];
    int count = epoll_wait(set, events, 2, 0);
    CHECK(count == 0 || (count == 1 && events[0].data.fd == fd));
    return count == 0 ? 0 : events[0].events;
}

static void test_level(void)
{
    int ends[2], set = epoll_create1(0);
    char byte;
    CHECK(pipe(ends) == 0);
    control(set, EPOLL_CTL_ADD, ends[0], EPOLLIN);
    CHECK(look(set, ends[0]) == 0 && write(ends[1], "ab", 2) == 2);
    CHECK(look(set, ends[0]) == EPOLLIN && look(set, ends[0]) == EPOLLIN);
    CHECK(read(ends[0], &byte, 1) == 1 && look(set, ends[0]) == EPOLLIN);
    CHECK(read(ends[0], &byte, 1) == 1 && look(set, ends[0]) == 0);
    close(ends[1]);
    CHECK(look(set, ends[0]) == EPOLLHUP && look(set, ends[0]) == EPOLLHUP);
    close(ends[0]);
    close(set);
    printf("level\n");
}

static void test_edge(void)
{
    int ends[2], set = epoll_create1(0);
    char byte;
    CHECK(pipe(ends) == 0 && write(ends[1], "a", 1) == 1);
    control(set, EPOLL_CTL_ADD, ends[0], EPOLLIN | EPOLLET);
    CHECK(look(set, ends[0]) == EPOLLIN && look(set, ends[0]) == 0);
    CHECK(write(ends[1], "b", 1) == 1); /* once more, though the first was not read */
    CHECK(look(set, ends[0]) == EPOLLIN && look(set, ends[0]) == 0);
    CHECK(read(ends[0], &byte, 1) == 1 && look(set, ends[0]) == 0);
    control(set, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLET); /* a change looks again */
    CHECK(look(set, ends[0]) == EPOLLIN && look(set, ends[0]) == 0);
    CHECK(write(ends[1], "c", 1) == 1 && read(ends[0], &byte, 1) == 1);
    CHECK(read(ends[0], &byte, 1) == 1 && look(set, ends[0]) == 0); /* gone before it was told */
    close(ends[1]);
    CHECK(look(set, ends[0]) == EPOLLHUP && look(set, ends[0]) == 0);
    close(ends[0]);

    int fd = eventfd(0, EFD_NONBLOCK);
    control(set, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLOUT | EPOLLET);
    CHECK(look(set, fd) == EPOLLOUT && look(set, fd) == 0);
    CHECK(eventfd_write(fd, 3) == 0 && look(set, fd) == (EPOLLIN | EPOLLOUT));
    close(fd);
    close(set);
    printf("edge\n");
}

static void test_once(void)
{
    int ends[2], set = epoll_create1(0);
    CHECK(pipe(ends) == 0 && write(ends[1], "a", 1) == 1);
    control(set, EPOLL_CTL_ADD, ends[0], EPOLLIN | EPOLLONESHOT);
    CHECK(look(set, ends[0]) == EPOLLIN && look(set, ends[0]) == 0);
    CHECK(write(ends[1], "b", 1) == 1 && look(set, ends[0]) == 0);
    control(set, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLONESHOT | EPOLLET);
    CHECK(look(set, ends[0]) == EPOLLIN && look(set, ends[0]) == 0);
    close(ends[1]);
    CHECK(look(set, ends[0]) == 0); /* not even a hang-up */
    close(ends[0]);
    close(set);
    printf("once\n");
}

static void on_tick(int sig)
{
    (void)sig;
}

static void test_waiting(void)
{
    struct itimerval timer = {{0, 30000}, {0, 30000}}, off = {{0, 0}, {0, 0}};
    struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART}; /* no matter */
    int to[2], from[2], status, set = epoll_create1(0);
    struct epoll_event event;
    char byte = 'a';
    CHECK(pipe(to) == 0 && pipe(from) == 0);
    control(set, EPOLL_CTL_ADD, from[0], EPOLLIN);
    CHECK(epoll_wait(set, &event, 1, 40) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(to[1]);
        while (read(to[0], &byte, 1) == 1)
            CHECK(write(from[1], &byte, 1) == 1);
        _exit(0);
    }
    for (int i = 0; i < 4; i++) {
        CHECK(write(to[1], "x", 1) == 1);
        CHECK(epoll_wait(set, &event, 1, -1) == 1 && event.data.fd == from[0]);
        CHECK(read(from[0], &byte, 1) == 1);
    }
    close(to[1]);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &timer, NULL) == 0);
    CHECK_ERRNO(epoll_wait(set, &event, 1, -1), EINTR);
    CHECK(setitimer(ITIMER_REAL, &off, NULL) == 0);
    CHECK_ERRNO(epoll_wait(set, &event, 0, 0), EINVAL);
    CHECK_ERRNO(epoll_wait(set, &event, INT32_MAX, 0), EINVAL);
    CHECK_ERRNO(epoll_wait(to[0], &event, 1, 0), EINVAL);
    CHECK_ERRNO(epoll_wait(999, &event, 1, 0), EBADF);
    CHECK(write(from[1], "x", 1) == 1);
    CHECK_ERRNO(epoll_wait(set, (void *)8, 1, 0), EFAULT);
    CHECK(epoll_wait(set, &event, 1, 0) == 1); /* it was not lost */
    printf("waiting and errors\n");
}

int main(void)
{
    test_level();
    test_edge();
    test_once();
    test_waiting();
    return 0;
}
