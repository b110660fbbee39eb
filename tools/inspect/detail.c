/* SPDX-License-Identifier: Apache-2.0 */
/* What is special of an inode in an image: counters, timers, queues, what is watched. */
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>

#include "tools/inspect/views.h"

static void print_seconds(const char *before, int64_t span, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%s%.3f s", before, (double)span / 1e9);
}

static void print_timer(const Timerfd *timer, char *ret, size_t size)
{
    char interval[48] = "";

    if (timer->deadline == INT64_MAX) {
        (void)snprintf(ret, size, "clock %" PRIu32 ", stands", timer->clock);
        return;
    }
    if (timer->interval > 0)
        print_seconds(", every ", timer->interval, interval, sizeof(interval));
    (void)snprintf(ret, size, "clock %" PRIu32 ", %s %.3f s%s", timer->clock,
                   timer->is_realtime ? "at" : "in", (double)timer->deadline / 1e9, interval);
}

static void print_epoll(const Epoll *epoll, char *ret, size_t size)
{
    int length = snprintf(ret, size, "watches");

    for (size_t i = 0; i < epoll->n_items && length > 0 && (size_t)length + 16 < size; i++)
        length +=
            snprintf(ret + length, size - (size_t)length, "%s %" PRId32 "%s", i == 0 ? "" : ",",
                     epoll->items[i]->fd, epoll->items[i]->is_ready ? " (ready)" : "");
    if (epoll->n_items == 0)
        (void)snprintf(ret, size, "watches nothing");
}

static const char *socket_type(uint32_t type)
{
    switch (type) {
    case SOCK_STREAM:
        return "stream";
    case SOCK_DGRAM:
        return "datagram";
    case SOCK_SEQPACKET:
        return "seqpacket";
    default:
        return "?";
    }
}

static void print_socket(const struct image *image, const UnixSocket *socket, char *ret,
                         size_t size)
{
    const InodeAttr *peer = image_inode_attr(image, socket->peer);
    uint64_t queued = 0;
    char end[48] = "no peer";

    for (size_t i = 0; i < socket->n_packets; i++)
        if (socket->packets[i]->data.len > socket->packets[i]->start)
            queued += socket->packets[i]->data.len - socket->packets[i]->start;
    if (peer != NULL)
        (void)snprintf(end, sizeof(end), "to [%" PRIu64 "]", peer->nr);
    (void)snprintf(ret, size, "%s, %s, %" PRIu64 " bytes queued", socket_type(socket->type), end,
                   queued);
}

static void print_process(const struct image *image, const Pidfd *pidfd, char *ret, size_t size)
{
    const Process *process = image_body(image, pidfd->process, OBJECT__BODY_PROCESS);

    if (process != NULL)
        (void)snprintf(ret, size, "process %" PRIu32, process->pid);
}

void detail_print(const struct image *image, uint64_t inode, char *ret, size_t size)
{
    const Eventfd *eventfd = image_body(image, inode, OBJECT__BODY_EVENTFD);
    const Timerfd *timer = image_body(image, inode, OBJECT__BODY_TIMERFD);
    const Signalfd *signals = image_body(image, inode, OBJECT__BODY_SIGNALFD);
    const Pidfd *pidfd = image_body(image, inode, OBJECT__BODY_PIDFD);
    const Epoll *epoll = image_body(image, inode, OBJECT__BODY_EPOLL);
    const Pipe *pipe = image_body(image, inode, OBJECT__BODY_PIPE);
    const UnixSocket *socket = image_body(image, inode, OBJECT__BODY_UNIX_SOCKET);

    ret[0] = '\0';
    if (eventfd != NULL)
        (void)snprintf(ret, size, "count %" PRIu64 "%s", eventfd->count,
                       eventfd->is_semaphore ? ", semaphore" : "");
    else if (timer != NULL)
        print_timer(timer, ret, size);
    else if (signals != NULL)
        (void)snprintf(ret, size, "signals 0x%" PRIx64, signals->mask);
    else if (pidfd != NULL)
        print_process(image, pidfd, ret, size);
    else if (epoll != NULL)
        print_epoll(epoll, ret, size);
    else if (pipe != NULL)
        (void)snprintf(ret, size, "%zu of %" PRIu32 " bytes", pipe->data.len, pipe->capacity);
    else if (socket != NULL)
        print_socket(image, socket, ret, size);
}
