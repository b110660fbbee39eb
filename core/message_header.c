/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct msghdr: what goes with the bytes of a message. Sockets have no names yet as far as these
 * calls go, so that a receiver is told none, and control data is checked and told to be absent.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/un.h>

#include "core/message.h"
#include "netstack/socket/socket.h"

enum {
    NAME_SIZE_MAX = 128,      /* sizeof(struct sockaddr_storage) */
    CONTROL_SIZE_MAX = 20480, /* net.core.optmem_max */
};

/* *Linux:* a path is not looked up; that nobody listens is all there is to say about any name. */
static int check_datagram_name(struct mm *mm, guest_addr_t address, int size)
{
    struct sockaddr_un name = {0};

    if (size <= (int)sizeof(name.sun_family) || size > (int)sizeof(name))
        return -EINVAL;
    int err = user_copy_in(mm, &name, address, (size_t)size);
    if (err < 0)
        return err;
    return name.sun_family != AF_UNIX ? -EINVAL : -ECONNREFUSED;
}

int message_check_name(struct mm *mm, struct message_wait *record, guest_addr_t address, int size)
{
    char name[NAME_SIZE_MAX];

    if (size < 0 || size > NAME_SIZE_MAX)
        return -EINVAL;
    if (address == 0 || size == 0)
        return 0;
    int err = user_copy_in(mm, name, address, (size_t)size);
    if (err < 0)
        return err;
    switch (socket_type(record->file)) {
    case SOCK_STREAM:
        return socket_is_connected(record->file) ? -EISCONN : -EOPNOTSUPP;
    case SOCK_DGRAM:
        return check_datagram_name(mm, address, size);
    default:
        return 0;
    }
}

/* *Linux:* descriptors and credentials are not sent: EOPNOTSUPP. */
static int check_control(struct mm *mm, guest_addr_t address, uint64_t size)
{
    struct cmsghdr control;

    if (size > CONTROL_SIZE_MAX)
        return -ENOBUFS;
    for (uint64_t at = 0; size >= sizeof(control) && at <= size - sizeof(control);
         at += CMSG_ALIGN(control.cmsg_len)) {
        int err = user_copy_in(mm, &control, address + at, sizeof(control));
        if (err < 0)
            return err;
        if (control.cmsg_len < sizeof(control) || control.cmsg_len > size - at)
            return -EINVAL;
        if (control.cmsg_level != SOL_SOCKET)
            continue;
        bool is_known = control.cmsg_type == SCM_RIGHTS || control.cmsg_type == SCM_CREDENTIALS;
        return is_known ? -EOPNOTSUPP : -EINVAL;
    }
    return 0;
}

int message_read_header(struct mm *mm, struct message_wait *record)
{
    struct msghdr header;

    int err = user_copy_in(mm, &header, record->header, sizeof(header));
    if (err < 0)
        return err;
    int name_size = header.msg_name == NULL ? 0 : (int)header.msg_namelen;
    if (name_size < 0)
        return -EINVAL;
    name_size = name_size < NAME_SIZE_MAX ? name_size : NAME_SIZE_MAX;
    record->has_name = header.msg_name != NULL;
    if (header.msg_iovlen > RANGES_MAX)
        return -EMSGSIZE;
    ranges_fini(&record->ranges);
    err = ranges_copy_in(&record->ranges, mm, (uintptr_t)header.msg_iov, header.msg_iovlen);
    if (err < 0 || !record->is_send)
        return err;
    err = check_control(mm, (uintptr_t)header.msg_control, header.msg_controllen);
    if (err < 0)
        return err;
    return message_check_name(mm, record, (uintptr_t)header.msg_name, name_size);
}

/* recvfrom's length of a name: that of none. */
static int write_name_size(struct mm *mm, guest_addr_t to)
{
    int size;

    int err = user_copy_in(mm, &size, to, sizeof(size));
    if (err < 0)
        return err;
    if (size < 0)
        return -EINVAL;
    size = 0;
    return user_copy_out(mm, to, &size, sizeof(size));
}

int message_write_header(struct mm *mm, const struct message_wait *record, uint32_t flags)
{
    const uint64_t control_size = 0;
    const uint32_t name_size = 0;

    if (record->header == 0 || record->form == MESSAGE_PLAIN)
        return 0;
    if (record->form == MESSAGE_FROM)
        return write_name_size(mm, record->header);
    int err = 0;
    if (record->has_name)
        err = user_copy_out(mm, record->header + offsetof(struct msghdr, msg_namelen), &name_size,
                            sizeof(name_size));
    if (err == 0)
        err = user_copy_out(mm, record->header + offsetof(struct msghdr, msg_flags), &flags,
                            sizeof(flags));
    if (err == 0)
        err = user_copy_out(mm, record->header + offsetof(struct msghdr, msg_controllen),
                            &control_size, sizeof(control_size));
    return err;
}

int message_write_size(struct mm *mm, const struct message_wait *record, uint32_t size)
{
    return user_copy_out(mm, record->header + offsetof(struct mmsghdr, msg_len), &size,
                         sizeof(size));
}
