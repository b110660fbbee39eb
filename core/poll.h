/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/task.h"
#include "vfs/poll.h"

/* The calls that wait for any of a list of files; their results and restarts differ. */
enum poll_call { POLL_POLL, POLL_PPOLL, POLL_SELECT, POLL_PSELECT };

/* One descriptor of the list. */
struct poll_item {
    struct file *file; /* a reference; NULL: none, of a negative fd or one that is not open */
    int fd;
    uint16_t events;  /* POLL*, without those that are always told */
    uint16_t revents; /* not saved: found by looking */
    struct poll_place place;
};

/* The wait record of poll, ppoll, select and pselect6. */
struct poll_wait {
    struct wait_record base;
    enum poll_call call;
    uint32_t count; /* of items */
    struct poll_item *items;
    uint32_t bits;        /* select: the sets have so many */
    guest_addr_t to[3];   /* select: the sets, for reading, writing, others; else the array first */
    guest_addr_t timeout; /* where the time that is left goes; 0: nowhere */
    /* not saved, derived */
    bool is_queued; /* every item has its place */
};

extern const struct wait_type poll_wait_type;

/* Starts the record. span: how long to wait, NSEC_NEVER: for ever. */
struct poll_wait *poll_begin(struct task *task, enum poll_call call, nsec_t span,
                             guest_addr_t timeout);
/* Carry the call out, that has begun: count struct pollfd at array; or sets of bits. */
int64_t poll_run_array(struct task *task, struct poll_wait *record, guest_addr_t array,
                       uint32_t count);
int64_t poll_run_sets(struct task *task, struct poll_wait *record, int bits,
                      const guest_addr_t sets[3]);
