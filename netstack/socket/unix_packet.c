/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages with boundaries between AF_UNIX sockets: datagrams, and packets of a connection
 * (SOCK_SEQPACKET). A message is whole in its packet before it is sent and after it was taken, so
 * neither needs guest memory under a lock. A datagram socket hears nothing of its peer's end but by
 * sending to it.
 */
#include <errno.h>
#include <string.h>

#include "netstack/socket/unix.h"

enum { PACKET_SLACK = 32 }; /* of SO_SNDBUF a message leaves so much */

/* May this socket send? The peer's end is told once, as ECONNREFUSED. */
static int check_send(struct unix_socket *socket)
{
    if (!socket->is_connected)
        return -ENOTCONN;
    int error = unix_take_error(socket);
    if (error < 0)
        return error;
    if ((socket->shutdown & UNIX_SHUT_WRITE) != 0)
        return -EPIPE;
    if (!unix_peer_is_open(socket)) {
        socket->is_connected = false;
        return -ECONNREFUSED;
    }
    return (socket->peer->shutdown & UNIX_SHUT_READ) != 0 ? -EPIPE : 0;
}

static int64_t send_packet(struct unix_socket *socket, struct packet *packet, uint32_t size)
{
    if (size > socket->send_size - PACKET_SLACK)
        return socket->is_connected ? -EMSGSIZE : -ENOTCONN;
    int err = check_send(socket);
    if (err < 0)
        return err;
    if (unix_charge_sent(socket) >= socket->send_size)
        return WAIT_AGAIN;
    if (packet == NULL)
        return 0;
    unix_queue_add(socket->peer, packet);
    unix_kick_sent(socket);
    return size;
}

int64_t socket_send_packet(struct file *file, struct packet *packet, uint32_t size,
                           const struct file_wait *wait)
{
    struct unix_socket *socket = unix_of_file(file);

    unix_lock(socket);
    int64_t result = file_wait_or_leave(&socket->writers, wait, send_packet(socket, packet, size));
    unix_unlock(socket);
    return result;
}

/* Nothing is there. *Linux:* so is the difference between a call that may wait and one that may
 * not: only a connection tells the latter that nothing will come. */
static int64_t receive_nothing(const struct unix_socket *socket, bool is_waiting)
{
    bool is_end = (socket->shutdown & UNIX_SHUT_READ) != 0;

    return is_end && (is_waiting || socket->type == SOCK_SEQPACKET) ? 0 : WAIT_AGAIN;
}

/* A copy of a packet; NULL: no memory. */
static struct packet *copy_packet(const struct packet *from)
{
    struct packet *packet = packet_alloc(from->size);

    if (packet != NULL)
        memcpy(packet->data, from->data, from->size);
    return packet;
}

static int64_t receive_packet(struct unix_socket *socket, bool is_peek, bool is_waiting,
                              struct packet **ret)
{
    struct packet *first = TAILQ_FIRST(&socket->queue);

    int error = unix_take_error(socket);
    if (error < 0)
        return error;
    if (first == NULL)
        return receive_nothing(socket, is_waiting);
    struct packet *packet = is_peek ? copy_packet(first) : unix_queue_take(socket);
    if (packet == NULL)
        return -ENOMEM;
    if (!is_peek)
        unix_kick_received(socket);
    *ret = packet;
    return packet->size;
}

int64_t socket_receive_packet(struct file *file, bool is_peek, const struct file_wait *wait,
                              struct packet **ret)
{
    struct unix_socket *socket = unix_of_file(file);

    *ret = NULL;
    unix_lock(socket);
    int64_t result = file_wait_or_leave(&socket->readers, wait,
                                        receive_packet(socket, is_peek, wait != NULL, ret));
    unix_unlock(socket);
    return result;
}
