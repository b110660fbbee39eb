/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Donated descriptors: files, pipes, terminals, devices or nothing. Invariants:
 * 1. O_NONBLOCK is never set: the description may be shared with whoever started us. A transfer
 *    asks the host not to wait (RWF_NOWAIT); where that is refused it polls first, and then writes
 *    no more than goes in without waiting.
 * 2. What must wait is queued here and the host's readiness is waited for by the event thread: the
 *    source is armed under the lock, for what was found not to be ready. One event kicks everybody,
 *    who then looks again and arms again. A transfer arms too while somebody polls: it may have
 *    made unready what has been told. *Linux:* bytes that come while others are unread are no new
 *    edge.
 * 3. A regular file is read and written at the description's own offset, shared with others of the
 *    host as on Linux.
 * Which descriptor it is after a restore is the restorer's choice: nothing of the host's side is
 * saved, only the index. The modes of a terminal are the host's, too: what a guest sets stays when
 * it ends, and a restored one finds those of the new terminal. No terminal is the controlling one
 * of a guest, so that its foreground group is ENOTTY.
 */
#include "vfs/host_stream.h"

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "core/base/container.h"
#include "core/base/host.h"

enum stream_kind { STREAM_NONE, STREAM_REGULAR, STREAM_PIPE, STREAM_TERMINAL, STREAM_DEVICE };

enum {
    STREAM_DEV = 0x0d,          /* st_dev of all streams */
    STREAM_PIPE_PART = 4096,    /* PIPE_BUF: what a pipe that polls writable takes */
    STREAM_TERMINAL_PART = 512, /* a terminal may be slow, and takes it in one go */
};

struct host_stream {
    union {
        struct object object;
        struct inode inode;
    };
    uint32_t index; /* in vfs_context.stdio */
    /* not saved, derived */
    struct wait_queue readers, writers;
    bool is_connected;
    /* not saved */
    struct mutex lock; /* LOCK_PIPE; guards the queues and source */
    struct event_source source;
    struct events *events;
    int fd; /* the context's; -1: none */
    enum stream_kind kind;
};

DEFINE_OBJECT_TYPE(HOST_STREAM, host_stream, HostStream, host_stream, .family = OBJECT_INODE);

static struct host_stream *stream_of(struct inode *inode)
{
    return (struct host_stream *)inode;
}

/* --- waiting --- */

static void stream_ready(struct event_source *source, uint32_t ready)
{
    struct host_stream *stream = container_of(source, struct host_stream, source);

    (void)ready;
    mutex_lock(&stream->lock);
    source->wanted = 0;
    wait_kick_all(&stream->readers);
    wait_kick_all(&stream->writers);
    mutex_unlock(&stream->lock);
}

/* Has the event thread watch for wanted too, EPOLL*. Under the lock. */
static int stream_arm(struct host_stream *stream, uint32_t wanted)
{
    mutex_assert_held(&stream->lock);
    if (wanted == 0)
        return 0;
    stream->source.wanted |= wanted;
    int err = event_source_arm(stream->events, &stream->source);
    if (err < 0)
        stream->source.wanted = 0;
    return err;
}

/* Those who poll for what is not ready are told when it is. Under the lock. */
static void stream_arm_polls(struct host_stream *stream, uint32_t ready)
{
    uint32_t wanted = (TAILQ_EMPTY(&stream->readers.entries) ? 0u : (uint32_t)EPOLLIN) |
                      (TAILQ_EMPTY(&stream->writers.entries) ? 0u : (uint32_t)EPOLLOUT);

    if ((ready & (POLLHUP | POLLERR)) == 0)
        (void)stream_arm(stream, wanted & ~ready);
}

/* Queues the call and has the event thread watch. Under the lock. */
static int64_t stream_wait(struct host_stream *stream, struct wait_queue *queue,
                           const struct file_wait *wait)
{
    if (wait == NULL)
        return -EAGAIN;
    wait_add(queue, wait->entry, wait->waiter);
    int err = stream_arm(stream, queue == &stream->readers ? EPOLLIN : EPOLLOUT);
    if (err < 0) {
        wait_remove(queue, wait->entry);
        return err;
    }
    return WAIT_AGAIN;
}

