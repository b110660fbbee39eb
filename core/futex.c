/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting on a futex. Invariants:
 * 1. The word is read once, when the wait begins, under the lock of its queue and through a pin
 *    made before. A wait that is resumed goes on without looking at it.
 * 2. Whoever wakes takes the waiter out of the queue and marks it woken: it has its success,
 *    whatever comes first to its thread, a timeout, a signal or a checkpoint.
 * Linux: locks with priority inheritance are absent.
 */
#include <errno.h>
#include <inttypes.h>

#include "core/base/host.h"
#include "core/futex_table.h"
#include "core/kernel.h"
#include "core/waits.h"

DEFINE_WAIT_TYPE(FUTEX, futex, FutexWait, futex);

/* Compares and queues: WAIT_AGAIN, or why not. */
static int64_t begin_wait(struct waiter *waiter, struct futex_wait *record)
{
    struct task *task = task_of(waiter);
    struct futex_place *place = &record->place;
    struct uio uio;
    uint32_t value;

    int64_t result =
        futex_pin(task->mm, record->address, record->is_private, FAULT_READ, &place->key, &uio);
    if (result < 0)
        return result;
    struct futex_bucket *bucket = futex_bucket_of(task_kernel(task), &place->key);
    mutex_lock(&bucket->lock);
    if (uio_copy_from(&uio, &value, sizeof(value)) < 0) {
        result = -EFAULT;
    } else if (value != record->value) {
        result = -EAGAIN;
    } else {
        wait_add(&bucket->waiters, &place->entry, waiter);
        result = WAIT_AGAIN;
    }
    mutex_unlock(&bucket->lock);
    user_unpin(task->mm, &uio);
    return result;
}

static int64_t futex_step(struct waiter *waiter, struct futex_wait *record)
{
    nsec_t *deadline = &record->base.deadline;

    if (record->is_realtime &&
        __builtin_add_overflow(clock_now(waiter->clock) - host_clock_realtime(), record->target,
                               deadline))
        *deadline = NSEC_NEVER;
    switch (wait_state_of(&record->place.entry)) {
    case WAIT_IDLE:
        return begin_wait(waiter, record);
    case WAIT_QUEUED:
        return WAIT_AGAIN;
    case WAIT_WOKEN:
        break;
    }
    wait_leave(&record->place.entry);
    return 0;
}

static int64_t futex_cancel(struct waiter *waiter, struct futex_wait *record, int why)
{
    (void)waiter;
    wait_leave(&record->place.entry);
    if (record->place.entry.state == WAIT_WOKEN)
        return 0;
    if (why == -ERESTARTSYS && record->base.deadline != NSEC_NEVER)
        return -ERESTART_RESTARTBLOCK;
    return why;
}

static void futex_release(struct futex_wait *record)
{
    wait_leave(&record->place.entry);
}

static void futex_relink(struct waiter *waiter, struct futex_wait *record)
{
    struct task *task = task_of(waiter);
    struct futex_key *key = &record->place.key;

    key->mm = futex_key_has_mm(key) ? task->mm : NULL;
    wait_relink(&futex_bucket_of(task_kernel(task), key)->waiters, &record->place.entry, waiter);
}

static int key_save(const struct futex_key *key, struct saver *saver, FutexKey **ret)
{
    FutexKey *m = save_message(saver, &futex_key__descriptor);

    if (m == NULL)
        return -ENOMEM;
    m->kind = key->kind;
    m->dev = key->dev;
    m->inode = key->inode;
    m->offset = key->offset;
    *ret = m;
    return 0;
}

static void key_load(struct futex_key *key, struct loader *loader, const FutexKey *m)
{
    if (m == NULL || m->kind >= FUTEX_KINDS || m->offset % sizeof(uint32_t) != 0) {
        load_bad(loader, "wait.futex.key", "is not possible");
        return;
    }
    key->kind = m->kind;
    key->dev = m->dev;
    key->inode = m->inode;
    key->offset = m->offset;
}

static int futex_wait_save(const struct futex_wait *record, struct saver *saver, FutexWait *m)
{
    m->address = record->address;
    m->value = record->value;
    m->bitset = record->place.bitset;
    m->is_private = record->is_private;
    m->is_realtime = record->is_realtime;
    m->target = record->target;
    int err = key_save(&record->place.key, saver, &m->key);
    return err < 0 ? err : save_wait_entry(saver, &record->place.entry, &m->entry);
}

static int futex_wait_load(struct futex_wait *record, struct loader *loader, const FutexWait *m)
{
    if (m->target < 0)
        load_bad(loader, "wait.futex.target", "%" PRId64 " is not possible", m->target);
    record->address = m->address;
    record->value = m->value;
    record->place.bitset = m->bitset;
    record->is_private = m->is_private;
    record->is_realtime = m->is_realtime;
    record->target = m->target;
    key_load(&record->place.key, loader, m->key);
    load_wait_entry(loader, "wait.futex.entry", &record->place.entry, m->entry);
    return 0;
}

int64_t futex_wait(struct task *task, guest_addr_t address, bool is_private, uint32_t value,
                   uint32_t bitset, bool is_realtime, nsec_t deadline)
{
    if (bitset == 0)
        return -EINVAL;
    struct futex_wait *record = wait_begin(&task->waiter, &futex_wait_type.ops);

    record->address = address;
    record->is_private = is_private;
    record->value = value;
    record->place.bitset = bitset;
    record->is_realtime = is_realtime;
    if (is_realtime)
        record->target = deadline;
    else
        record->base.deadline = deadline;
    return wait_run(&task->waiter);
}
