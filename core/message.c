/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending and receiving on sockets: one wait record for all calls, read and write of sockets
 * included. Invariants:
 * 1. Bytes of a stream move as in core/rw.c: by pinned parts, of which the record counts those that
 *    are done. A message with boundaries is copied whole, before it is sent or after it was taken.
 * 2. Each header is read once, when its message begins.
 * 3. A timeout of the socket (SO_RCVTIMEO, SO_SNDTIMEO) is the record's deadline; a call with one
 * is not made again after a signal.
 */
#include "core/message.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>

#include "netstack/socket/socket.h"

DEFINE_WAIT_TYPE(MESSAGE, message, MessageWait, message);

static bool message_waits(const struct message_wait *record)
{
    return !file_is_nonblocking(record->file) && (record->flags & MSG_DONTWAIT) == 0;
}

/* --- streams --- */

/* Pins what is left of the ranges; an empty uio when that is nothing. */
static int pin_rest(struct mm *mm, const struct message_wait *record, uint64_t done,
                    struct uio *ret)
{
    enum fault_access access = record->is_send ? FAULT_READ : FAULT_WRITE;

    uio_init(ret, NULL, 0);
    if (done == record->ranges.size)
        return 0;
    return user_pin_iov(mm, ranges_get(&record->ranges), record->ranges.count, done, access, ret);
}

static int64_t send_part(struct waiter *waiter, struct message_wait *record)
{
    struct file_wait wait = {.waiter = waiter, .entry = &record->entry};
    struct mm *mm = task_of(waiter)->mm;
    bool is_empty = record->done == record->ranges.size;
    struct uio uio;

    int err = pin_rest(mm, record, record->done, &uio);
    if (err < 0)
        return err;
    int64_t moved = socket_send_stream(record->file, &uio, message_waits(record) ? &wait : NULL);
    if (!is_empty)
        user_unpin(mm, &uio);
    return moved;
}

/* How much has to come before a read of a stream ends. */
static uint64_t receive_target(const struct message_wait *record)
{
    if ((record->flags & MSG_WAITALL) != 0 && record->ranges.size > 0)
        return record->ranges.size;
    return socket_low_water(record->file, record->ranges.size);
}

static int64_t receive_part(struct waiter *waiter, struct message_wait *record)
{
    struct file_wait wait = {.waiter = waiter, .entry = &record->entry};
    struct mm *mm = task_of(waiter)->mm;
    bool is_empty = record->done == record->ranges.size;
    bool is_peek = (record->flags & MSG_PEEK) != 0;
    bool is_enough = record->done >= receive_target(record) || (is_peek && record->done > 0);
    unsigned flags = (is_peek ? SOCKET_PEEK : 0) | (is_enough ? SOCKET_ENOUGH : 0);
    struct uio uio;

    int err = pin_rest(mm, record, record->done, &uio);
    if (err < 0)
        return err;
    int64_t moved = socket_receive_stream(record->file, &uio, flags, is_peek ? record->done : 0,
                                          message_waits(record) && !is_enough ? &wait : NULL);
    if (!is_empty)
        user_unpin(mm, &uio);
    return moved;
}

/* The result of a message of a stream that ends with err (0: well). */
static int64_t stream_result(struct waiter *waiter, struct message_wait *record, int64_t err)
{
    if (record->done > 0)
        return (int64_t)record->done;
    if (err == -EPIPE && record->is_send && (record->flags & MSG_NOSIGNAL) == 0)
        signal_send_self(task_of(waiter), SIGPIPE, SI_USER);
    return err;
}

static int64_t stream_advance(struct waiter *waiter, struct message_wait *record)
{
    for (;;) {
        int64_t moved = record->is_send ? send_part(waiter, record) : receive_part(waiter, record);
        if (moved == WAIT_AGAIN)
            return WAIT_AGAIN;
        if (moved <= 0)
            return stream_result(waiter, record, moved);
        record->done += (uint64_t)moved;
        if (record->done == record->ranges.size || atomic_load(&waiter->is_killed))
            return stream_result(waiter, record, 0);
        if (rw_give_way(waiter, &record->base) == WAIT_AGAIN)
            return WAIT_AGAIN;
    }
}

/* --- messages with boundaries --- */

/* Copies size bytes between the ranges and a packet. */
static int copy_packet(struct mm *mm, struct message_wait *record, struct packet *packet,
                       uint32_t size)
{
    for (uint32_t done = 0; done < size;) {
        struct uio uio;
        int err = pin_rest(mm, record, done, &uio);
        if (err < 0)
            return err;
        size_t part = size - done < uio_left(&uio) ? size - done : uio_left(&uio);
        ptrdiff_t moved = record->is_send ? uio_copy_from(&uio, packet->data + done, part)
                                          : uio_copy_to(&uio, packet->data + done, part);
        user_unpin(mm, &uio);
        if (moved < 0)
            return (int)moved;
        done += (uint32_t)moved;
    }
    return 0;
}

