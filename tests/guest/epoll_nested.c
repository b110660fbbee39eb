/* SPDX-License-Identifier: Apache-2.0 */
/* Sets in sets, sets that are polled, several who wait at one. Calls: epoll_ctl epoll_wait */
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include "check.h"

static int add(int set, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    return epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
}

/* The descriptor of the one event that there is, -1: none. */
static int look(int set, int timeout)
{
    struct epoll_event event = {.data.fd = -1};
    CHECK(epoll_wait(set, &event, 1, timeout) >= 0);
    return event.data.fd;
}

static void test_nested(void)
{
    int inner = epoll_create1(0), outer = epoll_create1(0), edge = epoll_create1(0);
    int fd = eventfd(0, EFD_NONBLOCK);
    struct pollfd one = {outer, POLLIN | POLLOUT | POLLRDNORM, 0};
    eventfd_t value;
    CHECK(add(inner, fd, EPOLLIN) == 0 && add(outer, inner, EPOLLIN) == 0);
    CHECK(add(edge, inner, EPOLLIN | EPOLLET) == 0);
    CHECK(look(outer, 0) == -1 && poll(&one, 1, 0) == 0);
    CHECK(eventfd_write(fd, 1) == 0);
    CHECK(poll(&one, 1, -1) == 1 && one.revents == (POLLIN | POLLRDNORM));
    CHECK(look(outer, 0) == inner && look(outer, 0) == inner && look(inner, 0) == fd);
    CHECK(look(edge, 0) == inner && look(edge, 0) == -1);
    CHECK(eventfd_read(fd, &value) == 0 && look(outer, 0) == -1 && look(inner, 0) == -1);
    CHECK(eventfd_write(fd, 1) == 0 && look(edge, 0) == inner && look(edge, 0) == -1);
    close(fd);
    CHECK(look(outer, 0) == -1);
    close(inner);
    CHECK(look(outer, 0) == -1);
    close(outer);
    close(edge);
    printf("nested\n");
}

static void test_loops(void)
{
    int sets[10], depth = 1;
    for (int i = 0; i < 10; i++)
        sets[i] = epoll_create1(0);
    CHECK(add(sets[0], sets[1], EPOLLIN) == 0 && add(sets[1], sets[2], EPOLLIN) == 0);
    CHECK_ERRNO(add(sets[2], sets[0], EPOLLIN), ELOOP);
    CHECK_ERRNO(add(sets[1], sets[0], EPOLLIN), ELOOP);
    CHECK(add(sets[0], sets[2], EPOLLIN) == 0); /* two ways are no loop */
    while (depth < 9 && add(sets[depth + 1], sets[depth], EPOLLIN) == 0)
        depth++;
    CHECK(depth < 9); /* a set in a set in a set …: at some depth it is too much */
    CHECK(errno == EEXIST || errno == ELOOP);
    for (int i = 0; i < 10; i++)
        close(sets[i]);
    printf("loops\n");
}

/* Readers of one set in several processes: each event is somebody's, and all end. */
static void test_many(void)
{
    int set = epoll_create1(0), work = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK), status;
    int done = eventfd(0, EFD_SEMAPHORE);
    eventfd_t value;
    pid_t pids[3];
    CHECK(add(set, work, EPOLLIN) == 0);
    for (int i = 0; i < 3; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            while (look(set, -1) == work) {
                if (eventfd_read(work, &value) == 0)
                    CHECK(eventfd_write(done, 1) == 0);
            }
            _exit(1);
        }
    }
    for (int i = 0; i < 8; i++) {
        CHECK(eventfd_write(work, 1) == 0);
        CHECK(eventfd_read(done, &value) == 0 && value == 1);
    }
    for (int i = 0; i < 3; i++)
        CHECK(kill(pids[i], 9) == 0 && waitpid(pids[i], &status, 0) == pids[i]);
    close(set);
    close(work);
    close(done);
    printf("many\n");
}

/* Two sets share a file; with EPOLLEXCLUSIVE one of those who wait is woken at least. */
static void test_exclusive(void)
{
    int work = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK), done = eventfd(0, EFD_SEMAPHORE), status;
    eventfd_t value;
    pid_t pids[2];
    for (int i = 0; i < 2; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            int set = epoll_create1(0);
            CHECK(add(set, work, EPOLLIN | EPOLLEXCLUSIVE) == 0);
            while (look(set, -1) == work) {
                if (eventfd_read(work, &value) == 0)
                    CHECK(eventfd_write(done, 1) == 0);
            }
            _exit(1);
        }
    }
    for (int i = 0; i < 6; i++)
        CHECK(eventfd_write(work, 1) == 0 && eventfd_read(done, &value) == 0);
    for (int i = 0; i < 2; i++)
        CHECK(kill(pids[i], 9) == 0 && waitpid(pids[i], &status, 0) == pids[i]);
    printf("exclusive\n");
}

/* More is ready than the call takes: all have their turn. */
static void test_fair(void)
{
    int fds[5], set = epoll_create1(0);
    struct epoll_event events[2];
    for (int i = 0; i < 5; i++) {
        fds[i] = eventfd(1, 0);
        CHECK(add(set, fds[i], EPOLLIN) == 0);
    }
    for (int i = 0; i < 10; i += 2) {
        CHECK(epoll_wait(set, events, 2, -1) == 2);
        CHECK(events[0].data.fd == fds[i % 5] && events[1].data.fd == fds[(i + 1) % 5]);
    }
    for (int i = 0; i < 5; i++)
        close(fds[i]);
    close(set);
    printf("fair\n");
}

int main(void)
{
    test_nested();
    test_loops();
    test_many();
    test_exclusive();
    test_fair();
    return 0;
}
