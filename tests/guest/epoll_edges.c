/* SPDX-License-Identifier: Apache-2.0 */
/* What is an edge of pipes and sockets, for reading and for writing. Calls: epoll_wait socketpair
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "check.h"

static char block[65536];
static int set;

static void add(int fd, uint32_t events)
{
    struct epoll_event event = {.events = events | (uint32_t)EPOLLET, .data.fd = fd};
    CHECK(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0);
}

/* The events of the one descriptor that is told, 0: none is. */
static uint32_t look(int fd)
{
    struct epoll_event events[3];
    int count = epoll_wait(set, events, 3, 0);
    CHECK(count == 0 || (count == 1 && events[0].data.fd == fd));
    return count == 0 ? 0 : events[0].events;
}

static void test_pipe(void)
{
    int ends[2];
    CHECK(pipe2(ends, O_NONBLOCK) == 0);
    add(ends[0], EPOLLIN);
    add(ends[1], EPOLLOUT);
    CHECK(look(ends[1]) == EPOLLOUT && look(0) == 0);
    CHECK(write(ends[1], block, 100) == 100 && look(ends[0]) == EPOLLIN);
    CHECK(read(ends[0], block, 50) == 50 && look(0) == 0); /* was not full */
    CHECK(read(ends[0], block, 60) == 50 && look(0) == 0);
    CHECK(write(ends[1], block, sizeof(block)) == sizeof(block));
    CHECK(look(ends[0]) == EPOLLIN && look(0) == 0);
    CHECK(read(ends[0], block, 4096) == 4096 && look(ends[1]) == EPOLLOUT);
    CHECK(read(ends[0], block, 4096) == 4096 && look(0) == 0);
    close(ends[1]);
    CHECK(look(ends[0]) == (EPOLLIN | EPOLLHUP) && look(0) == 0);
    close(ends[0]);
    printf("pipe\n");
}

static void test_socket(int type)
{
    int ends[2];
    CHECK(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, ends) == 0);
    add(ends[0], EPOLLIN | EPOLLRDHUP);
    CHECK(look(0) == 0);
    CHECK(send(ends[1], block, 10, 0) == 10 && look(ends[0]) == EPOLLIN && look(0) == 0);
    CHECK(send(ends[1], block, 10, 0) == 10 && look(ends[0]) == EPOLLIN);
    CHECK(recv(ends[0], block, 10, MSG_PEEK) == 10 && look(0) == 0);
    CHECK(recv(ends[0], block, 10, 0) == 10 && look(0) == 0); /* the rest is no edge */
    CHECK(recv(ends[0], block, 10, 0) == 10 && look(0) == 0);
    CHECK_ERRNO(recv(ends[0], block, 10, 0), EAGAIN);
    close(ends[1]);
    if (type != SOCK_DGRAM)
        CHECK(look(ends[0]) == (EPOLLIN | EPOLLHUP | EPOLLRDHUP));
    CHECK(look(0) == 0);
    close(ends[0]);
}

/* A full socket has room again. */
static void test_room(void)
{
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    add(ends[0], EPOLLOUT);
    CHECK(look(ends[0]) == EPOLLOUT && look(0) == 0);
    while (send(ends[0], block, 4096, 0) > 0)
        ;
    CHECK(errno == EAGAIN && look(0) == 0);
    while (recv(ends[1], block, sizeof(block), 0) > 0)
        ;
    CHECK(look(ends[0]) == EPOLLOUT && look(0) == 0);
    close(ends[0]);
    close(ends[1]);
    printf("room\n");
}

int main(void)
{
    set = epoll_create1(0);
    test_pipe();
    test_socket(SOCK_STREAM);
    test_socket(SOCK_SEQPACKET);
    test_socket(SOCK_DGRAM);
    printf("sockets\n");
    test_room();
    return 0;
}
