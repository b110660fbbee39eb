/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Absent chunks: loaded once, by whoever comes first; never seen in part, never read when they are
 * freed; brought out by a checkpoint as they were. Then all at once, in threads.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/host.h"
#include "platform/memfile_struct.h"
#include "tests/unit/host_descriptors.h"

enum { CHUNKS = 256, WORDS = MEM_CHUNK / sizeof(uint64_t), READERS = 2, WRITERS = 3 };

static struct memfile *memfile;
static unsigned descriptors;
static atomic_uint loads[CHUNKS];
static int load_error;
static uint64_t at;

/* What was brought out, by chunk. */
static unsigned emitted[CHUNKS], copied[CHUNKS], order[CHUNKS], emitted_count;
static uint64_t first_word[CHUNKS];

static uint64_t pattern(uint64_t chunk)
{
    return (chunk - at) * 0x0101010101010101u | 1;
}

/* The last page is not in the image. */
static int load(void *context, uint64_t chunk, memfile_emit_fn *fill, void *to)
{
    uint64_t words[WORDS];

    assert_ptr_equal(context, loads);
    if (load_error < 0)
        return load_error;
    atomic_fetch_add(&loads[chunk - at], 1);
    for (unsigned i = 0; i < WORDS; i++)
        words[i] = pattern(chunk);
    return fill(to, chunk, 0x7fff, words);
}

static void make_absent(uint64_t count)
{
    at = 0;
    assert_int_equal(memfile_claim(memfile, 0, count * MEM_CHUNK), 0);
    memfile_set_source(memfile, load, loads);
    for (uint64_t i = 0; i < count; i++)
        assert_int_equal(memfile_set_absent(memfile, i, 0x7fff), 0);
}

static int set_up(void **state)
{
    (void)state;
    descriptors = host_descriptor_count();
    memset(loads, 0, sizeof(loads));
    memset(emitted, 0, sizeof(emitted));
    memset(copied, 0, sizeof(copied));
    emitted_count = 0;
    load_error = 0;
    return memfile_create(2 * CHUNKS * MEM_CHUNK, 0, &memfile);
}

static int tear_down(void **state)
{
    bool is_clean = memfile_owned_size(memfile) == 0 && memfile_memory_size(memfile) == 0 &&
                    memfile_absent_count(memfile) == 0 && memfile->owed_count == 0;

    (void)state;
    memfile_free(memfile);
    return is_clean && host_descriptor_count() == descriptors ? 0 : -1;
}

static int emit(void *context, uint64_t chunk, uint16_t mask, const void *content)
{
    (void)context;
    (void)mask;
    emitted[chunk]++;
    order[chunk] = emitted_count++;
    memcpy(&first_word[chunk], content, sizeof(uint64_t));
    return 0;
}

static int emit_absent(void *context, uint64_t chunk)
{
    (void)context;
    copied[chunk]++;
    order[chunk] = emitted_count++;
    return 0;
}

static uint64_t *word_at(uint64_t chunk, unsigned nr)
{
    return (uint64_t *)memfile_at(memfile, chunk * MEM_CHUNK) + nr;
}

static void put(uint64_t chunk, uint64_t count)
{
    memfile_put(memfile, chunk * MEM_CHUNK, count * MEM_CHUNK);
}

static void a_touch_loads_what_it_touches(void **state)
{
    (void)state;
    make_absent(4);
    assert_int_equal(memfile_absent_count(memfile), 4);
    assert_int_equal(memfile_memory_size(memfile), 4 * 15 * MEM_PAGE);
    assert_int_equal(memfile_absent_pages(memfile, 2 * MEM_CHUNK + 9), 0x7fff);
    assert_false(memfile_is_loaded(memfile, 0, 1));
    assert_false(memfile_is_writable(memfile, 0, 1));
    assert_int_equal(memfile_prepare_read(memfile, MEM_CHUNK, MEM_CHUNK + 1), 0);
    assert_true(memfile_is_loaded(memfile, MEM_CHUNK, 2 * MEM_CHUNK));
    assert_true(memfile_is_writable(memfile, MEM_CHUNK, 2 * MEM_CHUNK));
    assert_false(memfile_is_loaded(memfile, 0, 2 * MEM_CHUNK));
    assert_int_equal(memfile_chunk_state(memfile, 0), CHUNK_ABSENT);
    assert_int_equal(memfile_absent_pages(memfile, 2 * MEM_CHUNK + 9), 0);
    assert_int_equal(*word_at(1, 0), pattern(1));
    assert_int_equal(*word_at(2, WORDS - 1), 0);
    assert_int_equal(memfile_prepare_write(memfile, 3 * MEM_CHUNK + 8, 8), 0);
    assert_int_equal(*word_at(3, 2), pattern(3));
    assert_int_equal(memfile_load(memfile, 3), 0);
    assert_int_equal(loads[3], 1);
    assert_int_equal(memfile_absent_count(memfile), 1);
    put(0, 4);
    assert_int_equal(loads[0], 0); /* freed, not read */
}

