/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll, ppoll, select and pselect6 as one wait record. It holds the files themselves, so closing a
 * descriptor meanwhile changes nothing. Invariants:
 * 1. The list is read from the guest once, at the start; results are written at the end.
 * 2. is_queued: all items stand in their queues; a step then only looks.
 * 3. A timeout of 0 has the deadline 0: such a call never queues and never sleeps.
 * After a signal poll goes on with its record; the others write what is left of their timeout and
 * are made anew, or end with EINTR, as on Linux.
 */
#include "core/poll.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/select.h>

#include "core/base/host.h"
#include "core/clocks.h"
#include "core/limit.h"

DEFINE_WAIT_TYPE(POLL, poll, PollWait, poll);

enum {
    SET_BITS = 64, /* sets are made of words of so many */
    SET_COUNT = 3,
    CHUNK = 256, /* struct pollfd read at a time */
    COUNT_MAX = 1 << 20,
};

/* What the three sets of select ask for, and what is told in each (Linux: POLLIN_SET …). */
static const uint16_t SET_EVENTS[SET_COUNT] = {
    POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR,
    POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR,
    POLLPRI,
};

/* Says that a set was asked for: POLLERR is an event of two sets. */
static const uint16_t SET_MARK[SET_COUNT] = {POLLIN, POLLOUT, POLLPRI};

static bool is_select(const struct poll_wait *record)
{
    return record->call == POLL_SELECT || record->call == POLL_PSELECT;
}

/* Does the item belong in this set of select, by what it asked for and what was found? */
static bool is_in_set(const struct poll_item *item, int nr)
{
    return (item->events & SET_MARK[nr]) != 0 && (item->revents & SET_EVENTS[nr]) != 0;
}

/* --- results --- */

/* The revents of as many items from nr on as one pin reaches: their number, -EFAULT. */
static int64_t write_revents(struct task *task, struct poll_wait *record, uint32_t nr)
{
    guest_addr_t at = record->to[0] + nr * sizeof(struct pollfd);
    size_t size = (record->count - nr) * sizeof(struct pollfd);
    struct uio pinned;

    int err =
        user_pin(task->mm, at, size < UIO_SIZE_MAX ? size : UIO_SIZE_MAX, FAULT_WRITE, &pinned);
    if (err < 0)
        return err;
    struct uio uio = pinned;
    int64_t count = 0;
    while (uio_left(&uio) >= sizeof(struct pollfd)) {
        uio_advance(&uio, offsetof(struct pollfd, revents));
        if (uio_copy_to(&uio, &record->items[nr + count].revents, sizeof(uint16_t)) < 0)
            break;
        count++;
    }
    user_unpin(task->mm, &pinned);
    return count;
}

static int write_array(struct task *task, struct poll_wait *record)
{
    for (uint32_t nr = 0; nr < record->count;) {
        int64_t count = write_revents(task, record, nr);
        if (count < 0)
            return (int)count;
        nr += (uint32_t)count;
        if (count > 0)
            continue;
        guest_addr_t at = record->to[0] + nr * sizeof(struct pollfd); /* an entry on an edge */
        int err = user_copy_out(task->mm, at + offsetof(struct pollfd, revents),
                                &record->items[nr].revents, sizeof(uint16_t));
        if (err < 0)
            return err;
        nr++;
    }
    return 0;
}

static size_t set_words(const struct poll_wait *record)
{
    return (record->bits + SET_BITS - 1) / SET_BITS;
}

static int write_set(struct task *task, const struct poll_wait *record, int nr, uint64_t *words)
{
    if (record->to[nr] == 0)
        return 0;
    memset(words, 0, set_words(record) * sizeof(*words));
    for (uint32_t i = 0; i < record->count; i++) {
        const struct poll_item *item = &record->items[i];
        if (is_in_set(item, nr))
            words[item->fd / SET_BITS] |= UINT64_C(1) << item->fd % SET_BITS;
    }
    return user_copy_out(task->mm, record->to[nr], words, set_words(record) * sizeof(*words));
}

