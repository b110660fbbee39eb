/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Restartable sequences. A sequence works on what belongs to a CPU and must be alone there, so
 * tasks of one address space that are in guest code at the same time never have the same CPU
 * number. Numbers are given when guest code is entered and kept while it is left, until another
 * task needs one; who has lost its own is aborted in its sequence, which the host's own switching
 * of threads need not do then. A restored task has none and is aborted, too. *Linux:* more tasks
 * than CPUs take turns; here those for whom there is none run without a number: their two numbers
 * differ, so that no sequence of theirs is carried out, until they come back from a trap when one
 * is free. Neither is negative: glibc would not register the threads that such a one makes.
 * Processes that share memory do not know of each other's numbers.
 */
#include "core/rseq.h"

#include <errno.h>
#include <linux/rseq.h>
#include <signal.h>
#include <stddef.h>

#include "core/kernel.h"
#include "core/syscall/syscall_table.h"

enum { AREA_SIZE = 32 };

/* What the kernel writes of struct rseq: the last two are Linux 6.3's. */
struct cpu_ids {
    uint32_t start, cpu;
};
struct node_ids {
    uint32_t node, concurrency;
};
enum { NODE_OFFSET = 20 };

void rseq_init(struct rseq_state *state)
{
    state->cpu = RSEQ_NO_CPU;
    atomic_store(&state->is_stale, true);
}

static bool is_registered(const struct task *task)
{
    return task->rseq.area != 0;
}

/* Linux: force_sigsegv. */
static void force_segv(struct task *task)
{
    struct signal_info info = {.signal = SIGSEGV, .code = SI_KERNEL};

    signal_force(task, &info);
}

static int write_ids(struct task *task, struct cpu_ids ids)
{
    const struct node_ids node = {.concurrency = ids.start};
    int err = user_copy_out(task->mm, task->rseq.area, &ids, sizeof(ids));

    if (err < 0)
        return err;
    return user_copy_out(task->mm, task->rseq.area + NODE_OFFSET, &node, sizeof(node));
}

static struct cpu_ids ids_of(int cpu)
{
    if (cpu < 0)
        return (struct cpu_ids){.start = 0, .cpu = 1};
    return (struct cpu_ids){.start = (uint32_t)cpu, .cpu = (uint32_t)cpu};
}

/* --- numbers --- */

/* Those it may have. */
static uint64_t allowed_cpus(struct task *task)
{
    struct kernel *kernel = task_kernel(task);

    mutex_lock(&kernel->tasks_lock);
    uint64_t allowed = sched_allowed(&task->sched, kernel->cpu_count);
    mutex_unlock(&kernel->tasks_lock);
    return allowed;
}

static void give_back(struct rseq_cpus *cpus, struct task *task)
{
    int cpu = task->rseq.cpu;

    if (cpu >= 0 && cpus->holders[cpu] == task) {
        cpus->holders[cpu] = NULL;
        cpus->running &= ~(UINT64_C(1) << cpu);
    }
}

/* One that nobody has, else one whose holder is not in guest code. Under the lock. */
static int choose(struct rseq_cpus *cpus, uint64_t allowed)
{
    uint64_t free = allowed & ~cpus->running;

    for (uint64_t left = free; left != 0; left &= left - 1) {
        int cpu = __builtin_ctzll(left);
        if (cpus->holders[cpu] == NULL)
            return cpu;
    }
    return free != 0 ? __builtin_ctzll(free) : RSEQ_NO_CPU;
}

/* True: it still has its number, and goes on. */
static bool go_on(struct task *task)
{
    struct rseq_cpus *cpus = &task->mm->rseq_cpus;
    int cpu = task->rseq.cpu;

    if (cpu < 0 || atomic_load(&task->rseq.is_stale))
        return false;
    mutex_lock(&cpus->lock);
    bool has_it = cpus->holders[cpu] == task;
    if (has_it)
        cpus->running |= UINT64_C(1) << cpu;
    mutex_unlock(&cpus->lock);
    return has_it;
}

static int take(struct task *task)
{
    struct rseq_cpus *cpus = &task->mm->rseq_cpus;
    uint64_t allowed = allowed_cpus(task);

    mutex_lock(&cpus->lock);
    give_back(cpus, task);
    int cpu = choose(cpus, allowed);
    if (cpu >= 0) {
        cpus->holders[cpu] = task;
        cpus->running |= UINT64_C(1) << cpu;
    }
    mutex_unlock(&cpus->lock);
    return cpu;
}

