/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timerfd: a file that can be read when its time has come. All is told by the deadline, the first
 * one that nobody has read of: how often it has run out since is computed when somebody asks, and
 * the host's timer does no more than kick those who wait. So nothing runs while nobody reads, as in
 * Linux, and a restored timer has not run out while it was an image. A relative span counts on the
 * sandbox clock, whatever the clock; a point of CLOCK_REALTIME stays one. *Linux:* there a change
 * of the time cancels a read (TFD_TIMER_CANCEL_ON_SET); here nobody sets it.
 */
#include "core/timerfd.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "core/base/container.h"
#include "core/base/host.h"
#include "core/kernel.h"
#include "vfs/anon_inode.h"

enum { TIMERFD_DEV = 0x0d }; /* st_dev of all of them */

struct timerfd {
    union {
        struct object object;
        struct inode inode;
    };
    int clock;        /* lock guards what follows */
    bool is_realtime; /* the deadline is a point of CLOCK_REALTIME, else of the sandbox clock */
    nsec_t deadline;  /* NSEC_NEVER: it stands */
    nsec_t interval;  /* 0: once */
    /* not saved, derived */
    struct wait_queue readers;
    struct timer timer;
    /* not saved */
    struct mutex lock; /* LOCK_EVENTS */
    struct kernel *kernel;
};

DEFINE_OBJECT_TYPE(TIMERFD, timerfd, Timerfd, timerfd, .family = OBJECT_INODE);

static struct timerfd *timerfd_of(const struct file *file)
{
    return (struct timerfd *)file->inode;
}

/* Now, as its deadline counts. */
static nsec_t now_of(const struct timerfd *timerfd)
{
    return timerfd->is_realtime ? host_clock_realtime() : clock_now(&timerfd->kernel->clock);
}

static bool is_due(const struct timerfd *timerfd)
{
    return timerfd->deadline != NSEC_NEVER && timerfd->deadline <= now_of(timerfd);
}

/* The host's timer runs until the deadline. */
static void start_timer(struct timerfd *timerfd)
{
    nsec_t deadline = timerfd->deadline;

    if (deadline == NSEC_NEVER)
        return;
    if (timerfd->is_realtime &&
        __builtin_add_overflow(deadline - host_clock_realtime(), clock_now(&timerfd->kernel->clock),
                               &deadline))
        return;
    timer_start(timerfd->kernel->vfs.events, &timerfd->timer, deadline);
}

static void expired(struct timer *timer)
{
    struct timerfd *timerfd = container_of(timer, struct timerfd, timer);

    mutex_lock(&timerfd->lock);
    if (is_due(timerfd))
        wait_kick_all(&timerfd->readers);
    else
        start_timer(timerfd);
    mutex_unlock(&timerfd->lock);
}

/* How often it has run out, as a read would tell. Under the lock. */
static uint64_t count_expirations(const struct timerfd *timerfd)
{
    if (!is_due(timerfd))
        return 0;
    if (timerfd->interval == 0)
        return 1;
    return 1 + (uint64_t)(now_of(timerfd) - timerfd->deadline) / (uint64_t)timerfd->interval;
}

/* How often it has run out; moves the deadline on. Under the lock. */
static uint64_t take_expirations(struct timerfd *timerfd)
{
    uint64_t count = count_expirations(timerfd);

    if (count == 0)
        return 0;
    if (timerfd->interval == 0) {
        timerfd->deadline = NSEC_NEVER;
        return 1;
    }
    if (__builtin_add_overflow(timerfd->deadline, (nsec_t)count * timerfd->interval,
                               &timerfd->deadline))
        timerfd->deadline = NSEC_NEVER;
    start_timer(timerfd);
    return count;
}

static int64_t timerfd_read(struct file *file, struct uio *uio, uint64_t *position,
                            const struct file_wait *wait)
{
    struct timerfd *timerfd = timerfd_of(file);

    (void)position;
    if (uio_left(uio) < sizeof(uint64_t))
        return -EINVAL;
    mutex_lock(&timerfd->lock);
    uint64_t count = take_expirations(timerfd);
    int64_t result = count > 0 ? uio_copy_to(uio, &count, sizeof(count)) : WAIT_AGAIN;
    result = file_wait_or_leave(&timerfd->readers, wait, result);
    mutex_unlock(&timerfd->lock);
    return result;
}

static uint32_t timerfd_poll(struct file *file)
{
    struct timerfd *timerfd = timerfd_of(file);

    mutex_lock(&timerfd->lock);
    uint32_t ready = is_due(timerfd) ? POLLIN | POLLRDNORM : 0;
    mutex_unlock(&timerfd->lock);
    return ready;
}

static struct wait_queue *timerfd_queue(struct file *file, bool writing)
{
    (void)writing;
    return &timerfd_of(file)->readers;
}

/* Has no position, but says so politely. */
static int64_t timerfd_seek(struct file *file, int64_t offset, int whence)
{
    (void)file;
    (void)offset;
    (void)whence;
    return 0;
}

/* Under the lock. */
static void get_setting(const struct timerfd *timerfd, struct timer_setting *ret)
{
    nsec_t left = timerfd->deadline - now_of(timerfd);

    ret->interval = timerfd->interval;
    if (timerfd->deadline == NSEC_NEVER)
        left = 0;
    else if (left <= 0 && timerfd->interval > 0)
        left = timerfd->interval - -left % timerfd->interval;
    ret->span = left > 0 ? left : 0;
}

static int show_span(const char *name, nsec_t span, struct bytes *ret)
{
    return bytes_printf(ret, "%s: (%" PRId64 ", %" PRId64 ")\n", name,
                        (int64_t)(span / NSEC_PER_SEC), (int64_t)(span % NSEC_PER_SEC));
}

