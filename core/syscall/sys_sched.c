/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies, priorities and CPUs of threads (sched(7)), as state: what is set is told and inherited,
 * and rights and limits are checked as Linux does. *Linux:* SCHED_DEADLINE is refused for everybody
 * (EPERM), and utilisation clamps are unknown.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>

#include "core/base/host.h"
#include "core/kernel.h"
#include "core/limit.h"
#include "core/sched_rights.h"
#include "core/syscall/syscall_table.h"
#include "core/task.h"

enum {
    POLICY_DEADLINE = 6,
    POLICY_KEEP = -1, /* sched_setparam */
    POLICY_RESET_ON_FORK = 0x40000000,
    SCHED_ATTR_FIRST = 48, /* of the first version of struct sched_attr */
    SCHED_ATTR_NOW = 56,
    SCHED_ATTR_MAX = 4096,
    FLAG_RESET_ON_FORK = 1,
    FLAG_KEEP_POLICY = 8,
    FLAG_KEEP_PARAMS = 16,
    FLAG_CLAMPS = 0x60,
    FLAGS_ALL = 0x7f,
};

/* struct sched_attr of the ABI. */
struct sched_request {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t clamp_min, clamp_max;
};

static bool is_policy(int policy)
{
    return policy == SCHED_OTHER || policy == SCHED_FIFO || policy == SCHED_RR ||
           policy == SCHED_BATCH || policy == SCHED_IDLE;
}

int64_t sys_sched_yield(struct task *task)
{
    (void)task;
    host_yield();
    return 0;
}

/* --- setting --- */

/* What a call asks for: nice only counts where has_nice. */
struct sched_change {
    int policy;
    uint32_t priority;
    int32_t nice;
    bool has_nice, keeps_params, resets_on_fork, keeps_reset;
};

/* Under the tasks lock. Fills in what is to stay; then the same checks are for all. */
static int check_change(struct task *task, const struct task *target, struct sched_change *change)
{
    const struct sched_state *now = &target->sched;

    if (change->policy == POLICY_KEEP) {
        change->policy = (int)now->policy;
        change->resets_on_fork |= change->keeps_reset && now->resets_on_fork;
    }
    if (change->keeps_params) {
        change->priority = now->priority;
        change->nice = now->nice;
    }
    if (change->policy == POLICY_DEADLINE)
        return -EPERM;
    if (!is_policy(change->policy) || change->priority > RT_PRIORITY_MAX ||
        sched_is_realtime((uint32_t)change->policy) != (change->priority != 0))
        return -EINVAL;
    const struct sched_state new = {
        .policy = (uint32_t)change->policy,
        .priority = change->priority,
        .nice = change->has_nice ? change->nice : now->nice,
        .resets_on_fork = change->resets_on_fork,
    };
    return sched_may_change(task, target, &new);
}

static int apply_change(struct task *task, int tid, struct sched_change *change)
{
    struct kernel *kernel = task_kernel(task);

    mutex_lock(&kernel->tasks_lock);
    struct task *target = tid == 0 ? task : task_find(kernel, tid);
    int err = target == NULL ? -ESRCH : check_change(task, target, change);
    if (err == 0) {
        target->sched.policy = (uint32_t)change->policy;
        target->sched.priority = change->priority;
        target->sched.resets_on_fork = change->resets_on_fork;
        if (change->has_nice && !sched_is_realtime((uint32_t)change->policy))
            target->sched.nice = change->nice;
    }
    mutex_unlock(&kernel->tasks_lock);
    return err;
}

static int64_t set_scheduler(struct task *task, int tid, int policy, guest_addr_t param)
{
    int priority;

    if (param == 0 || tid < 0)
        return -EINVAL;
    int err = user_copy_in(task->mm, &priority, param, sizeof(priority));
    if (err < 0)
        return err;
    struct sched_change change = {.policy = policy, .priority = (uint32_t)priority};
    if (policy == POLICY_KEEP)
        change.keeps_reset = true;
    else if ((policy & POLICY_RESET_ON_FORK) != 0)
        change.resets_on_fork = true;
    if (policy != POLICY_KEEP)
        change.policy = policy & ~POLICY_RESET_ON_FORK;
    return apply_change(task, tid, &change);
}

