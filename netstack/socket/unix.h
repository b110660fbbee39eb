/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "netstack/socket/socket.h"

TAILQ_HEAD(packet_queue, packet);

/*
 * An AF_UNIX socket. unix_pair.c has the invariants.
 */
struct unix_socket {
    union {
        struct object object;
        struct inode inode;
    };
    int type;                  /* SOCK_* */
    struct unix_socket *peer;  /* a reference; NULL: none any more */
    struct socket_owner owner; /* whom SO_PEERCRED tells */
    /* Guarded by lock, and changed only under the locks of both ends: */
    bool is_connected;
    uint32_t shutdown;         /* UNIX_SHUT_* */
    int error;                 /* SO_ERROR, told once; 0 or positive */
    struct packet_queue queue; /* what was sent to us */
    /* Guarded by lock: */
    uint32_t send_size, receive_size;     /* SO_SNDBUF, SO_RCVBUF */
    uint32_t low_water;                   /* SO_RCVLOWAT */
    nsec_t send_timeout, receive_timeout; /* spans; NSEC_NEVER: none */
    uint64_t options;                     /* bit SO_*: those that are on */
    uint32_t priority, linger_time;       /* SO_PRIORITY, SO_LINGER */
    /* not saved, derived */
    uint32_t open_count; /* of its files; 0: it was closed */
    uint64_t charge;     /* memory of the queue: what the peer's SO_SNDBUF bounds */
    struct wait_queue readers, writers;
    /* not saved */
    struct mutex lock; /* LOCK_SOCKET */
};

enum { UNIX_SHUT_READ = 1, UNIX_SHUT_WRITE = 2, UNIX_SHUT_BOTH = 3 };

enum {
    UNIX_BUFFER = 212992,   /* net.core.wmem_default, _max and the same of rmem */
    UNIX_SEND_MIN = 4608,   /* Linux: SOCK_MIN_SNDBUF */
    UNIX_RECEIVE_MIN = 2304 /* Linux: SOCK_MIN_RCVBUF */
};

/* Of a socket's file; unix_open and unix_close are part of it. */
extern const struct file_ops unix_file_ops;
void unix_open(struct file *file);
void unix_close(struct file *file);

/* The socket of a file. */
struct unix_socket *unix_of_file(const struct file *file);

/* Both ends, in the order of their addresses. */
void unix_lock(struct unix_socket *socket);
void unix_unlock(struct unix_socket *socket);

/* All below are called with both ends locked. */

/* Everybody who waits on either end looks again. */
void unix_kick(struct unix_socket *socket);
/* The same, but those who poll are told what it is: the peer has got something; it has got room. */
void unix_kick_sent(struct unix_socket *socket);
void unix_kick_received(struct unix_socket *socket);
bool unix_peer_is_open(const struct unix_socket *socket);
/* Memory of a packet of size bytes as Linux counts it (truesize). */
uint64_t unix_charge_of(int type, uint32_t size);
/* Memory that waits to be read by the peer. */
uint64_t unix_charge_sent(const struct unix_socket *socket);
/* Appends to the socket's queue, and takes the packet; removes the first one, which is the
 * caller's.
 */
void unix_queue_add(struct unix_socket *socket, struct packet *packet);
struct packet *unix_queue_take(struct unix_socket *socket);
/* The error that is to be told, negative or 0, and is forgotten. */
int unix_take_error(struct unix_socket *socket);
