/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Epoll: sets of watched files. Invariants:
 * 1. An item is in the ready list if its file may have something to tell that has not been told:
 *    it enters when the file's queue says so, and leaves when it is looked at. So a wake-up costs
 *    the same however many files there are.
 * 2. It leaves the list before its file is asked, never after: what comes in between puts it back.
 *    Told as level-triggered it goes to the end of the list, so that all have their turn.
 * 3. One event wakes one of those who wait; who leaves anything in the list wakes the next.
 * 4. An item lives as long as its file and its set: it holds neither (epoll_watch.c).
 * EPOLLWAKEUP is kept and means nothing.
 */
#include "vfs/epoll.h"

#include <errno.h>
#include <inttypes.h>

#include "core/base/host.h"
#include "vfs/epoll_item.h"
#include "vfs/host_stream.h"

/* What an item that has been told once (EPOLLONESHOT) keeps: nothing to tell. */
#define SETTINGS (EPOLLWAKEUP | EPOLLONESHOT | (uint32_t)EPOLLET | EPOLLEXCLUSIVE)
#define ALWAYS (uint32_t)(EPOLLERR | EPOLLHUP)
#define EXCLUSIVE_ALLOWED                                                                          \
    (EPOLLIN | EPOLLOUT | ALWAYS | EPOLLWAKEUP | (uint32_t)EPOLLET | EPOLLEXCLUSIVE)

enum { ITEMS_MAX = 1 << 20 }; /* of all sets (Linux: max_user_watches) */

static atomic_size_t item_count;

DEFINE_OBJECT_TYPE(EPOLL, epoll, Epoll, epoll, .family = OBJECT_INODE);

struct epoll *epoll_of_file(const struct file *file)
{
    struct inode *inode = file->inode;

    return inode->object.type == &epoll_type.object ? (struct epoll *)inode : NULL;
}

/* --- the ready list; all under ready_lock --- */

/* To the end of the list, unless it is there. */
static void ready_append(struct epoll_item *item)
{
    struct epoll *epoll = item->epoll;

    if (item->is_ready)
        return;
    TAILQ_INSERT_TAIL(&epoll->ready, item, ready_link);
    item->is_ready = true;
    epoll->ready_count++;
}

static void ready_remove(struct epoll_item *item)
{
    struct epoll *epoll = item->epoll;

    if (!item->is_ready)
        return;
    TAILQ_REMOVE(&epoll->ready, item, ready_link);
    item->is_ready = false;
    epoll->ready_count--;
}

/* Adds the item and wakes one who waits. True: there was one. */
static bool ready_tell(struct epoll_item *item)
{
    struct epoll *epoll = item->epoll;

    ready_append(item);
    bool is_woken = wait_wake_first(&epoll->waiters) != NULL;
    wait_kick(&epoll->pollers, POLLIN | POLLRDNORM);
    return is_woken;
}

bool epoll_item_notify(struct epoll_item *item, uint32_t events)
{
    struct epoll *epoll = item->epoll;
    bool is_woken = false;

    mutex_lock_chain(&epoll->ready_lock);
    if ((item->events & ~SETTINGS & events) != 0)
        is_woken = ready_tell(item);
    mutex_unlock(&epoll->ready_lock);
    return is_woken;
}

/* The first item, taken out of the list; NULL: there is none. */
static struct epoll_item *pop_ready(struct epoll *epoll)
{
    mutex_lock_chain(&epoll->ready_lock);
    struct epoll_item *item = TAILQ_FIRST(&epoll->ready);
    if (item != NULL)
        ready_remove(item);
    mutex_unlock(&epoll->ready_lock);
    return item;
}

/* Puts back what was popped: at the front. */
static void push_ready(struct epoll_item *item)
{
    struct epoll *epoll = item->epoll;

    mutex_lock_chain(&epoll->ready_lock);
    ready_remove(item);
    TAILQ_INSERT_HEAD(&epoll->ready, item, ready_link);
    item->is_ready = true;
    epoll->ready_count++;
    mutex_unlock(&epoll->ready_lock);
}

/* Who is next when something is left, or was out of the list for a look. */
static void pass_on(struct epoll *epoll)
{
    mutex_lock(&epoll->ready_lock);
    if (epoll->ready_count > 0)
        (void)wait_wake_first(&epoll->waiters);
    mutex_unlock(&epoll->ready_lock);
}

