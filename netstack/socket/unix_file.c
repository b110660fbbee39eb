/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AF_UNIX sockets as files: readiness, the ioctls, shutdown. read and write are for copies between
 * files (sendfile, splice); the calls of programs come as messages (core/message.c).
 */
#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "netstack/socket/unix.h"

/* Both ends are locked. */
static uint32_t poll_locked(const struct unix_socket *socket)
{
    bool has_packets = socket->type != SOCK_STREAM;
    uint32_t ready = socket->error != 0 ? POLLERR : 0;

    if ((socket->shutdown & UNIX_SHUT_BOTH) == UNIX_SHUT_BOTH)
        ready |= POLLHUP;
    if ((socket->shutdown & UNIX_SHUT_READ) != 0)
        ready |= POLLRDHUP | POLLIN | POLLRDNORM;
    if (!TAILQ_EMPTY(&socket->queue))
        ready |= POLLIN | POLLRDNORM;
    if (unix_charge_sent(socket) * 4 <= socket->send_size)
        ready |= POLLOUT | POLLWRNORM | POLLWRBAND;
    if (!has_packets && !socket->is_connected)
        ready |= POLLHUP;
    return ready;
}

static uint32_t unix_poll(struct file *file)
{
    struct unix_socket *socket = unix_of_file(file);

    unix_lock(socket);
    uint32_t ready = poll_locked(socket);
    unix_unlock(socket);
    return ready;
}

static struct wait_queue *unix_queue(struct file *file, bool writing)
{
    struct unix_socket *socket = unix_of_file(file);

    return writing ? &socket->writers : &socket->readers;
}

static uint64_t bytes_waiting(const struct unix_socket *socket)
{
    const struct packet *packet;
    uint64_t size = 0;

    TAILQ_FOREACH(packet, &socket->queue, link) {
        size += packet->size - packet->start;
        if (socket->type == SOCK_DGRAM)
            break;
    }
    return size;
}

static int64_t unix_ioctl(struct file *file, unsigned request, guest_addr_t argument,
                          const struct user_memory *user)
{
    struct unix_socket *socket = unix_of_file(file);

    if (request != SIOCINQ && request != SIOCOUTQ)
        return -ENOTTY;
    unix_lock(socket);
    int size = (int)(request == SIOCINQ ? bytes_waiting(socket) : unix_charge_sent(socket));
    unix_unlock(socket);
    return user->copy_out(user->context, argument, &size, sizeof(size));
}

static int64_t write_packet(struct file *file, struct uio *uio, const struct file_wait *wait)
{
    struct packet *packet = packet_alloc((uint32_t)uio_left(uio));
    int64_t result = 0;

    if (packet == NULL)
        return -ENOMEM;
    if (packet->size > 0)
        result = uio_copy_from(uio, packet->data, packet->size);
    if (result >= 0 && (uint64_t)result < packet->size)
        result = -EFAULT;
    if (result >= 0)
        result = socket_send_packet(file, packet, packet->size, wait);
    if (result < 0)
        packet_free(packet);
    return result;
}

static int64_t read_packet(struct file *file, struct uio *uio, const struct file_wait *wait)
{
    struct packet *packet;
    int64_t result = socket_receive_packet(file, false, wait, &packet);

    if (result > 0)
        result = uio_copy_to(uio, packet->data,
                             packet->size < uio_left(uio) ? packet->size : uio_left(uio));
    packet_free(packet);
    return result;
}

static int64_t unix_read(struct file *file, struct uio *uio, uint64_t *position,
                         const struct file_wait *wait)
{
    (void)position;
    if (uio_left(uio) == 0)
        return 0;
    if (socket_has_packets(file))
        return read_packet(file, uio, wait);
    return socket_receive_stream(file, uio, 0, 0, wait);
}

static int64_t unix_write(struct file *file, struct uio *uio, uint64_t *position, size_t more,
                          const struct file_wait *wait)
{
    (void)position;
    (void)more;
    if (socket_has_packets(file))
        return write_packet(file, uio, wait);
    return socket_send_stream(file, uio, wait);
}

const struct file_ops unix_file_ops = {
    .open = unix_open,
    .close = unix_close,
    .read = unix_read,
    .write = unix_write,
    .poll = unix_poll,
    .queue = unix_queue,
    .ioctl = unix_ioctl,
};

bool socket_has_packets(const struct file *file)
{
    return unix_of_file(file)->type != SOCK_STREAM;
}

int socket_type(const struct file *file)
{
    return unix_of_file(file)->type;
}

bool socket_is_connected(const struct file *file)
{
    struct unix_socket *socket = unix_of_file(file);

    mutex_lock(&socket->lock);
    bool is_connected = socket->is_connected;
    mutex_unlock(&socket->lock);
    return is_connected;
}

int socket_shutdown(struct file *file, int how)
{
    struct unix_socket *socket = unix_of_file(file);
    struct unix_socket *peer = socket->peer;

    if (how < SHUT_RD || how > SHUT_RDWR)
        return -EINVAL;
    uint32_t mask = (uint32_t)how + 1;
    unix_lock(socket);
    socket->shutdown |= mask;
    if (peer != NULL && socket->type != SOCK_DGRAM) {
        peer->shutdown |= (mask & UNIX_SHUT_READ) != 0 ? UNIX_SHUT_WRITE : 0;
        peer->shutdown |= (mask & UNIX_SHUT_WRITE) != 0 ? UNIX_SHUT_READ : 0;
    }
    unix_kick(socket);
    unix_unlock(socket);
    return 0;
}
