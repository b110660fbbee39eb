/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copy-aside: the slots that carry old content from writers to the collector.
 *
 * Their number is fixed: a writer without one waits for the collector, so that a checkpoint slows
 * the guest and never takes more memory. A sixty-fourth of the memory, at least 4 MB, at most 64
 * MB. When the collection ends, what is queued is dropped and who waits goes on without a slot. A
 * slot that was got before the end and is queued after it is dropped as well; the next collection
 * cannot have begun, because its freeze waits for the writer. The memory goes back to the host
 * then.
 */
#include <errno.h>
#include <limits.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/host.h"
#include "platform/memfile_struct.h"

enum { SLOTS_LEAST = 64, SLOTS_MOST = 1024 };

static unsigned slot_count(uint64_t limit)
{
    uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * MEM_PAGE, count;

    if (limit > 0 && limit < memory)
        memory = limit;
    count = memory / 64 / MEM_CHUNK;
    if (count < SLOTS_LEAST)
        return SLOTS_LEAST;
    return count > SLOTS_MOST ? SLOTS_MOST : (unsigned)count;
}

int aside_init(struct memfile *memfile)
{
    struct aside *aside = &memfile->aside;
    void *memory;
    int err;

    STAILQ_INIT(&aside->free);
    STAILQ_INIT(&aside->full);
    aside->count = slot_count(memfile->limit);
    aside->slots = host_alloc(aside->count, sizeof(*aside->slots));
    if (!aside->slots)
        return -ENOMEM;
    err = host_mmap(&memory, NULL, aside->count * MEM_CHUNK, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (err < 0)
        return err;
    aside->data = memory;
    (void)host_madvise(memory, aside->count * MEM_CHUNK, MADV_HUGEPAGE);
    for (unsigned i = 0; i < aside->count; i++) {
        aside->slots[i].data = aside->data + i * MEM_CHUNK;
        STAILQ_INSERT_TAIL(&aside->free, &aside->slots[i], link);
    }
    aside->free_count = aside->count;
    return 0;
}

void aside_fini(struct memfile *memfile)
{
    struct aside *aside = &memfile->aside;

    if (aside->data)
        (void)host_munmap(aside->data, aside->count * MEM_CHUNK);
    host_free(aside->slots);
}

static bool is_collecting(const struct memfile *memfile)
{
    return atomic_load(&memfile->closing) != 0;
}

/* Sleeps until a slot may be free; the lock is dropped meanwhile. */
static void wait_for_slot(struct aside *aside)
{
    unsigned seen = atomic_load(&aside->turn);

    aside->waiters++;
    mutex_unlock(&aside->lock);
    (void)host_futex_wait(&aside->turn, seen, NSEC_NEVER);
    mutex_lock(&aside->lock);
    aside->waiters--;
}

struct slot *aside_get(struct memfile *memfile)
{
    struct aside *aside = &memfile->aside;
    struct slot *slot = NULL;

    mutex_lock(&aside->lock);
    if (STAILQ_EMPTY(&aside->free) && is_collecting(memfile))
        atomic_fetch_add(&memfile->slot_wait_count, 1);
    while (STAILQ_EMPTY(&aside->free) && is_collecting(memfile))
        wait_for_slot(aside);
    if (is_collecting(memfile)) {
        slot = STAILQ_FIRST(&aside->free);
        STAILQ_REMOVE_HEAD(&aside->free, link);
        aside->free_count--;
    }
    mutex_unlock(&aside->lock);
    return slot;
}

/* The one used last is the next one taken: few slots in use touch little memory. */
static void push_free(struct aside *aside, struct slot *slot)
{
    mutex_assert_held(&aside->lock);
    STAILQ_INSERT_HEAD(&aside->free, slot, link);
    aside->free_count++;
    atomic_fetch_add(&aside->turn, 1);
    if (aside->waiters > 0)
        host_futex_wake(&aside->turn, 1);
}

void aside_put(struct memfile *memfile, struct slot *slot)
{
    mutex_lock(&memfile->aside.lock);
    push_free(&memfile->aside, slot);
    mutex_unlock(&memfile->aside.lock);
}

void aside_queue(struct memfile *memfile, struct slot *slot)
{
    struct aside *aside = &memfile->aside;

    mutex_lock(&aside->lock);
    if (is_collecting(memfile)) {
        STAILQ_INSERT_TAIL(&aside->full, slot, link);
        atomic_fetch_add(&memfile->aside_count, 1);
    } else {
        push_free(aside, slot);
    }
    mutex_unlock(&aside->lock);
}

struct slot *aside_take(struct memfile *memfile)
{
    struct aside *aside = &memfile->aside;
    struct slot *slot;

    mutex_lock(&aside->lock);
    slot = STAILQ_FIRST(&aside->full);
    if (slot)
        STAILQ_REMOVE_HEAD(&aside->full, link);
    mutex_unlock(&aside->lock);
    return slot;
}

bool aside_end(struct memfile *memfile)
{
    struct aside *aside = &memfile->aside;
    struct slot *slot;
    bool was_collecting;

    mutex_lock(&aside->lock);
    was_collecting = is_collecting(memfile);
    atomic_store(&memfile->closing, 0);
    while ((slot = STAILQ_FIRST(&aside->full))) {
        STAILQ_REMOVE_HEAD(&aside->full, link);
        push_free(aside, slot);
    }
    atomic_fetch_add(&aside->turn, 1);
    host_futex_wake(&aside->turn, INT_MAX);
    if (aside->free_count == aside->count)
        (void)host_madvise(aside->data, aside->count * MEM_CHUNK, MADV_DONTNEED);
    mutex_unlock(&aside->lock);
    return was_collecting;
}