static int64_t send_packet(struct waiter *waiter, struct message_wait *record)
{
    struct file_wait wait = {.waiter = waiter, .entry = &record->entry};
    const struct file_wait *may_wait = message_waits(record) ? &wait : NULL;
    uint32_t size = (uint32_t)record->ranges.size;

    int64_t result = socket_send_packet(record->file, NULL, size, may_wait);
    if (result < 0)
        return result;
    struct packet *packet = packet_alloc(size);
    if (packet == NULL)
        return -ENOBUFS;
    result = copy_packet(task_of(waiter)->mm, record, packet, size);
    if (result == 0)
        result = socket_send_packet(record->file, packet, size, may_wait);
    if (result < 0)
        packet_free(packet);
    return result;
}

/* *flags: what the receiver is told, MSG_*. */
static int64_t receive_packet(struct waiter *waiter, struct message_wait *record, uint32_t *flags)
{
    struct file_wait wait = {.waiter = waiter, .entry = &record->entry};
    struct packet *packet;

    int64_t result = socket_receive_packet(record->file, (record->flags & MSG_PEEK) != 0,
                                           message_waits(record) ? &wait : NULL, &packet);
    if (packet == NULL)
        return result;
    bool is_cut = packet->size > record->ranges.size;
    uint32_t size = is_cut ? (uint32_t)record->ranges.size : packet->size;
    int err = copy_packet(task_of(waiter)->mm, record, packet, size);
    *flags |= is_cut ? MSG_TRUNC : 0;
    if ((record->flags & MSG_TRUNC) != 0)
        size = packet->size;
    packet_free(packet);
    return err < 0 ? err : (int64_t)size;
}

/* --- the call --- */

/* Out-of-band data is absent. */
static int check_flags(const struct message_wait *record)
{
    if ((record->flags & MSG_OOB) == 0)
        return 0;
    return record->is_send || socket_has_packets(record->file) ? -EOPNOTSUPP : -EINVAL;
}

/* Ends a receiver's message: tells what goes with it. */
static int64_t message_tell(struct waiter *waiter, struct message_wait *record, int64_t result,
                            uint32_t flags)
{
    if (result < 0 || record->is_send || task_of(waiter)->mm == NULL)
        return result;
    int err = message_write_header(task_of(waiter)->mm, record,
                                   flags | (record->flags & MSG_CMSG_CLOEXEC));
    return err < 0 ? err : result;
}

/* One message: its result, or WAIT_AGAIN. */
static int64_t message_move(struct waiter *waiter, struct message_wait *record)
{
    uint32_t flags = 0;
    int64_t result = check_flags(record);

    if (result < 0)
        return result;
    if (!socket_has_packets(record->file))
        result = stream_advance(waiter, record);
    else if (record->is_send)
        result = send_packet(waiter, record);
    else
        result = receive_packet(waiter, record, &flags);
    return result == WAIT_AGAIN ? WAIT_AGAIN : message_tell(waiter, record, result, flags);
}

/* One of many has its result. Goes on to the next: true, or ends the call: *result. */
static bool message_next(struct waiter *waiter, struct message_wait *record, int64_t *result)
{
    struct mm *mm = task_of(waiter)->mm;

    if (*result >= 0 && mm != NULL)
        *result = message_write_size(mm, record, (uint32_t)*result) < 0 ? -EFAULT : 0;
    if (*result < 0) {
        *result = record->nr > 0 ? record->nr : *result;
        return false;
    }
    record->nr++;
    record->header += sizeof(struct mmsghdr);
    record->has_header = false;
    record->done = 0;
    if ((record->flags & MSG_WAITFORONE) != 0)
        record->flags |= MSG_DONTWAIT;
    *result = record->nr;
    return record->nr < record->count;
}

static int64_t message_advance(struct waiter *waiter, struct message_wait *record)
{
    int64_t result;

    do {
        result = record->has_header ? 0 : message_read_header(task_of(waiter)->mm, record);
        record->has_header = true;
        if (result == 0)
            result = message_move(waiter, record);
        if (result == WAIT_AGAIN || record->form != MESSAGE_MANY)
            return result;
    } while (message_next(waiter, record, &result) && !atomic_load(&waiter->is_killed));
    return result;
}

/* As rw_step. */
static int64_t message_step(struct waiter *waiter, struct message_wait *record)
{
    bool has_slept = record->done > 0 && !record->base.is_killable;
    int64_t result;

    record->base.is_killable = false;
    if (!file_is_socket(record->file))
        result = -ENOTSOCK; /* a hostile image */
    else if (has_slept && atomic_load(&waiter->has_signal))
        result = message_cancel(waiter, record, -ERESTARTSYS);
    else
        result = message_advance(waiter, record);
    if (result != WAIT_AGAIN)
        wait_leave(&record->entry);
    return result;
}