/* --- reading and writing --- */

/* Cuts the list to size bytes; returns the count left. */
static int clip_iovecs(struct iovec *iov, int count, size_t size)
{
    for (int i = 0; i < count; i++) {
        if (iov[i].iov_len >= size) {
            iov[i].iov_len = size;
            return i + 1;
        }
        size -= iov[i].iov_len;
    }
    return count;
}

static size_t stream_part(const struct host_stream *stream)
{
    switch (stream->kind) {
    case STREAM_PIPE:
        return STREAM_PIPE_PART;
    case STREAM_TERMINAL:
        return STREAM_TERMINAL_PART;
    case STREAM_NONE:
    case STREAM_REGULAR:
    case STREAM_DEVICE:
        break;
    }
    return UIO_SIZE_MAX;
}

/* Bytes moved, -errno, or -EAGAIN: the host has to be waited for. */
static int64_t stream_move(struct host_stream *stream, struct uio *uio, bool writing)
{
    struct iovec iov[UIO_SEGMENTS];
    int count = uio_iovecs(uio, iov);

    ptrdiff_t moved = writing ? host_writev_nowait(stream->fd, iov, count)
                              : host_readv_nowait(stream->fd, iov, count);
    if (moved == -EOPNOTSUPP) {
        int ready = host_poll_now(stream->fd, writing ? POLLOUT : POLLIN);
        if (ready <= 0)
            return ready == 0 ? -EAGAIN : ready;
        if (writing)
            count = clip_iovecs(iov, count, stream_part(stream));
        moved = writing ? host_writev(stream->fd, iov, count) : host_readv(stream->fd, iov, count);
    }
    if (moved > 0)
        uio_advance(uio, (size_t)moved);
    return moved;
}

static int64_t stream_transfer(struct host_stream *stream, struct uio *uio, bool writing,
                               const struct file_wait *wait)
{
    struct wait_queue *queue = writing ? &stream->writers : &stream->readers;

    if (uio_left(uio) == 0)
        return 0;
    mutex_lock(&stream->lock);
    int64_t result = stream_move(stream, uio, writing);
    if (result == -EAGAIN)
        result = stream_wait(stream, queue, wait);
    else if (wait != NULL)
        wait_remove(queue, wait->entry);
    if (result != WAIT_AGAIN)
        stream_arm_polls(stream, writing ? EPOLLIN : EPOLLOUT);
    mutex_unlock(&stream->lock);
    return result;
}

static int64_t stream_read(struct file *file, struct uio *uio, uint64_t *position,
                           const struct file_wait *wait)
{
    (void)position;
    return stream_transfer(stream_of(file->inode), uio, false, wait);
}

static int64_t stream_write(struct file *file, struct uio *uio, uint64_t *position, size_t more,
                            const struct file_wait *wait)
{
    (void)position;
    (void)more;
    return stream_transfer(stream_of(file->inode), uio, true, wait);
}

