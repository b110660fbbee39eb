/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pipes: files on a ring of bytes (pipe_ring.c). Invariants, under the pipe's lock:
 * 1. reader_count and writer_count are the open files of each mode, counted by open and close.
 * 2. Everybody who waits on a side is kicked when that side's condition may have changed: the
 *    conditions of the waiters differ (an atomic write, a poll), so the first in line may have no
 *    use for what came.
 * A call that moves more than fits is carried on by its wait record; the pipe knows only the bytes
 * at hand, and by `more` whether the whole call has to be atomic. A file that is O_DIRECT writes
 * packets.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>

#include "core/base/host.h"
#include "vfs/pipe_struct.h"

enum { PIPE_DEV = 0x0c }; /* st_dev of all pipes */

DEFINE_OBJECT_TYPE(PIPE, pipe, Pipe, pipe, .family = OBJECT_INODE);

static struct pipe *pipe_of_inode(struct inode *inode)
{
    return (struct pipe *)inode;
}

static void pipe_open(struct file *file)
{
    struct pipe *pipe = pipe_of_inode(file->inode);

    mutex_lock(&pipe->lock);
    pipe->reader_count += file_is_readable(file);
    pipe->writer_count += file_is_writable(file);
    if (pipe->node != NULL && !file->is_open)
        fifo_count_open(pipe, file);
    mutex_unlock(&pipe->lock);
}

static void pipe_close(struct file *file)
{
    struct pipe *pipe = pipe_of_inode(file->inode);

    mutex_lock(&pipe->lock);
    pipe->reader_count -= file_is_readable(file);
    pipe->writer_count -= file_is_writable(file);
    pipe_kick(pipe);
    mutex_unlock(&pipe->lock);
}

/* The reader of a FIFO that did not wait for a writer, until the first one comes. */
static bool has_no_writer_yet(const struct pipe *pipe, const struct file *file)
{
    return pipe->node != NULL && file->position == pipe->writer_opens;
}

static uint32_t pipe_poll(struct file *file)
{
    struct pipe *pipe = pipe_of_inode(file->inode);
    uint32_t ready = 0;

    mutex_lock(&pipe->lock);
    if (file_is_readable(file)) {
        ready |= pipe->size > 0 ? POLLIN | POLLRDNORM : 0;
        ready |= pipe->writer_count == 0 && !has_no_writer_yet(pipe, file) ? POLLHUP : 0;
    }
    if (file_is_writable(file)) {
        ready |= pipe_is_writable(pipe) ? POLLOUT | POLLWRNORM : 0;
        ready |= pipe->reader_count == 0 ? POLLERR : 0;
    }
    mutex_unlock(&pipe->lock);
    return ready;
}

static struct wait_queue *pipe_queue(struct file *file, bool writing)
{
    struct pipe *pipe = pipe_of_inode(file->inode);

    return writing ? &pipe->writers : &pipe->readers;
}

static int64_t pipe_ioctl(struct file *file, unsigned request, guest_addr_t argument,
                          const struct user_memory *user)
{
    struct pipe *pipe = pipe_of_inode(file->inode);

    if (request != FIONREAD)
        return -ENOTTY;
    mutex_lock(&pipe->lock);
    int size = (int)pipe->size;
    mutex_unlock(&pipe->lock);
    return user->copy_out(user->context, argument, &size, sizeof(size));
}

void pipe_kick(struct pipe *pipe)
{
    wait_kick_all(&pipe->readers);
    wait_kick_all(&pipe->writers);
}

static int64_t pipe_read(struct file *file, struct uio *uio, uint64_t *position,
                         const struct file_wait *wait)
{
    struct pipe *pipe = pipe_of_inode(file->inode);

    (void)position;
    mutex_lock(&pipe->lock);
    int64_t result = file_wait_or_leave(&pipe->readers, wait, pipe_take(pipe, uio));
    mutex_unlock(&pipe->lock);
    return result;
}

