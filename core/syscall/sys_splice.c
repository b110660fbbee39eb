/* SPDX-License-Identifier: Apache-2.0 */
/*
 * splice, tee and vmsplice: copies of which one side at least is a pipe. Invariants:
 * 1. What is taken out of a pipe holds its room until the other side has taken it; the rest is put
 *    back in front. What is to come into a pipe has room before it is read. So nothing is lost
 *    whatever the other side does, and nothing but the record is needed to go on.
 * 2. A call waits only until it has moved something; a file that it writes may make it wait later.
 * Pages are copied, never moved.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "core/base/host.h"
#include "core/copy.h"
#include "core/rw.h"
#include "core/syscall/syscall_table.h"
#include "vfs/pipe.h"

DEFINE_WAIT_TYPE(SPLICE, splice, SpliceWait, splice);

enum { SPLICE_FLAGS = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT };

/* --- one part --- */

/* What a part works with. */
struct splice_part {
    struct waiter *waiter;
    struct splice_wait *record;
    uint8_t *buffer;
    uint32_t size;                    /* at most so much */
    const struct file_wait *in, *out; /* NULL: that side does not wait */
};

static uint64_t *position_of(struct copy_end *end)
{
    return end->address != 0 ? &end->position : NULL;
}

static int64_t write_file(const struct splice_part *part, uint32_t size)
{
    struct copy_end *out = &part->record->out;
    struct uio uio;
    size_t room;

    int err = rw_room(task_of(part->waiter), out->file, position_of(out), false, &room);
    if (err < 0)
        return err;
    uio_init(&uio, part->buffer, size < room ? size : room);
    return rw_transfer(out->file, true, &uio, position_of(out), size, part->out);
}

static int64_t pipe_to_file(const struct splice_part *part)
{
    struct pipe *in = pipe_of_file(part->record->in.file);
    int64_t taken = pipe_take_out(in, part->buffer, part->size, part->in);

    if (taken <= 0)
        return taken;
    int64_t moved = write_file(part, (uint32_t)taken);
    uint32_t used = moved > 0 ? (uint32_t)moved : 0;
    pipe_put_back(in, (uint32_t)taken, part->buffer + used, (uint32_t)taken - used);
    return moved;
}

static int64_t read_file(const struct splice_part *part, uint32_t size)
{
    struct copy_end *in = &part->record->in;
    struct uio uio;

    int err = rw_prepare(part->waiter, in->file, false, position_of(in));
    if (err < 0)
        return err;
    uio_init(&uio, part->buffer, size);
    return rw_transfer(in->file, false, &uio, position_of(in), size, part->in);
}

/* From whatever it is to a pipe. */
static int64_t any_to_pipe(const struct splice_part *part)
{
    struct pipe *in = pipe_of_file(part->record->in.file);
    struct pipe *out = pipe_of_file(part->record->out.file);
    int64_t reserved = pipe_reserve(out, part->size, part->out), moved;

    if (reserved <= 0)
        return reserved;
    if (in == NULL)
        moved = read_file(part, (uint32_t)reserved);
    else if (part->record->is_tee)
        moved = pipe_peek(in, part->buffer, (uint32_t)reserved, part->in);
    else
        moved = pipe_take_out(in, part->buffer, (uint32_t)reserved, part->in);
    pipe_commit(out, (uint32_t)reserved, part->buffer, moved > 0 ? (uint32_t)moved : 0);
    if (in != NULL && !part->record->is_tee && moved > 0)
        pipe_put_back(in, (uint32_t)moved, NULL, 0);
    return moved;
}

/* --- the call --- */

static bool waits(const struct splice_wait *record, const struct copy_end *end)
{
    bool is_nonblocking = record->is_nonblocking && pipe_of_file(end->file) != NULL;

    return !is_nonblocking && !file_is_nonblocking(end->file);
}

static int64_t splice_part(struct waiter *waiter, struct splice_wait *record, uint8_t *buffer)
{
    const struct file_wait in = {.waiter = waiter, .entry = &record->in_entry};
    const struct file_wait out = {.waiter = waiter, .entry = &record->out_entry};
    uint64_t left = record->size - record->done;
    bool is_to_pipe = pipe_of_file(record->out.file) != NULL, has_begun = record->done > 0;
    const struct splice_part part = {
        .waiter = waiter,
        .record = record,
        .buffer = buffer,
        .size = (uint32_t)(left < UIO_SIZE_MAX ? left : UIO_SIZE_MAX),
        .in = waits(record, &record->in) && !has_begun ? &in : NULL,
        .out = waits(record, &record->out) && !(is_to_pipe && has_begun) ? &out : NULL,
    };

    return is_to_pipe ? any_to_pipe(&part) : pipe_to_file(&part);
}

