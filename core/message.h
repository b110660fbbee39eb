/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/ranges.h"
#include "core/rw.h"

/* What else than bytes a call that sends or receives wants. */
enum message_form {
    MESSAGE_PLAIN, /* nothing: send, recv, read and write of sockets */
    MESSAGE_FROM,  /* recvfrom: header is where the length of the sender's name goes */
    MESSAGE_ONE,   /* sendmsg, recvmsg: header is that of a struct msghdr */
    MESSAGE_MANY,  /* sendmmsg, recvmmsg: header is that of the current struct mmsghdr */
};

/* The wait record of all calls that send or receive on a socket. */
struct message_wait {
    struct wait_record base;
    struct file *file; /* a reference; a socket */
    bool is_send;
    uint32_t form;       /* enum message_form */
    uint32_t flags;      /* MSG_* */
    guest_addr_t header; /* 0: none */
    bool has_header;     /* MESSAGE_MANY: the current header was read */
    bool has_name;       /* the receiver of a header wants the sender's name */
    struct user_ranges ranges;
    uint64_t done;      /* bytes of the current message, of a stream */
    uint32_t nr, count; /* MESSAGE_MANY: messages that are through, and in all */
    struct wait_entry entry;
};

extern const struct wait_type message_wait_type;

/* The socket behind fd, a reference: -EBADF, -ENOTSOCK. */
int socket_get(struct task *task, int fd, struct file **ret);
/* Starts the record of a call on fd: -EBADF, -ENOTSOCK. Its form and ranges, or header and count,
 * are still to come; then wait_run. */
int message_begin(struct task *task, int fd, bool is_send, uint32_t flags,
                  struct message_wait **ret);
/* read and write of a socket; takes the file. address is that of count iovecs if is_vector, else of
 * size bytes. */
int64_t message_read_write(struct task *task, struct file *file, const struct rw_mode *mode,
                           guest_addr_t address, uint64_t size, bool is_vector);

/* --- message_header.c --- */
/* Reads the header of a message into the record: ranges; what is sent besides is checked. */
int message_read_header(struct mm *mm, struct message_wait *record);
/* May a message be sent to the name of size bytes at address? 0: it need not be looked at. */
int message_check_name(struct mm *mm, struct message_wait *record, guest_addr_t address, int size);
/* Tells what a receiver is told besides: flags are MSG_*. */
int message_write_header(struct mm *mm, const struct message_wait *record, uint32_t flags);
/* The bytes of a message of sendmmsg or recvmmsg. */
int message_write_size(struct mm *mm, const struct message_wait *record, uint32_t size);
