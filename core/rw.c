/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing: one wait record for all calls. Invariants:
 * 1. The record holds the file, the ranges and what is done; they are read from the guest once.
 * 2. A part is at most 64 KB: pinned, moved, unpinned. Nothing is pinned or locked when a step
 *    ends.
 * 3. A read ends with its first short part and never waits once it has something. A blocking write
 *    goes on until all is written; a signal, an error or EAGAIN then gives what is done, if any.
 * 4. Between parts a killed task ends and a closing gate is let through; the latter is no end of
 *    the call, and no signal can make it one.
 * *Linux:* the position of a file is locked for each part, not for the whole call; a vector of more
 * than 64 ranges is not atomic for a pipe.
 */
#include "core/rw.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "core/base/host.h"
#include "core/limit.h"
#include "core/message.h"
#include "netstack/socket/socket.h"

DEFINE_WAIT_TYPE(RW, rw, RwWait, rw);

/* --- one part --- */

int rw_prepare(struct waiter *waiter, struct file *file, bool is_write, const uint64_t *position)
{
    if (is_write || file->ops->prepare == NULL)
        return 0;
    return file->ops->prepare(file, position, waiter);
}

int64_t rw_transfer(struct file *file, bool is_write, struct uio *uio, uint64_t *position,
                    size_t more, const struct file_wait *wait)
{
    const struct file_ops *ops = file->ops;
    bool has_own = position == NULL && ops->seek != NULL;
    int64_t result;

    if (ops->seek != NULL)
        mutex_lock(&file->lock);
    if (has_own)
        position = &file->position;
    if (is_write)
        result = ops->write(file, uio, position, more, wait);
    else
        result = ops->read(file, uio, position, wait);
    if (ops->seek != NULL)
        mutex_unlock(&file->lock);
    return result;
}

int64_t rw_seek(struct file *file, int64_t offset, int whence)
{
    mutex_lock(&file->lock);
    int64_t position = file->ops->seek(file, offset, whence);
    mutex_unlock(&file->lock);
    return position;
}

int64_t rw_give_way(struct waiter *waiter, struct wait_record *record)
{
    if (atomic_load(&waiter->pass.gate->state) == GATE_OPEN)
        return 0;
    record->is_killable = true;
    waiter_kick(waiter);
    return WAIT_AGAIN;
}

/* May this call wait now? */
static bool rw_waits(const struct rw_wait *record)
{
    if (file_is_nonblocking(record->file) || (record->flags & RWF_NOWAIT) != 0)
        return false;
    return record->done == 0 || (record->is_write && !record->is_partial);
}

/* Where a write to a regular file begins; position NULL: at the file's own. */
static int rw_write_position(struct file *file, const uint64_t *position, bool is_append,
                             uint64_t *ret)
{
    struct stat stat;

    mutex_lock(&file->lock);
    is_append = is_append || (file_flags(file) & O_APPEND) != 0;
    *ret = position != NULL ? *position : file->position;
    mutex_unlock(&file->lock);
    if (!is_append)
        return 0;
    int err = inode_getattr(file->inode, &stat);
    *ret = (uint64_t)stat.st_size;
    return err;
}

int rw_room(struct task *task, struct file *file, const uint64_t *position, bool is_append,
            size_t *ret)
{
    uint64_t start = 0;

    *ret = SIZE_MAX;
    if (!S_ISREG(inode_mode(file->inode)))
        return 0;
    int err = vfs_drop_set_id(&task->cred, file->inode);
    uint64_t limit = task_limit(task, RLIMIT_FSIZE);
    if (err < 0 || limit == RLIM_INFINITY)
        return err;
    err = rw_write_position(file, position, is_append, &start);
    if (err < 0)
        return err;
    if (start >= limit) {
        signal_send_self(task, SIGXFSZ, SI_USER);
        return -EFBIG;
    }
    *ret = limit - start;
    return 0;
}

/* RWF_APPEND: a part goes to the end of a regular file. *Linux:* no other writer comes between. */
static int rw_go_to_end(struct rw_wait *record)
{
    struct file *file = record->file;
    uint64_t end;

    if ((record->flags & RWF_APPEND) == 0 || !S_ISREG(inode_mode(file->inode)))
        return 0;
    int err = rw_write_position(file, NULL, true, &end);
    if (err < 0)
        return err;
    if (record->has_position)
        record->position = end;
    else
        err = (int)(rw_seek(file, (int64_t)end, SEEK_SET) < 0 ? -EINVAL : 0);
    return err;
}