static uint32_t stream_poll(struct file *file)
{
    struct host_stream *stream = stream_of(file->inode);

    mutex_lock(&stream->lock);
    int ready = host_poll_now(stream->fd, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
    if (ready >= 0)
        stream_arm_polls(stream, (uint32_t)ready);
    mutex_unlock(&stream->lock);
    return ready < 0 ? POLLERR : (uint32_t)ready;
}

static struct wait_queue *stream_queue(struct file *file, bool writing)
{
    struct host_stream *stream = stream_of(file->inode);

    return writing ? &stream->writers : &stream->readers;
}

/* --- a regular file; position is the file's own, or that of a pread --- */

static int64_t regular_move(struct file *file, struct uio *uio, uint64_t *position, bool writing)
{
    struct host_stream *stream = stream_of(file->inode);
    struct iovec iov[UIO_SEGMENTS];
    int count = uio_iovecs(uio, iov);
    ptrdiff_t moved;

    if (position == &file->position)
        moved = writing ? host_writev(stream->fd, iov, count) : host_readv(stream->fd, iov, count);
    else if (writing)
        moved = host_pwritev(stream->fd, iov, count, *position);
    else
        moved = host_preadv(stream->fd, iov, count, *position);
    if (moved > 0) {
        uio_advance(uio, (size_t)moved);
        *position += (uint64_t)moved;
    }
    return moved;
}

static int64_t regular_read(struct file *file, struct uio *uio, uint64_t *position,
                            const struct file_wait *wait)
{
    (void)wait;
    return regular_move(file, uio, position, false);
}

static int64_t regular_write(struct file *file, struct uio *uio, uint64_t *position, size_t more,
                             const struct file_wait *wait)
{
    (void)more;
    (void)wait;
    return regular_move(file, uio, position, true);
}

static int64_t regular_seek(struct file *file, int64_t offset, int whence)
{
    return host_lseek(stream_of(file->inode)->fd, offset, whence);
}

static int regular_sync(struct file *file)
{
    return host_fsync(stream_of(file->inode)->fd);
}

/* --- ioctl and stat --- */

/* Asks the host and hands the answer of size bytes on. */
static int64_t ioctl_ask(struct host_stream *stream, unsigned request, guest_addr_t argument,
                         size_t size, const struct user_memory *user)
{
    char answer[64] = {0};

    assert(size <= sizeof(answer));
    int err = host_ioctl(stream->fd, request, answer);
    if (err < 0)
        return err;
    return user->copy_out(user->context, argument, answer, size);
}

/* *Linux:* TCSETSW and TCSETSF wait until what was written is out. */
static int64_t set_modes(struct host_stream *stream, unsigned request, guest_addr_t argument,
                         const struct user_memory *user)
{
    struct termios modes;

    int err = user->copy_in(user->context, &modes, argument, sizeof(modes));
    if (err == 0 && request == TCSETSF)
        err = host_ioctl(stream->fd, TCFLSH, (void *)(uintptr_t)TCIFLUSH);
    return err < 0 ? err : host_ioctl(stream->fd, TCSETS, &modes);
}

static int64_t stream_ioctl(struct file *file, unsigned request, guest_addr_t argument,
                            const struct user_memory *user)
{
    struct host_stream *stream = stream_of(file->inode);

    if (stream->kind == STREAM_NONE)
        return -ENOTTY;
    if (request == FIONREAD)
        return ioctl_ask(stream, request, argument, sizeof(int), user);
    if (stream->kind != STREAM_TERMINAL)
        return -ENOTTY;
    if (request == TCGETS)
        return ioctl_ask(stream, request, argument, sizeof(struct termios), user);
    if (request == TIOCGWINSZ)
        return ioctl_ask(stream, request, argument, sizeof(struct winsize), user);
    if (request == TCSETS || request == TCSETSW || request == TCSETSF)
        return set_modes(stream, request, argument, user);
    return -ENOTTY;
}

static int stream_getattr(struct inode *inode, struct stat *ret)
{
    const struct host_stream *stream = stream_of(inode);
    struct stat host;

    inode_stat_attr(inode, ret);
    if (stream->kind == STREAM_NONE) {
        ret->st_mode = S_IFCHR | 0666;
        ret->st_rdev = makedev(1, 3);
        return 0;
    }
    int err = host_fstat(stream->fd, &host);
    if (err < 0)
        return err;
    ret->st_mode = S_ISSOCK(host.st_mode) ? S_IFIFO | 0600 : host.st_mode;
    ret->st_rdev = host.st_rdev;
    ret->st_size = host.st_size;
    ret->st_blksize = host.st_blksize;
    ret->st_blocks = host.st_blocks;
    ret->st_atim = host.st_atim;
    ret->st_mtim = host.st_mtim;
    ret->st_ctim = host.st_ctim;
    return 0;
}

static const struct inode_ops stream_inode_ops = {.getattr = stream_getattr};

static const struct file_ops stream_file_ops = {
    .read = stream_read,
    .write = stream_write,
    .poll = stream_poll,
    .queue = stream_queue,
    .ioctl = stream_ioctl,
};

static const struct file_ops regular_file_ops = {
    .read = regular_read,
    .write = regular_write,
    .queue = stream_queue,
    .seek = regular_seek,
    .ioctl = stream_ioctl,
    .sync = regular_sync,
};

static const struct file_ops none_file_ops = {
    .read = file_read_nothing,
    .write = file_write_nowhere,
    .queue = stream_queue,
    .ioctl = stream_ioctl,
};

/* --- the object --- */

static enum stream_kind kind_of(int fd)
{
    struct stat host;
    struct termios modes;

    if (fd < 0 || host_fstat(fd, &host) < 0)
        return STREAM_NONE;
    if (S_ISREG(host.st_mode))
        return STREAM_REGULAR;
    if (S_ISFIFO(host.st_mode) || S_ISSOCK(host.st_mode))
        return STREAM_PIPE;
    return host_ioctl(fd, TCGETS, &modes) == 0 ? STREAM_TERMINAL : STREAM_DEVICE;
}

static void host_stream_connect(struct host_stream *stream, struct vfs_context *context)
{
    stream->fd = context->stdio[stream->index];
    stream->kind = kind_of(stream->fd);
    stream->events = context->events;
    stream->source = (struct event_source){.fd = stream->fd, .ready = stream_ready};
    stream->is_connected = true;
    if (stream->kind == STREAM_NONE)
        stream->inode.file_ops = &none_file_ops;
    else if (stream->kind == STREAM_REGULAR)
        stream->inode.file_ops = &regular_file_ops;
}

/* What the descriptor is open for, and whether it appends. */
static int stream_flags(const struct host_stream *stream)
{
    if (stream->kind == STREAM_NONE)
        return O_RDWR;
    int flags = host_fcntl_getfl(stream->fd);
    return flags < 0 ? flags : flags & (O_ACCMODE | O_APPEND);
}

int host_stream_open(struct vfs_context *context, unsigned index, struct file **ret)
{
    static const struct cred root = {0};
    struct host_stream *stream = object_alloc(&host_stream_type.object);

    if (stream == NULL)
        return -ENOMEM;
    inode_set_owner(&stream->inode, NULL, S_IFCHR | 0600, &root);
    stream->inode.attr.nr = inode_next_nr();
    stream->inode.dev = STREAM_DEV;
    stream->index = index;
    host_stream_connect(stream, context);
    int flags = stream_flags(stream);
    if (flags >= 0)
        flags = file_create(&stream->inode, NULL, (uint32_t)flags, ret);
    object_put(&stream->object);
    return flags;
}

int host_stream_index(const struct inode *inode)
{
    if (inode->object.type != &host_stream_type.object)
        return -1;
    return (int)((const struct host_stream *)inode)->index;
}

static void host_stream_init(struct host_stream *stream)
{
    inode_init(&stream->inode, &stream_inode_ops, &stream_file_ops);
    mutex_init(&stream->lock, LOCK_PIPE);
    wait_queue_init(&stream->readers, &stream->lock);
    wait_queue_init(&stream->writers, &stream->lock);
    stream->fd = -1;
}

static void host_stream_fini(struct host_stream *stream)
{
    wait_queue_fini(&stream->readers);
    wait_queue_fini(&stream->writers);
    if (stream->source.is_added)
        event_source_remove(stream->events, &stream->source);
    inode_fini(&stream->inode);
}

static int host_stream_save(const struct host_stream *stream, struct saver *saver,
                            HostStream *message)
{
    message->index = stream->index;
    return inode_save_attr(&stream->inode, saver, &message->attr);
}

static int host_stream_load(struct host_stream *stream, struct loader *loader,
                            const HostStream *message)
{
    inode_load_attr(&stream->inode, loader, message->attr);
    stream->index = message->index;
    if (stream->index > 2) {
        load_bad(loader, "index", "%" PRIu32 " is no standard stream", stream->index);
        stream->index = 0;
    }
    return 0;
}

static void host_stream_relink(struct host_stream *stream, struct loader *loader)
{
    host_stream_connect(stream, loader_context(loader));
}

static uint64_t host_stream_derived(const struct host_stream *stream)
{
    return (uint64_t)stream->is_connected << 32 | wait_queue_count(&stream->readers) << 16 |
           wait_queue_count(&stream->writers);
}
