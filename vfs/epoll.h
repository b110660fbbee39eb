/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/epoll.h>

#include "vfs/file.h"

/* A set of watched files (Linux: eventpoll). It holds none of them. */
struct epoll;

extern const struct snapshot_type epoll_type;

/* A file on a new set, a reference. */
int epoll_create_file(struct file **ret);
/* The set of a file, a borrowed pointer; NULL: it is none. */
struct epoll *epoll_of_file(const struct file *file);

/* As epoll_ctl(2), for a file that is known by its descriptor too. The caller holds references to
 * both; they are not the same. */
int epoll_add(struct epoll *epoll, struct file *file, int fd, const struct epoll_event *event);
int epoll_modify(struct epoll *epoll, struct file *file, int fd, const struct epoll_event *event);
int epoll_remove(struct epoll *epoll, struct file *file, int fd);
/* The last reference to file is going: it leaves all sets. */
void epoll_forget_file(struct file *file);

/* How many may have something to tell. */
uint32_t epoll_count_ready(struct epoll *epoll);
/* Writes at most max events: their number, -EFAULT when not even the first could be. Looks at *left
 * items at most, which is lessened by those it has looked at: so a call of several parts tells of
 * no file twice. */
int64_t epoll_take(struct epoll *epoll, struct uio *to, uint32_t max, uint32_t *left);
/* Queues, unless there may be something to tell: then false. */
bool epoll_join(struct epoll *epoll, struct wait_entry *entry, struct waiter *waiter);
/* Leaves. What is still to tell is another's, who is woken. */
void epoll_leave(struct epoll *epoll, struct wait_entry *entry);
/* The queue of epoll_join, to relink. */
struct wait_queue *epoll_waiters(struct epoll *epoll);
