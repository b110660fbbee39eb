/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tasks without guests. Here is what the calls under test need of the rest of core: a task type
 * that saves its descriptors and its record only, pins of this process's own memory, and signals
 * that are only counted.
 */
#include "tests/unit/actor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "core/base/container.h"
#include "core/base/host.h"
#include "core/copy.h"
#include "core/limit.h"
#include "core/message.h"
#include "netstack/socket/socket.h"
#include "vfs/fs/devfs.h"
#include "vfs/host_stream.h"
#include "vfs/pipe.h"

atomic_int actor_sigpipe_count;
atomic_int actor_pin_count;
size_t actor_pin_limit;
uint64_t actor_file_limit = RLIM_INFINITY;
atomic_int actor_sigxfsz_count;

/* --- the task --- */

DEFINE_OBJECT_TYPE(TASK, task, Task, task);

static void task_init(struct task *task)
{
    (void)task;
}

static void task_fini(struct task *task)
{
    wait_abandon(&task->waiter);
    object_put((struct object *)task->files);
    task->files = NULL;
}

static int task_save(const struct task *task, struct saver *saver, Task *m)
{
    m->files = save_ref(saver, &task->files->object);
    return save_wait(saver, &task->waiter, &m->wait);
}

static int task_load(struct task *task, struct loader *loader, const Task *m)
{
    task->files = load_ref(loader, "files", m->files, &files_type);
    return load_wait(loader, &task->waiter, m->wait);
}

static void task_relink(struct task *task, struct loader *loader)
{
    struct stage *stage = loader_context(loader);
    struct wait_record *record = waiter_record(&task->waiter);

    task->waiter.clock = &stage->clock;
    gate_join(&stage->gate, &task->waiter.pass);
    if (record->ops != NULL)
        record->ops->relink(&task->waiter, record);
}

static uint64_t task_derived(const struct task *task)
{
    (void)task;
    return 1;
}

struct task *actor_task(struct stage *stage, struct files *files)
{
    struct task *task = object_alloc(&task_type.object);

    assert(task != NULL);
    task->files = object_get(&files->object);
    task->waiter.clock = &stage->clock;
    gate_join(&stage->gate, &task->waiter.pass);
    return task;
}

static const struct snapshot_type *const types[] = {
    &dev_inode_type, &pipe_type,  &host_stream_type, &unix_socket_type,
    &file_type,      &files_type, &task_type,
};

static const struct snapshot_type *type_of(Object__BodyCase arm)
{
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        if (types[i]->arm == arm)
            return types[i];
    }
    return NULL;
}

static const struct wait_type *wait_type_of(WaitRecord__BodyCase arm)
{
    if (arm == copy_wait_type.arm)
        return &copy_wait_type;
    if (arm == message_wait_type.arm)
        return &message_wait_type;
    return arm == rw_wait_type.arm ? &rw_wait_type : NULL;
}

const struct snapshot_types actor_types = {
    .list = types, .count = ARRAY_COUNT(types), .of = type_of, .wait_of = wait_type_of};

/* --- the rest of core --- */

int user_pin_iov(struct mm *mm, const struct iovec *iov, unsigned count, uint64_t skip,
                 enum fault_access access, struct uio *ret)
{
    size_t limit = actor_pin_limit > 0 ? actor_pin_limit : UIO_SIZE_MAX;
    struct uio uio = {0};

    (void)mm;
    (void)access;
    for (unsigned i = 0; i < count && uio.count < UIO_SEGMENTS && uio.size < limit; i++) {
        size_t start = skip < iov[i].iov_len ? skip : iov[i].iov_len;
        size_t size = iov[i].iov_len - start;
        skip -= start;
        if (size == 0)
            continue;
        if ((uintptr_t)iov[i].iov_base < 4096)
            break;
        size = size < limit - uio.size ? size : limit - uio.size;
        uio.segments[uio.count++] =
            (struct iovec){.iov_base = (char *)iov[i].iov_base + start, .iov_len = size};
        uio.size += size;
    }
    if (uio.size == 0)
        return -EFAULT;
    *ret = uio;
    atomic_fetch_add(&actor_pin_count, 1);
    return 0;
}

void user_unpin(struct mm *mm, struct uio *uio)
{
    (void)mm;
    (void)uio;
    atomic_fetch_sub(&actor_pin_count, 1);
}

int user_copy_in(struct mm *mm, void *to, guest_addr_t from, size_t size)
{
    (void)mm;
    if (from < 4096)
        return -EFAULT;
    memcpy(to, (const void *)(uintptr_t)from, size);
    return 0;
}

int user_copy_out(struct mm *mm, guest_addr_t to, const void *from, size_t size)
{
    (void)mm;
    if (to < 4096)
        return -EFAULT;
    memcpy((void *)(uintptr_t)to, from, size);
    return 0;
}

void signal_send_self(struct task *task, int signal, int code)
{
    (void)task;
    (void)code;
    assert(signal == SIGPIPE || signal == SIGXFSZ);
    atomic_fetch_add(signal == SIGPIPE ? &actor_sigpipe_count : &actor_sigxfsz_count, 1);
}