static int write_sets(struct task *task, const struct poll_wait *record)
{
    uint64_t *words = host_alloc(set_words(record) + 1, sizeof(*words));
    int err = words == NULL ? -ENOMEM : 0;

    for (int nr = 0; err == 0 && nr < SET_COUNT; nr++)
        err = write_set(task, record, nr, words);
    host_free(words);
    return err;
}

/* Tells what is left of the timeout; one of 0 stays as it is. False: it could not be written. */
static bool write_timeout(struct waiter *waiter, const struct poll_wait *record)
{
    if (record->timeout == 0 || record->base.deadline == 0)
        return true;
    nsec_t left = record->base.deadline - clock_now(waiter->clock);
    struct timespec value = timespec_of(left > 0 ? left : 0);
    if (record->call == POLL_SELECT)
        value.tv_nsec /= 1000; /* a timeval */
    return user_copy_out(task_of(waiter)->mm, record->timeout, &value, sizeof(value)) == 0;
}

static int64_t finish(struct waiter *waiter, struct poll_wait *record, int64_t result)
{
    struct task *task = task_of(waiter);
    int err = 0;

    if (!is_select(record) && (result >= 0 || result == -ERESTARTNOHAND))
        err = write_array(task, record);
    else if (is_select(record) && result >= 0)
        err = write_sets(task, record);
    if (err < 0)
        result = err;
    if (record->call == POLL_POLL)
        return result == -ERESTARTNOHAND ? -ERESTART_RESTARTBLOCK : result;
    bool is_restartable = write_timeout(waiter, record);
    return result == -ERESTARTNOHAND && !is_restartable ? -EINTR : result;
}

/* --- looking --- */

static void look_at(struct waiter *waiter, struct poll_item *item, bool joins)
{
    const uint32_t always = POLLERR | POLLHUP;

    if (item->file == NULL) {
        item->revents = item->fd < 0 ? 0 : POLLNVAL;
        return;
    }
    if (joins)
        poll_join(item->file, &item->place, item->events, waiter);
    item->revents = (uint16_t)(file_poll(item->file) & (item->events | always));
}

/* How much an item adds to the result. */
static int weight(const struct poll_wait *record, const struct poll_item *item)
{
    int sum = 0;

    if (!is_select(record))
        return item->revents != 0;
    for (int nr = 0; nr < SET_COUNT; nr++)
        sum += is_in_set(item, nr);
    return sum;
}

static void leave_all(struct poll_wait *record)
{
    for (uint32_t i = 0; i < record->count; i++)
        poll_leave(&record->items[i].place);
    record->is_queued = false;
}

static int64_t poll_step(struct waiter *waiter, struct poll_wait *record)
{
    bool joins = !record->is_queued && record->base.deadline != 0;
    int64_t found = 0;

    for (uint32_t i = 0; i < record->count; i++) {
        look_at(waiter, &record->items[i], joins && found == 0);
        found += weight(record, &record->items[i]);
    }
    if (found == 0) {
        record->is_queued |= joins;
        return WAIT_AGAIN;
    }
    leave_all(record);
    return finish(waiter, record, found);
}

static int64_t poll_cancel(struct waiter *waiter, struct poll_wait *record, int why)
{
    leave_all(record);
    bool is_timeout = why == -ETIMEDOUT && !atomic_load(&waiter->has_signal);
    return finish(waiter, record, is_timeout ? 0 : -ERESTARTNOHAND);
}

static void poll_release(struct poll_wait *record)
{
    for (uint32_t i = 0; i < record->count; i++) {
        struct poll_item *item = &record->items[i];
        poll_leave(&item->place);
        object_put((struct object *)item->file);
    }
    host_free(record->items);
    record->items = NULL;
    record->count = 0;
}