int64_t sys_sched_setscheduler(struct task *task, int tid, int policy, guest_addr_t param)
{
    return policy < 0 ? -EINVAL : set_scheduler(task, tid, policy, param);
}

int64_t sys_sched_setparam(struct task *task, int tid, guest_addr_t param)
{
    return set_scheduler(task, tid, POLICY_KEEP, param);
}

/* -E2BIG also tells the size that is known. */
static int refuse_size(struct task *task, guest_addr_t from)
{
    const uint32_t size = SCHED_ATTR_NOW;
    int err = user_copy_out(task->mm, from, &size, sizeof(size));

    return err < 0 ? err : -E2BIG;
}

static int copy_request(struct task *task, guest_addr_t from, struct sched_request *ret)
{
    uint8_t bytes[SCHED_ATTR_MAX];
    uint32_t size;

    int err = user_copy_in(task->mm, &size, from, sizeof(size));
    if (err < 0)
        return err;
    if (size == 0)
        size = SCHED_ATTR_FIRST;
    if (size < SCHED_ATTR_FIRST || size > SCHED_ATTR_MAX)
        return refuse_size(task, from);
    err = user_copy_in(task->mm, bytes, from, size);
    if (err < 0)
        return err;
    for (uint32_t i = SCHED_ATTR_NOW; i < size; i++) {
        if (bytes[i] != 0)
            return refuse_size(task, from);
    }
    memset(ret, 0, sizeof(*ret));
    memcpy(ret, bytes, size < SCHED_ATTR_NOW ? size : SCHED_ATTR_NOW);
    if ((ret->flags & FLAG_CLAMPS) != 0 && size < SCHED_ATTR_NOW)
        return -EINVAL;
    return 0;
}

int64_t sys_sched_setattr(struct task *task, int tid, guest_addr_t from, uint32_t flags)
{
    struct sched_request request;

    if (from == 0 || tid < 0 || flags != 0)
        return -EINVAL;
    int err = copy_request(task, from, &request);
    if (err < 0)
        return err;
    if ((int)request.policy < 0)
        return -EINVAL;
    bool keeps_policy = (request.flags & FLAG_KEEP_POLICY) != 0;
    struct sched_change change = {
        .policy = keeps_policy ? POLICY_KEEP : (int)request.policy,
        .priority = request.priority,
        .nice = request.nice,
        .has_nice = true,
        .keeps_params = (request.flags & FLAG_KEEP_PARAMS) != 0,
        .resets_on_fork = (request.flags & FLAG_RESET_ON_FORK) != 0,
    };
    if (change.nice < NICE_MIN)
        change.nice = NICE_MIN;
    if (change.nice > NICE_MAX)
        change.nice = NICE_MAX;
    if ((request.flags & ~(uint64_t)FLAGS_ALL) != 0)
        return -EINVAL;
    if ((request.flags & FLAG_CLAMPS) != 0)
        return -EOPNOTSUPP;
    return apply_change(task, tid, &change);
}

/* --- asking --- */

/* A copy of what is set. -ESRCH. */
static int get_state(struct task *task, int tid, struct sched_state *ret)
{
    struct kernel *kernel = task_kernel(task);

    if (tid < 0)
        return -EINVAL;
    mutex_lock(&kernel->tasks_lock);
    const struct task *target = tid == 0 ? task : task_find(kernel, tid);
    if (target != NULL)
        *ret = target->sched;
    mutex_unlock(&kernel->tasks_lock);
    return target == NULL ? -ESRCH : 0;
}

int64_t sys_sched_getscheduler(struct task *task, int tid)
{
    struct sched_state state;

    int err = get_state(task, tid, &state);
    if (err < 0)
        return err;
    return state.policy | (state.resets_on_fork ? POLICY_RESET_ON_FORK : 0);
}

int64_t sys_sched_getparam(struct task *task, int tid, guest_addr_t to)
{
    struct sched_state state;

    int err = to == 0 ? -EINVAL : get_state(task, tid, &state);
    if (err < 0)
        return err;
    int priority = (int)state.priority;
    return user_copy_out(task->mm, to, &priority, sizeof(priority));
}

