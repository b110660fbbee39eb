/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packet sockets of AF_UNIX with descriptors as ancillary data, and sealed memfds for what does not
 * fit into a packet. Names are given relative to a directory, because sun_path is short. A
 * descriptor that was received is never lost: it is handed on or closed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/host.h"
#include "core/base/host_inject.h"

enum { FDS_MAX = 128, BACKLOG = 16, SEALS = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK };

/* Room for the descriptors of one packet. */
union ancillary {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
};

int host_socket_pair(int ret[2])
{
    int err = host_inject();

    if (err < 0)
        return err;
    return (int)host_result(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret));
}

static int make_address(int dirfd, const char *name, struct sockaddr_un *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->sun_family = AF_UNIX;
    int length = snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s", dirfd, name);
    return length < 0 || (size_t)length >= sizeof(ret->sun_path) ? -ENAMETOOLONG : 0;
}

/* A socket on which attach (bind or connect) has been called. */
static int open_at(int dirfd, const char *name,
                   int (*attach)(int, const struct sockaddr *, socklen_t))
{
    struct sockaddr_un address;
    int err = host_inject();

    if (err == 0)
        err = make_address(dirfd, name, &address);
    if (err < 0)
        return err;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (attach(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    err = -errno;
    (void)close(fd);
    return err;
}

int host_socket_listen(int dirfd, const char *name)
{
    int fd = open_at(dirfd, name, bind);

    if (fd < 0 || listen(fd, BACKLOG) == 0)
        return fd;
    int err = -errno;
    (void)close(fd);
    return err;
}

int host_socket_connect(int dirfd, const char *name)
{
    return open_at(dirfd, name, connect);
}

int host_socket_accept(int listener)
{
    int err = host_inject();
    int fd;

    if (err < 0)
        return err;
    do
        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    return (int)host_result(fd);
}

int host_socket_set_timeout(int socket, unsigned ms)
{
    struct timeval time = {.tv_sec = ms / 1000, .tv_usec = (long)(ms % 1000) * 1000};

    return (int)host_result(setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)));
}

int host_socket_send(int socket, const void *data, size_t size, const int *fds, unsigned fd_count)
{
    union ancillary ancillary = {0};
    struct iovec iov = {.iov_base = (void *)data, .iov_len = size};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    int err = host_inject();
    ssize_t sent;

    if (err == 0 && fd_count > FDS_MAX)
        err = -EMSGSIZE;
    if (err < 0)
        return err;
    if (fd_count > 0) {
        ancillary.header.cmsg_level = SOL_SOCKET;
        ancillary.header.cmsg_type = SCM_RIGHTS;
        ancillary.header.cmsg_len = CMSG_LEN(fd_count * sizeof(int));
        memcpy(CMSG_DATA(&ancillary.header), fds, fd_count * sizeof(int));
        message.msg_control = &ancillary;
        message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
    }
    sent = TEMP_FAILURE_RETRY(sendmsg(socket, &message, MSG_NOSIGNAL));
    return sent < 0 ? -errno : 0;
}

static void close_all(const int *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        (void)close(fds[i]);
}

/* The descriptors that came with a message; the kernel puts all into one header. */
static unsigned received_fds(struct msghdr *message, int fds[FDS_MAX])
{
    struct cmsghdr *header = CMSG_FIRSTHDR(message);

    if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
        return 0;
    unsigned count = (unsigned)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(fds, CMSG_DATA(header), count * sizeof(int));
    return count;
}

ptrdiff_t host_socket_receive(int socket, void *to, size_t size, int *fds, unsigned *fd_count)
{
    union ancillary ancillary;
    struct iovec iov = {.iov_base = to, .iov_len = size};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = &ancillary,
                             .msg_controllen = sizeof(ancillary)};
    int received[FDS_MAX];
    int err = host_inject();

    if (err < 0)
        return err;
    ssize_t result = TEMP_FAILURE_RETRY(recvmsg(socket, &message, MSG_CMSG_CLOEXEC));
    if (result < 0)
        return -errno;
    unsigned count = received_fds(&message, received);
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || count > *fd_count) {
        close_all(received, count);
        return -EMSGSIZE;
    }
    if (count > 0)
        memcpy(fds, received, count * sizeof(int));
    *fd_count = count;
    return result;
}

int host_memfd_seal(int fd)
{
    int err = host_inject();

    return err < 0 ? err : (int)host_result(fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL));
}

bool host_memfd_is_sealed(int fd)
{
    int seals = fcntl(fd, F_GET_SEALS);

    return seals >= 0 && (seals & SEALS) == SEALS;
}
