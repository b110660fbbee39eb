/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signalfd: reading takes signals that the reading task has pending, whoever made the file. So all
 * who wait, for whatever file, stand in one queue of the kernel and look again when a signal is
 * queued for anybody. *Linux:* an edge-triggered epoll is told again of a signal that is still
 * pending when another process gets one.
 */
#include "core/signalfd.h"

#include <errno.h>
#include <string.h>
#include <sys/signalfd.h>

#include "vfs/anon_inode.h"

struct signalfd {
    union {
        struct object object;
        struct inode inode; /* not saved: it is like all of its kind */
    };
    atomic_uint_fast64_t mask; /* signals that are told */
    /* not saved, derived */
    struct kernel *kernel;
};

DEFINE_OBJECT_TYPE(SIGNALFD, signalfd, Signalfd, signalfd, .family = OBJECT_INODE);

static struct signalfd *signalfd_of(const struct file *file)
{
    return (struct signalfd *)file->inode;
}

void signalfd_kick(struct kernel *kernel)
{
    mutex_lock(&kernel->signalfd_lock);
    wait_kick(&kernel->signalfd_wait, POLLIN);
    mutex_unlock(&kernel->signalfd_lock);
}

/* struct signalfd_siginfo has the fields of every form side by side. */
static void encode(const struct signal_info *info, struct signalfd_siginfo *ret)
{
    *ret = (struct signalfd_siginfo){
        .ssi_signo = (uint32_t)info->signal, .ssi_errno = info->error, .ssi_code = info->code};
    if (signal_info_is_fault(info)) {
        ret->ssi_addr = info->address;
        return;
    }
    if (info->code == SI_TIMER) {
        ret->ssi_tid = (uint32_t)info->pid;
        ret->ssi_overrun = info->uid;
    } else {
        ret->ssi_pid = (uint32_t)info->pid;
        ret->ssi_uid = info->uid;
    }
    if (info->signal == SIGCHLD && info->code > 0) {
        ret->ssi_status = info->status;
        ret->ssi_utime = (uint64_t)info->utime;
        ret->ssi_stime = (uint64_t)info->stime;
    } else if (info->code < 0) {
        ret->ssi_ptr = info->value;
        ret->ssi_int = (int32_t)info->value;
    }
}

/* Takes as many as are pending and fit: bytes, or why there is none. */
static int64_t take_all(struct task *task, uint64_t mask, struct uio *uio)
{
    struct sighand *sighand = task->process->sighand;
    struct signalfd_siginfo encoded;
    struct signal_info info;
    int64_t done = 0;

    while (uio_left(uio) >= sizeof(encoded)) {
        mutex_lock(&sighand->lock);
        bool is_taken = signal_take(task, ~mask, &info);
        mutex_unlock(&sighand->lock);
        if (!is_taken)
            return done > 0 ? done : -EAGAIN;
        encode(&info, &encoded);
        if (uio_copy_to(uio, &encoded, sizeof(encoded)) != sizeof(encoded))
            return done > 0 ? done : -EFAULT;
        done += (int64_t)sizeof(encoded);
    }
    return done;
}

/* Queues first, then looks: so a signal that comes in between is a kick. */
static int64_t take_or_wait(struct signalfd *signalfd, struct task *task, struct uio *uio,
                            const struct file_wait *wait)
{
    struct kernel *kernel = signalfd->kernel;

    mutex_lock(&kernel->signalfd_lock);
    wait_add(&kernel->signalfd_wait, wait->entry, wait->waiter);
    mutex_unlock(&kernel->signalfd_lock);
    int64_t result = take_all(task, atomic_load(&signalfd->mask), uio);
    if (result == -EAGAIN)
        return WAIT_AGAIN;
    mutex_lock(&kernel->signalfd_lock);
    wait_remove(&kernel->signalfd_wait, wait->entry);
    mutex_unlock(&kernel->signalfd_lock);
    return result;
}

static int64_t signalfd_read(struct file *file, struct uio *uio, uint64_t *position,
                             const struct file_wait *wait)
{
    struct signalfd *signalfd = signalfd_of(file);
    struct task *task = task_current();

    (void)position;
    if (uio_left(uio) < sizeof(struct signalfd_siginfo))
        return -EINVAL;
    if (wait != NULL)
        return take_or_wait(signalfd, task, uio, wait);
    return take_all(task, atomic_load(&signalfd->mask), uio);
}

/* For the task that asks. */
static uint32_t signalfd_poll(struct file *file)
{
    struct task *task = task_current();

    if (task == NULL)
        return 0;
    return (signal_pending_set(task) & atomic_load(&signalfd_of(file)->mask)) != 0 ? POLLIN : 0;
}

static struct wait_queue *signalfd_queue(struct file *file, bool writing)
{
    (void)writing;
    return &signalfd_of(file)->kernel->signalfd_wait;
}

static int signalfd_show(struct file *file, struct bytes *ret)
{
    return bytes_printf(ret, "sigmask:\t%016llx\n",
                        (unsigned long long)atomic_load(&signalfd_of(file)->mask));
}

static const struct file_ops signalfd_file_ops = {
    .read = signalfd_read,
    .poll = signalfd_poll,
    .queue = signalfd_queue,
    .show = signalfd_show,
};

static const struct inode_ops signalfd_inode_ops = {.anonymous = "[signalfd]",
                                                    .open = anon_inode_refuse};

int signalfd_create(struct kernel *kernel, uint64_t mask, uint32_t flags, struct file **ret)
{
    struct signalfd *signalfd = object_alloc(&signalfd_type.object);

    if (signalfd == NULL)
        return -ENOMEM;
    signalfd->kernel = kernel;
    atomic_store(&signalfd->mask, mask & ~SIGNAL_UNBLOCKABLE);
    return anon_inode_open(&signalfd->inode, flags | O_RDWR, ret);
}

int signalfd_set_mask(struct file *file, uint64_t mask)
{
    if (file->inode->object.type != &signalfd_type.object)
        return -EINVAL;
    atomic_store(&signalfd_of(file)->mask, mask & ~SIGNAL_UNBLOCKABLE);
    signalfd_kick(signalfd_of(file)->kernel);
    return 0;
}

static void signalfd_init(struct signalfd *signalfd)
{
    anon_inode_init(&signalfd->inode, &signalfd_inode_ops, &signalfd_file_ops);
}

static void signalfd_fini(struct signalfd *signalfd)
{
    inode_fini(&signalfd->inode);
}

static int signalfd_save(const struct signalfd *signalfd, struct saver *saver, Signalfd *message)
{
    (void)saver;
    message->mask = atomic_load(&signalfd->mask);
    return 0;
}

static int signalfd_load(struct signalfd *signalfd, struct loader *loader, const Signalfd *message)
{
    signalfd->kernel = kernel_of_context(loader_context(loader));
    if ((message->mask & SIGNAL_UNBLOCKABLE) != 0)
        load_bad(loader, "mask", "has signals that nobody can read");
    atomic_store(&signalfd->mask, message->mask & ~SIGNAL_UNBLOCKABLE);
    return 0;
}

/* The waiting calls queue themselves. */
static void signalfd_relink(struct signalfd *signalfd, struct loader *loader)
{
    (void)signalfd;
    (void)loader;
}

static uint64_t signalfd_derived(const struct signalfd *signalfd)
{
    return 1 + wait_queue_count(&signalfd->kernel->signalfd_wait);
}
