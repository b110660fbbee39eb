/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <bsd/sys/queue.h>
#include <sys/socket.h>

#include "vfs/file.h"

/*
 * Sockets as the system calls use them. All functions borrow a file; file_is_socket says whether it
 * is one, which the caller has asked. Nothing is locked.
 */

/* One piece of data in a queue: a datagram, or part of a stream. */
struct packet {
    TAILQ_ENTRY(packet) link; /* not saved: the queue saves its packets in order */
    uint32_t size;
    uint32_t start; /* bytes of a stream's piece that were read already */
    uint8_t data[];
};

enum { SOCKET_BUFFER_MAX = 2 * 212992 }; /* the most that SO_SNDBUF gives */

/* Who made a socket, as SO_PEERCRED tells. */
struct socket_owner {
    int32_t pid;
    uint32_t uid, gid;
};

struct unix_socket;
extern const struct snapshot_type unix_socket_type;

bool file_is_socket(const struct file *file);

/* Two connected AF_UNIX sockets of type SOCK_STREAM, _DGRAM or _SEQPACKET; references. flags:
 * O_NONBLOCK. */
int socket_create_pair(int type, const struct socket_owner *owner, const struct cred *cred,
                       uint32_t flags, struct file *ret[2]);

/* Do its messages have boundaries (else it is a stream)? */
bool socket_has_packets(const struct file *file);
/* SOCK_*. */
int socket_type(const struct file *file);
/* Is there a peer (a name in a message is EISCONN then, for streams)? */
bool socket_is_connected(const struct file *file);
/* How long a call may wait, in ns; NSEC_NEVER. */
nsec_t socket_timeout(const struct file *file, bool is_send);
/* Bytes that a read waits for at least, of size wanted. */
uint64_t socket_low_water(const struct file *file, uint64_t size);

/* NULL: no memory. */
struct packet *packet_alloc(uint32_t size);
void packet_free(struct packet *packet); /* accepts NULL */

/* All four: bytes moved, -errno or WAIT_AGAIN with wait's entry queued; wait NULL: do not wait. */

/* Part of a stream. -EPIPE: nobody reads it. */
int64_t socket_send_stream(struct file *file, struct uio *uio, const struct file_wait *wait);
/* 0: the end. flags: SOCKET_PEEK leaves the data there, and passes over skip bytes; SOCKET_ENOUGH:
 * only if there is data, an error stays (-EAGAIN). */
enum { SOCKET_PEEK = 1, SOCKET_ENOUGH = 2 };
int64_t socket_receive_stream(struct file *file, struct uio *uio, unsigned flags, uint64_t skip,
                              const struct file_wait *wait);
/* One message of size bytes. Takes the packet when it returns size; NULL: only looks whether it
 * could be sent now. */
int64_t socket_send_packet(struct file *file, struct packet *packet, uint32_t size,
                           const struct file_wait *wait);
/* The first message, the caller's to free; is_peek: a copy. *ret NULL and 0: the end. */
int64_t socket_receive_packet(struct file *file, bool is_peek, const struct file_wait *wait,
                              struct packet **ret);

/* SHUT_*: -EINVAL. */
int socket_shutdown(struct file *file, int how);

/* Options of SOL_SOCKET: the bytes at value, at most size; get returns their count. -ENOPROTOOPT;
 * -EINVAL: too short. */
enum { SOCKET_OPTION_SIZE = 16 };
int socket_get_option(struct file *file, int option, void *value, size_t size);
int socket_set_option(struct file *file, const struct cred *cred, int option, const void *value,
                      size_t size);
