/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sleeper has a wait record and a place in the one queue of the toys.
 */
#include "tests/unit/toys/toys.h"

#include <errno.h>

#include "core/base/host.h"

static const struct clock no_clock = {.is_stopped = true};
static struct mutex toy_lock;
struct wait_queue toy_queue;

void toy_queue_init(void)
{
    mutex_init(&toy_lock, LOCK_PIPE);
    wait_queue_init(&toy_queue, &toy_lock);
}

/* --- the wait --- */

DEFINE_WAIT_TYPE(TOY, toy, ToyWait, toy);

static int64_t toy_step(struct waiter *waiter, struct toy_wait *wait)
{
    int64_t result = WAIT_AGAIN;

    mutex_lock(toy_queue.lock);
    if (wait->entry.state == WAIT_WOKEN)
        result = wait->value;
    else
        wait_add(&toy_queue, &wait->entry, waiter);
    mutex_unlock(toy_queue.lock);
    return result;
}

static int64_t toy_cancel(struct waiter *waiter, struct toy_wait *wait, int why)
{
    (void)waiter;
    wait_leave(&wait->entry);
    return wait->entry.state == WAIT_WOKEN ? (int64_t)wait->value : why;
}

static void toy_release(struct toy_wait *wait)
{
    wait_leave(&wait->entry);
    object_put((struct object *)wait->node);
    wait->node = NULL;
}

static void toy_relink(struct waiter *waiter, struct toy_wait *wait)
{
    wait_relink(&toy_queue, &wait->entry, waiter);
}

static int toy_wait_save(const struct toy_wait *wait, struct saver *saver, ToyWait *m)
{
    m->node = save_ref(saver, (const struct object *)wait->node);
    m->value = wait->value;
    return save_wait_entry(saver, &wait->entry, &m->entry);
}

static int toy_wait_load(struct toy_wait *wait, struct loader *loader, const ToyWait *m)
{
    wait->node = load_ref_opt(loader, "wait.node", m->node, &node_type);
    wait->value = m->value;
    load_wait_entry(loader, "wait.entry", &wait->entry, m->entry);
    return 0;
}

/* --- the object --- */

DEFINE_OBJECT_TYPE(SLEEPER, sleeper, Sleeper, sleeper);

static void sleeper_init(struct sleeper *sleeper)
{
    sleeper->waiter.clock = &no_clock;
}

static void sleeper_fini(struct sleeper *sleeper)
{
    wait_end(&sleeper->waiter);
    object_put((struct object *)sleeper->node);
    sleeper->node = NULL;
    host_free(sleeper->name);
    sleeper->name = NULL;
}

static int sleeper_save(const struct sleeper *sleeper, struct saver *saver, Sleeper *m)
{
    m->name = save_string(saver, sleeper->name);
    m->node = save_ref(saver, (const struct object *)sleeper->node);
    return save_wait(saver, &sleeper->waiter, &m->wait);
}

static int sleeper_load(struct sleeper *sleeper, struct loader *loader, const Sleeper *m)
{
    sleeper->name = load_string(loader, "name", m->name, SLEEPER_NAME_MAX);
    if (m->node != 0)
        sleeper->node = load_ref_family(loader, "node", m->node, OBJECT_INODE);
    return load_wait(loader, &sleeper->waiter, m->wait);
}

static void sleeper_relink(struct sleeper *sleeper, struct loader *loader)
{
    struct wait_record *record = waiter_record(&sleeper->waiter);

    (void)loader;
    if (record->ops != NULL)
        record->ops->relink(&sleeper->waiter, record);
}

/* Its place in the queue, from 1. */
static uint64_t sleeper_derived(const struct sleeper *sleeper)
{
    const struct wait_entry *entry;
    uint64_t place = 1;

    TAILQ_FOREACH(entry, &toy_queue.entries, link) {
        if (entry->waiter == &sleeper->waiter)
            return place;
        place++;
    }
    return 0;
}

struct sleeper *sleeper_create(const char *name, uint64_t ticket, struct node *node)
{
    struct sleeper *sleeper = object_alloc(&sleeper_type.object);

    assert(sleeper != NULL);
    sleeper->name = host_strdup(name);
    sleeper->node = object_get((struct object *)node);
    struct toy_wait *wait = wait_begin(&sleeper->waiter, &toy_wait_type.ops);
    wait->node = object_get((struct object *)node);
    wait->value = (uint32_t)ticket;
    wait->entry.ticket = ticket;
    wait->entry.state = WAIT_QUEUED;
    wait_relink(&toy_queue, &wait->entry, &sleeper->waiter);
    return sleeper;
}

struct object *fixture_sleeper(void)
{
    struct node *node = node_create(9, NULL);
    struct sleeper *sleeper = sleeper_create("fixture", 77, node);
    struct wait_record *record = waiter_record(&sleeper->waiter);

    object_put(&node->object);
    record->deadline = 6000;
    record->saved_mask = 0xf0;
    record->is_masked = true;
    record->is_killable = true;
    record->is_noted = true;
    return &sleeper->object;
}