int64_t sys_sched_getattr(struct task *task, int tid, guest_addr_t to, uint32_t size,
                          uint32_t flags)
{
    struct sched_state state;

    if (to == 0 || size < SCHED_ATTR_FIRST || size > SCHED_ATTR_MAX || flags != 0)
        return -EINVAL;
    int err = get_state(task, tid, &state);
    if (err < 0)
        return err;
    uint32_t known = size < SCHED_ATTR_NOW ? size : SCHED_ATTR_NOW;
    struct sched_request answer = {
        .size = known,
        .policy = state.policy,
        .flags = state.resets_on_fork ? FLAG_RESET_ON_FORK : 0,
        .nice = sched_is_realtime(state.policy) ? 0 : state.nice,
        .priority = state.priority,
        .clamp_max = 1024,
    };
    return user_copy_out(task->mm, to, &answer, known);
}

int64_t sys_sched_get_priority_max(struct task *task, int policy)
{
    (void)task;
    if (!is_policy(policy) && policy != POLICY_DEADLINE)
        return -EINVAL;
    return sched_is_realtime((uint32_t)policy) ? RT_PRIORITY_MAX : 0;
}

int64_t sys_sched_get_priority_min(struct task *task, int policy)
{
    (void)task;
    if (!is_policy(policy) && policy != POLICY_DEADLINE)
        return -EINVAL;
    return sched_is_realtime((uint32_t)policy);
}

int64_t sys_sched_rr_get_interval(struct task *task, int tid, guest_addr_t to)
{
    static const int64_t round_robin = 100000000, fair = 3000000; /* ns */
    struct sched_state state;

    int err = get_state(task, tid, &state);
    if (err < 0)
        return err;
    int64_t interval[2] = {0, state.policy == SCHED_RR     ? round_robin
                              : state.policy == SCHED_FIFO ? 0
                                                           : fair};
    return user_copy_out(task->mm, to, interval, sizeof(interval));
}

/* --- CPUs --- */

int64_t sys_sched_getaffinity(struct task *task, int tid, uint32_t size, guest_addr_t to)
{
    struct sched_state state;
    uint64_t mask;

    if (size < sizeof(mask) || size % sizeof(mask) != 0)
        return -EINVAL;
    int err = get_state(task, tid, &state);
    if (err < 0)
        return err == -EINVAL ? -ESRCH : err;
    mask = sched_allowed(&state, task_kernel(task)->cpu_count);
    err = user_copy_out(task->mm, to, &mask, sizeof(mask));
    return err < 0 ? err : (int64_t)sizeof(mask);
}

int64_t sys_sched_setaffinity(struct task *task, int tid, uint32_t size, guest_addr_t from)
{
    struct kernel *kernel = task_kernel(task);
    const struct sched_state all = {0};
    uint64_t mask = 0;

    int err = user_copy_in(task->mm, &mask, from, size < sizeof(mask) ? size : sizeof(mask));
    if (err < 0)
        return err;
    mask &= sched_allowed(&all, kernel->cpu_count);
    mutex_lock(&kernel->tasks_lock);
    struct task *target = tid == 0 ? task : task_find(kernel, tid);
    if (target == NULL)
        err = -ESRCH;
    else if (!sched_is_owner(task, target))
        err = -EPERM;
    else if (mask == 0)
        err = -EINVAL;
    else
        target->sched.affinity = mask;
    if (err == 0)
        rseq_moved(target);
    mutex_unlock(&kernel->tasks_lock);
    return err;
}

/* The number that it has for itself, if it asked for one. *Linux:* else the first CPU that the task
 * may run on, wherever its thread of the host is. */
int64_t sys_getcpu(struct task *task, guest_addr_t cpu_to, guest_addr_t node_to,
                   guest_addr_t unused)
{
    struct sched_state state = {0};
    uint32_t node = 0;

    (void)unused;
    (void)get_state(task, 0, &state);
    uint64_t allowed = sched_allowed(&state, task_kernel(task)->cpu_count);
    int own = task->rseq.cpu;
    uint32_t cpu = (uint32_t)__builtin_ctzll(allowed);
    if (own >= 0 && (allowed >> own & 1) != 0)
        cpu = (uint32_t)own;
    int err = cpu_to == 0 ? 0 : user_copy_out(task->mm, cpu_to, &cpu, sizeof(cpu));
    if (err == 0 && node_to != 0)
        err = user_copy_out(task->mm, node_to, &node, sizeof(node));
    return err;
}