static int64_t pipe_write(struct file *file, struct uio *uio, uint64_t *position, size_t more,
                          const struct file_wait *wait)
{
    struct pipe *pipe = pipe_of_inode(file->inode);

    (void)position;
    mutex_lock(&pipe->lock);
    bool is_packet = (file_flags(file) & O_DIRECT) != 0;
    int64_t result = file_wait_or_leave(&pipe->writers, wait,
                                        pipe_give(pipe, uio, more <= PIPE_ATOMIC, is_packet));
    mutex_unlock(&pipe->lock);
    return result;
}

struct pipe *pipe_of_file(const struct file *file)
{
    if (file->inode->object.type != &pipe_type.object)
        return NULL;
    return pipe_of_inode(file->inode);
}

const struct file_ops pipe_file_ops = {
    .open = pipe_open,
    .close = pipe_close,
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .queue = pipe_queue,
    .ioctl = pipe_ioctl,
};

/* A FIFO has the attributes of its node. */
static int pipe_getattr(struct inode *inode, struct stat *ret)
{
    struct pipe *pipe = pipe_of_inode(inode);

    if (pipe->node != NULL)
        return inode_getattr(pipe->node, ret);
    inode_stat_attr(inode, ret);
    return 0;
}

static int pipe_setattr(struct inode *inode, const struct attr_change *change)
{
    struct pipe *pipe = pipe_of_inode(inode);

    if (pipe->node != NULL && pipe->node->ops->setattr != NULL)
        return pipe->node->ops->setattr(pipe->node, change);
    inode_change_attr(inode, change);
    return 0;
}

static const struct inode_ops pipe_inode_ops = {.getattr = pipe_getattr, .setattr = pipe_setattr};

/* --- life --- */

int pipe_alloc(const struct cred *cred, struct pipe **ret)
{
    struct pipe *pipe = object_alloc(&pipe_type.object);

    if (pipe == NULL)
        return -ENOMEM;
    pipe->capacity = PIPE_CAPACITY;
    pipe->reader_opens = pipe->writer_opens = 1;
    pipe->data = host_alloc(pipe->capacity, 1);
    if (pipe->data == NULL) {
        object_put(&pipe->object);
        return -ENOMEM;
    }
    inode_set_owner(&pipe->inode, NULL, S_IFIFO | 0600, cred);
    pipe->inode.attr.nr = inode_next_nr();
    pipe->inode.dev = PIPE_DEV;
    *ret = pipe;
    return 0;
}

int pipe_create(const struct cred *cred, uint32_t flags, struct file **reader, struct file **writer)
{
    struct pipe *pipe;
    struct file *file;

    int err = pipe_alloc(cred, &pipe);
    if (err < 0)
        return err;
    err = file_create(&pipe->inode, NULL, flags | O_RDONLY, &file);
    if (err < 0)
        goto put_pipe;
    err = file_create(&pipe->inode, NULL, flags | O_WRONLY, writer);
    if (err < 0)
        object_put(&file->object);
    else
        *reader = file;
put_pipe:
    object_put(&pipe->object);
    return err;
}

static void pipe_init(struct pipe *pipe)
{
    inode_init(&pipe->inode, &pipe_inode_ops, &pipe_file_ops);
    mutex_init(&pipe->lock, LOCK_PIPE);
    wait_queue_init(&pipe->readers, &pipe->lock);
    wait_queue_init(&pipe->writers, &pipe->lock);
    wait_queue_init(&pipe->openers, &pipe->lock);
}

static void pipe_fini(struct pipe *pipe)
{
    wait_queue_fini(&pipe->readers);
    wait_queue_fini(&pipe->writers);
    wait_queue_fini(&pipe->openers);
    fifo_forget(pipe);
    host_free(pipe->data);
    host_free(pipe->segments);
    pipe->data = NULL;
    pipe->segments = NULL;
    pipe->size = pipe->segment_count = 0;
    inode_fini(&pipe->inode);
}

