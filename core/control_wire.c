/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets of the control protocol. Invariants: what comes from the other side is copied once and
 * then checked whole (version, kind, fields, descriptors) before the caller sees any of it; a
 * message with a part that this side does not know is refused, never half obeyed; and every
 * descriptor that arrives belongs to the packet until it is taken. Who may send what, and when, is
 * the caller's to know.
 */
#include "core/control.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "core/base/host.h"
#include "snapshot/message.h"

enum { FAILED_SIZE_MAX = 16 << 10 };

int control_pair(int ret[2])
{
    return host_socket_pair(ret);
}

static int to_result(int fd, int *ret)
{
    if (fd < 0)
        return fd;
    *ret = fd;
    return 0;
}

int control_listen(int dirfd, const char *name, int *ret)
{
    return to_result(host_socket_listen(dirfd, name), ret);
}

int control_accept(int listener, int *ret)
{
    return to_result(host_socket_accept(listener), ret);
}

int control_connect(int dirfd, const char *name, int *ret)
{
    return to_result(host_socket_connect(dirfd, name), ret);
}

int control_set_timeout(int socket, unsigned ms)
{
    return host_socket_set_timeout(socket, ms);
}

int control_check_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "_.-";
    size_t size = strlen(name);

    if (size == 0 || size > CONTROL_NAME_MAX || name[0] == '.' || name[0] == '-')
        return -EINVAL;
    return strspn(name, allowed) == size ? 0 : -EINVAL;
}

/* --- sending --- */

static int send_packed(int socket, const ControlMessage *message, size_t size, const int *fds,
                       unsigned fd_count)
{
    uint8_t *packed = host_alloc(1, size);

    if (packed == NULL)
        return -ENOMEM;
    control_message__pack(message, packed);
    int err = host_socket_send(socket, packed, size, fds, fd_count);
    host_free(packed);
    return err;
}