bool rseq_enter(struct task *task)
{
    if (!is_registered(task) || go_on(task))
        return true;
    bool is_stale = atomic_exchange(&task->rseq.is_stale, false);
    int before = task->rseq.cpu;
    int cpu = take(task);
    task->rseq.cpu = cpu;
    if (cpu == before && cpu < 0 && !is_stale)
        return true; /* none before, none now */
    if (write_ids(task, ids_of(cpu)) == 0 && rseq_abort(task) == 0)
        return true;
    rseq_leave(task);
    force_segv(task);
    return false;
}

void rseq_leave(struct task *task)
{
    struct rseq_cpus *cpus = &task->mm->rseq_cpus;
    int cpu = task->rseq.cpu;

    if (cpu < 0)
        return;
    mutex_lock(&cpus->lock);
    if (cpus->holders[cpu] == task)
        cpus->running &= ~(UINT64_C(1) << cpu);
    mutex_unlock(&cpus->lock);
}

void rseq_release(struct task *task)
{
    if (task->mm != NULL) {
        mutex_lock(&task->mm->rseq_cpus.lock);
        give_back(&task->mm->rseq_cpus, task);
        mutex_unlock(&task->mm->rseq_cpus.lock);
    }
    task->rseq.area = 0;
    task->rseq.cpu = RSEQ_NO_CPU;
}

void rseq_inherit(struct task *child, const struct task *parent)
{
    child->rseq.area = parent->rseq.area;
    child->rseq.size = parent->rseq.size;
    child->rseq.signature = parent->rseq.signature;
}

void rseq_moved(struct task *task)
{
    atomic_store(&task->rseq.is_stale, true);
    task_kick(task);
}

/* --- sequences --- */

/* What stands in the area, which is the guest's: 0, and *sequence if there is one. */
static int read_sequence(struct task *task, struct rseq_cs *sequence)
{
    uint64_t address;
    uint32_t signature;
    int err = user_copy_in(task->mm, &address, task->rseq.area + offsetof(struct rseq, rseq_cs),
                           sizeof(address));

    *sequence = (struct rseq_cs){0};
    if (err < 0 || address == 0)
        return err;
    if (user_copy_in(task->mm, sequence, address, sizeof(*sequence)) < 0)
        return -EFAULT;
    uint64_t end = sequence->start_ip + sequence->post_commit_offset;
    if (sequence->version != 0 || end < sequence->start_ip || end > GUEST_ADDRESS_END ||
        sequence->abort_ip >= GUEST_ADDRESS_END ||
        sequence->abort_ip - sequence->start_ip < sequence->post_commit_offset)
        return -EINVAL;
    if (user_copy_in(task->mm, &signature, sequence->abort_ip - sizeof(signature),
                     sizeof(signature)) < 0)
        return -EFAULT;
    return signature == task->rseq.signature ? 0 : -EINVAL;
}

int rseq_abort(struct task *task)
{
    struct rseq_cs sequence;
    const uint64_t none = 0;

    if (!is_registered(task))
        return 0;
    int err = read_sequence(task, &sequence);
    if (err == 0 && sequence.post_commit_offset != 0) {
        err = user_copy_out(task->mm, task->rseq.area + offsetof(struct rseq, rseq_cs), &none,
                            sizeof(none));
        bool is_inside = task->regs.rip - sequence.start_ip < sequence.post_commit_offset;
        if (err == 0 && is_inside)
            task->regs.rip = sequence.abort_ip;
    }
    return err;
}

/* --- the call --- */

static int64_t unregister(struct task *task, guest_addr_t area, uint32_t size, uint32_t flags,
                          uint32_t signature)
{
    if (flags != RSEQ_FLAG_UNREGISTER || area == 0 || area != task->rseq.area ||
        size != task->rseq.size)
        return -EINVAL;
    if (signature != task->rseq.signature)
        return -EPERM;
    int err = write_ids(task, (struct cpu_ids){.cpu = (uint32_t)RSEQ_CPU_ID_UNINITIALIZED});
    if (err < 0)
        return err;
    rseq_release(task);
    return 0;
}

int64_t sys_rseq(struct task *task, guest_addr_t area, uint32_t size, uint32_t flags,
                 uint32_t signature)
{
    struct rseq_state *state = &task->rseq;

    if ((flags & RSEQ_FLAG_UNREGISTER) != 0)
        return unregister(task, area, size, flags, signature);
    if (flags != 0)
        return -EINVAL;
    if (is_registered(task)) {
        if (area != state->area || size != state->size)
            return -EINVAL;
        return signature != state->signature ? -EPERM : -EBUSY;
    }
    if (size != AREA_SIZE || area % AREA_SIZE != 0)
        return -EINVAL;
    if (area == 0 || area >= GUEST_ADDRESS_END)
        return -EFAULT;
    state->area = area;
    state->size = size;
    state->signature = signature;
    atomic_store(&state->is_stale, true);
    return 0;
}