/* Two have seen that the chunk is absent; the second finds it loaded, and written to. */
static void who_comes_second_loads_nothing(void **state)
{
    uint64_t seen;

    (void)state;
    make_absent(1);
    seen = atomic_load(&memfile->words[0]);
    assert_int_equal(memfile_prepare_write(memfile, 0, 8), 0);
    *word_at(0, 0) = 99;
    assert_int_equal(chunk_load(memfile, 0, seen), 0);
    assert_int_equal(loads[0], 1);
    assert_int_equal(*word_at(0, 0), 99);
    put(0, 1);
}

static void only_claimed_chunks_can_be_absent(void **state)
{
    (void)state;
    make_absent(1);
    assert_int_equal(memfile_set_absent(memfile, 0, 1), -EINVAL);
    assert_int_equal(memfile_set_absent(memfile, 1, 1), -EINVAL);
    assert_int_equal(memfile_set_absent(memfile, UINT64_MAX, 1), -EINVAL);
    put(0, 1);
}

static void what_cannot_be_read_stays_absent(void **state)
{
    (void)state;
    make_absent(2);
    load_error = -EINVAL;
    assert_int_equal(memfile_prepare_read(memfile, 0, 1), -EIO);
    load_error = -ENOMEM;
    assert_int_equal(memfile_prepare_write(memfile, 0, 1), -ENOMEM);
    assert_int_equal(memfile_chunk_state(memfile, 0), CHUNK_ABSENT);
    assert_int_equal(memfile_freeze(memfile, 0), 0);
    load_error = -EIO;
    assert_int_equal(memfile_collect(memfile, emit, NULL), -EIO);
    assert_int_equal(emitted_count, 0);
    load_error = 0;
    assert_int_equal(memfile_prepare_read(memfile, 0, 1), 0);
    assert_int_equal(*word_at(0, 0), pattern(0));
    put(0, 2);
}

static void a_checkpoint_passes_on_what_is_absent(void **state)
{
    const uint64_t first[] = {5, UINT64_MAX, 2, 5};
    struct memfile_sink sink = {
        .emit = emit, .emit_absent = emit_absent, .first = first, .first_count = 4};

    (void)state;
    make_absent(8);
    assert_int_equal(memfile_load(memfile, 2), 0);
    assert_int_equal(memfile_freeze(memfile, 0), 0);
    /* Written and freed after the freeze: the image has what was there before. */
    assert_int_equal(memfile_prepare_write(memfile, 3 * MEM_CHUNK, 8), 0);
    *word_at(3, 0) = 99;
    put(6, 1);
    assert_int_equal(memfile_load(memfile, 4), 0);
    assert_int_equal(memfile_collect_to(memfile, &sink), 0);
    for (unsigned i = 0; i < 8; i++) {
        bool was_loaded = i == 2 || i == 3 || i == 4;

        assert_int_equal(emitted[i], was_loaded);
        assert_int_equal(copied[i], !was_loaded);
        assert_true(!was_loaded || first_word[i] == pattern(i));
    }
    assert_int_equal(order[3], 0); /* it had been queued */
    assert_int_equal(order[5], 1);
    assert_int_equal(order[2], 2);
    assert_int_equal(memfile_chunk_state(memfile, 5 * MEM_CHUNK), CHUNK_ABSENT);
    assert_int_equal(memfile_chunk_state(memfile, 6 * MEM_CHUNK), CHUNK_EMPTY);
    assert_int_equal(memfile_prepare_read(memfile, 5 * MEM_CHUNK, 8), 0);
    assert_int_equal(*word_at(5, 0), pattern(5));
    assert_false(memfile_is_writable(memfile, 5 * MEM_CHUNK, 8));
    put(0, 6);
    put(7, 1);
}

