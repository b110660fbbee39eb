/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Freeze in place, checked word by word. Guests (threads that store through a map of their own
 * where they have permission, and fault where not), kernel threads (that prepare what they write)
 * and owners that come and go change the memory, and a plain copy of it in the same breath.
 * Checkpoints are taken meanwhile, most of them incremental, some of full ones, some given up
 * half-way. Applied to the image before it, each has to give what the copy was at the freeze, and
 * has to have exactly the chunks that were written since the parent.
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/gate.h"
#include "core/base/host.h"
#include "platform/memfile_struct.h"
#include "tests/unit/host_descriptors.h"

enum {
    GUESTS = 2,
    PINNERS = 2,
    OWNERS = 2,
    WRITERS = GUESTS + PINNERS + OWNERS,
    SHARED_CHUNKS = 256, /* written by guests and pinners; the rest is for runs that come and go */
    CHUNKS = 512,
    CHUNK_WORDS = MEM_CHUNK / 8,
    LANES = 8, /* words of a block of 64 bytes; each writer has its own, so that nobody races */
    CHECKPOINTS = 64,
};

struct writer {
    pthread_t thread;
    struct gate_pass pass;
    unsigned lane;
    uint64_t seed;
    uint64_t *map;                  /* guests */
    _Atomic bool permitted[CHUNKS]; /* guests: cleared by the freeze, as mprotect does */
    uint64_t run, run_chunks;       /* owners: a run, if chunks > 0 */
    uint64_t stores, faults;
};

static struct memfile *memfile;
static struct gate gate;
static atomic_bool is_quitting;
static atomic_uint window; /* where guests and pinners write: some of the chunks an interval */
static struct writer writers[WRITERS];

/* What the memory should be. Changed inside the gate by who changes the memory. */
static uint64_t (*model)[CHUNK_WORDS];
static atomic_bool written[CHUNKS]; /* since the last freeze */
static atomic_bool owned[CHUNKS];

/* At the last freeze. */
static uint64_t (*frozen)[CHUNK_WORDS];
static bool frozen_owned[CHUNKS], due[CHUNKS]; /* due: to be collected */

static uint64_t (*image)[CHUNK_WORDS];
static unsigned collected[CHUNKS];
static unsigned emit_delay;

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* --- writers --- */

/* Stores value in a word of the writer's lane and in the model. */
static void store(struct writer *writer, uint64_t *map, uint64_t chunk, uint64_t block,
                  uint64_t value)
{
    uint64_t word = block * LANES + writer->lane;

    map[chunk * CHUNK_WORDS + word] = value;
    model[chunk][word] = value;
    atomic_store(&written[chunk], true);
    writer->stores++;
}

static uint64_t random_value(struct writer *writer)
{
    /* Some zeros, so that chunks become all zeros now and then. */
    return next_random(&writer->seed) % 4 == 0 ? 0 : next_random(&writer->seed);
}

static uint64_t random_chunk(struct writer *writer)
{
    return (atomic_load(&window) * 80 + next_random(&writer->seed) % 96) % SHARED_CHUNKS;
}

static void guest_step(struct writer *writer)
{
    uint64_t chunk = random_chunk(writer);
    uint64_t block = next_random(&writer->seed) % (CHUNK_WORDS / LANES);

    if (!atomic_load(&writer->permitted[chunk])) {
        assert(memfile_prepare_write(memfile, chunk * MEM_CHUNK, 1) == 0);
        assert(memfile_is_writable(memfile, chunk * MEM_CHUNK, MEM_CHUNK));
        atomic_store(&writer->permitted[chunk], true);
        writer->faults++;
    }
    store(writer, writer->map, chunk, block, random_value(writer));
}