/* Before a part is written: *room bytes at most. */
static int rw_prepare_write(struct task *task, struct rw_wait *record, size_t *room)
{
    struct file *file = record->file;

    int err = rw_go_to_end(record);
    if (err == 0 && record->done < record->ranges.size)
        err = rw_room(task, file, record->has_position ? &record->position : NULL, false, room);
    return err;
}

/* Cuts what uio describes to size bytes. */
static void clip(struct uio *uio, size_t size)
{
    if (uio->size <= size)
        return;
    uio->size = size;
    uio->count = 0;
    while (size > 0) {
        struct iovec *segment = &uio->segments[uio->count++];
        segment->iov_len = segment->iov_len < size ? segment->iov_len : size;
        size -= segment->iov_len;
    }
}

/* Moves what is pinned, at most room bytes. */
static int64_t rw_move(struct waiter *waiter, struct rw_wait *record, const struct uio *pinned,
                       size_t room)
{
    struct file_wait wait = {.waiter = waiter, .entry = &record->entry};
    struct uio uio = *pinned;

    clip(&uio, room);
    return rw_transfer(record->file, record->is_write, &uio,
                       record->has_position ? &record->position : NULL, record->ranges.size,
                       rw_waits(record) ? &wait : NULL);
}

/* Moves a part. *is_last: the call ends with it, if it was moved. */
static int64_t rw_part(struct waiter *waiter, struct rw_wait *record, bool *is_last)
{
    struct mm *mm = task_of(waiter)->mm;
    enum fault_access access = record->is_write ? FAULT_READ : FAULT_WRITE;
    bool is_empty = record->done == record->ranges.size;
    struct uio uio = {0};
    size_t room = SIZE_MAX;

    int err = rw_prepare(waiter, record->file, record->is_write,
                         record->has_position ? &record->position : NULL);
    if (err == 0 && record->is_write)
        err = rw_prepare_write(task_of(waiter), record, &room);
    if (err == 0 && !is_empty)
        err = user_pin_iov(mm, ranges_get(&record->ranges), record->ranges.count, record->done,
                           access, &uio);
    if (err < 0)
        return err;
    size_t size = uio.size;
    int64_t moved = rw_move(waiter, record, &uio, room);
    if (!is_empty)
        user_unpin(mm, &uio);
    *is_last = record->is_write ? size > room : moved >= 0 && (size_t)moved < size;
    return moved;
}

/* --- the call --- */

static int rw_check(const struct rw_wait *record)
{
    const struct file *file = record->file;

    if (record->is_write ? !file_is_writable(file) : !file_is_readable(file))
        return -EBADF;
    if (record->has_position && file->ops->seek == NULL && !S_ISDIR(file->inode->attr.mode))
        return -ESPIPE;
    if (record->is_write)
        return file->ops->write == NULL ? -EINVAL : 0;
    if (file->ops->read == NULL)
        return S_ISDIR(file->inode->attr.mode) ? -EISDIR : -EINVAL;
    return 0;
}

static bool rw_is_synchronous(const struct rw_wait *record)
{
    const struct file *file = record->file;

    return record->is_write && file->ops->sync != NULL &&
           ((record->flags & (RWF_SYNC | RWF_DSYNC)) != 0 || (file_flags(file) & O_DSYNC) != 0);
}

/* The result of a call that has ended, its last part with err (0: well). */
static int64_t rw_result(struct waiter *waiter, const struct rw_wait *record, int64_t err)
{
    if (err == -EPIPE && record->is_write)
        signal_send_self(task_of(waiter), SIGPIPE, SI_USER);
    if (record->done == 0)
        return err;
    if (rw_is_synchronous(record)) {
        int sync_err = record->file->ops->sync(record->file);
        if (sync_err < 0)
            return sync_err;
    }
    return (int64_t)record->done;
}

static int64_t rw_advance(struct waiter *waiter, struct rw_wait *record)
{
    bool is_last = false;

    for (;;) {
        int64_t moved = rw_part(waiter, record, &is_last);
        if (moved == WAIT_AGAIN)
            return WAIT_AGAIN;
        if (moved <= 0)
            return rw_result(waiter, record, moved);
        record->done += (uint64_t)moved;
        if (record->done == record->ranges.size || is_last || atomic_load(&waiter->is_killed))
            return rw_result(waiter, record, 0);
        if (rw_give_way(waiter, &record->base) == WAIT_AGAIN)
            return WAIT_AGAIN;
    }
}

