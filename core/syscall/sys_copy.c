/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies between files: sendfile and copy_file_range. Parts of at most 64 KB go through a buffer of
 * the kernel. Invariants:
 * 1. The position of in is behind what out has taken, never behind what was only read: a part that
 *    out did not take is read again, so nothing but the record is needed to go on.
 * 2. in is a regular file and does not block; out may (a socket, a terminal). A pipe takes one
 * part, as far as it has room. The guest's own positions are read once and written at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <unistd.h>

#include "core/base/host.h"
#include "core/copy.h"
#include "core/rw.h"
#include "core/syscall/syscall_table.h"
#include "vfs/pipe.h"

DEFINE_WAIT_TYPE(COPY, copy, CopyWait, copy);

/* --- one part --- */

/* Where the next byte of in is. */
static int64_t copy_position(const struct copy_end *end)
{
    if (end->address != 0)
        return (int64_t)end->position;
    return rw_seek(end->file, 0, SEEK_CUR);
}

static int64_t copy_skip(struct copy_end *end, int64_t position)
{
    if (end->address == 0)
        return rw_seek(end->file, position, SEEK_SET);
    end->position = (uint64_t)position;
    return position;
}

/* Reads a part of at most size bytes at position. */
static int64_t copy_read(struct waiter *waiter, struct copy_wait *record, void *buffer, size_t size,
                         int64_t position)
{
    uint64_t at = (uint64_t)position;
    struct uio uio;

    int err = rw_prepare(waiter, record->in.file, false, &at);
    if (err < 0)
        return err;
    uio_init(&uio, buffer, size);
    return rw_transfer(record->in.file, false, &uio, &at, size, NULL);
}

static int64_t copy_write(struct waiter *waiter, struct copy_wait *record, void *buffer,
                          size_t size)
{
    struct file_wait wait = {.waiter = waiter, .entry = &record->entry};
    uint64_t *position = record->out.address != 0 ? &record->out.position : NULL;
    struct uio uio;
    size_t room;

    int err = rw_room(task_of(waiter), record->out.file, position, false, &room);
    if (err < 0)
        return err;
    uio_init(&uio, buffer, size < room ? size : room);
    return rw_transfer(record->out.file, true, &uio, position, size,
                       file_is_nonblocking(record->out.file) ? NULL : &wait);
}

static int64_t copy_part(struct waiter *waiter, struct copy_wait *record, void *buffer)
{
    uint64_t left = record->size - record->done;
    size_t size = left < UIO_SIZE_MAX ? left : UIO_SIZE_MAX;
    int64_t position = copy_position(&record->in);

    if (position < 0)
        return position;
    int64_t moved = copy_read(waiter, record, buffer, size, position);
    if (moved > 0)
        moved = copy_write(waiter, record, buffer, (size_t)moved);
    if (moved <= 0)
        return moved;
    position = copy_skip(&record->in, position + moved);
    return position < 0 ? position : moved;
}

/* --- the call --- */

static int copy_tell(struct waiter *waiter, const struct copy_end *end)
{
    if (end->address == 0)
        return 0;
    return user_copy_out(task_of(waiter)->mm, end->address, &end->position, sizeof(end->position));
}

int64_t copy_result(struct waiter *waiter, const struct copy_end *in, const struct copy_end *out,
                    uint64_t done, int64_t err)
{
    if (err == -EPIPE)
        signal_send_self(task_of(waiter), SIGPIPE, SI_USER);
    if (done == 0)
        return err;
    err = copy_tell(waiter, in);
    if (err == 0)
        err = copy_tell(waiter, out);
    return err < 0 ? err : (int64_t)done;
}

static int64_t copy_finish(struct waiter *waiter, const struct copy_wait *record, int64_t err)
{
    return copy_result(waiter, &record->in, &record->out, record->done, err);
}

static int64_t copy_advance(struct waiter *waiter, struct copy_wait *record, void *buffer)
{
    bool is_pipe = pipe_of_file(record->out.file) != NULL;

    while (record->done < record->size) {
        int64_t moved = copy_part(waiter, record, buffer);
        if (moved == WAIT_AGAIN)
            return WAIT_AGAIN;
        if (moved <= 0)
            return copy_finish(waiter, record, moved);
        record->done += (uint64_t)moved;
        if (is_pipe || atomic_load(&waiter->is_killed))
            break;
        if (record->done < record->size && rw_give_way(waiter, &record->base) == WAIT_AGAIN)
            return WAIT_AGAIN;
    }
    return copy_finish(waiter, record, 0);
}

/* Can the two do it? A restored stream may be of another kind than it was. */
static int copy_check(const struct copy_wait *record)
{
    const struct file_ops *in = record->in.file->ops, *out = record->out.file->ops;
    bool is_possible = in->read != NULL && in->seek != NULL && out->write != NULL &&
                       (record->out.address == 0 || out->seek != NULL);

    return is_possible ? 0 : -EINVAL;
}

/* As rw_step. */
static int64_t copy_step(struct waiter *waiter, struct copy_wait *record)
{
    bool has_slept = record->done > 0 && !record->base.is_killable;
    uint8_t *buffer = NULL;
    int64_t result;

    record->base.is_killable = false;
    if (has_slept && atomic_load(&waiter->has_signal))
        result = copy_finish(waiter, record, 0);
    else if (copy_check(record) < 0)
        result = copy_finish(waiter, record, -EINVAL);
    else if ((buffer = host_alloc(UIO_SIZE_MAX, 1)) == NULL)
        result = -ENOMEM;
    else
        result = copy_advance(waiter, record, buffer);
    if (result != WAIT_AGAIN)
        wait_leave(&record->entry);
    host_free(buffer);
    return result;
}

