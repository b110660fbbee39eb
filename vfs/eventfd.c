/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eventfd: a counter behind a file. A read takes it all, or one of a semaphore, and waits while it
 * is 0; a write adds, and waits while the sum would be more than EVENT_MAX. Readers and writers
 * stand in one queue.
 */
#include "vfs/eventfd.h"

#include <errno.h>

#include "vfs/anon_inode.h"

#define EVENT_MAX (UINT64_MAX - 1)

struct eventfd {
    union {
        struct object object;
        struct inode inode; /* not saved: it is like all of its kind */
    };
    uint64_t count; /* guarded by lock */
    bool is_semaphore;
    /* not saved, derived */
    struct wait_queue waiters;
    /* not saved */
    struct mutex lock; /* LOCK_PIPE */
};

DEFINE_OBJECT_TYPE(EVENTFD, eventfd, Eventfd, eventfd, .family = OBJECT_INODE);

static struct eventfd *eventfd_of(const struct file *file)
{
    return (struct eventfd *)file->inode;
}

static int64_t take(struct eventfd *eventfd, struct uio *uio)
{
    uint64_t value = eventfd->is_semaphore ? 1 : eventfd->count;

    if (eventfd->count == 0)
        return WAIT_AGAIN;
    if (uio_copy_to(uio, &value, sizeof(value)) != sizeof(value))
        return -EFAULT;
    eventfd->count -= value;
    wait_kick(&eventfd->waiters, POLLOUT);
    return sizeof(value);
}

static int64_t eventfd_read(struct file *file, struct uio *uio, uint64_t *position,
                            const struct file_wait *wait)
{
    struct eventfd *eventfd = eventfd_of(file);

    (void)position;
    if (uio_left(uio) < sizeof(uint64_t))
        return -EINVAL;
    mutex_lock(&eventfd->lock);
    int64_t result = file_wait_or_leave(&eventfd->waiters, wait, take(eventfd, uio));
    mutex_unlock(&eventfd->lock);
    return result;
}

static int64_t give(struct eventfd *eventfd, uint64_t value)
{
    if (value > EVENT_MAX - eventfd->count)
        return WAIT_AGAIN;
    eventfd->count += value;
    wait_kick(&eventfd->waiters, POLLIN);
    return sizeof(value);
}

static int64_t eventfd_write(struct file *file, struct uio *uio, uint64_t *position, size_t more,
                             const struct file_wait *wait)
{
    struct eventfd *eventfd = eventfd_of(file);
    uint64_t value;

    (void)position;
    if (more != sizeof(value))
        return -EINVAL;
    if (uio_copy_from(uio, &value, sizeof(value)) != sizeof(value))
        return -EFAULT;
    if (value == UINT64_MAX)
        return -EINVAL;
    mutex_lock(&eventfd->lock);
    int64_t result = file_wait_or_leave(&eventfd->waiters, wait, give(eventfd, value));
    mutex_unlock(&eventfd->lock);
    return result;
}

static uint32_t eventfd_poll(struct file *file)
{
    struct eventfd *eventfd = eventfd_of(file);

    mutex_lock(&eventfd->lock);
    uint32_t ready = eventfd->count > 0 ? POLLIN : 0;
    if (eventfd->count < EVENT_MAX)
        ready |= POLLOUT;
    mutex_unlock(&eventfd->lock);
    return ready;
}

static struct wait_queue *eventfd_queue(struct file *file, bool writing)
{
    (void)writing;
    return &eventfd_of(file)->waiters;
}

static int eventfd_show(struct file *file, struct bytes *ret)
{
    struct eventfd *eventfd = eventfd_of(file);

    mutex_lock(&eventfd->lock);
    unsigned long long count = eventfd->count;
    mutex_unlock(&eventfd->lock);
    return bytes_printf(ret, "eventfd-count: %16llx\neventfd-id: 1\neventfd-semaphore: %d\n", count,
                        eventfd->is_semaphore);
}

static const struct file_ops eventfd_file_ops = {
    .read = eventfd_read,
    .write = eventfd_write,
    .poll = eventfd_poll,
    .queue = eventfd_queue,
    .show = eventfd_show,
};

static const struct inode_ops eventfd_inode_ops = {.anonymous = "[eventfd]",
                                                   .open = anon_inode_refuse};

int eventfd_create(uint64_t count, bool is_semaphore, uint32_t flags, struct file **ret)
{
    struct eventfd *eventfd = object_alloc(&eventfd_type.object);

    if (eventfd == NULL)
        return -ENOMEM;
    eventfd->count = count;
    eventfd->is_semaphore = is_semaphore;
    return anon_inode_open(&eventfd->inode, flags | O_RDWR, ret);
}

static void eventfd_init(struct eventfd *eventfd)
{
    anon_inode_init(&eventfd->inode, &eventfd_inode_ops, &eventfd_file_ops);
    mutex_init(&eventfd->lock, LOCK_PIPE);
    wait_queue_init(&eventfd->waiters, &eventfd->lock);
}

static void eventfd_fini(struct eventfd *eventfd)
{
    wait_queue_fini(&eventfd->waiters);
    inode_fini(&eventfd->inode);
}

static int eventfd_save(const struct eventfd *eventfd, struct saver *saver, Eventfd *message)
{
    (void)saver;
    message->count = eventfd->count;
    message->is_semaphore = eventfd->is_semaphore;
    return 0;
}

static int eventfd_load(struct eventfd *eventfd, struct loader *loader, const Eventfd *message)
{
    eventfd->count = message->count;
    if (message->count > EVENT_MAX)
        load_bad(loader, "count", "is too large");
    eventfd->is_semaphore = message->is_semaphore;
    return 0;
}

/* The waiting calls queue themselves. */
static void eventfd_relink(struct eventfd *eventfd, struct loader *loader)
{
    (void)eventfd;
    (void)loader;
}

static uint64_t eventfd_derived(const struct eventfd *eventfd)
{
    return wait_queue_count(&eventfd->waiters);
}