/* What the file has to tell that is asked for. Under the set's lock. */
static uint32_t look_at(const struct epoll_item *item)
{
    return (item->events & ~SETTINGS) == 0 ? 0 : file_poll(item->file) & item->events;
}

/* --- changing the set --- */

static struct epoll_item *find(struct epoll *epoll, const struct file *file, int fd)
{
    const struct epoll_key key = {.file = (uintptr_t)file, .fd = (uint64_t)fd};
    struct epoll_item *item;

    mutex_assert_held(&epoll->lock);
    HASH_FIND(hh, epoll->items, &key, sizeof(key), item);
    return item;
}

/* An item in the table of the set and nowhere else: -ENOSPC, -ENOMEM. */
static int create_item(struct epoll *epoll, struct file *file, int fd, struct epoll_item **ret)
{
    struct epoll_item *item = host_alloc(1, sizeof(*item));

    if (item == NULL)
        return -ENOMEM;
    item->epoll = epoll;
    item->file = file;
    item->fd = fd;
    item->key = (struct epoll_key){.file = (uintptr_t)file, .fd = (uint64_t)fd};
    HASH_ADD(hh, epoll->items, key, sizeof(item->key), item);
    if (!HASH_IS_IN(item)) {
        host_free(item);
        return -ENOMEM;
    }
    *ret = item;
    if (atomic_fetch_add(&item_count, 1) < ITEMS_MAX)
        return 0;
    epoll_drop(epoll, item);
    return -ENOSPC;
}

void epoll_drop(struct epoll *epoll, struct epoll_item *item)
{
    epoll_unwatch(item);
    mutex_lock(&epoll->ready_lock);
    ready_remove(item);
    mutex_unlock(&epoll->ready_lock);
    HASH_DEL(epoll->items, item);
    host_free(item);
    atomic_fetch_sub(&item_count, 1);
}

/* After a change by the owner: what is ready already is told. */
static void tell_if_ready(struct epoll_item *item)
{
    struct epoll *epoll = item->epoll;

    if (look_at(item) == 0)
        return;
    mutex_lock(&epoll->ready_lock);
    if (!item->is_ready)
        (void)ready_tell(item);
    mutex_unlock(&epoll->ready_lock);
}

static int check_add(const struct file *file, const struct epoll_event *event)
{
    bool is_exclusive = (event->events & EPOLLEXCLUSIVE) != 0;
    bool is_allowed = (event->events & ~EXCLUSIVE_ALLOWED) == 0 && epoll_of_file(file) == NULL;

    return is_exclusive && !is_allowed ? -EINVAL : 0;
}

static int add(struct epoll *epoll, struct file *file, int fd, const struct epoll_event *event)
{
    struct epoll_item *item;

    if (find(epoll, file, fd) != NULL)
        return -EEXIST;
    int err = create_item(epoll, file, fd, &item);
    if (err < 0)
        return err;
    item->events = event->events | ALWAYS;
    item->data = event->data.u64;
    err = epoll_watch(item, false);
    if (err < 0) {
        epoll_drop(epoll, item);
        return err;
    }
    tell_if_ready(item);
    return 0;
}

int epoll_add(struct epoll *epoll, struct file *file, int fd, const struct epoll_event *event)
{
    int err = check_add(file, event);

    if (err < 0)
        return err;
    mutex_lock(&epoll->lock);
    err = add(epoll, file, fd, event);
    mutex_unlock(&epoll->lock);
    return err;
}

static int modify(struct epoll *epoll, struct file *file, int fd, const struct epoll_event *event)
{
    struct epoll_item *item = find(epoll, file, fd);

    if (item == NULL)
        return -ENOENT;
    if ((item->events & EPOLLEXCLUSIVE) != 0)
        return -EINVAL;
    mutex_lock(&epoll->ready_lock);
    item->events = event->events | ALWAYS;
    item->data = event->data.u64;
    mutex_unlock(&epoll->ready_lock);
    poll_join(file, &item->place, item->events, NULL);
    tell_if_ready(item);
    return 0;
}

int epoll_modify(struct epoll *epoll, struct file *file, int fd, const struct epoll_event *event)
{
    if ((event->events & EPOLLEXCLUSIVE) != 0)
        return -EINVAL;
    mutex_lock(&epoll->lock);
    int err = modify(epoll, file, fd, event);
    mutex_unlock(&epoll->lock);
    return err;
}

int epoll_remove(struct epoll *epoll, struct file *file, int fd)
{
    mutex_lock(&epoll->lock);
    struct epoll_item *item = find(epoll, file, fd);
    if (item != NULL)
        epoll_drop(epoll, item);
    mutex_unlock(&epoll->lock);
    return item == NULL ? -ENOENT : 0;
}

