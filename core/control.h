/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "snapshot/control.pb-c.h"

/*
 * Messages between a sandbox and the tools: one a packet on a SOCK_SEQPACKET socket, descriptors by
 * SCM_RIGHTS. Both sides are hostile to each other. docs/control.md has the dialogues.
 */
enum {
    CONTROL_VERSION = 1,
    CONTROL_PACKET_MAX = 64 << 10, /* a larger message travels in a sealed memfd */
    CONTROL_MESSAGE_MAX = 8 << 20,
    CONTROL_ROOTS_MAX = 64,
    CONTROL_FDS_MAX = CONTROL_ROOTS_MAX + 8,
    CONTROL_NAME_MAX = 64,
    CONTROL_REASON_SIZE = 160,
};

/* The descriptor of the start socket in a new sbx-kernel process. */
enum { CONTROL_START_FD = 3 };

/* A message that was received, and its descriptors (close-on-exec). */
struct control_packet {
    ControlMessage *message;
    int fds[CONTROL_FDS_MAX];
    unsigned fd_count;
    char reason[CONTROL_REASON_SIZE]; /* why receiving it failed */
};

/* Sends message (version is set here), descriptors are borrowed. -EMSGSIZE, -EPIPE: peer gone. */
int control_send(int socket, const ControlMessage *message, const int *fds, unsigned fd_count);

/* Waits for a message. -ECONNRESET: hung up. -EPROTO: not a message of this protocol, or one with
 * the wrong number of descriptors; reason says what, the packet is empty. -EAGAIN: see
 * control_set_timeout. Except for StartSpec the number of descriptors is checked by kind. */
int control_receive(int socket, struct control_packet *ret);
/* Frees the message and closes the descriptors that were not taken. Legal on an empty one. */
void control_packet_fini(struct control_packet *packet);
/* Moves a descriptor out of the packet. */
int control_take_fd(struct control_packet *packet, unsigned nr);

/* Shorthands for answers to the request with that serial; 0: an event. */
int control_send_done(int socket, uint64_t serial);
__attribute__((format(printf, 4, 5))) int
control_send_failed(int socket, uint64_t serial, unsigned exit_code, const char *format, ...);

/* A connected pair of control sockets. */
int control_pair(int ret[2]);
/* A listening socket at name (no slash) in the directory; -EADDRINUSE. */
int control_listen(int dirfd, const char *name, int *ret);
int control_accept(int listener, int *ret);
/* -ECONNREFUSED: nobody listens any more; -ENOENT. */
int control_connect(int dirfd, const char *name, int *ret);
/* How long a receive waits: milliseconds, 0: for ever. */
int control_set_timeout(int socket, unsigned ms);

/* 1 to CONTROL_NAME_MAX bytes of [A-Za-z0-9_.-], no leading dot or dash: 0 or -EINVAL. */
int control_check_name(const char *name);

/* What a sandbox is started with. All descriptors are set but checkpoint_dir and image_dir, which
 * are -1 unless spec->checkpoint_at, spec->restore are there. root_fds: one for each of
 * spec->roots, O_PATH. */
struct control_start {
    StartSpec *spec;
    int listener; /* the sandbox's control socket; listening */
    int lock;     /* holds the name: a flock that lives as long as somebody has it open */
    int stdio[3];
    int checkpoint_dir; /* where --checkpoint-at writes */
    int image_dir;      /* restore from here */
    int root_fds[CONTROL_ROOTS_MAX];
};

/* No spec, all descriptors -1. */
void control_start_init(struct control_start *start);
/* Everything in start is borrowed. -E2BIG: argv and environment are too large. */
int control_start_send(int socket, const struct control_start *start);
/* Waits for the spec of a new sandbox; checks it (names, counts, absolute paths). Errors as
 * control_receive, with the reason. On success all is owned by the caller. */
int control_start_receive(int socket, struct control_start *ret, char reason[CONTROL_REASON_SIZE]);
/* Frees the spec and closes the descriptors that are not -1. Legal twice. */
void control_start_fini(struct control_start *start);
