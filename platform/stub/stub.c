/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address spaces as stub processes. All are forks, made by the mm thread of the template or of the
 * parent; they are children of the sandbox process all the same. A stub holds its slot of the
 * control file until its process has been reaped: nobody else writes there by then.
 */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include "core/base/host.h"
#include "platform/stub/stub.h"

int stub_alloc(struct stub_platform *platform, struct stub **ret)
{
    unsigned slot;
    int err = slot_take(platform, &slot);
    if (err < 0)
        return err;
    struct stub *stub = host_alloc(1, sizeof(*stub));
    if (!stub) {
        slot_give(platform, slot);
        return -ENOMEM;
    }
    char *memory = slot_memory(platform, slot);
    stub->platform = platform;
    stub->slot = slot;
    stub->command = (struct command_page *)memory;
    stub->answer = (struct answer_page *)(memory + SLOT_ANSWER);
    stub->thread_pages = (struct thread_page *)(memory + SLOT_THREADS);
    atomic_store(&stub->command->seq, 0);
    atomic_store(&stub->answer->seq, 0);
    mutex_init(&stub->lock, LOCK_ASPACE);
    LIST_INIT(&stub->threads);
    *ret = stub;
    return 0;
}

/* All threads of the process: the mm thread's part is small. */
int64_t stub_cpu_time(struct aspace *aspace)
{
    const clockid_t cpu_clock = 2; /* CPUCLOCK_SCHED */
    struct timespec time;
    clockid_t clock = (clockid_t)(~(unsigned)stub_of(aspace)->pid << 3) | cpu_clock;

    if (clock_gettime(clock, &time) < 0)
        return -ESRCH;
    return (int64_t)time.tv_sec * NSEC_PER_SEC + time.tv_nsec;
}

void stub_kill(struct aspace *aspace)
{
    struct stub *stub = stub_of(aspace);

    (void)kill(stub->pid, SIGKILL);
    stub_set_dead(stub);
}

static void free_threads(struct stub *stub)
{
    while (!LIST_EMPTY(&stub->threads)) {
        struct stub_thread *thread = LIST_FIRST(&stub->threads);
        assert(!thread->is_taken);
        LIST_REMOVE(thread, link);
        host_free(thread);
    }
}

static void free_struct(struct stub *stub)
{
    free_threads(stub);
    mutex_fini(&stub->lock);
    host_free(stub);
}

void stub_free(struct aspace *aspace)
{
    struct stub *stub = stub_of(aspace);

    if (stub->pid > 0)
        stub_reap(stub->pid);
    slot_give(stub->platform, stub->slot);
    free_struct(stub);
}

static struct stub_call encode(const struct aspace_op *op)
{
    struct stub_call call = {.arguments = {op->address, op->size}};

    switch (op->kind) {
    case ASPACE_MAP:
        call.nr = SYS_mmap;
        call.arguments[2] = (uint64_t)op->prot;
        call.arguments[3] = MAP_SHARED | MAP_FIXED;
        call.arguments[4] =
            op->file == PLATFORM_MEMFILE ? STUB_FD_MEMFILE : (uint64_t)(unsigned)op->file;
        call.arguments[5] = op->offset;
        break;
    case ASPACE_UNMAP:
        call.nr = SYS_munmap;
        break;
    case ASPACE_PROTECT:
        call.nr = SYS_mprotect;
        call.arguments[2] = (uint64_t)op->prot;
        break;
    case ASPACE_ADVISE:
        call.nr = SYS_madvise;
        call.arguments[2] = (uint64_t)op->advice;
        break;
    }
    return call;
}

static int apply_some(struct stub *stub, const struct aspace_op *ops, unsigned count, size_t *done)
{
    struct stub_call calls[COMMAND_CALLS];
    unsigned applied;
    int value;

    for (unsigned i = 0; i < count; i++)
        calls[i] = encode(&ops[i]);
    int err = stub_run(stub, calls, count, &applied, &value);
    *done += applied;
    return err;
}

static int apply_locked(struct stub *stub, const struct aspace_op *ops, size_t count, size_t *done)
{
    int err = 0;

    *done = 0;
    while (*done < count && err == 0) {
        size_t left = count - *done;
        unsigned now = left < COMMAND_CALLS ? (unsigned)left : COMMAND_CALLS;
        err = apply_some(stub, ops + *done, now, done);
    }
    return err;
}

int stub_apply(struct aspace *aspace, const struct aspace_op *ops, size_t count, size_t *done)
{
    struct stub *stub = stub_of(aspace);

    mutex_lock(&stub->lock);
    int err = apply_locked(stub, ops, count, done);
    mutex_unlock(&stub->lock);
    return err;
}

/* The last operations and the fork are one command. Sets the child's pid, or *is_open: the parent
 * was killed before it could tell. */
static int fork_locked(struct stub *parent, const struct aspace_op *before, size_t count,
                       struct stub *child, bool *is_open)
{
    struct stub_call calls[COMMAND_CALLS];
    size_t first = count < COMMAND_CALLS ? 0 : count - (COMMAND_CALLS - 1), applied;
    unsigned last = (unsigned)(count - first), done;
    int value;

    int err = apply_locked(parent, before, first, &applied);
    if (err < 0)
        return err;
    for (unsigned i = 0; i < last; i++)
        calls[i] = encode(&before[first + i]);
    calls[last] = (struct stub_call){
        .nr = SYS_clone, .arguments = {STUB_FORK_FLAGS}, .cookie = slot_offset(child->slot)};
    unsigned seq = atomic_load(&parent->command->seq);
    err = stub_run(parent, calls, last + 1, &done, &value);
    if (err == 0)
        child->pid = value;
    *is_open = err == -ESRCH && atomic_load(&parent->command->seq) != seq;
    return err;
}

int stub_fork(struct aspace *aspace, const struct aspace_op *before, size_t count,
              struct aspace **ret)
{
    struct stub *parent = stub_of(aspace), *child;
    bool is_open = false;

    int err = stub_alloc(parent->platform, &child);
    if (err < 0)
        return err;
    mutex_lock(&parent->lock);
    err = fork_locked(parent, before, count, child, &is_open);
    mutex_unlock(&parent->lock);
    if (err == 0) {
        *ret = &child->aspace;
        return 0;
    }
    if (is_open)
        slot_retire(parent->platform, child);
    else
        slot_give(parent->platform, child->slot);
    free_struct(child);
    return err;
}

int stub_create(struct platform *platform, struct aspace **ret)
{
    return stub_fork(&stub_platform_of(platform)->template->aspace, NULL, 0, ret);
}
