/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/task.h"
#include "vfs/epoll.h"

/* epoll_wait, epoll_pwait, epoll_pwait2. */
struct epoll_wait {
    struct wait_record base;
    struct file *file; /* a reference: the set */
    guest_addr_t to;   /* struct epoll_event */
    uint32_t max;      /* of them */
    struct wait_entry entry;
};

extern const struct wait_type epoll_wait_type;

/* Carries the call out. span: how long to wait, NSEC_NEVER: for ever. mask as signal_mask_begin. */
struct epoll_wait_request {
    int fd;
    guest_addr_t to;
    int max;
    nsec_t span;
    guest_addr_t mask;
    uint64_t mask_size;
};
int64_t epoll_wait_run(struct task *task, const struct epoll_wait_request *request);
