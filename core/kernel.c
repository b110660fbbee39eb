/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kernel from birth to end. A new kernel is frozen, as a restored one is: both get their tasks'
 * threads by kernel_start and let them go by kernel_thaw. Its parts are made in the order in which
 * they need each other and freed the other way round.
 */
#include "core/kernel.h"

#include <errno.h>
#include <string.h>

#include "core/base/host.h"
#include "core/pager.h"
#include "core/futex.h"
#include "core/procfs/procfs.h"
#include "core/procfs/sysfs.h"

enum { MEMFILE_SIZE_SHIFT = 38 }; /* address space of the memfile: 256 GB, sparse */

int kernel_create(const struct kernel_options *options, struct kernel **ret)
{
    struct kernel *kernel = host_alloc(1, sizeof(*kernel));
    int err;

    if (kernel == NULL)
        return -ENOMEM;
    gate_init(&kernel->gate, GATE_CLOSED);
    kernel->clock.is_stopped = true;
    kernel->clock.stopped_at = 1;
    mutex_init(&kernel->tasks_lock, LOCK_TASKS);
    mutex_init(&kernel->mms_lock, LOCK_MMS);
    mutex_init(&kernel->signalfd_lock, LOCK_PIPE);
    wait_queue_init(&kernel->signalfd_wait, &kernel->signalfd_lock);
    LIST_INIT(&kernel->mms);
    kernel->memory_limit = options->memory_limit;
    kernel->memory_total = options->memory_limit != 0 ? options->memory_limit : host_memory_size();
    kernel->vfs.ghost_limit = options->ghost_limit;
    kernel->vfs.is_strict = options->is_strict;
    kernel->vfs.proc = &procfs;
    kernel->vfs.sys = &sysfs;
    kernel->cpu_count = host_cpu_count() < CPU_COUNT_MAX ? host_cpu_count() : CPU_COUNT_MAX;
    for (int i = 0; i < 3; i++)
        kernel->vfs.stdio[i] = -1;
    kernel->notify_fd = -1;
    err = futex_table_create(&kernel->futexes);
    if (err < 0) {
        kernel_free(kernel);
        return err;
    }
    kernel->notify_fd = host_eventfd();
    if (kernel->notify_fd < 0) {
        err = kernel->notify_fd;
        kernel_free(kernel);
        return err;
    }
    err =
        memfile_create(UINT64_C(1) << MEMFILE_SIZE_SHIFT, options->memory_limit, &kernel->memfile);
    if (err == 0) {
        mapping_set_memfile(kernel->memfile);
        err = events_create(&kernel->gate, &kernel->clock, &kernel->vfs.events);
    }
    if (err < 0) {
        kernel_free(kernel);
        return err;
    }
    *ret = kernel;
    return 0;
}

int kernel_set_platform(struct kernel *kernel, const char *name)
{
    int err = platform_create(name, kernel->memfile, &kernel->platform);

    if (err == 0)
        mm_start(kernel);
    return err;
}

/* Gives every task its thread. */
static int start_process(struct process *process, void *context)
{
    struct task *task;

    (void)context;
    TAILQ_FOREACH(task, &process->tasks, link) {
        int err = task_start(task);
        if (err < 0)
            return err;
    }
    return 0;
}

int kernel_start(struct kernel *kernel)
{
    int err = events_start(kernel->vfs.events);

    if (err == 0)
        err = process_list_all(kernel, start_process, NULL);
    return err < 0 ? err : pager_start(kernel->pager);
}

void kernel_notify(struct kernel *kernel)
{
    (void)host_eventfd_add(kernel->notify_fd);
}

void kernel_task_ended(struct kernel *kernel)
{
    if (atomic_fetch_sub(&kernel->live_tasks, 1) == 1)
        kernel_notify(kernel);
}

int kernel_exit_status(struct kernel *kernel)
{
    return kernel->machine->init->exit_status;
}

int kernel_signal_init(struct kernel *kernel, int signal)
{
    struct signal_info info = {.signal = signal, .code = SI_USER};
    int err;

    mutex_lock(&kernel->tasks_lock);
    err = kernel->machine == NULL || kernel->machine->init->is_zombie
              ? -ESRCH
              : signal_send_process(kernel->machine->init, &info);
    mutex_unlock(&kernel->tasks_lock);
    return err;
}

static int kick_process(struct process *process, void *context)
{
    struct task *task;

    (void)context;
    TAILQ_FOREACH(task, &process->tasks, link)
        waiter_kick(&task->waiter);
    return 0;
}

void kernel_kick_all(struct kernel *kernel)
{
    (void)process_list_all(kernel, kick_process, NULL);
}

void kernel_thread_ended(struct kernel *kernel)
{
    atomic_uint *count = &kernel->thread_count;

    (void)atomic_fetch_sub(count, 1);
    host_futex_wake(count, 1); /* by address: the kernel may be gone by now */
}

void kernel_stop(struct kernel *kernel)
{
    unsigned count;

    pager_resume(kernel->pager);
    if (gate_is_frozen(&kernel->gate)) {
        gate_end(&kernel->gate);
        kernel_kick_all(kernel);
    }
    pager_stop(kernel->pager);
    while ((count = atomic_load(&kernel->thread_count)) != 0)
        (void)host_futex_wait(&kernel->thread_count, count, NSEC_NEVER);
    events_stop(kernel->vfs.events);
}

static int get_first(struct process *process, void *context)
{
    *(struct process **)context = object_get(&process->object);
    return 1;
}

/* Processes and their tasks hold each other, so each process is taken apart. */
void kernel_drop_machine(struct kernel *kernel)
{
    struct process *process;

    while (process_list_all(kernel, get_first, &process) > 0) {
        process->object.type->fini(&process->object);
        object_put(&process->object);
    }
    object_put((struct object *)kernel->machine);
    kernel->machine = NULL;
}

void kernel_free(struct kernel *kernel)
{
    if (kernel == NULL)
        return;
    kernel_drop_machine(kernel);
    events_free(kernel->vfs.events); /* the machine's timers and streams are gone from it */
    platform_free(kernel->platform);
    pager_free(kernel->pager);
    memfile_free(kernel->memfile);
    for (unsigned i = 0; i < kernel->vfs.root_count; i++) {
        host_free(kernel->vfs.roots[i].name);
        host_free(kernel->vfs.roots[i].path);
        (void)host_close(kernel->vfs.roots[i].fd);
    }
    host_free(kernel->vfs.roots);
    if (kernel->notify_fd >= 0)
        (void)host_close(kernel->notify_fd);
    futex_table_free(kernel->futexes);
    if (kernel->vdso.is_ready)
        mutex_fini(&kernel->vdso.lock);
    mutex_fini(&kernel->signalfd_lock);
    mutex_fini(&kernel->mms_lock);
    mutex_fini(&kernel->tasks_lock);
    gate_fini(&kernel->gate);
    host_free(kernel);
}