static void poll_relink(struct waiter *waiter, struct poll_wait *record)
{
    record->is_queued = true;
    for (uint32_t i = 0; i < record->count; i++) {
        struct poll_item *item = &record->items[i];
        if (item->file != NULL)
            poll_place_relink(item->file, &item->place, waiter);
    }
}

/* --- begin --- */

struct poll_wait *poll_begin(struct task *task, enum poll_call call, nsec_t span,
                             guest_addr_t timeout)
{
    struct poll_wait *record = wait_begin(&task->waiter, &poll_wait_type.ops);

    record->call = call;
    if (span == NSEC_NEVER)
        return record;
    record->timeout = timeout;
    if (span == 0)
        record->base.deadline = 0;
    else if (__builtin_add_overflow(clock_now(task->waiter.clock), span, &record->base.deadline))
        record->base.deadline = NSEC_NEVER;
    return record;
}

static int alloc_items(struct poll_wait *record, uint32_t count)
{
    if (count == 0)
        return 0;
    record->items = host_alloc(count, sizeof(*record->items));
    return record->items == NULL ? -ENOMEM : 0;
}

static struct poll_item *add_item(struct task *task, struct poll_wait *record, int fd,
                                  uint16_t events)
{
    struct poll_item *item = &record->items[record->count++];

    item->fd = fd;
    item->events = events;
    item->file = fd < 0 ? NULL : files_get_open(task->files, fd);
    return item;
}

static int read_array(struct task *task, struct poll_wait *record, uint32_t count)
{
    struct pollfd chunk[CHUNK];

    int err = alloc_items(record, count);
    for (uint32_t done = 0, size; err == 0 && done < count; done += size) {
        size = count - done < CHUNK ? count - done : CHUNK;
        err = user_copy_in(task->mm, chunk, record->to[0] + done * sizeof(*chunk),
                           size * sizeof(*chunk));
        for (uint32_t i = 0; err == 0 && i < size; i++)
            (void)add_item(task, record, chunk[i].fd, (uint16_t)chunk[i].events);
    }
    return err;
}

int64_t poll_run_array(struct task *task, struct poll_wait *record, guest_addr_t array,
                       uint32_t count)
{
    int err = -EINVAL;

    record->to[0] = array;
    if (count <= task_limit(task, RLIMIT_NOFILE) && count <= COUNT_MAX)
        err = read_array(task, record, count);
    return err < 0 ? finish(&task->waiter, record, err) : wait_run(&task->waiter);
}

/* What the sets ask for of one descriptor. */
static uint16_t events_of(uint64_t *const words[SET_COUNT], uint32_t fd)
{
    uint16_t events = 0;

    for (int nr = 0; nr < SET_COUNT; nr++) {
        if ((words[nr][fd / SET_BITS] >> fd % SET_BITS & 1) != 0)
            events |= SET_EVENTS[nr];
    }
    return events;
}

/* -EBADF: one of them is not open. */
static int add_items(struct task *task, struct poll_wait *record, uint64_t *const words[SET_COUNT])
{
    uint32_t count = 0;

    for (size_t i = 0; i < set_words(record); i++)
        count += (uint32_t)__builtin_popcountll(words[0][i] | words[1][i] | words[2][i]);
    int err = alloc_items(record, count);
    for (uint32_t fd = 0; err == 0 && record->count < count && fd < record->bits; fd++) {
        uint16_t events = events_of(words, fd);
        if (events != 0 && add_item(task, record, (int)fd, events)->file == NULL)
            err = -EBADF;
    }
    return err;
}

static int read_sets(struct task *task, struct poll_wait *record)
{
    size_t size = set_words(record);
    uint64_t *all = host_alloc(SET_COUNT * size + 1, sizeof(*all));
    uint64_t *words[SET_COUNT] = {all, all + size, all + 2 * size};
    int err = all == NULL ? -ENOMEM : 0;

    for (int nr = 0; err == 0 && nr < SET_COUNT; nr++) {
        if (record->to[nr] != 0)
            err = user_copy_in(task->mm, words[nr], record->to[nr], size * sizeof(*all));
    }
    if (err == 0)
        err = add_items(task, record, words);
    host_free(all);
    return err;
}