/* Up to 64 KB across a border, as read(2) into guest memory does. */
static void pinner_step(struct writer *writer)
{
    uint64_t blocks_all = (uint64_t)SHARED_CHUNKS * (CHUNK_WORDS / LANES);
    uint64_t first = random_chunk(writer) * (CHUNK_WORDS / LANES) + next_random(&writer->seed) % 64;
    uint64_t count = 1 + next_random(&writer->seed) % (CHUNK_WORDS / LANES);

    if (first + count > blocks_all)
        count = blocks_all - first;
    assert(memfile_prepare_write(memfile, first * LANES * 8, count * LANES * 8) == 0);
    for (uint64_t i = first; i < first + count; i++) {
        /* The first and the last, so that every chunk that is stamped is written. */
        if (i == first || i == first + count - 1 || next_random(&writer->seed) % 32 == 0)
            store(writer, (uint64_t *)(void *)memfile_at(memfile, 0), i / (CHUNK_WORDS / LANES),
                  i % (CHUNK_WORDS / LANES), random_value(writer));
    }
}

static void owner_start(struct writer *writer)
{
    uint64_t chunks = 1 + next_random(&writer->seed) % 40, offset;
    int err = memfile_alloc(memfile, chunks * MEM_CHUNK, 0, &offset);

    if (err == -ENOMEM)
        return;
    assert(err == 0);
    writer->run = offset / MEM_CHUNK;
    writer->run_chunks = chunks;
    for (uint64_t i = writer->run; i < writer->run + chunks; i++) {
        const char *content = memfile_at(memfile, i * MEM_CHUNK);

        assert(!atomic_exchange(&owned[i], true));
        memset(model[i], 0, MEM_CHUNK);
        atomic_store(&written[i], true);
        if (chunks % 2 == 0) /* a look makes pages of holes */
            continue;
        assert(content[0] == 0 && memcmp(content, content + 1, MEM_CHUNK - 1) == 0);
    }
}

static void owner_end(struct writer *writer)
{
    for (uint64_t i = writer->run; i < writer->run + writer->run_chunks; i++)
        atomic_store(&owned[i], false);
    memfile_put(memfile, writer->run * MEM_CHUNK, writer->run_chunks * MEM_CHUNK);
    writer->run_chunks = 0;
}

static void owner_step(struct writer *writer)
{
    uint64_t *map = (uint64_t *)(void *)memfile_at(memfile, 0), chunk;

    if (writer->run_chunks == 0) {
        owner_start(writer);
    } else if (next_random(&writer->seed) % 16 == 0) {
        owner_end(writer);
    } else {
        chunk = writer->run + next_random(&writer->seed) % writer->run_chunks;
        assert(memfile_prepare_write(memfile, chunk * MEM_CHUNK, MEM_CHUNK) == 0);
        for (uint64_t i = 0; i < 20; i++)
            store(writer, map, chunk, next_random(&writer->seed) % (CHUNK_WORDS / LANES),
                  random_value(writer));
    }
}

static void *run_writer(void *argument)
{
    struct writer *writer = argument;
    unsigned steps = 0;

    assert(gate_enter(&writer->pass) == 0);
    while (!atomic_load(&is_quitting)) {
        if (writer->lane < GUESTS)
            guest_step(writer);
        else if (writer->lane < GUESTS + PINNERS)
            pinner_step(writer);
        else
            owner_step(writer);
        if (++steps % 32 == 0)
            host_sleep(50000);
        assert(gate_check(&writer->pass) == 0);
    }
    if (writer->run_chunks > 0)
        owner_end(writer);
    gate_quit(&writer->pass);
    return NULL;
}

static void start_writers(void)
{
    for (unsigned i = 0; i < WRITERS; i++) {
        struct writer *writer = &writers[i];

        *writer = (struct writer){.lane = i, .seed = 88172645463325252 + i * 7919};
        if (i < GUESTS) {
            writer->map = mmap(NULL, CHUNKS * MEM_CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED,
                               memfile_fd(memfile), 0);
            assert_ptr_not_equal(writer->map, MAP_FAILED);
        }
        gate_join(&gate, &writer->pass);
        assert_int_equal(host_thread_start(&writer->thread, run_writer, writer, "writer"), 0);
    }
}

