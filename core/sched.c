/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a task has asked for about scheduling: inherited, shown and saved, never acted on.
 */
#include "core/sched.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>

enum { IO_PRIORITY_MAX = 0xffff };

bool sched_is_realtime(uint32_t policy)
{
    return policy == SCHED_FIFO || policy == SCHED_RR;
}

uint64_t sched_allowed(const struct sched_state *state, unsigned count)
{
    uint64_t all = count >= 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;
    uint64_t allowed = state->affinity & all;

    return allowed != 0 ? allowed : all; /* restored where there are fewer */
}

void sched_inherit(struct sched_state *child, const struct sched_state *parent)
{
    *child = *parent;
    child->resets_on_fork = false;
    if (!parent->resets_on_fork)
        return;
    if (sched_is_realtime(parent->policy)) {
        child->policy = SCHED_OTHER;
        child->priority = 0;
        child->nice = 0;
    } else if (child->nice < 0) {
        child->nice = 0;
    }
}

int sched_shown_priority(const struct sched_state *state)
{
    const int of_nice_0 = 20;

    return sched_is_realtime(state->policy) ? -1 - (int)state->priority : of_nice_0 + state->nice;
}

int sched_save(const struct sched_state *state, struct saver *saver, SchedState **ret)
{
    SchedState *m = save_message(saver, &sched_state__descriptor);

    if (m == NULL)
        return -ENOMEM;
    m->policy = state->policy;
    m->priority = state->priority;
    m->nice = state->nice;
    m->resets_on_fork = state->resets_on_fork;
    m->affinity = state->affinity;
    m->io_priority = state->io_priority;
    m->personality = state->personality;
    m->memory_policy = state->memory_policy;
    m->memory_nodes = state->memory_nodes;
    *ret = m;
    return 0;
}

static void check(struct loader *loader, const SchedState *m)
{
    if (m->policy > SCHED_IDLE || m->policy == 4)
        load_bad(loader, "sched.policy", "%" PRIu32 " is unknown", m->policy);
    if (m->priority > RT_PRIORITY_MAX || (m->priority != 0) != sched_is_realtime(m->policy))
        load_bad(loader, "sched.priority", "%" PRIu32 " does not fit the policy", m->priority);
    if (m->nice < NICE_MIN || m->nice > NICE_MAX)
        load_bad(loader, "sched.nice", "%" PRId32 " is out of range", m->nice);
    if (m->memory_policy > UINT16_MAX || m->memory_nodes > 1)
        load_bad(loader, "sched.memory_policy", "%" PRIx32 " of nodes %" PRIx64 " is unknown",
                 m->memory_policy, m->memory_nodes);
    if (m->io_priority > IO_PRIORITY_MAX)
        load_bad(loader, "sched.io_priority", "%" PRIu32 " is out of range", m->io_priority);
}

void sched_load(struct sched_state *state, struct loader *loader, const SchedState *m)
{
    *state = (struct sched_state){0};
    if (m == NULL)
        return;
    check(loader, m);
    state->policy = m->policy;
    state->priority = m->priority;
    state->nice = m->nice;
    state->resets_on_fork = m->resets_on_fork;
    state->affinity = m->affinity;
    state->io_priority = m->io_priority;
    state->personality = m->personality;
    state->memory_policy = m->memory_policy;
    state->memory_nodes = m->memory_nodes;
}
