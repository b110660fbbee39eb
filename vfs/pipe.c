/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pipes: a ring of bytes between files. Invariants, under the pipe's lock:
 * 1. size <= capacity; the bytes from start on, round the ring, are what was written and not read.
 * 2. reader_count and writer_count are the open files of each mode, counted by open and close.
 * 3. Everybody who waits on a side is kicked when that side's condition may have changed: the
 *    conditions of the waiters differ (an atomic write, a poll), so the first in line may have no
 *    use for what came.
 * A call that moves more than fits is carried on by its wait record; the pipe knows only the bytes
 * at hand, and by `more` whether the whole call has to be atomic. *Linux:* capacity is counted in
 * bytes here and in pages there, where small writes may fill it sooner. Packet mode (O_DIRECT) is
 * absent.
 */
#include "vfs/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>

#include "core/base/host.h"

enum { PIPE_DEV = 0x0c }; /* st_dev of all pipes */

struct pipe {
    union {
        struct object object;
        struct inode inode;
    };
    uint32_t capacity; /* a power of two; lock guards it and what follows */
    uint32_t size;
    uint8_t *data;
    /* not saved, derived */
    uint32_t reader_count, writer_count;
    struct wait_queue readers, writers;
    /* not saved */
    struct mutex lock; /* LOCK_PIPE */
    uint32_t start;    /* a loaded pipe starts at 0 */
};

DEFINE_OBJECT_TYPE(PIPE, pipe, Pipe, pipe, .family = OBJECT_INODE);

static int64_t pipe_read(struct file *file, struct uio *uio, uint64_t *position,
                         const struct file_wait *wait);
static int64_t pipe_write(struct file *file, struct uio *uio, uint64_t *position, size_t more,
                          const struct file_wait *wait);

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
    mutex_unlock(&pipe->lock);
}

static void pipe_close(struct file *file)
{
    struct pipe *pipe = pipe_of_inode(file->inode);

    mutex_lock(&pipe->lock);
    pipe->reader_count -= file_is_readable(file);
    pipe->writer_count -= file_is_writable(file);
    wait_kick_all(&pipe->readers);
    wait_kick_all(&pipe->writers);
    mutex_unlock(&pipe->lock);
}