static int64_t rw_step(struct waiter *waiter, struct rw_wait *record)
{
    bool has_slept = record->done > 0 && !record->base.is_killable;
    int64_t result;

    record->base.is_killable = false;
    if (has_slept && atomic_load(&waiter->has_signal))
        result = rw_result(waiter, record, 0); /* the signal came first, whatever room there is */
    else
        result = rw_check(record);
    if (result == 0)
        result = rw_advance(waiter, record);
    if (result != WAIT_AGAIN)
        wait_leave(&record->entry);
    return result;
}

static int64_t rw_cancel(struct waiter *waiter, struct rw_wait *record, int why)
{
    wait_leave(&record->entry);
    return rw_result(waiter, record, why);
}

static void rw_release(struct rw_wait *record)
{
    wait_leave(&record->entry); /* that of a sandbox that ends */
    if (record->file != NULL)
        object_put(&record->file->object);
    ranges_fini(&record->ranges);
    record->file = NULL;
}

static void rw_relink(struct waiter *waiter, struct rw_wait *record)
{
    const struct file_ops *ops = record->file->ops;

    if (ops->queue != NULL)
        wait_relink(ops->queue(record->file, record->is_write), &record->entry, waiter);
    else
        record->entry.state = WAIT_IDLE;
}

/* --- begin --- */

static int rw_check_mode(const struct rw_mode *mode)
{
    if (mode->has_position && mode->position < 0)
        return -EINVAL;
    return (mode->flags & ~(uint32_t)RW_FLAGS) != 0 ? -EOPNOTSUPP : 0;
}

/* Starts the record with the file (a reference is taken over); its ranges are still to come. */
static struct rw_wait *rw_begin(struct task *task, struct file *file, const struct rw_mode *mode)
{
    struct rw_wait *record = wait_begin(&task->waiter, &rw_wait_type.ops);

    record->file = file;
    record->is_write = mode->is_write;
    record->has_position = mode->has_position;
    record->position = mode->has_position ? (uint64_t)mode->position : 0;
    record->flags = mode->flags;
    record->is_partial = mode->is_partial;
    return record;
}

int64_t rw_run(struct task *task, int fd, guest_addr_t address, uint64_t size,
               const struct rw_mode *mode)
{
    struct file *file = files_get_open(task->files, fd);

    if (file == NULL)
        return -EBADF;
    if (file_is_socket(file) && !mode->has_position)
        return message_read_write(task, file, mode, address, size, false);
    struct rw_wait *record = rw_begin(task, file, mode);
    int err = rw_check_mode(mode);
    if (err == 0)
        err = ranges_set(&record->ranges, address, size);
    return err < 0 ? err : wait_run(&task->waiter);
}

int64_t rw_run_vector(struct task *task, int fd, guest_addr_t ranges, int count,
                      const struct rw_mode *mode)
{
    struct file *file = files_get_open(task->files, fd);

    if (file == NULL)
        return -EBADF;
    if (file_is_socket(file) && !mode->has_position)
        return message_read_write(task, file, mode, ranges, (uint32_t)count, true);
    struct rw_wait *record = rw_begin(task, file, mode);
    int err = rw_check_mode(mode);
    if (err < 0)
        return err;
    err = count < 0 ? -EINVAL : ranges_copy_in(&record->ranges, task->mm, ranges, (uint32_t)count);
    return err < 0 ? err : wait_run(&task->waiter);
}

/* --- save and load --- */

static int rw_wait_save(const struct rw_wait *record, struct saver *saver, RwWait *m)
{
    m->file = save_ref(saver, &record->file->object);
    m->is_write = record->is_write;
    m->done = record->done;
    m->has_position = record->has_position;
    m->position = record->position;
    m->flags = record->flags;
    m->is_partial = record->is_partial;
    int err = ranges_save(&record->ranges, saver, &m->n_ranges, &m->ranges);
    return err < 0 ? err : save_wait_entry(saver, &record->entry, &m->entry);
}

static int rw_wait_load(struct rw_wait *record, struct loader *loader, const RwWait *m)
{
    record->file = load_ref(loader, "wait.rw.file", m->file, &file_type);
    record->is_write = m->is_write;
    record->done = m->done;
    record->has_position = m->has_position;
    record->position = m->position;
    record->flags = m->flags & RW_FLAGS;
    record->is_partial = m->is_partial;
    load_wait_entry(loader, "wait.rw.entry", &record->entry, m->entry);
    int err = ranges_load(&record->ranges, loader, "wait.rw.ranges", m->n_ranges, m->ranges);
    if (err < 0)
        return err;
    if (record->done > record->ranges.size)
        load_bad(loader, "wait.rw.done", "%" PRIu64 " bytes are more than there are", m->done);
    if (record->position > INT64_MAX)
        load_bad(loader, "wait.rw.position", "%" PRIu64 " is too large", m->position);
    return 0;
}
