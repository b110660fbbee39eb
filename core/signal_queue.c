/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues of pending signals, in order of arrival. A standard signal is there once at most, besides
 * those of timers, each of which has one; of a real-time signal every one is kept, up to a limit.
 * set has a bit for each signal in the queue.
 */
#include <errno.h>
#include <inttypes.h>

#include "core/base/host.h"
#include "core/signal.h"

enum { QUEUE_MAX = 4096 };

/* Taken before all others: those that stand for a trap (Linux: SYNCHRONOUS_MASK). */
#define SYNCHRONOUS                                                                                \
    (SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) |         \
     SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSYS))

void signal_queue_init(struct signal_queue *queue)
{
    STAILQ_INIT(&queue->entries);
}

void signal_queue_fini(struct signal_queue *queue)
{
    signal_queue_remove(queue, UINT64_MAX);
}

static void remove_entry(struct signal_queue *queue, struct signal_entry *entry)
{
    STAILQ_REMOVE(&queue->entries, entry, signal_entry, link);
    queue->count--;
    host_free(entry);
}

/* Whether a signal is still in the queue. */
static void recompute_bit(struct signal_queue *queue, int signal)
{
    const struct signal_entry *entry;

    queue->set &= ~SIGNAL_BIT(signal);
    STAILQ_FOREACH(entry, &queue->entries, link) {
        if (entry->info.signal == signal)
            queue->set |= SIGNAL_BIT(signal);
    }
}

int signal_queue_add(struct signal_queue *queue, const struct signal_info *info)
{
    bool is_once = info->signal < SIGNAL_REALTIME && info->timer == 0;

    if (is_once && (queue->set & SIGNAL_BIT(info->signal)) != 0)
        return 0;
    if (queue->count >= QUEUE_MAX)
        return -EAGAIN;
    struct signal_entry *entry = host_alloc(1, sizeof(*entry));
    if (entry == NULL)
        return -ENOMEM;
    entry->info = *info;
    STAILQ_INSERT_TAIL(&queue->entries, entry, link);
    queue->count++;
    queue->set |= SIGNAL_BIT(info->signal);
    return 0;
}

bool signal_queue_take(struct signal_queue *queue, uint64_t mask, struct signal_info *ret)
{
    uint64_t ready = queue->set & ~mask;
    struct signal_entry *entry;

    if (ready == 0)
        return false;
    if ((ready & SYNCHRONOUS) != 0)
        ready &= SYNCHRONOUS;
    int signal = __builtin_ctzll(ready) + 1;
    STAILQ_FOREACH(entry, &queue->entries, link) {
        if (entry->info.signal == signal)
            break;
    }
    *ret = entry->info;
    remove_entry(queue, entry);
    recompute_bit(queue, signal);
    return true;
}

void signal_queue_remove(struct signal_queue *queue, uint64_t set)
{
    struct signal_entry *entry;
    struct signal_entry *next;

    STAILQ_FOREACH_SAFE(entry, &queue->entries, link, next)
    {
        if ((SIGNAL_BIT(entry->info.signal) & set) != 0)
            remove_entry(queue, entry);
    }
    queue->set &= ~set;
}

static struct signal_entry *find_timer(const struct signal_queue *queue, int id)
{
    struct signal_entry *entry;

    STAILQ_FOREACH(entry, &queue->entries, link) {
        if (entry->info.timer == id + 1)
            return entry;
    }
    return NULL;
}

bool signal_queue_has_timer(const struct signal_queue *queue, int id)
{
    return find_timer(queue, id) != NULL;
}

void signal_queue_remove_timer(struct signal_queue *queue, int id)
{
    struct signal_entry *entry = find_timer(queue, id);

    if (entry == NULL)
        return;
    int signal = entry->info.signal;
    remove_entry(queue, entry);
    recompute_bit(queue, signal);
}

static void info_save(const struct signal_info *info, SignalInfo *m)
{
    m->signal = (uint32_t)info->signal;
    m->code = info->code;
    m->error = info->error;
    m->pid = info->pid;
    m->uid = info->uid;
    m->status = info->status;
    m->value = info->value;
    m->address = info->address;
    m->utime = info->utime;
    m->stime = info->stime;
    m->timer = (uint32_t)info->timer;
}

int signal_queue_save(const struct signal_queue *queue, struct saver *saver, SignalInfo ***infos,
                      size_t *count)
{
    const struct signal_entry *entry;

    *infos = save_messages(saver, &signal_info__descriptor, queue->count);
    if (*infos == NULL)
        return -ENOMEM;
    STAILQ_FOREACH(entry, &queue->entries, link)
        info_save(&entry->info, (*infos)[(*count)++]);
    return 0;
}

static int info_load(struct signal_queue *queue, struct loader *loader, const char *field,
                     const SignalInfo *m)
{
    if (m->signal < 1 || m->signal > SIGNAL_COUNT) {
        load_bad(loader, field, "%" PRIu32 " is no signal", m->signal);
        return 0;
    }
    if (m->signal < SIGNAL_REALTIME && m->timer == 0 && (queue->set & SIGNAL_BIT(m->signal)) != 0) {
        load_bad(loader, field, "signal %" PRIu32 " is there twice", m->signal);
        return 0;
    }
    if (m->timer > INT32_MAX || (m->timer != 0 && find_timer(queue, (int)m->timer - 1) != NULL)) {
        load_bad(loader, field, "timer %" PRIu32 " is there twice", m->timer);
        return 0;
    }
    struct signal_info info = {.signal = (int)m->signal,
                               .code = m->code,
                               .error = m->error,
                               .pid = m->pid,
                               .uid = m->uid,
                               .status = m->status,
                               .value = m->value,
                               .address = m->address,
                               .utime = m->utime,
                               .stime = m->stime,
                               .timer = (int)m->timer};
    int err = signal_queue_add(queue, &info);
    if (err == -EAGAIN)
        load_bad(loader, field, "more than %d signals", QUEUE_MAX);
    return err == -ENOMEM ? err : 0;
}

int signal_queue_load(struct signal_queue *queue, struct loader *loader, const char *field,
                      SignalInfo *const *infos, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int err = info_load(queue, loader, field, infos[i]);
        if (err < 0)
            return err;
    }
    return 0;
}
