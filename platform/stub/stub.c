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
#include <sys/wait.h>

#include "core/base/host.h"
#include "platform/stub/stub.h"

/* The lowest free slot. */
static int slot_take(struct stub_platform *platform, unsigned *ret)
{
    for (unsigned word = 0; word < SLOT_WORDS; word++) {
        unsigned long long used = atomic_load(&platform->slots[word]);
        while (~used != 0) {
            unsigned bit = (unsigned)__builtin_ctzll(~used);
            used = atomic_fetch_or(&platform->slots[word], 1ULL << bit);
            if (!(used >> bit & 1)) {
                *ret = word * 64 + bit;
                return 0;
            }
        }
    }
    return -EAGAIN;
}

static void slot_give(struct stub_platform *platform, unsigned slot)
{
    atomic_fetch_and(&platform->slots[slot / 64], ~(1ULL << slot % 64));
}

static uint64_t slot_offset(unsigned slot)
{
    return CONTROL_SLOTS + (uint64_t)slot * SLOT_SIZE;
}

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
    char *memory = platform->control_memory + slot_offset(slot);
    stub->platform = platform;
    stub->slot = slot;
    stub->command = (struct command_page *)memory;
    stub->answer = (struct answer_page *)(memory + SLOT_ANSWER);
    stub->thread_pages = (struct thread_page *)(memory + SLOT_THREADS);
    atomic_store(&stub->command->seq, 0);
    atomic_store(&stub->answer->seq, 0);
    mutex_init(&stub->lock, LOCK_ASPACE);
    SLIST_INIT(&stub->threads);
    *ret = stub;
    return 0;
}

void stub_kill(struct aspace *aspace)
{
    struct stub *stub = stub_of(aspace);

    (void)kill(stub->pid, SIGKILL);
    stub_set_dead(stub);
}

/* Returns when the tracers have reaped the threads that they traced, too. */
static void reap(pid_t pid)
{
    while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
        continue;
}

void stub_free(struct aspace *aspace)
{
    struct stub *stub = stub_of(aspace);

    if (stub->pid > 0) {
        stub_kill(aspace);
        reap(stub->pid);
    }
    while (!SLIST_EMPTY(&stub->threads)) {
        struct stub_thread *thread = SLIST_FIRST(&stub->threads);
        assert(!thread->is_taken);
        SLIST_REMOVE_HEAD(&stub->threads, link);
        host_free(thread);
    }
    slot_give(stub->platform, stub->slot);
    mutex_fini(&stub->lock);
    host_free(stub);
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

/* The last operations and the fork are one command. */
static int fork_locked(struct stub *parent, const struct aspace_op *before, size_t count,
                       struct stub *child)
{
    struct stub_call calls[COMMAND_CALLS];
    size_t first = count < COMMAND_CALLS ? 0 : count - (COMMAND_CALLS - 1), applied;
    unsigned last = (unsigned)(count - first), done;

    int err = apply_locked(parent, before, first, &applied);
    if (err < 0)
        return err;
    for (unsigned i = 0; i < last; i++)
        calls[i] = encode(&before[first + i]);
    calls[last] = (struct stub_call){
        .nr = SYS_clone, .arguments = {STUB_FORK_FLAGS}, .cookie = slot_offset(child->slot)};
    return stub_run(parent, calls, last + 1, &done, &child->pid);
}

int stub_fork(struct aspace *aspace, const struct aspace_op *before, size_t count,
              struct aspace **ret)
{
    struct stub *parent = stub_of(aspace), *child;

    int err = stub_alloc(parent->platform, &child);
    if (err < 0)
        return err;
    mutex_lock(&parent->lock);
    err = fork_locked(parent, before, count, child);
    mutex_unlock(&parent->lock);
    if (err < 0) {
        child->pid = 0;
        stub_free(&child->aspace);
        return err;
    }
    *ret = &child->aspace;
    return 0;
}

int stub_create(struct platform *platform, struct aspace **ret)
{
    return stub_fork(&stub_platform_of(platform)->template->aspace, NULL, 0, ret);
}