/* --- all at once --- */

static atomic_uint wrong;

static void *run_reader(void *argument)
{
    (void)argument;
    for (uint64_t i = 0; i < CHUNKS; i++)
        if (memfile_load(memfile, i) < 0)
            atomic_fetch_add(&wrong, 1);
    return NULL;
}

/* Each writer has a word in each chunk. */
static void *run_writer(void *argument)
{
    unsigned nr = (unsigned)(uintptr_t)argument;

    for (uint64_t i = 0; i < 3 * CHUNKS; i++) {
        uint64_t chunk = (i * 37 + nr * 11) % CHUNKS, *word = word_at(chunk, nr), was;

        if (memfile_prepare_write(memfile, chunk * MEM_CHUNK + nr * 8, 8) < 0)
            atomic_fetch_add(&wrong, 1);
        was = *word;
        if (was != pattern(chunk) + i / CHUNKS)
            atomic_fetch_add(&wrong, 1);
        *word = was + 1;
    }
    return NULL;
}

static void *run_checkpoints(void *argument)
{
    struct memfile_sink sink = {.emit = emit, .emit_absent = emit_absent};

    (void)argument;
    memset(emitted, 0, sizeof(emitted));
    memset(copied, 0, sizeof(copied));
    if (memfile_collect_to(memfile, &sink) < 0)
        atomic_fetch_add(&wrong, 1);
    for (unsigned i = 0; i < CHUNKS; i++)
        if (emitted[i] + copied[i] != 1 || (emitted[i] && first_word[i] != pattern(i)))
            atomic_fetch_add(&wrong, 1);
    return NULL;
}

static void loaders_writers_and_a_checkpoint_at_once(void **state)
{
    pthread_t threads[READERS + WRITERS + 1];
    unsigned count = 0;

    (void)state;
    atomic_store(&wrong, 0);
    make_absent(CHUNKS);
    assert_int_equal(memfile_freeze(memfile, 0), 0);
    for (uintptr_t i = 0; i < WRITERS; i++) /* word 0 is nobody's */
        pthread_create(&threads[count++], NULL, run_writer, (void *)(i + 1));
    pthread_create(&threads[count++], NULL, run_checkpoints, NULL);
    for (unsigned i = 0; i < READERS; i++)
        pthread_create(&threads[count++], NULL, run_reader, NULL);
    while (count > 0)
        pthread_join(threads[--count], NULL);
    assert_int_equal(wrong, 0);
    assert_int_equal(memfile_absent_count(memfile), 0);
    for (uint64_t i = 0; i < CHUNKS; i++) {
        assert_int_equal(loads[i], 1);
        for (unsigned nr = 1; nr <= WRITERS; nr++)
            assert_int_equal(*word_at(i, nr), pattern(i) + 3);
    }
    put(0, CHUNKS);
}

static void *run_owner(void *argument)
{
    (void)argument;
    for (uint64_t i = 0; i < CHUNKS; i++)
        put(i, 1);
    return NULL;
}

/* What is freed while it is loaded is free afterwards, and reads as zeros when it is given out. */
static void loaders_and_an_owner_that_lets_go(void **state)
{
    pthread_t reader, owner;
    uint64_t offset;

    (void)state;
    make_absent(CHUNKS);
    pthread_create(&reader, NULL, run_reader, NULL);
    pthread_create(&owner, NULL, run_owner, NULL);
    pthread_join(owner, NULL);
    pthread_join(reader, NULL);
    assert_int_equal(memfile_absent_count(memfile), 0);
    assert_int_equal(memfile_owned_size(memfile), 0);
    assert_int_equal(memfile_alloc(memfile, CHUNKS * MEM_CHUNK, 0, &offset), 0);
    for (uint64_t i = 0; i < CHUNKS; i++)
        assert_int_equal(*word_at(offset / MEM_CHUNK + i, 5), 0);
    memfile_put(memfile, offset, CHUNKS * MEM_CHUNK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_touch_loads_what_it_touches, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_comes_second_loads_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_claimed_chunks_can_be_absent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_stays_absent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_checkpoint_passes_on_what_is_absent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(loaders_writers_and_a_checkpoint_at_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(loaders_and_an_owner_that_lets_go, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