/* --- telling --- */

uint32_t epoll_count_ready(struct epoll *epoll)
{
    mutex_lock(&epoll->ready_lock);
    uint32_t count = epoll->ready_count;
    mutex_unlock(&epoll->ready_lock);
    return count;
}

/* What is told as level-triggered stays in the list, what is told once has nothing more to tell. */
static void note_told(struct epoll_item *item)
{
    struct epoll *epoll = item->epoll;

    mutex_lock(&epoll->ready_lock);
    if ((item->events & EPOLLONESHOT) != 0)
        item->events &= SETTINGS;
    else if ((item->events & (uint32_t)EPOLLET) == 0)
        ready_append(item);
    mutex_unlock(&epoll->ready_lock);
}

static int64_t take(struct epoll *epoll, struct uio *to, uint32_t max, uint32_t *left)
{
    struct epoll_item *item;
    int64_t count = 0;

    for (; *left > 0 && count < max; --*left) {
        item = pop_ready(epoll);
        if (item == NULL)
            break;
        struct epoll_event event = {.events = look_at(item), .data.u64 = item->data};
        if (event.events == 0)
            continue;
        if (uio_copy_to(to, &event, sizeof(event)) != sizeof(event)) {
            push_ready(item);
            return count > 0 ? count : -EFAULT;
        }
        note_told(item);
        count++;
    }
    return count;
}

int64_t epoll_take(struct epoll *epoll, struct uio *to, uint32_t max, uint32_t *left)
{
    mutex_lock(&epoll->lock);
    int64_t result = take(epoll, to, max, left);
    pass_on(epoll);
    mutex_unlock(&epoll->lock);
    return result;
}

bool epoll_join(struct epoll *epoll, struct wait_entry *entry, struct waiter *waiter)
{
    mutex_lock(&epoll->ready_lock);
    bool is_joining = epoll->ready_count == 0;
    if (is_joining)
        wait_add(&epoll->waiters, entry, waiter);
    mutex_unlock(&epoll->ready_lock);
    return is_joining;
}

void epoll_leave(struct epoll *epoll, struct wait_entry *entry)
{
    wait_leave(entry);
    pass_on(epoll);
}

struct wait_queue *epoll_waiters(struct epoll *epoll)
{
    return &epoll->waiters;
}

/* --- the file --- */

static void epoll_open(struct file *file)
{
    epoll_set_file(epoll_of_file(file), file);
}

static void epoll_close(struct file *file)
{
    epoll_set_file(epoll_of_file(file), NULL);
}

/* Ready when one of its files is. Items that turn out not to be leave the list. */
static uint32_t epoll_poll(struct file *file)
{
    struct epoll *epoll = epoll_of_file(file);
    struct epoll_item *item;
    uint32_t ready = 0;

    mutex_lock_chain(&epoll->lock);
    while (ready == 0 && (item = pop_ready(epoll)) != NULL) {
        if (look_at(item) == 0)
            continue;
        push_ready(item);
        ready = POLLIN | POLLRDNORM;
    }
    pass_on(epoll);
    mutex_unlock(&epoll->lock);
    return ready;
}

static struct wait_queue *epoll_queue(struct file *file, bool writing)
{
    (void)writing;
    return &epoll_of_file(file)->pollers;
}

static int epoll_show(struct file *file, struct bytes *ret)
{
    struct epoll *epoll = epoll_of_file(file);
    const struct epoll_item *item;
    int err = 0;

    mutex_lock(&epoll->lock);
    for (item = epoll->items; err == 0 && item != NULL; item = item->hh.next)
        err = bytes_printf(ret, "tfd: %8d events: %8x data: %16llx  pos:%lli ino:%llx sdev:%llx\n",
                           item->fd, item->events, (unsigned long long)item->data,
                           (long long)item->file->position,
                           (unsigned long long)item->file->inode->attr.nr,
                           (unsigned long long)item->file->inode->dev);
    mutex_unlock(&epoll->lock);
    return err;
}

static const struct file_ops epoll_file_ops = {
    .open = epoll_open,
    .close = epoll_close,
    .poll = epoll_poll,
    .queue = epoll_queue,
    .show = epoll_show,
};

static const struct inode_ops epoll_inode_ops = {.anonymous = "[eventpoll]",
                                                 .open = anon_inode_refuse};