int64_t poll_run_sets(struct task *task, struct poll_wait *record, int bits,
                      const guest_addr_t sets[3])
{
    uint32_t size = files_size(task->files);

    memcpy(record->to, sets, sizeof(record->to));
    record->bits = bits < 0 ? 0 : (uint32_t)bits < size ? (uint32_t)bits : size;
    int err = bits < 0 ? -EINVAL : read_sets(task, record);
    return err < 0 ? finish(&task->waiter, record, err) : wait_run(&task->waiter);
}

/* --- save and load --- */

static int poll_items_save(const struct poll_wait *record, struct saver *saver, PollWait *m)
{
    m->items = save_messages(saver, &poll_item__descriptor, record->count);
    if (m->items == NULL && record->count > 0)
        return -ENOMEM;
    for (; m->n_items < record->count; m->n_items++) {
        const struct poll_item *item = &record->items[m->n_items];
        PollItem *to = m->items[m->n_items];
        to->file = save_ref(saver, (const struct object *)item->file);
        to->fd = item->fd;
        to->events = item->events;
        int err = poll_place_save(saver, &item->place, &to->place);
        if (err < 0)
            return err;
    }
    return 0;
}

static int poll_wait_save(const struct poll_wait *record, struct saver *saver, PollWait *m)
{
    m->call = record->call;
    m->bits = record->bits;
    m->timeout = record->timeout;
    m->to = save_alloc(saver, SET_COUNT, sizeof(*m->to));
    if (m->to == NULL)
        return -ENOMEM;
    for (; m->n_to < SET_COUNT; m->n_to++)
        m->to[m->n_to] = record->to[m->n_to];
    return poll_items_save(record, saver, m);
}

static int poll_items_load(struct poll_wait *record, struct loader *loader, const PollWait *m)
{
    if (m->n_items > COUNT_MAX) {
        load_bad(loader, "wait.poll.items", "%zu are too many", m->n_items);
        return 0;
    }
    int err = alloc_items(record, (uint32_t)m->n_items);
    for (; err == 0 && record->count < m->n_items; record->count++) {
        struct poll_item *item = &record->items[record->count];
        const PollItem *from = m->items[record->count];
        item->file = load_ref_opt(loader, "wait.poll.items.file", from->file, &file_type);
        item->fd = from->fd;
        item->events = (uint16_t)from->events;
        poll_place_load(loader, "wait.poll.items.place", &item->place, from->place);
        if (from->fd < 0 ? is_select(record) : from->file == 0)
            load_bad(loader, "wait.poll.items.fd", "%" PRId32 " is not possible", from->fd);
        if (is_select(record) && from->fd >= 0 && (uint32_t)from->fd >= record->bits)
            load_bad(loader, "wait.poll.items.fd", "%" PRId32 " is in no set", from->fd);
        if (from->events > UINT16_MAX)
            load_bad(loader, "wait.poll.items.events", "%" PRIx32 " is not possible", from->events);
    }
    return err;
}

static int poll_wait_load(struct poll_wait *record, struct loader *loader, const PollWait *m)
{
    if (m->call > POLL_PSELECT)
        load_bad(loader, "wait.poll.call", "%" PRIu32 " is no call", m->call);
    if (m->bits > COUNT_MAX)
        load_bad(loader, "wait.poll.bits", "%" PRIu32 " are too many", m->bits);
    if (m->n_to != SET_COUNT)
        load_bad(loader, "wait.poll.to", "are %zu, not %d", m->n_to, SET_COUNT);
    record->call = m->call;
    record->bits = m->bits;
    record->timeout = m->timeout;
    for (size_t nr = 0; nr < m->n_to && nr < SET_COUNT; nr++)
        record->to[nr] = m->to[nr];
    return poll_items_load(record, loader, m);
}