/* A sealed memfd with the packed message. */
static int make_memfd(const ControlMessage *message, size_t size, int *ret)
{
    uint8_t *packed = host_alloc(1, size);

    if (packed == NULL)
        return -ENOMEM;
    control_message__pack(message, packed);
    int fd = host_memfd("sbx-message", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int err = fd < 0 ? fd : host_pwrite_all(fd, packed, size, 0);
    host_free(packed);
    if (err == 0)
        err = host_memfd_seal(fd);
    if (err == 0)
        *ret = fd;
    else if (fd >= 0)
        (void)host_close(fd);
    return err;
}

static int send_large(int socket, const ControlMessage *message, size_t size, const int *fds,
                      unsigned fd_count)
{
    ControlMessage envelope = CONTROL_MESSAGE__INIT;
    int all[CONTROL_FDS_MAX + 1];

    if (size > CONTROL_MESSAGE_MAX || fd_count > CONTROL_FDS_MAX)
        return -EMSGSIZE;
    int err = make_memfd(message, size, &all[0]);
    if (err < 0)
        return err;
    for (unsigned i = 0; i < fd_count; i++)
        all[i + 1] = fds[i];
    envelope.version = CONTROL_VERSION;
    envelope.large_size = size;
    err = send_packed(socket, &envelope, control_message__get_packed_size(&envelope), all,
                      fd_count + 1);
    (void)host_close(all[0]);
    return err;
}

int control_send(int socket, const ControlMessage *message, const int *fds, unsigned fd_count)
{
    ControlMessage versioned = *message;

    versioned.version = CONTROL_VERSION;
    size_t size = control_message__get_packed_size(&versioned);
    if (size > CONTROL_PACKET_MAX)
        return send_large(socket, &versioned, size, fds, fd_count);
    return send_packed(socket, &versioned, size, fds, fd_count);
}

int control_send_done(int socket, uint64_t serial)
{
    ControlMessage message = CONTROL_MESSAGE__INIT;
    DoneReply done = DONE_REPLY__INIT;

    message.serial = serial;
    message.body_case = CONTROL_MESSAGE__BODY_DONE;
    message.done = &done;
    return control_send(socket, &message, NULL, 0);
}

int control_send_failed(int socket, uint64_t serial, unsigned exit_code, const char *format, ...)
{
    ControlMessage message = CONTROL_MESSAGE__INIT;
    FailedReply failed = FAILED_REPLY__INIT;
    char text[FAILED_SIZE_MAX];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    failed.message = text;
    failed.exit_code = exit_code;
    message.serial = serial;
    message.body_case = CONTROL_MESSAGE__BODY_FAILED;
    message.failed = &failed;
    return control_send(socket, &message, NULL, 0);
}

/* --- receiving --- */

__attribute__((format(printf, 2, 3))) static int refuse(struct control_packet *packet,
                                                        const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(packet->reason, sizeof(packet->reason), format, arguments);
    va_end(arguments);
    return -EPROTO;
}

static int unpack(struct control_packet *packet, const uint8_t *packed, size_t size)
{
    bool has_no_memory = false;
    ProtobufCAllocator allocator = message_allocator(&has_no_memory);

    packet->message = control_message__unpack(&allocator, size, packed);
    if (packet->message != NULL)
        return 0;
    return has_no_memory ? -ENOMEM : refuse(packet, "a packet that is no control message");
}

static void free_message(struct control_packet *packet)
{
    bool has_no_memory;
    ProtobufCAllocator allocator = message_allocator(&has_no_memory);

    if (packet->message != NULL)
        control_message__free_unpacked(packet->message, &allocator);
    packet->message = NULL;
}

static int check_known(void *context, ProtobufCMessage *message, const char *path)
{
    if (message->n_unknown_fields == 0)
        return 0;
    return refuse(context, "%s: unknown field %u", path, message->unknown_fields[0].tag);
}

static int check_fd_count(struct control_packet *packet)
{
    ControlMessage__BodyCase kind = packet->message->body_case;
    unsigned expected = kind == CONTROL_MESSAGE__BODY_CHECKPOINT ? 1 : 0;

    if (kind == CONTROL_MESSAGE__BODY_START || packet->fd_count == expected)
        return 0;
    return refuse(packet, "%u descriptors, expected %u", packet->fd_count, expected);
}

/* The version comes first: another one may mean anything by its fields. */
static int check_version(struct control_packet *packet)
{
    uint32_t version = packet->message->version;

    if (version == CONTROL_VERSION)
        return 0;
    return refuse(packet, "version %u of the control protocol, expected %u", version,
                  CONTROL_VERSION);
}

static int check_message(struct control_packet *packet)
{
    int err = check_version(packet);

    if (err == 0)
        err = message_visit(&packet->message->base, "message", check_known, packet);
    if (err == 0 && packet->message->large_size != 0)
        err = refuse(packet, "a large message within another");
    if (err == 0 && packet->message->body_case == CONTROL_MESSAGE__BODY__NOT_SET)
        err = refuse(packet, "an empty message");
    return err < 0 ? err : check_fd_count(packet);
}

/* Replaces the envelope by the message in the first descriptor. */
static int open_large(struct control_packet *packet)
{
    uint64_t size = packet->message->large_size;
    int err = check_version(packet);

    if (err < 0)
        return err;
    if (size > CONTROL_MESSAGE_MAX || packet->fd_count == 0 ||
        !host_memfd_is_sealed(packet->fds[0]))
        return refuse(packet, "a large message without its memory");
    uint8_t *packed = host_alloc(1, size);
    if (packed == NULL)
        return -ENOMEM;
    err = host_pread_all(packet->fds[0], packed, size, 0);
    if (err == 0) {
        free_message(packet);
        err = unpack(packet, packed, size);
    } else {
        err = refuse(packet, "a large message that is cut off");
    }
    host_free(packed);
    if (err < 0)
        return err;
    (void)host_close(packet->fds[0]);
    packet->fd_count--;
    memmove(packet->fds, packet->fds + 1, packet->fd_count * sizeof(int));
    return 0;
}

static int receive_packed(int socket, struct control_packet *packet, uint8_t *buffer)
{
    packet->fd_count = CONTROL_FDS_MAX;
    ptrdiff_t size =
        host_socket_receive(socket, buffer, CONTROL_PACKET_MAX, packet->fds, &packet->fd_count);
    if (size <= 0)
        packet->fd_count = 0;
    if (size == 0)
        return -ECONNRESET;
    if (size == -EMSGSIZE)
        return refuse(packet, "a packet that is too large");
    if (size < 0)
        return (int)size;
    int err = unpack(packet, buffer, (size_t)size);
    if (err == 0 && packet->message->large_size != 0)
        err = open_large(packet);
    return err < 0 ? err : check_message(packet);
}

int control_receive(int socket, struct control_packet *ret)
{
    memset(ret, 0, sizeof(*ret));
    uint8_t *buffer = host_alloc(1, CONTROL_PACKET_MAX);
    if (buffer == NULL)
        return -ENOMEM;
    int err = receive_packed(socket, ret, buffer);
    host_free(buffer);
    if (err < 0)
        control_packet_fini(ret);
    return err;
}

void control_packet_fini(struct control_packet *packet)
{
    free_message(packet);
    for (unsigned i = 0; i < packet->fd_count; i++)
        if (packet->fds[i] >= 0)
            (void)host_close(packet->fds[i]);
    packet->fd_count = 0;
}

int control_take_fd(struct control_packet *packet, unsigned nr)
{
    int fd = packet->fds[nr];

    packet->fds[nr] = -1;
    return fd;
}
