/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams between AF_UNIX sockets. What one send moves lies in pieces, each charged as Linux does,
 * so that as much fits as there. A read takes from as many pieces as it has room for.
 */
#include <errno.h>

#include "netstack/socket/unix.h"

enum {
    STREAM_PIECE = 16064 + 32768, /* Linux: SKB_MAX_ALLOC + UNIX_SKB_FRAGS_SZ */
    STREAM_SLACK = 64             /* of half the buffer a piece may have */
};

/* How large the next piece of a send may be. */
static uint32_t piece_size(const struct unix_socket *socket, size_t size)
{
    uint32_t half = socket->send_size / 2 - STREAM_SLACK;
    uint32_t most = half < STREAM_PIECE ? half : STREAM_PIECE;

    return size < most ? (uint32_t)size : most;
}

/* May this socket send? 0, -ENOTCONN, -EPIPE. */
static int check_send(struct unix_socket *socket)
{
    if (!socket->is_connected)
        return -ENOTCONN;
    if ((socket->shutdown & UNIX_SHUT_WRITE) != 0 || !unix_peer_is_open(socket) ||
        (socket->peer->shutdown & UNIX_SHUT_READ) != 0)
        return -EPIPE;
    return 0;
}

/* Moves as many pieces as there is room for: bytes, -EFAULT, -ENOMEM, WAIT_AGAIN. */
static int64_t send_pieces(struct unix_socket *socket, struct uio *uio)
{
    int64_t done = 0;

    while (uio_left(uio) > 0) {
        int64_t err = WAIT_AGAIN;
        if (unix_charge_sent(socket) < socket->send_size) {
            struct packet *packet = packet_alloc(piece_size(socket, uio_left(uio)));
            err = packet == NULL ? -ENOMEM : uio_copy_from(uio, packet->data, packet->size);
            if (err > 0) {
                packet->size = (uint32_t)err;
                unix_queue_add(socket->peer, packet);
                done += err;
                continue;
            }
            packet_free(packet);
        }
        return done > 0 ? done : err;
    }
    return done;
}

int64_t socket_send_stream(struct file *file, struct uio *uio, const struct file_wait *wait)
{
    struct unix_socket *socket = unix_of_file(file);

    unix_lock(socket);
    int64_t result = check_send(socket);
    if (result == 0 && uio_left(uio) > 0) {
        int error = unix_take_error(socket);
        result = error < 0 ? error : send_pieces(socket, uio);
    }
    if (result > 0)
        unix_kick_sent(socket);
    result = file_wait_or_leave(&socket->writers, wait, result);
    unix_unlock(socket);
    return result;
}

/* What a read finds when there is no data. */
static int64_t receive_nothing(struct unix_socket *socket)
{
    int error = unix_take_error(socket);

    if (error < 0)
        return error;
    return (socket->shutdown & UNIX_SHUT_READ) != 0 ? 0 : WAIT_AGAIN;
}

/* Copies from the packets behind skip bytes; takes those away that are used up. */
static int64_t receive_pieces(struct unix_socket *socket, struct uio *uio, bool is_peek,
                              uint64_t skip)
{
    struct packet *packet, *next;
    int64_t done = 0;

    for (packet = TAILQ_FIRST(&socket->queue); packet != NULL && uio_left(uio) > 0; packet = next) {
        uint32_t left = packet->size - packet->start;
        next = TAILQ_NEXT(packet, link);
        if (skip >= left) {
            skip -= left;
            continue;
        }
        uint32_t part = left - (uint32_t)skip;
        ptrdiff_t moved = uio_copy_to(uio, packet->data + packet->start + skip,
                                      part < uio_left(uio) ? part : uio_left(uio));
        skip = 0;
        if (moved < 0)
            return done > 0 ? done : moved;
        done += moved;
        if (is_peek)
            continue;
        packet->start += (uint32_t)moved;
        if (packet->start == packet->size)
            packet_free(unix_queue_take(socket));
    }
    return done;
}

int64_t socket_receive_stream(struct file *file, struct uio *uio, unsigned flags, uint64_t skip,
                              const struct file_wait *wait)
{
    struct unix_socket *socket = unix_of_file(file);
    bool is_peek = (flags & SOCKET_PEEK) != 0;
    bool is_wanted = uio_left(uio) > 0;

    unix_lock(socket);
    int64_t result = receive_pieces(socket, uio, is_peek, skip);
    if (result == 0 && (is_wanted || TAILQ_EMPTY(&socket->queue)))
        result = (flags & SOCKET_ENOUGH) != 0 ? -EAGAIN : receive_nothing(socket);
    if (result > 0 && !is_peek)
        unix_kick_received(socket);
    result = file_wait_or_leave(&socket->readers, wait, result);
    unix_unlock(socket);
    return result;
}
