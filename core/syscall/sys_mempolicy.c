/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NUMA policies, where all memory is of node 0: a thread's is checked, kept and told; those of
 * ranges (mbind) are checked only. *Linux:* get_mempolicy of an address tells the thread's policy.
 */
#include <errno.h>
#include <linux/mempolicy.h>

#include "core/kernel.h"
#include "core/syscall/syscall_table.h"
#include "core/task.h"

enum { PAGE_SIZE_BITS = 4096 * 8, MODE_MAX = MPOL_PREFERRED_MANY };

/* A mask of nodes of the guest's, of which only node 0 may be set. maxnode counts one too many. */
static int copy_nodes(struct task *task, guest_addr_t from, uint64_t maxnode, uint64_t *ret)
{
    uint64_t words[PAGE_SIZE_BITS / 64];

    *ret = 0;
    maxnode--;
    if (maxnode == 0 || from == 0)
        return 0;
    if (maxnode > PAGE_SIZE_BITS)
        return -EINVAL;
    uint64_t count = (maxnode + 63) / 64;
    int err = user_copy_in(task->mm, words, from, count * sizeof(*words));
    if (err < 0)
        return err;
    if (maxnode % 64 != 0)
        words[count - 1] &= (UINT64_C(1) << maxnode % 64) - 1;
    for (uint64_t i = 0; i < count; i++) {
        if ((i == 0 ? words[0] & ~UINT64_C(1) : words[i]) != 0)
            return -EINVAL;
    }
    *ret = words[0];
    return 0;
}

/* May a policy be of this mode and these nodes? *mode becomes what it really is. */
static int check_mode(uint32_t *mode, uint64_t nodes)
{
    uint32_t kind = *mode & ~(uint32_t)MPOL_MODE_FLAGS;
    uint32_t flags = *mode & (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES);

    if (kind > MODE_MAX || flags == (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES))
        return -EINVAL;
    switch (kind) {
    case MPOL_DEFAULT:
        return nodes == 0 ? 0 : -EINVAL;
    case MPOL_LOCAL:
        return nodes == 0 && flags == 0 ? 0 : -EINVAL;
    case MPOL_PREFERRED:
        if (nodes == 0 && flags != 0)
            return -EINVAL;
        if (nodes == 0)
            *mode = MPOL_LOCAL;
        return 0;
    default:
        return nodes != 0 ? 0 : -EINVAL;
    }
}

int64_t sys_set_mempolicy(struct task *task, int mode, guest_addr_t from, uint64_t maxnode)
{
    struct kernel *kernel = task_kernel(task);
    uint32_t policy = (uint32_t)mode;
    uint64_t nodes;

    if ((policy & ~(uint32_t)MPOL_MODE_FLAGS) > MODE_MAX)
        return -EINVAL;
    int err = copy_nodes(task, from, maxnode, &nodes);
    if (err == 0)
        err = check_mode(&policy, nodes);
    if (err < 0)
        return err;
    mutex_lock(&kernel->tasks_lock);
    task->sched.memory_policy = policy;
    task->sched.memory_nodes = nodes;
    mutex_unlock(&kernel->tasks_lock);
    return 0;
}

int64_t sys_mbind(struct task *task, guest_addr_t start, uint64_t size, uint64_t mode,
                  guest_addr_t from, uint64_t maxnode, uint32_t flags)
{
    uint32_t policy = (uint32_t)mode;
    uint64_t nodes;

    if ((mode & ~(uint64_t)MPOL_MODE_FLAGS) > MODE_MAX)
        return -EINVAL;
    int err = copy_nodes(task, from, maxnode, &nodes);
    if (err < 0)
        return err;
    if ((flags & ~(uint32_t)MPOL_MF_VALID) != 0)
        return -EINVAL;
    if ((flags & MPOL_MF_MOVE_ALL) != 0 && task->cred.euid != 0)
        return -EPERM;
    if (start % MEM_PAGE != 0)
        return -EINVAL;
    size = (size + MEM_PAGE - 1) & ~(uint64_t)(MEM_PAGE - 1);
    if (start + size < start)
        return -EINVAL;
    if (size == 0)
        return 0;
    err = check_mode(&policy, nodes);
    if (err < 0)
        return err;
    return mm_is_mapped(task->mm, start, size) ? 0 : -EFAULT;
}

static int give_nodes(struct task *task, guest_addr_t to, uint64_t maxnode, uint64_t nodes)
{
    uint64_t size = (maxnode - 1 + 63) / 64 * 8;

    if (size > 4096)
        return -EINVAL;
    if (size > sizeof(nodes)) {
        int err = user_zero(task->mm, to + sizeof(nodes), size - sizeof(nodes));
        if (err < 0)
            return err;
        size = sizeof(nodes);
    }
    return size == 0 ? 0 : user_copy_out(task->mm, to, &nodes, size);
}

/* What is asked for: a policy, or in *policy a node. */
static int find_policy(struct task *task, guest_addr_t address, uint64_t flags, int *policy,
                       uint64_t *nodes)
{
    const struct sched_state *state = &task->sched;
    bool is_interleaved = (state->memory_policy & ~(uint32_t)MPOL_MODE_FLAGS) == MPOL_INTERLEAVE;

    if ((flags & ~(uint64_t)(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED)) != 0)
        return -EINVAL;
    *policy = (int)state->memory_policy;
    *nodes = state->memory_nodes;
    if ((flags & MPOL_F_MEMS_ALLOWED) != 0) {
        *policy = 0;
        *nodes = 1;
        return (flags & (MPOL_F_NODE | MPOL_F_ADDR)) != 0 ? -EINVAL : 0;
    }
    if ((flags & MPOL_F_ADDR) != 0) {
        if (!mm_is_mapped(task->mm, address & ~(uint64_t)(MEM_PAGE - 1), MEM_PAGE))
            return -EFAULT;
    } else if (address != 0) {
        return -EINVAL;
    }
    if ((flags & MPOL_F_NODE) != 0) {
        *policy = 0;
        return (flags & MPOL_F_ADDR) != 0 || is_interleaved ? 0 : -EINVAL;
    }
    return 0;
}

int64_t sys_get_mempolicy(struct task *task, guest_addr_t policy_to, guest_addr_t nodes_to,
                          uint64_t maxnode, guest_addr_t address, uint64_t flags)
{
    int policy;
    uint64_t nodes;

    if (nodes_to != 0 && maxnode < 1)
        return -EINVAL;
    int err = find_policy(task, address, flags, &policy, &nodes);
    if (err == 0 && policy_to != 0)
        err = user_copy_out(task->mm, policy_to, &policy, sizeof(policy));
    if (err == 0 && nodes_to != 0)
        err = give_nodes(task, nodes_to, maxnode, nodes);
    return err;
}
