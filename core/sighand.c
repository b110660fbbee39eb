/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signal actions of a process, shared by CLONE_SIGHAND. Its lock also guards pending signals and
 * masks of the tasks that use it: taking a signal looks at all of these at once.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/signal.h"

DEFINE_OBJECT_TYPE(SIGHAND, sighand, Sighand, sighand);

int sighand_create(struct sighand **ret)
{
    struct sighand *sighand = object_alloc(&sighand_type.object);

    if (sighand == NULL)
        return -ENOMEM;
    *ret = sighand;
    return 0;
}

int sighand_fork(struct sighand *from, struct sighand **ret)
{
    struct sighand *sighand;
    int err = sighand_create(&sighand);

    if (err < 0)
        return err;
    mutex_lock(&from->lock);
    memcpy(sighand->actions, from->actions, sizeof(sighand->actions));
    mutex_unlock(&from->lock);
    *ret = sighand;
    return 0;
}

struct signal_action sighand_action(struct sighand *sighand, int signal)
{
    mutex_lock(&sighand->lock);
    struct signal_action action = sighand->actions[signal - 1];
    mutex_unlock(&sighand->lock);
    return action;
}

void sighand_reset(struct sighand *sighand)
{
    mutex_lock(&sighand->lock);
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        struct signal_action *action = &sighand->actions[i];
        bool is_ignored = action->handler == (guest_addr_t)(uintptr_t)SIG_IGN;
        *action = (struct signal_action){.handler = is_ignored ? action->handler : 0};
    }
    mutex_unlock(&sighand->lock);
}

static void sighand_init(struct sighand *sighand)
{
    mutex_init(&sighand->lock, LOCK_SIGHAND);
}

static void sighand_fini(struct sighand *sighand)
{
    mutex_fini(&sighand->lock);
}

static bool action_is_default(const struct signal_action *action)
{
    return action->handler == 0 && action->flags == 0 && action->restorer == 0 && action->mask == 0;
}

static int sighand_save(const struct sighand *sighand, struct saver *saver, Sighand *m)
{
    m->actions = save_messages(saver, &signal_action__descriptor, SIGNAL_COUNT);
    if (m->actions == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < SIGNAL_COUNT; i++) {
        const struct signal_action *action = &sighand->actions[i];
        if (action_is_default(action))
            continue;
        SignalAction *a = m->actions[m->n_actions++];
        a->signal = i + 1;
        a->handler = action->handler;
        a->flags = action->flags;
        a->restorer = action->restorer;
        a->mask = action->mask;
    }
    return 0;
}

static int sighand_load(struct sighand *sighand, struct loader *loader, const Sighand *m)
{
    for (size_t i = 0; i < m->n_actions; i++) {
        const SignalAction *a = m->actions[i];
        if (a->signal < 1 || a->signal > SIGNAL_COUNT ||
            (i > 0 && m->actions[i - 1]->signal >= a->signal)) {
            load_bad(loader, "actions.signal", "%" PRIu32 " is no signal or out of order",
                     a->signal);
            return 0;
        }
        sighand->actions[a->signal - 1] = (struct signal_action){
            .handler = a->handler, .flags = a->flags, .restorer = a->restorer, .mask = a->mask};
    }
    return 0;
}

static void sighand_relink(struct sighand *sighand, struct loader *loader)
{
    (void)sighand; /* process_count is counted by the processes */
    (void)loader;
}

static uint64_t sighand_derived(const struct sighand *sighand)
{
    return sighand->process_count;
}