static uint32_t pipe_poll(struct file *file)
{
    struct pipe *pipe = pipe_of_inode(file->inode);
    uint32_t ready = 0;

    mutex_lock(&pipe->lock);
    if (file_is_readable(file)) {
        ready |= pipe->size > 0 ? POLLIN | POLLRDNORM : 0;
        ready |= pipe->writer_count == 0 ? POLLHUP : 0;
    }
    if (file_is_writable(file)) {
        ready |= pipe->capacity - pipe->size >= PIPE_ATOMIC ? POLLOUT | POLLWRNORM : 0;
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

static const struct file_ops pipe_file_ops = {
    .open = pipe_open,
    .close = pipe_close,
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .queue = pipe_queue,
    .ioctl = pipe_ioctl,
};

static const struct inode_ops pipe_inode_ops = {0};

/* Moves at most size bytes between the ring, from its byte at on, and uio. Returns the bytes moved,
 * or -EFAULT if there are none. */
static int64_t move_ring(struct pipe *pipe, struct uio *uio, uint32_t at, uint32_t size, bool in)
{
    uint32_t done = 0;

    while (done < size) {
        uint32_t from = (at + done) % pipe->capacity;
        uint32_t part = pipe->capacity - from;
        part = part < size - done ? part : size - done;
        ptrdiff_t moved = in ? uio_copy_from(uio, pipe->data + from, part)
                             : uio_copy_to(uio, pipe->data + from, part);
        if (moved < 0)
            return done > 0 ? done : moved;
        done += (uint32_t)moved;
        if ((uint32_t)moved < part)
            break;
    }
    return done;
}

/* The end of a step: it either queues and waits, or leaves the queue with its result. */
static int64_t wait_or_leave(struct wait_queue *queue, const struct file_wait *wait, int64_t result)
{
    if (wait == NULL)
        return result == WAIT_AGAIN ? -EAGAIN : result;
    if (result == WAIT_AGAIN)
        wait_add(queue, wait->entry, wait->waiter);
    else
        wait_remove(queue, wait->entry);
    return result;
}

static int64_t pipe_take(struct pipe *pipe, struct uio *uio)
{
    uint32_t size = pipe->size < uio_left(uio) ? pipe->size : (uint32_t)uio_left(uio);

    if (uio_left(uio) == 0)
        return 0;
    if (size == 0)
        return pipe->writer_count > 0 ? WAIT_AGAIN : 0;
    int64_t moved = move_ring(pipe, uio, pipe->start, size, false);
    if (moved > 0) {
        pipe->start = (pipe->start + (uint32_t)moved) % pipe->capacity;
        bool was_full = pipe->capacity - pipe->size < PIPE_ATOMIC;
        pipe->size -= (uint32_t)moved;
        bool is_full = pipe->capacity - pipe->size < PIPE_ATOMIC;
        wait_kick(&pipe->writers, was_full && !is_full ? POLLOUT | POLLWRNORM : 0);
    }
    return moved;
}

static int64_t pipe_read(struct file *file, struct uio *uio, uint64_t *position,
                         const struct file_wait *wait)
{
    struct pipe *pipe = pipe_of_inode(file->inode);

    (void)position;
    mutex_lock(&pipe->lock);
    int64_t result = wait_or_leave(&pipe->readers, wait, pipe_take(pipe, uio));
    mutex_unlock(&pipe->lock);
    return result;
}

static int64_t pipe_give(struct pipe *pipe, struct uio *uio, bool is_atomic)
{
    uint32_t room = pipe->capacity - pipe->size;
    uint32_t size = room < uio_left(uio) ? room : (uint32_t)uio_left(uio);

    if (uio_left(uio) == 0)
        return 0;
    if (pipe->reader_count == 0)
        return -EPIPE;
    if (size == 0 || (is_atomic && size < uio_left(uio)))
        return WAIT_AGAIN;
    int64_t moved = move_ring(pipe, uio, pipe->start + pipe->size, size, true);
    if (moved > 0) {
        pipe->size += (uint32_t)moved;
        wait_kick(&pipe->readers, POLLIN | POLLRDNORM);
    }
    return moved;
}

static int64_t pipe_write(struct file *file, struct uio *uio, uint64_t *position, size_t more,
                          const struct file_wait *wait)
{
    struct pipe *pipe = pipe_of_inode(file->inode);

    (void)position;
    mutex_lock(&pipe->lock);
    int64_t result = wait_or_leave(&pipe->writers, wait, pipe_give(pipe, uio, more <= PIPE_ATOMIC));
    mutex_unlock(&pipe->lock);
    return result;
}

struct pipe *pipe_of_file(const struct file *file)
{
    if (file->inode->object.type != &pipe_type.object)
        return NULL;
    return pipe_of_inode(file->inode);
}

uint32_t pipe_capacity(struct pipe *pipe)
{
    mutex_lock(&pipe->lock);
    uint32_t capacity = pipe->capacity;
    mutex_unlock(&pipe->lock);
    return capacity;
}

/* Copies what is in the ring to data, which has room for it, and makes that the ring. */
static void pipe_move_ring(struct pipe *pipe, uint8_t *data, uint32_t capacity)
{
    for (uint32_t done = 0, part; done < pipe->size; done += part) {
        uint32_t from = (pipe->start + done) % pipe->capacity;
        part = pipe->capacity - from;
        part = part < pipe->size - done ? part : pipe->size - done;
        memcpy(data + done, pipe->data + from, part);
    }
    host_free(pipe->data);
    pipe->data = data;
    pipe->capacity = capacity;
    pipe->start = 0;
}

int64_t pipe_set_capacity(struct pipe *pipe, uint64_t capacity)
{
    uint32_t rounded = PIPE_CAPACITY_MIN;

    if (capacity > PIPE_CAPACITY_MAX)
        return -EPERM;
    while (rounded < capacity)
        rounded *= 2;
    uint8_t *data = host_alloc(rounded, 1);
    if (data == NULL)
        return -ENOMEM;
    mutex_lock(&pipe->lock);
    bool fits = pipe->size <= rounded;
    if (fits) {
        pipe_move_ring(pipe, data, rounded);
        wait_kick_all(&pipe->writers);
    }
    mutex_unlock(&pipe->lock);
    if (!fits)
        host_free(data);
    return fits ? (int64_t)rounded : -EBUSY;
}

static int pipe_alloc(const struct cred *cred, struct pipe **ret)
{
    struct pipe *pipe = object_alloc(&pipe_type.object);

    if (pipe == NULL)
        return -ENOMEM;
    pipe->capacity = PIPE_CAPACITY;
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
}

static void pipe_fini(struct pipe *pipe)
{
    wait_queue_fini(&pipe->readers);
    wait_queue_fini(&pipe->writers);
    host_free(pipe->data);
    pipe->data = NULL;
    pipe->size = 0;
    inode_fini(&pipe->inode);
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
    return inode_save_attr(&pipe->inode, saver, &message->attr);
}

static int pipe_load(struct pipe *pipe, struct loader *loader, const Pipe *message)
{
    uint32_t capacity = message->capacity;

    inode_load_attr(&pipe->inode, loader, message->attr);
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
    return 0;
}

/* The files count themselves, the waiting calls queue themselves. */
static void pipe_relink(struct pipe *pipe, struct loader *loader)
{
    (void)pipe;
    (void)loader;
}

static uint64_t pipe_derived(const struct pipe *pipe)
{
    return (uint64_t)pipe->reader_count << 48 | (uint64_t)pipe->writer_count << 32 |
           wait_queue_count(&pipe->readers) << 16 | wait_queue_count(&pipe->writers);
}