int epoll_create_file(struct file **ret)
{
    struct epoll *epoll = object_alloc(&epoll_type.object);

    return epoll == NULL ? -ENOMEM : anon_inode_open(&epoll->inode, O_RDWR, ret);
}

/* --- the object --- */

static void epoll_init(struct epoll *epoll)
{
    anon_inode_init(&epoll->inode, &epoll_inode_ops, &epoll_file_ops);
    mutex_init(&epoll->lock, LOCK_EPOLL);
    mutex_init(&epoll->ready_lock, LOCK_READY);
    TAILQ_INIT(&epoll->ready);
    LIST_INIT(&epoll->nested);
    wait_queue_init(&epoll->waiters, &epoll->ready_lock);
    wait_queue_init(&epoll->pollers, &epoll->ready_lock);
}

static void epoll_fini(struct epoll *epoll)
{
    mutex_lock(&epoll->lock);
    while (epoll->items != NULL)
        epoll_drop(epoll, epoll->items);
    mutex_unlock(&epoll->lock);
    wait_queue_fini(&epoll->waiters);
    wait_queue_fini(&epoll->pollers);
    inode_fini(&epoll->inode);
}

static int item_save(const struct epoll_item *item, struct saver *saver, Epoll *message)
{
    EpollItem *to = message->items[message->n_items++];

    to->file = save_ref(saver, &item->file->object);
    to->fd = item->fd;
    to->events = item->events;
    to->data = item->data;
    to->is_ready = item->is_ready;
    return poll_place_save(saver, &item->place, &to->place);
}

/* Those that are ready come first, in the order in which they are to be told. */
static int epoll_save(const struct epoll *epoll, struct saver *saver, Epoll *message)
{
    size_t count = HASH_COUNT(epoll->items);
    const struct epoll_item *item;
    int err = 0;

    message->items = save_messages(saver, &epoll_item__descriptor, count);
    if (message->items == NULL && count > 0)
        return -ENOMEM;
    TAILQ_FOREACH(item, &epoll->ready, ready_link)
        err = err < 0 ? err : item_save(item, saver, message);
    for (item = epoll->items; err == 0 && item != NULL; item = item->hh.next) {
        if (!item->is_ready)
            err = item_save(item, saver, message);
    }
    return err;
}

static int item_load(struct epoll *epoll, struct loader *loader, const EpollItem *m)
{
    struct file *file = load_weak(loader, "items.file", m->file, &file_type);
    struct epoll_item *item;

    if (file == NULL)
        return 0;
    if (m->fd < 0 || find(epoll, file, m->fd) != NULL) {
        load_bad(loader, "items.fd", "%" PRId32 " is not possible, or there twice", m->fd);
        return 0;
    }
    int err = create_item(epoll, file, m->fd, &item);
    if (err == -ENOSPC)
        load_bad(loader, "items", "are too many");
    if (err < 0)
        return err == -ENOSPC ? 0 : err;
    item->events = m->events;
    item->data = m->data;
    poll_place_load(loader, "items.place", &item->place, m->place);
    if (m->is_ready)
        ready_append(item);
    return 0;
}

static int epoll_load(struct epoll *epoll, struct loader *loader, const Epoll *message)
{
    int err = 0;

    mutex_lock(&epoll->lock);
    for (size_t i = 0; err == 0 && i < message->n_items; i++)
        err = item_load(epoll, loader, message->items[i]);
    mutex_unlock(&epoll->lock);
    return err;
}

static void epoll_relink(struct epoll *epoll, struct loader *loader)
{
    for (struct epoll_item *item = epoll->items; item != NULL; item = item->hh.next) {
        if (item->file->ops->poll == NULL)
            load_bad(loader, "items.file", "%d cannot be watched", item->fd);
        else if (epoll_watch(item, true) < 0)
            load_bad(loader, "items.file", "%d: sets are nested in a loop, or too deep", item->fd);
        else if (host_stream_index(item->file->inode) >= 0)
            tell_if_ready(item); /* the host has not been asked yet */
    }
}

static uint64_t epoll_derived(const struct epoll *epoll)
{
    const struct epoll_item *item;
    uint64_t listed = epoll->file != NULL;

    for (item = epoll->items; item != NULL; item = item->hh.next)
        listed += item->is_listed;
    LIST_FOREACH(item, &epoll->nested, nested_link)
        listed += 1 << 20;
    return listed << 32 | wait_queue_count(&epoll->waiters) << 16 |
           wait_queue_count(&epoll->pollers);
}