static int save_segments(const struct pipe *pipe, struct saver *saver, Pipe *message)
{
    if (pipe->segment_count == 0)
        return 0;
    message->segments = save_messages(saver, &pipe_segment__descriptor, pipe->segment_count);
    if (message->segments == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < pipe->segment_count; i++) {
        PipeSegment *segment = message->segments[message->n_segments++];
        segment->size = pipe->segments[i].size;
        segment->is_packet = pipe->segments[i].is_packet;
    }
    return 0;
}

static int pipe_save(const struct pipe *pipe, struct saver *saver, Pipe *message)
{
    uint8_t *data = save_alloc(saver, pipe->size, 1);

    if (data == NULL && pipe->size > 0)
        return -ENOMEM;
    for (uint32_t i = 0; i < pipe->size; i++)
        data[i] = pipe->data[(pipe->start + i) % pipe->capacity];
    message->capacity = pipe->capacity;
    message->data.data = data;
    message->data.len = pipe->size;
    message->node = save_ref(saver, (const struct object *)pipe->node);
    message->reader_opens = pipe->reader_opens;
    message->writer_opens = pipe->writer_opens;
    int err = save_segments(pipe, saver, message);
    return err < 0 ? err : inode_save_attr(&pipe->inode, saver, &message->attr);
}

static int load_segments(struct pipe *pipe, struct loader *loader, const Pipe *message)
{
    uint64_t size = 0;

    if (message->n_segments == 0)
        return 0;
    if (message->n_segments > pipe->capacity / PIPE_ATOMIC + 1) {
        load_bad(loader, "segments", "%zu are too many", message->n_segments);
        return 0;
    }
    pipe->segments = host_alloc(PIPE_SEGMENTS_MAX + 2, sizeof(*pipe->segments));
    if (pipe->segments == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < message->n_segments; i++) {
        const PipeSegment *from = message->segments[i];
        pipe->segments[i] = (struct pipe_segment){.size = from->size, .is_packet = from->is_packet};
        size += from->size > 0 ? from->size : UINT32_MAX;
    }
    pipe->segment_count = (uint32_t)message->n_segments;
    if (size != pipe->size)
        load_bad(loader, "segments", "do not add up to the data");
    return 0;
}

static int load_data(struct pipe *pipe, struct loader *loader, const Pipe *message)
{
    uint32_t capacity = message->capacity;

    if (capacity < PIPE_CAPACITY_MIN || capacity > PIPE_CAPACITY_MAX ||
        (capacity & (capacity - 1)) != 0) {
        load_bad(loader, "capacity", "%" PRIu32 " is not possible", capacity);
        capacity = PIPE_CAPACITY_MAX;
    }
    if (message->data.len > capacity) {
        load_bad(loader, "data", "%zu bytes are more than fit", message->data.len);
        return 0;
    }
    pipe->capacity = capacity;
    pipe->data = host_alloc(capacity, 1);
    if (pipe->data == NULL)
        return -ENOMEM;
    pipe->size = (uint32_t)message->data.len;
    if (pipe->size > 0)
        memcpy(pipe->data, message->data.data, pipe->size);
    return load_segments(pipe, loader, message);
}

static int pipe_load(struct pipe *pipe, struct loader *loader, const Pipe *message)
{
    inode_load_attr(&pipe->inode, loader, message->attr);
    if (message->node != 0)
        pipe->node = load_ref_family(loader, "node", message->node, OBJECT_INODE);
    pipe->reader_opens = message->reader_opens;
    pipe->writer_opens = message->writer_opens;
    return load_data(pipe, loader, message);
}

/* The files count themselves, the waiting calls queue themselves. */
static void pipe_relink(struct pipe *pipe, struct loader *loader)
{
    if (pipe->node != NULL && !fifo_relink(pipe))
        load_bad(loader, "node", "is no FIFO, or has a pipe already");
}

static uint64_t pipe_derived(const struct pipe *pipe)
{
    return (uint64_t)pipe->reader_count << 48 | (uint64_t)pipe->writer_count << 32 |
           wait_queue_count(&pipe->openers) << 24 | wait_queue_count(&pipe->readers) << 12 |
           wait_queue_count(&pipe->writers) << 1 | pipe->is_listed;
}
