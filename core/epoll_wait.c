/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for what an epoll has to tell. Room for the events is pinned before they are taken, so
 * none is lost when the guest's memory is not there. Any signal ends the call: it is never made
 * again. A timeout of 0 has the deadline 0 and never queues.
 */
#include "core/epoll_wait.h"

#include <errno.h>
#include <inttypes.h>

#include "core/base/host.h"

DEFINE_WAIT_TYPE(EPOLL, epoll, EpollWait, epoll);

enum { EVENTS_MAX = INT32_MAX / sizeof(struct epoll_event) };

/* As many as one pin has room for. */
static int64_t take_part(struct waiter *waiter, const struct epoll_wait *record, uint32_t done,
                         uint32_t *left)
{
    const uint32_t part = UIO_SIZE_MAX / sizeof(struct epoll_event);
    struct mm *mm = task_of(waiter)->mm;
    uint32_t max = record->max - done;
    struct uio pinned;

    max = max < *left ? max : *left;
    max = max < part ? max : part;
    int err = user_pin(mm, record->to + done * sizeof(struct epoll_event),
                       max * sizeof(struct epoll_event), FAULT_WRITE, &pinned);
    if (err < 0)
        return err;
    struct uio uio = pinned;
    max = (uint32_t)(uio.size / sizeof(struct epoll_event));
    int64_t count = max == 0 ? -EFAULT : epoll_take(epoll_of_file(record->file), &uio, max, left);
    user_unpin(mm, &pinned);
    return count;
}

static int64_t take(struct waiter *waiter, const struct epoll_wait *record, uint32_t ready)
{
    uint32_t done = 0;

    while (ready > 0 && done < record->max) {
        int64_t count = take_part(waiter, record, done, &ready);
        if (count < 0)
            return done > 0 ? done : count;
        if (count == 0)
            break;
        done += (uint32_t)count;
    }
    return done;
}

static int64_t epoll_step(struct waiter *waiter, struct epoll_wait *record)
{
    struct epoll *epoll = epoll_of_file(record->file);
    int64_t count = 0;
    bool is_waiting = false;

    if (epoll == NULL) /* of a hostile image */
        return -EINVAL;
    while (count == 0 && !is_waiting) {
        uint32_t ready = epoll_count_ready(epoll);
        if (ready > 0)
            count = take(waiter, record, ready);
        else if (record->base.deadline == 0)
            return WAIT_AGAIN;
        else
            is_waiting = epoll_join(epoll, &record->entry, waiter);
    }
    if (is_waiting)
        return WAIT_AGAIN;
    wait_leave(&record->entry);
    return count;
}

static int64_t epoll_cancel(struct waiter *waiter, struct epoll_wait *record, int why)
{
    struct epoll *epoll = epoll_of_file(record->file);

    (void)waiter;
    if (epoll != NULL)
        epoll_leave(epoll, &record->entry);
    return why == -ETIMEDOUT ? 0 : -EINTR;
}

static void epoll_release(struct epoll_wait *record)
{
    wait_leave(&record->entry);
    object_put((struct object *)record->file);
    record->file = NULL;
}

static void epoll_relink(struct waiter *waiter, struct epoll_wait *record)
{
    struct epoll *epoll = epoll_of_file(record->file);

    if (epoll != NULL)
        wait_relink(epoll_waiters(epoll), &record->entry, waiter);
    else
        record->entry.state = WAIT_IDLE;
}

int64_t epoll_wait_run(struct task *task, const struct epoll_wait_request *request)
{
    struct epoll_wait *record = wait_begin(&task->waiter, &epoll_wait_type.ops);

    record->to = request->to;
    record->max = (uint32_t)request->max;
    if (request->span == 0)
        record->base.deadline = 0;
    else if (__builtin_add_overflow(clock_now(task->waiter.clock), request->span,
                                    &record->base.deadline))
        record->base.deadline = NSEC_NEVER;
    int err = signal_mask_begin(task, &record->base, request->mask, request->mask_size);
    if (err < 0)
        return err;
    if (request->max <= 0 || record->max > EVENTS_MAX)
        return -EINVAL;
    record->file = files_get_open(task->files, request->fd);
    if (record->file == NULL)
        return -EBADF;
    return epoll_of_file(record->file) == NULL ? -EINVAL : wait_run(&task->waiter);
}

static int epoll_wait_save(const struct epoll_wait *record, struct saver *saver, EpollWait *m)
{
    m->file = save_ref(saver, &record->file->object);
    m->to = record->to;
    m->max = record->max;
    return save_wait_entry(saver, &record->entry, &m->entry);
}

static int epoll_wait_load(struct epoll_wait *record, struct loader *loader, const EpollWait *m)
{
    record->file = load_ref(loader, "wait.epoll.file", m->file, &file_type);
    record->to = m->to;
    record->max = m->max;
    if (m->max == 0 || m->max > EVENTS_MAX)
        load_bad(loader, "wait.epoll.max", "%" PRIu32 " is not possible", m->max);
    load_wait_entry(loader, "wait.epoll.entry", &record->entry, m->entry);
    return 0;
}