uint64_t task_limit(struct task *task, unsigned resource)
{
    (void)task;
    assert(resource == RLIMIT_FSIZE);
    return actor_file_limit;
}

/* --- the stage --- */

void stage_init(struct stage *stage, bool is_frozen)
{
    *stage = (struct stage){.vfs = {.stdio = {-1, -1, -1}}};
    gate_init(&stage->gate, is_frozen ? GATE_CLOSED : GATE_OPEN);
    if (is_frozen)
        stage->clock = (struct clock){.is_stopped = true, .stopped_at = NSEC_PER_SEC};
    int err = events_create(&stage->gate, &stage->clock, &stage->vfs.events);
    assert(err == 0);
    err = events_start(stage->vfs.events);
    assert(err == 0);
}

void stage_fini(struct stage *stage)
{
    events_free(stage->vfs.events);
    gate_fini(&stage->gate);
}

void stage_freeze(struct stage *stage)
{
    int err = gate_close(&stage->gate, NSEC_NEVER);

    assert(err == 0);
    clock_stop(&stage->clock);
}

void stage_thaw(struct stage *stage)
{
    clock_start(&stage->clock);
    gate_open(&stage->gate);
}

void stage_save(struct stage *stage, struct object *const roots[], size_t count,
                struct kernel_image *image)
{
    struct report report = {0};
    const struct snapshot_save_options options = {.now = clock_now(&stage->clock),
                                                  .with_derived = true,
                                                  .context = stage,
                                                  .types = &actor_types,
                                                  .report = &report};
    int err = snapshot_save(roots, count, &options, image);

    for (size_t i = 0; i < report.line_count; i++)
        (void)fprintf(stderr, "%s\n", report.lines[i]);
    assert(err == 0);
}

void stage_load(struct stage *stage, const struct kernel_image *image, struct object *roots[])
{
    struct report report = {0};

    int err = snapshot_load(&actor_types, image, clock_now(&stage->clock), stage, &report, roots);
    for (size_t i = 0; i < report.line_count; i++)
        (void)fprintf(stderr, "%s\n", report.lines[i]);
    assert(err == 0);
}

/* --- calls --- */

int64_t actor_call(struct task *task, int fd, void *data, size_t size, const struct rw_mode *mode)
{
    int err = gate_enter(&task->waiter.pass);

    assert(err == 0);
    int64_t result = rw_run(task, fd, (uintptr_t)data, size, mode);
    wait_end(&task->waiter);
    gate_leave(&task->waiter.pass, GATE_PARKED);
    return result;
}

int64_t actor_read(struct task *task, int fd, void *to, size_t size)
{
    return actor_call(task, fd, to, size, &(struct rw_mode){.is_write = false});
}

int64_t actor_write(struct task *task, int fd, const void *from, size_t size)
{
    return actor_call(task, fd, (void *)(uintptr_t)from, size, &(struct rw_mode){.is_write = true});
}

static void *actor_run(void *argument)
{
    struct actor *actor = argument;
    struct task *task = actor->task;

    if (gate_enter(&task->waiter.pass) < 0) {
        actor->result = WAIT_SHUTDOWN;
    } else {
        actor->result = actor->data == NULL ? wait_run(&task->waiter)
                                            : rw_run(task, actor->fd, (uintptr_t)actor->data,
                                                     actor->size, actor->mode);
        if (actor->result != WAIT_SHUTDOWN) {
            wait_end(&task->waiter);
            gate_leave(&task->waiter.pass, GATE_PARKED);
        }
    }
    atomic_store(&actor->is_done, true);
    return NULL;
}

void actor_start(struct actor *actor, struct task *task, int fd, void *data, size_t size,
                 const struct rw_mode *mode)
{
    *actor = (struct actor){
        .task = object_get(&task->object), .fd = fd, .data = data, .size = size, .mode = mode};
    int err = host_thread_start(&actor->thread, actor_run, actor, "actor");
    assert(err == 0);
}

static bool actor_is_asleep(struct actor *actor)
{
    struct waiter *waiter = &actor->task->waiter;
    struct gate *gate = waiter->pass.gate;

    mutex_lock(&gate->lock);
    bool is_asleep = waiter->pass.place == GATE_ASLEEP && atomic_load(&waiter->kicked) == 0;
    mutex_unlock(&gate->lock);
    return is_asleep;
}

void actor_wait_asleep(struct actor *actor)
{
    while (!actor_is_asleep(actor)) {
        assert(!atomic_load(&actor->is_done));
        host_sleep(NSEC_PER_MSEC / 10);
    }
}

int64_t actor_join(struct actor *actor)
{
    host_thread_join(actor->thread);
    object_put(&actor->task->object);
    return actor->result;
}

void actor_signal(struct actor *actor)
{
    atomic_store(&actor->task->waiter.has_signal, true);
    waiter_kick(&actor->task->waiter);
}