static int64_t copy_cancel(struct waiter *waiter, struct copy_wait *record, int why)
{
    wait_leave(&record->entry);
    return copy_finish(waiter, record, why);
}

static void copy_release(struct copy_wait *record)
{
    wait_leave(&record->entry); /* that of a sandbox that ends */
    if (record->in.file != NULL)
        object_put(&record->in.file->object);
    if (record->out.file != NULL)
        object_put(&record->out.file->object);
    record->in.file = record->out.file = NULL;
}

static void copy_relink(struct waiter *waiter, struct copy_wait *record)
{
    const struct file_ops *ops = record->out.file->ops;

    if (ops->queue != NULL)
        wait_relink(ops->queue(record->out.file, true), &record->entry, waiter);
    else
        record->entry.state = WAIT_IDLE;
}

/* --- begin --- */

int copy_begin_end(struct task *task, struct copy_end *end, int fd, guest_addr_t address)
{
    int64_t position;

    end->file = files_get_open(task->files, fd);
    if (end->file == NULL)
        return -EBADF;
    if (address == 0)
        return 0;
    int err = user_copy_in(task->mm, &position, address, sizeof(position));
    if (err < 0)
        return err;
    if (position < 0)
        return -EINVAL;
    if (end->file->ops->seek == NULL)
        return -ESPIPE;
    end->address = address;
    end->position = (uint64_t)position;
    return 0;
}

static int copy_begin(struct task *task, int in, guest_addr_t in_address, int out,
                      guest_addr_t out_address, uint64_t size, struct copy_wait **ret)
{
    struct copy_wait *record = wait_begin(&task->waiter, &copy_wait_type.ops);

    record->size = size < RANGES_SIZE_MAX ? size : RANGES_SIZE_MAX;
    *ret = record;
    int err = copy_begin_end(task, &record->in, in, in_address);
    if (err == 0)
        err = copy_begin_end(task, &record->out, out, out_address);
    if (err < 0)
        return err;
    if (!file_is_readable(record->in.file) || !file_is_writable(record->out.file))
        return -EBADF;
    return (int64_t)size < 0 ? -EINVAL : 0;
}

/* A regular file that can be read or written: 0, -EISDIR, -EINVAL. */
static int check_regular(struct file *file, bool is_write)
{
    struct stat stat;

    int err = inode_getattr(file->inode, &stat);
    if (err < 0)
        return err;
    if (S_ISDIR(stat.st_mode))
        return -EISDIR;
    if (!S_ISREG(stat.st_mode) || file->ops->seek == NULL)
        return -EINVAL;
    return (is_write ? file->ops->write == NULL : file->ops->read == NULL) ? -EINVAL : 0;
}

int64_t sys_sendfile(struct task *task, int out, int in, guest_addr_t position, uint64_t size)
{
    struct copy_wait *record;

    int err = copy_begin(task, in, position, out, 0, size, &record);
    if (err == 0 && check_regular(record->in.file, false) < 0)
        err = -EINVAL;
    if (err == 0 &&
        (record->out.file->ops->write == NULL || (file_flags(record->out.file) & O_APPEND) != 0))
        err = -EINVAL;
    return err < 0 ? err : wait_run(&task->waiter);
}

/* Do the ranges of a copy within one file meet? */
static bool copy_overlaps(const struct copy_wait *record)
{
    int64_t in, out;

    if (record->in.file->inode != record->out.file->inode)
        return false;
    in = copy_position(&record->in);
    out = copy_position(&record->out);
    return (uint64_t)(in < out ? out - in : in - out) < record->size;
}

int64_t sys_copy_file_range(struct task *task, int in, guest_addr_t in_position, int out,
                            guest_addr_t out_position, uint64_t size, uint32_t flags)
{
    struct copy_wait *record;

    if (flags != 0)
        return -EINVAL;
    int err = copy_begin(task, in, in_position, out, out_position, size, &record);
    if (err == 0)
        err = check_regular(record->in.file, false);
    if (err == 0)
        err = check_regular(record->out.file, true);
    if (err == 0 && (file_flags(record->out.file) & O_APPEND) != 0)
        err = -EBADF;
    if (err == 0 && copy_overlaps(record))
        err = -EINVAL;
    return err < 0 ? err : wait_run(&task->waiter);
}

/* --- save and load --- */

static int copy_wait_save(const struct copy_wait *record, struct saver *saver, CopyWait *m)
{
    m->in = save_ref(saver, &record->in.file->object);
    m->in_address = record->in.address;
    m->in_position = record->in.position;
    m->out = save_ref(saver, &record->out.file->object);
    m->out_address = record->out.address;
    m->out_position = record->out.position;
    m->size = record->size;
    m->done = record->done;
    return save_wait_entry(saver, &record->entry, &m->entry);
}

static int copy_wait_load(struct copy_wait *record, struct loader *loader, const CopyWait *m)
{
    record->in.file = load_ref(loader, "wait.copy.in", m->in, &file_type);
    record->in.address = m->in_address;
    record->in.position = m->in_position;
    record->out.file = load_ref(loader, "wait.copy.out", m->out, &file_type);
    record->out.address = m->out_address;
    record->out.position = m->out_position;
    record->size = m->size;
    record->done = m->done;
    load_wait_entry(loader, "wait.copy.entry", &record->entry, m->entry);
    if (m->size > RANGES_SIZE_MAX || m->done > m->size)
        load_bad(loader, "wait.copy.done", "%" PRIu64 " of %" PRIu64 " cannot be", m->done,
                 m->size);
    if (m->in_position > INT64_MAX || m->out_position > INT64_MAX)
        load_bad(loader, "wait.copy.position", "too large");
    return 0;
}
