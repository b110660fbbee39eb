/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pager of a lazy restore. Chunks that the image has are absent; touches load them one by one
 * (core/mm/fault.c), and a thread of low priority loads the rest: the working set first, then by
 * number. It works outside of the gate, since loading changes nothing that anybody can see
 * (platform/memfile_load.c); only to open to the stubs what is loaded it goes inside. In a
 * checkpoint it stands still. Once nothing is absent the image is closed.
 *
 * What is touched in the first two seconds is noted in order: the next image's working set. Stubs
 * are opened by the chunk as long, so that first touches are seen.
 */
#include "core/pager.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/base/host.h"
#include "core/kernel.h"
#include "snapshot/pages_writer.h"

#define RECORDING_TIME (2 * NSEC_PER_SEC)

struct pager {
    struct kernel *kernel;
    struct pages_reader *reader; /* the thread's, while it is not paused; NULL: all is loaded */
    struct working_set set;
    struct gate_pass pass;
    pthread_t thread;
    bool has_thread;

    struct mutex lock; /* LOCK_PAGES; guards the following */
    bool is_stopping, is_paused;
    bool is_standing;      /* the thread is at rest, or has ended */
    atomic_uint turn;      /* futex: moves when either side should look again */
    atomic_bool is_wanted; /* is_stopping or is_paused, for a look without the lock */

    atomic_bool is_recording;
    nsec_t recording_end;     /* host time */
    atomic_uchar *is_touched; /* a bit a chunk */
    uint64_t *touched;        /* WORKING_SET_MAX; those below touched_count, once frozen */
    atomic_uint touched_count;
};

/* --- the thread --- */

static void wake(struct pager *pager)
{
    mutex_assert_held(&pager->lock);
    atomic_store(&pager->is_wanted, pager->is_stopping || pager->is_paused);
    atomic_fetch_add(&pager->turn, 1);
    host_futex_wake(&pager->turn, INT32_MAX);
}

/* Under the lock, which is dropped meanwhile. */
static void sleep_until(struct pager *pager, nsec_t deadline)
{
    unsigned seen = atomic_load(&pager->turn);

    mutex_unlock(&pager->lock);
    (void)host_futex_wait(&pager->turn, seen, deadline);
    mutex_lock(&pager->lock);
}

/* Stands still while it has to, and until deadline. False: it is to end. */
static bool rest(struct pager *pager, nsec_t deadline)
{
    bool goes_on;

    if (deadline == 0 && !atomic_load(&pager->is_wanted))
        return true;
    mutex_lock(&pager->lock);
    while (!pager->is_stopping && (pager->is_paused || host_clock_now() < deadline)) {
        if (pager->is_paused && !pager->is_standing) {
            pager->is_standing = true;
            wake(pager);
        }
        sleep_until(pager, pager->is_paused ? NSEC_NEVER : deadline);
    }
    pager->is_standing = false;
    goes_on = !pager->is_stopping;
    mutex_unlock(&pager->lock);
    return goes_on;
}

/* A chunk that cannot be read stays absent; the touch of it is an error. */
static int load_chunk(void *context, uint64_t chunk, uint16_t mask)
{
    struct pager *pager = context;

    (void)mask;
    if (!rest(pager, 0))
        return -ECANCELED;
    return memfile_load(pager->kernel->memfile, chunk) == -ENOMEM ? -ENOMEM : 0;
}

static int load_set(struct pager *pager)
{
    uint64_t end = memfile_size(pager->kernel->memfile) / MEM_CHUNK;
    int err = 0;

    for (size_t i = 0; i < pager->set.count && err == 0; i++)
        if (pager->set.chunks[i] < end)
            err = load_chunk(pager, pager->set.chunks[i], 0);
    return err;
}

static void open_all(struct kernel *kernel)
{
    struct mm *mm;

    mutex_lock(&kernel->mms_lock);
    LIST_FOREACH(mm, &kernel->mms, link)
        mm_open_loaded(mm);
    mutex_unlock(&kernel->mms_lock);
}

static void finish(struct pager *pager)
{
    if (gate_enter(&pager->pass) < 0)
        return;
    open_all(pager->kernel);
    gate_leave(&pager->pass, GATE_PARKED);
    if (memfile_absent_count(pager->kernel->memfile) > 0)
        return;
    memfile_set_source(pager->kernel->memfile, NULL, NULL);
    pages_reader_free(pager->reader);
    pager->reader = NULL;
}

static void *run(void *argument)
{
    struct pager *pager = argument;

    (void)host_thread_lower_priority();
    int err = load_set(pager);
    if (err == 0)
        err = pages_reader_each(pager->reader, load_chunk, pager);
    if (err != -ECANCELED && rest(pager, pager->recording_end)) {
        atomic_store(&pager->is_recording, false);
        finish(pager);
    }
    mutex_lock(&pager->lock);
    pager->is_standing = true;
    wake(pager);
    mutex_unlock(&pager->lock);
    return NULL;
}