/* *Linux:* a span's flags are 0, whatever they were. */
static int timerfd_show(struct file *file, struct bytes *ret)
{
    struct timerfd *timerfd = timerfd_of(file);
    struct timer_setting setting;

    mutex_lock(&timerfd->lock);
    uint64_t count = count_expirations(timerfd);
    bool is_realtime = timerfd->is_realtime;
    get_setting(timerfd, &setting);
    mutex_unlock(&timerfd->lock);
    int err = bytes_printf(ret, "clockid: %d\nticks: %" PRIu64 "\nsettime flags: 0%d\n",
                           timerfd->clock, count, is_realtime);
    if (err == 0)
        err = show_span("it_value", setting.span, ret);
    return err < 0 ? err : show_span("it_interval", setting.interval, ret);
}

static const struct file_ops timerfd_file_ops = {.read = timerfd_read,
                                                 .poll = timerfd_poll,
                                                 .queue = timerfd_queue,
                                                 .seek = timerfd_seek,
                                                 .show = timerfd_show};

static const struct inode_ops timerfd_inode_ops = {.anonymous = "[timerfd]",
                                                   .open = anon_inode_refuse};

int timerfd_create_file(struct kernel *kernel, int clock, uint32_t flags, const struct cred *cred,
                        struct file **ret)
{
    struct timerfd *timerfd = object_alloc(&timerfd_type.object);

    if (timerfd == NULL)
        return -ENOMEM;
    timerfd->kernel = kernel;
    timerfd->clock = clock;
    inode_set_owner(&timerfd->inode, NULL, 0600, cred);
    timerfd->inode.attr.nr = inode_next_nr();
    timerfd->inode.dev = TIMERFD_DEV;
    int err = file_create(&timerfd->inode, NULL, flags | O_RDWR, ret);
    object_put(&timerfd->object);
    return err;
}

bool timerfd_is(const struct file *file)
{
    return file->ops == &timerfd_file_ops;
}

void timerfd_get(struct file *file, struct timer_setting *ret)
{
    struct timerfd *timerfd = timerfd_of(file);

    mutex_lock(&timerfd->lock);
    get_setting(timerfd, ret);
    mutex_unlock(&timerfd->lock);
}

void timerfd_set(struct file *file, int flags, const struct timer_setting *setting,
                 struct timer_setting *old)
{
    struct timerfd *timerfd = timerfd_of(file);
    bool is_absolute = (flags & TFD_TIMER_ABSTIME) != 0;

    mutex_lock(&timerfd->lock);
    get_setting(timerfd, old);
    timerfd->interval =
        setting->interval < TIMER_INTERVAL_MAX ? setting->interval : TIMER_INTERVAL_MAX;
    timerfd->is_realtime =
        is_absolute && (timerfd->clock == CLOCK_REALTIME || timerfd->clock == CLOCK_REALTIME_ALARM);
    timerfd->deadline = setting->span;
    if (setting->span == 0 ||
        (!is_absolute &&
         __builtin_add_overflow(now_of(timerfd), setting->span, &timerfd->deadline)))
        timerfd->deadline = NSEC_NEVER;
    start_timer(timerfd);
    wait_kick_all(&timerfd->readers);
    mutex_unlock(&timerfd->lock);
}

static void timerfd_init(struct timerfd *timerfd)
{
    inode_init(&timerfd->inode, &timerfd_inode_ops, &timerfd_file_ops);
    mutex_init(&timerfd->lock, LOCK_EVENTS);
    wait_queue_init(&timerfd->readers, &timerfd->lock);
    timerfd->deadline = timerfd->timer.deadline = NSEC_NEVER;
    timerfd->timer.expired = expired;
}

static void timerfd_fini(struct timerfd *timerfd)
{
    if (timerfd->kernel != NULL)
        (void)timer_stop(timerfd->kernel->vfs.events, &timerfd->timer);
    wait_queue_fini(&timerfd->readers);
    inode_fini(&timerfd->inode);
}

static int timerfd_save(const struct timerfd *timerfd, struct saver *saver, Timerfd *m)
{
    m->clock = (uint32_t)timerfd->clock;
    m->is_realtime = timerfd->is_realtime;
    m->deadline = timerfd->is_realtime ? timerfd->deadline : save_time(saver, timerfd->deadline);
    m->interval = timerfd->interval;
    return inode_save_attr(&timerfd->inode, saver, &m->attr);
}

static bool is_clock(uint32_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME ||
           clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
}

static int timerfd_load(struct timerfd *timerfd, struct loader *loader, const Timerfd *m)
{
    timerfd->kernel = kernel_of_context(loader_context(loader));
    if (!is_clock(m->clock))
        load_bad(loader, "clock", "%" PRIu32 " is unknown", m->clock);
    if (m->interval < 0 || m->interval > TIMER_INTERVAL_MAX)
        load_bad(loader, "interval", "%" PRId64 " is out of range", m->interval);
    if (m->deadline < (m->is_realtime ? 0 : -TIMER_INTERVAL_MAX))
        load_bad(loader, "deadline", "%" PRId64 " is out of range", m->deadline);
    timerfd->clock = (int)m->clock;
    timerfd->is_realtime = m->is_realtime;
    timerfd->deadline = m->is_realtime ? m->deadline : load_time(loader, "deadline", m->deadline);
    timerfd->interval = m->interval;
    inode_load_attr(&timerfd->inode, loader, m->attr);
    return 0;
}

static void timerfd_relink(struct timerfd *timerfd, struct loader *loader)
{
    (void)loader;
    start_timer(timerfd);
}

static uint64_t timerfd_derived(const struct timerfd *timerfd)
{
    return (uint64_t)(timerfd->deadline != NSEC_NEVER) << 32 | wait_queue_count(&timerfd->readers);
}