static int64_t message_cancel(struct waiter *waiter, struct message_wait *record, int why)
{
    int64_t result = why;

    wait_leave(&record->entry);
    if (why == -ETIMEDOUT)
        result = -EAGAIN;
    else if (record->base.deadline != NSEC_NEVER)
        result = -EINTR;
    result = stream_result(waiter, record, result);
    result = message_tell(waiter, record, result, 0);
    if (record->form == MESSAGE_MANY)
        (void)message_next(waiter, record, &result);
    return result;
}

static void message_release(struct message_wait *record)
{
    wait_leave(&record->entry); /* that of a sandbox that ends */
    if (record->file != NULL)
        object_put(&record->file->object);
    ranges_fini(&record->ranges);
    record->file = NULL;
}

static void message_relink(struct waiter *waiter, struct message_wait *record)
{
    if (file_is_socket(record->file))
        wait_relink(record->file->ops->queue(record->file, record->is_send), &record->entry,
                    waiter);
    else
        record->entry.state = WAIT_IDLE;
}

/* --- begin --- */

/* Takes the file, a socket. */
static struct message_wait *begin(struct task *task, struct file *file, bool is_send,
                                  uint32_t flags)
{
    struct message_wait *record = wait_begin(&task->waiter, &message_wait_type.ops);
    nsec_t timeout = socket_timeout(file, is_send);

    record->file = file;
    record->is_send = is_send;
    record->flags = timeout == 0 ? flags | MSG_DONTWAIT : flags;
    record->has_header = true;
    if (timeout > 0 &&
        __builtin_add_overflow(clock_now(task->waiter.clock), timeout, &record->base.deadline))
        record->base.deadline = NSEC_NEVER;
    return record;
}

int socket_get(struct task *task, int fd, struct file **ret)
{
    struct file *file = files_get_open(task->files, fd);

    if (file == NULL)
        return -EBADF;
    if (!file_is_socket(file)) {
        object_put(&file->object);
        return -ENOTSOCK;
    }
    *ret = file;
    return 0;
}

int message_begin(struct task *task, int fd, bool is_send, uint32_t flags,
                  struct message_wait **ret)
{
    struct file *file;

    int err = socket_get(task, fd, &file);
    if (err == 0)
        *ret = begin(task, file, is_send, flags);
    return err;
}

int64_t message_read_write(struct task *task, struct file *file, const struct rw_mode *mode,
                           guest_addr_t address, uint64_t size, bool is_vector)
{
    uint32_t flags = (mode->flags & RWF_NOWAIT) != 0 ? MSG_DONTWAIT : 0;
    struct message_wait *record = begin(task, file, mode->is_write, flags);

    if ((mode->flags & ~(uint32_t)RW_FLAGS) != 0)
        return -EOPNOTSUPP;
    int err = is_vector ? ranges_copy_in(&record->ranges, task->mm, address, size)
                        : ranges_set(&record->ranges, address, size);
    if (err < 0)
        return err;
    if (record->ranges.size == 0 && (is_vector || !mode->is_write))
        return 0;
    return wait_run(&task->waiter);
}

/* --- save and load --- */

static int message_wait_save(const struct message_wait *record, struct saver *saver, MessageWait *m)
{
    m->file = save_ref(saver, &record->file->object);
    m->is_send = record->is_send;
    m->form = record->form;
    m->flags = record->flags;
    m->header = record->header;
    m->has_header = record->has_header;
    m->has_name = record->has_name;
    m->done = record->done;
    m->nr = record->nr;
    m->count = record->count;
    int err = ranges_save(&record->ranges, saver, &m->n_ranges, &m->ranges);
    return err < 0 ? err : save_wait_entry(saver, &record->entry, &m->entry);
}

static int message_wait_load(struct message_wait *record, struct loader *loader,
                             const MessageWait *m)
{
    record->file = load_ref(loader, "wait.message.file", m->file, &file_type);
    record->is_send = m->is_send;
    record->form = m->form;
    record->flags = m->flags;
    record->header = m->header;
    record->has_header = m->has_header;
    record->has_name = m->has_name;
    record->done = m->done;
    record->nr = m->nr;
    record->count = m->count;
    load_wait_entry(loader, "wait.message.entry", &record->entry, m->entry);
    int err = ranges_load(&record->ranges, loader, "wait.message.ranges", m->n_ranges, m->ranges);
    if (err < 0)
        return err;
    if (m->done > record->ranges.size)
        load_bad(loader, "wait.message.done", "%" PRIu64 " bytes are too many", m->done);
    if (m->form > MESSAGE_MANY)
        load_bad(loader, "wait.message.form", "%" PRIu32 " is not possible", m->form);
    if (m->form == MESSAGE_MANY && m->nr >= m->count)
        load_bad(loader, "wait.message.nr", "%" PRIu32 " are too many", m->nr);
    return 0;
}
