/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pidfd: a file that stands for a process and holds it, so that its number may be another's by now.
 * It can be read, as poll tells, once the process has ended. *Linux:* no single threads
 * (PIDFD_THREAD).
 */
#include "core/pidfd.h"

#include <errno.h>

#include "core/kernel.h"
#include "vfs/anon_inode.h"

struct pidfd {
    union {
        struct object object;
        struct inode inode; /* not saved: it is like all of its kind */
    };
    struct process *process; /* a reference */
    /* not saved */
};

DEFINE_OBJECT_TYPE(PIDFD, pidfd, Pidfd, pidfd, .family = OBJECT_INODE);

static struct pidfd *pidfd_of(const struct file *file)
{
    return (struct pidfd *)file->inode;
}

struct process *pidfd_process(const struct file *file)
{
    return file->inode->object.type == &pidfd_type.object ? pidfd_of(file)->process : NULL;
}

static uint32_t pidfd_poll(struct file *file)
{
    struct process *process = pidfd_of(file)->process;
    uint32_t ready = 0;

    mutex_lock(&process->kernel->tasks_lock);
    if (process->is_zombie)
        ready = POLLIN | POLLRDNORM;
    if (!process->is_linked)
        ready |= POLLHUP;
    mutex_unlock(&process->kernel->tasks_lock);
    return ready;
}

static struct wait_queue *pidfd_queue(struct file *file, bool writing)
{
    (void)writing;
    return &pidfd_of(file)->process->exit_wait;
}

static int pidfd_show(struct file *file, struct bytes *ret)
{
    struct process *process = pidfd_of(file)->process;

    mutex_lock(&process->kernel->tasks_lock);
    int pid = process->is_linked ? process->pid : -1;
    mutex_unlock(&process->kernel->tasks_lock);
    return bytes_printf(ret, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

static const struct file_ops pidfd_file_ops = {
    .poll = pidfd_poll,
    .queue = pidfd_queue,
    .show = pidfd_show,
};

static const struct inode_ops pidfd_inode_ops = {.anonymous = "[pidfd]", .open = anon_inode_refuse};

int pidfd_create(struct process *process, uint32_t flags, struct file **ret)
{
    struct pidfd *pidfd = object_alloc(&pidfd_type.object);

    if (pidfd == NULL)
        return -ENOMEM;
    pidfd->process = object_get(&process->object);
    return anon_inode_open(&pidfd->inode, flags | O_RDWR, ret);
}

static void pidfd_init(struct pidfd *pidfd)
{
    anon_inode_init(&pidfd->inode, &pidfd_inode_ops, &pidfd_file_ops);
}

static void pidfd_fini(struct pidfd *pidfd)
{
    object_put((struct object *)pidfd->process);
    pidfd->process = NULL;
    inode_fini(&pidfd->inode);
}

static int pidfd_save(const struct pidfd *pidfd, struct saver *saver, Pidfd *message)
{
    message->process = save_ref(saver, &pidfd->process->object);
    return 0;
}

static int pidfd_load(struct pidfd *pidfd, struct loader *loader, const Pidfd *message)
{
    pidfd->process = load_ref(loader, "process", message->process, &process_type);
    return 0;
}

/* The waiting calls queue themselves. */
static void pidfd_relink(struct pidfd *pidfd, struct loader *loader)
{
    (void)pidfd;
    (void)loader;
}

static uint64_t pidfd_derived(const struct pidfd *pidfd)
{
    return 1 + wait_queue_count(&pidfd->process->exit_wait);
}