static int64_t splice_result(struct waiter *waiter, const struct splice_wait *record, int64_t err)
{
    return copy_result(waiter, &record->in, &record->out, record->done, err);
}

static int64_t splice_advance(struct waiter *waiter, struct splice_wait *record, uint8_t *buffer)
{
    while (record->done < record->size) {
        int64_t moved = splice_part(waiter, record, buffer);
        if (moved == WAIT_AGAIN)
            return WAIT_AGAIN;
        if (moved <= 0)
            return splice_result(waiter, record, moved);
        record->done += (uint64_t)moved;
        if (record->is_tee || atomic_load(&waiter->is_killed))
            break;
        if (record->done < record->size && rw_give_way(waiter, &record->base) == WAIT_AGAIN)
            return WAIT_AGAIN;
    }
    return splice_result(waiter, record, 0);
}

/* Can the two do it? A loaded record may have anything. */
static int splice_check(const struct splice_wait *record)
{
    const struct file *in = record->in.file, *out = record->out.file;
    const struct pipe *from = pipe_of_file(in), *to = pipe_of_file(out);

    if (from == NULL && to == NULL)
        return -EINVAL;
    if (from == to || (record->is_tee && (from == NULL || to == NULL)))
        return -EINVAL;
    if (in->ops->read == NULL || out->ops->write == NULL)
        return -EINVAL;
    if (record->in.address != 0 && in->ops->seek == NULL)
        return -EINVAL;
    if (record->out.address != 0 && out->ops->seek == NULL)
        return -EINVAL;
    return to == NULL && (file_flags(out) & O_APPEND) != 0 ? -EINVAL : 0;
}

/* As rw_step. */
static int64_t splice_step(struct waiter *waiter, struct splice_wait *record)
{
    bool has_slept = record->done > 0 && !record->base.is_killable;
    uint8_t *buffer = NULL;
    int64_t result = splice_check(record);

    record->base.is_killable = false;
    wait_leave(&record->in_entry);
    wait_leave(&record->out_entry);
    if (has_slept && atomic_load(&waiter->has_signal))
        result = splice_result(waiter, record, 0);
    else if (result == 0 && (buffer = host_alloc(UIO_SIZE_MAX, 1)) == NULL)
        result = -ENOMEM;
    else if (result == 0)
        result = splice_advance(waiter, record, buffer);
    host_free(buffer);
    return result;
}

static int64_t splice_cancel(struct waiter *waiter, struct splice_wait *record, int why)
{
    wait_leave(&record->in_entry);
    wait_leave(&record->out_entry);
    return splice_result(waiter, record, why);
}

static void splice_release(struct splice_wait *record)
{
    wait_leave(&record->in_entry); /* those of a sandbox that ends */
    wait_leave(&record->out_entry);
    if (record->in.file != NULL)
        object_put(&record->in.file->object);
    if (record->out.file != NULL)
        object_put(&record->out.file->object);
    record->in.file = record->out.file = NULL;
}

static void relink_entry(struct waiter *waiter, struct file *file, bool is_write,
                         struct wait_entry *entry)
{
    if (file->ops->queue != NULL)
        wait_relink(file->ops->queue(file, is_write), entry, waiter);
    else
        entry->state = WAIT_IDLE;
}

static void splice_relink(struct waiter *waiter, struct splice_wait *record)
{
    relink_entry(waiter, record->in.file, false, &record->in_entry);
    relink_entry(waiter, record->out.file, true, &record->out_entry);
}

/* --- begin --- */

static int splice_begin(struct task *task, struct splice_wait *record, int in,
                        guest_addr_t in_position, int out, guest_addr_t out_position)
{
    int err = copy_begin_end(task, &record->in, in, in_position);

    if (err == 0)
        err = copy_begin_end(task, &record->out, out, out_position);
    if (err < 0)
        return err;
    if (!file_is_readable(record->in.file) || !file_is_writable(record->out.file))
        return -EBADF;
    return splice_check(record);
}