static void stop_writers(void)
{
    atomic_store(&is_quitting, true);
    for (unsigned i = 0; i < WRITERS; i++) {
        host_thread_join(writers[i].thread);
        assert_true(writers[i].stores > 0);
        if (i < GUESTS) {
            assert_true(writers[i].faults > 0);
            munmap(writers[i].map, CHUNKS * MEM_CHUNK);
        }
    }
}

/* --- checkpoints --- */

static int emit(void *context, uint64_t chunk, uint16_t mask, const void *content)
{
    (void)context;
    assert_true(chunk < CHUNKS);
    collected[chunk]++;
    for (unsigned i = 0; i < MEM_CHUNK / MEM_PAGE; i++) {
        char *to = (char *)image[chunk] + i * MEM_PAGE;

        if (mask >> i & 1)
            memcpy(to, (const char *)content + i * MEM_PAGE, MEM_PAGE);
        else
            memset(to, 0, MEM_PAGE);
    }
    if (emit_delay)
        host_sleep(emit_delay);
    return 0;
}

static int emit_nothing(void *context, uint64_t chunk, uint16_t mask, const void *content)
{
    (void)context;
    (void)chunk;
    (void)mask;
    (void)content;
    host_sleep(50000);
    return 0;
}

static void freeze(uint64_t parent)
{
    assert_int_equal(gate_close(&gate, NSEC_NEVER), 0);
    assert_int_equal(memfile_freeze(memfile, parent), 0);
    atomic_fetch_add(&window, 1);
    memcpy(frozen, model, CHUNKS * MEM_CHUNK);
    for (unsigned i = 0; i < CHUNKS; i++) {
        frozen_owned[i] = atomic_load(&owned[i]);
        /* What a given-up checkpoint did not get is still due. */
        due[i] |= atomic_exchange(&written[i], false);
        for (unsigned j = 0; j < GUESTS; j++)
            atomic_store(&writers[j].permitted[i], false);
    }
    gate_open(&gate);
}

static bool is_zero(const uint64_t *words)
{
    return words[0] == 0 && memcmp(words, words + 1, MEM_CHUNK - 8) == 0;
}

static unsigned verify(bool is_full)
{
    unsigned count = 0;

    for (unsigned i = 0; i < CHUNKS; i++) {
        bool is_expected = frozen_owned[i] && (is_full ? !is_zero(frozen[i]) : due[i]);

        assert_int_equal(collected[i], is_expected ? 1 : 0);
        /* A full image has no zeros of its own. */
        if (is_full && !is_expected)
            memset(image[i], 0, MEM_CHUNK);
        if (frozen_owned[i])
            assert_memory_equal(image[i], frozen[i], MEM_CHUNK);
        count += collected[i];
        collected[i] = 0;
        due[i] = false;
    }
    return count;
}

static void *cancel(void *argument)
{
    (void)argument;
    host_sleep(1500000);
    memfile_collect_cancel(memfile);
    return NULL;
}

static void give_up(uint64_t parent)
{
    pthread_t thread;
    int err;

    freeze(parent);
    assert_int_equal(host_thread_start(&thread, cancel, NULL, "cancel"), 0);
    err = memfile_collect(memfile, emit_nothing, NULL);
    assert_true(err == -ECANCELED || err == 0);
    host_thread_join(thread);
}

static void take_checkpoints(void)
{
    uint64_t parent = 0, epoch;
    unsigned chunks = 0, aside = 0, in_place = 0, waits = 0;

    for (unsigned i = 0; i < CHECKPOINTS; i++) {
        bool is_full = i % 8 == 7 || parent == 0;

        host_sleep(i % 3 * 1000000);
        if (i % 8 == 5) {
            give_up(parent);
            continue;
        }
        emit_delay = i % 3 == 1 ? 100000 : 0;
        epoch = memfile_epoch(memfile);
        freeze(is_full ? 0 : parent);
        assert_int_equal(memfile_collect(memfile, emit, NULL), 0);
        chunks += verify(is_full);
        aside += memfile_stats(memfile).aside;
        in_place += memfile_stats(memfile).in_place;
        waits += memfile_stats(memfile).slot_waits;
        assert_true(memfile_stats(memfile).aside + memfile_stats(memfile).in_place <= CHUNKS);
        parent = epoch;
    }
    print_message("%u chunks collected, %u copied aside, %u in place, %u waits for a slot\n",
                  chunks, aside, in_place, waits);
    assert_true(chunks > 0 && aside > 0 && in_place > 0);
}