int pager_start(struct pager *pager)
{
    if (pager == NULL)
        return 0;
    pager->recording_end = host_clock_now() + RECORDING_TIME;
    atomic_store(&pager->is_recording, true);
    int err = host_thread_start(&pager->thread, run, pager, "pager");
    pager->has_thread = err == 0;
    return err;
}

void pager_pause(struct pager *pager)
{
    if (pager == NULL || !pager->has_thread)
        return;
    mutex_lock(&pager->lock);
    pager->is_paused = true;
    wake(pager);
    while (!pager->is_standing)
        sleep_until(pager, NSEC_NEVER);
    mutex_unlock(&pager->lock);
}

void pager_resume(struct pager *pager)
{
    if (pager == NULL || !pager->has_thread)
        return;
    mutex_lock(&pager->lock);
    pager->is_paused = false;
    wake(pager);
    mutex_unlock(&pager->lock);
}

void pager_stop(struct pager *pager)
{
    if (pager == NULL || !pager->has_thread)
        return;
    mutex_lock(&pager->lock);
    pager->is_stopping = true;
    wake(pager);
    mutex_unlock(&pager->lock);
    host_thread_join(pager->thread);
    pager->has_thread = false;
}

/* --- making it --- */

struct marking {
    struct memfile *memfile;
    struct report *report;
};

static int mark_absent(void *context, uint64_t chunk, uint16_t mask)
{
    struct marking *marking = context;
    int err = memfile_set_absent(marking->memfile, chunk, mask);

    if (err < 0)
        report_bad(marking->report, PAGES_INDEX_NAME ": chunk %" PRIu64 ": belongs to nobody",
                   chunk);
    return err;
}

static int make_absent(struct pager *pager, struct report *report)
{
    struct memfile *memfile = pager->kernel->memfile;
    struct marking marking = {memfile, report};

    memfile_set_source(memfile, pages_reader_load, pager->reader);
    return pages_reader_each(pager->reader, mark_absent, &marking);
}

int pager_create(struct kernel *kernel, struct pages_reader *reader, struct working_set *set,
                 struct report *report, struct pager **ret)
{
    struct pager *pager = host_alloc(1, sizeof(*pager));

    if (pager == NULL) {
        pages_reader_free(reader);
        working_set_fini(set);
        return -ENOMEM;
    }
    pager->kernel = kernel;
    pager->reader = reader;
    pager->set = *set;
    mutex_init(&pager->lock, LOCK_PAGES);
    gate_join(&kernel->gate, &pager->pass);
    *ret = pager;
    pager->is_touched = host_alloc(memfile_size(kernel->memfile) / MEM_CHUNK / 8 + 1, 1);
    pager->touched = host_alloc(WORKING_SET_MAX, sizeof(*pager->touched));
    if (pager->is_touched == NULL || pager->touched == NULL)
        return -ENOMEM;
    return make_absent(pager, report);
}

void pager_free(struct pager *pager)
{
    if (pager == NULL)
        return;
    pages_reader_free(pager->reader);
    working_set_fini(&pager->set);
    host_free(pager->is_touched);
    host_free(pager->touched);
    mutex_fini(&pager->lock);
    host_free(pager);
}

const struct pages_reader *pager_reader(const struct pager *pager)
{
    return pager == NULL ? NULL : pager->reader;
}

/* --- what is touched --- */

bool pager_is_recording(const struct pager *pager)
{
    return pager != NULL && atomic_load_explicit(&pager->is_recording, memory_order_relaxed);
}

void pager_note_touch(struct pager *pager, uint64_t offset)
{
    uint64_t chunk = offset / MEM_CHUNK;
    unsigned char bit = (unsigned char)(1u << chunk % 8);

    if (!pager_is_recording(pager) || atomic_load(&pager->is_touched[chunk / 8]) & bit ||
        atomic_fetch_or(&pager->is_touched[chunk / 8], bit) & bit)
        return;
    unsigned nr = atomic_fetch_add(&pager->touched_count, 1);
    if (nr < WORKING_SET_MAX)
        pager->touched[nr] = chunk;
    else
        atomic_store(&pager->is_recording, false);
}

size_t pager_touched(const struct pager *pager, const uint64_t **ret)
{
    unsigned count = pager == NULL ? 0 : atomic_load(&pager->touched_count);

    *ret = pager == NULL ? NULL : pager->touched;
    return count < WORKING_SET_MAX ? count : WORKING_SET_MAX;
}