static int64_t splice_run(struct task *task, int in, guest_addr_t in_position, int out,
                          guest_addr_t out_position, uint64_t size, uint32_t flags, bool is_tee)
{
    struct splice_wait *record = wait_begin(&task->waiter, &splice_wait_type.ops);

    record->size = size < RANGES_SIZE_MAX ? size : RANGES_SIZE_MAX;
    record->is_tee = is_tee;
    record->is_nonblocking = (flags & SPLICE_F_NONBLOCK) != 0;
    int err = splice_begin(task, record, in, in_position, out, out_position);
    if (err < 0)
        return err;
    if (file_is_nonblocking(record->in.file) || file_is_nonblocking(record->out.file))
        record->is_nonblocking = true;
    return wait_run(&task->waiter);
}

int64_t sys_splice(struct task *task, int in, guest_addr_t in_position, int out,
                   guest_addr_t out_position, uint64_t size, uint32_t flags)
{
    if (size == 0)
        return 0;
    if ((flags & ~(uint32_t)SPLICE_FLAGS) != 0)
        return -EINVAL;
    return splice_run(task, in, in_position, out, out_position, size, flags, false);
}

int64_t sys_tee(struct task *task, int in, int out, uint64_t size, uint32_t flags)
{
    if ((flags & ~(uint32_t)SPLICE_FLAGS) != 0)
        return -EINVAL;
    if (size == 0)
        return 0;
    return splice_run(task, in, 0, out, 0, size, flags, true);
}

/* Into a pipe as far as there is room; out of one as readv. */
int64_t sys_vmsplice(struct task *task, int fd, guest_addr_t ranges, uint64_t count, uint32_t flags)
{
    struct file *file;
    struct rw_mode mode = {.is_partial = true};

    if ((flags & ~(uint32_t)SPLICE_FLAGS) != 0)
        return -EINVAL;
    file = files_get_open(task->files, fd);
    if (file == NULL)
        return -EBADF;
    bool is_pipe = pipe_of_file(file) != NULL;
    mode.is_write = file_is_writable(file);
    object_put(&file->object);
    if (!is_pipe)
        return -EBADF;
    if (count > RANGES_MAX)
        return -EINVAL;
    mode.flags = (flags & SPLICE_F_NONBLOCK) != 0 ? RWF_NOWAIT : 0;
    return rw_run_vector(task, fd, ranges, (int)count, &mode);
}

/* --- save and load --- */

static int splice_wait_save(const struct splice_wait *record, struct saver *saver, SpliceWait *m)
{
    m->in = save_ref(saver, &record->in.file->object);
    m->in_address = record->in.address;
    m->in_position = record->in.position;
    m->out = save_ref(saver, &record->out.file->object);
    m->out_address = record->out.address;
    m->out_position = record->out.position;
    m->size = record->size;
    m->done = record->done;
    m->is_tee = record->is_tee;
    m->is_nonblocking = record->is_nonblocking;
    int err = save_wait_entry(saver, &record->in_entry, &m->in_entry);
    return err < 0 ? err : save_wait_entry(saver, &record->out_entry, &m->out_entry);
}

static int splice_wait_load(struct splice_wait *record, struct loader *loader, const SpliceWait *m)
{
    record->in.file = load_ref(loader, "wait.splice.in", m->in, &file_type);
    record->in.address = m->in_address;
    record->in.position = m->in_position;
    record->out.file = load_ref(loader, "wait.splice.out", m->out, &file_type);
    record->out.address = m->out_address;
    record->out.position = m->out_position;
    record->size = m->size;
    record->done = m->done;
    record->is_tee = m->is_tee;
    record->is_nonblocking = m->is_nonblocking;
    load_wait_entry(loader, "wait.splice.in_entry", &record->in_entry, m->in_entry);
    load_wait_entry(loader, "wait.splice.out_entry", &record->out_entry, m->out_entry);
    if (m->size > RANGES_SIZE_MAX || m->done > m->size)
        load_bad(loader, "wait.splice.done", "%" PRIu64 " of %" PRIu64 " cannot be", m->done,
                 m->size);
    if (m->in_position > INT64_MAX || m->out_position > INT64_MAX)
        load_bad(loader, "wait.splice.position", "too large");
    return 0;
}