static void every_image_is_the_memory_at_its_freeze(void **state)
{
    unsigned descriptors = host_descriptor_count();
    uint64_t shared;

    (void)state;
    gate_init(&gate, GATE_OPEN);
    model = calloc(CHUNKS, MEM_CHUNK);
    frozen = calloc(CHUNKS, MEM_CHUNK);
    image = calloc(CHUNKS, MEM_CHUNK);
    /* With this limit there are few slots: 4 MB. */
    assert_int_equal(memfile_create(CHUNKS * MEM_CHUNK, UINT64_C(256) << 20, &memfile), 0);
    assert_int_equal(memfile->aside.count, 64);
    assert_int_equal(memfile_alloc(memfile, SHARED_CHUNKS * MEM_CHUNK, 0, &shared), 0);
    assert_int_equal(shared, 0);
    for (unsigned i = 0; i < SHARED_CHUNKS; i++)
        atomic_store(&owned[i], atomic_exchange(&written[i], true) == false);

    start_writers();
    take_checkpoints();
    stop_writers();
    memfile_put(memfile, 0, SHARED_CHUNKS * MEM_CHUNK);
    assert_int_equal(memfile_owned_size(memfile), 0);
    assert_int_equal(memfile_memory_size(memfile), 0);
    assert_int_equal(memfile->owed_count, 0);
    assert_int_equal(memfile->aside.free_count, memfile->aside.count);
    memfile_free(memfile);
    gate_fini(&gate);
    free(model);
    free(frozen);
    free(image);
    assert_int_equal(host_descriptor_count(), descriptors);
}

/* --- a freeze of much memory --- */

static int count_chunk(void *context, uint64_t chunk, uint16_t mask, const void *content)
{
    unsigned *count = context;

    (void)chunk;
    (void)content;
    assert_int_equal(mask, 0xffff);
    ++*count;
    return 0;
}

static long page_faults(void)
{
    struct rusage usage;

    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_minflt;
}

static void a_freeze_touches_no_page(void **state)
{
    const uint64_t size = UINT64_C(128) << 20;
    uint64_t at, sparse, used;
    unsigned count = 0;
    long faults;

    (void)state;
    assert_int_equal(memfile_create(size * 4, 0, &memfile), 0);
    assert_int_equal(memfile_alloc(memfile, size, 0, &at), 0);
    assert_int_equal(memfile_alloc(memfile, size, 0, &sparse), 0);
    memfile_advise(memfile, at, size);
    memfile_advise(memfile, sparse, size);
    memset(memfile_at(memfile, at), 1, size);
    used = memfile_memory_size(memfile);
    assert_int_equal(used, size);

    faults = page_faults();
    assert_int_equal(memfile_freeze(memfile, 0), 0);
    assert_in_range(page_faults() - faults, 0,
                    16); /* of a sanitizer; the memory has 32,768 pages */
    assert_int_equal(memfile_memory_size(memfile), used);
    assert_int_equal(memfile_collect(memfile, count_chunk, &count), 0);
    assert_int_equal(count, size / MEM_CHUNK);
    assert_int_equal(memfile_stats(memfile).aside, 0);
    assert_int_equal(memfile_stats(memfile).in_place, size / MEM_CHUNK);
    /* Nor does collecting, holes included. */
    assert_int_equal(memfile_memory_size(memfile), used);
    memfile_put(memfile, at, size);
    memfile_put(memfile, sparse, size);
    memfile_free(memfile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_image_is_the_memory_at_its_freeze),
        cmocka_unit_test(a_freeze_touches_no_page),
    };

    if (host_guard_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
