/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunk words, one at a time: what a freeze, a write, a collection and the last owner do to them,
 * and that who meets a busy chunk or finds no slot sleeps until it may go on.
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

enum { CHUNKS = 1024 };

static struct memfile *memfile;
static unsigned descriptors;

/* What was emitted, by chunk. */
static unsigned emitted[CHUNKS];
static uint16_t masks[CHUNKS];
static char first_byte[CHUNKS];

static int set_up(void **state)
{
    (void)state;
    descriptors = host_descriptor_count();
    memset(emitted, 0, sizeof(emitted));
    /* A small limit: 4 MB of slots. */
    return memfile_create(CHUNKS * MEM_CHUNK, UINT64_C(128) << 20, &memfile);
}

static int tear_down(void **state)
{
    bool is_clean = memfile_owned_size(memfile) == 0 && memfile_memory_size(memfile) == 0 &&
                    memfile->owed_count == 0 && memfile->aside.free_count == memfile->aside.count;

    (void)state;
    memfile_free(memfile);
    return is_clean && host_descriptor_count() == descriptors ? 0 : -1;
}

static int emit(void *context, uint64_t chunk, uint16_t mask, const void *content)
{
    (void)context;
    emitted[chunk]++;
    masks[chunk] = mask;
    first_byte[chunk] = *(const char *)content;
    return 0;
}

static uint64_t alloc(uint64_t count)
{
    uint64_t offset = UINT64_MAX;

    assert_int_equal(memfile_alloc(memfile, count * MEM_CHUNK, 0, &offset), 0);
    return offset / MEM_CHUNK;
}

static void store(uint64_t chunk, char value)
{
    assert_int_equal(memfile_prepare_write(memfile, chunk * MEM_CHUNK, 1), 0);
    *memfile_at(memfile, chunk * MEM_CHUNK) = value;
}

static void put(uint64_t chunk, uint64_t count)
{
    memfile_put(memfile, chunk * MEM_CHUNK, count * MEM_CHUNK);
}

static bool is_writable(uint64_t chunk)
{
    return memfile_is_writable(memfile, chunk * MEM_CHUNK, MEM_CHUNK);
}

static void a_freeze_takes_the_right_to_write(void **state)
{
    uint64_t at = alloc(2);

    (void)state;
    assert_true(is_writable(at));
    store(at, 1);
    assert_int_equal(memfile_freeze(memfile, 0), 0);
    assert_false(is_writable(at));
    store(at, 2);
    assert_true(is_writable(at));
    assert_false(is_writable(at + 1));
    assert_false(memfile_is_writable(memfile, at * MEM_CHUNK, 2 * MEM_CHUNK));
    assert_int_equal(memfile_collect(memfile, emit, NULL), 0);
    assert_int_equal(emitted[at], 1);
    assert_int_equal(masks[at], 1);
    assert_int_equal(first_byte[at], 1);
    assert_int_equal(emitted[at + 1], 0); /* a hole */
    assert_int_equal(memfile_stats(memfile).aside, 1);
    assert_int_equal(memfile_stats(memfile).in_place, 0);
    assert_false(is_writable(at + 1));
    put(at, 2);
}

static void an_increment_has_what_was_written(void **state)
{
    uint64_t at = alloc(3), epoch = memfile_epoch(memfile);

    (void)state;
    for (uint64_t i = at; i < at + 3; i++)
        store(i, 1);
    assert_int_equal(memfile_freeze(memfile, 0), 0);
    assert_int_equal(memfile_collect(memfile, emit, NULL), 0);
    memset(emitted, 0, sizeof(emitted));
    store(at, 2);
    store(at + 1, 0); /* all zeros now */
    assert_int_equal(memfile_freeze(memfile, epoch), 0);
    assert_int_equal(memfile_collect(memfile, emit, NULL), 0);
    assert_int_equal(emitted[at] * 10 + first_byte[at], 12);
    assert_int_equal(emitted[at + 1], 1);
    assert_int_equal(masks[at + 1], 0);
    assert_int_equal(emitted[at + 2], 0);
    put(at, 3);
}

static void a_given_up_checkpoint_takes_nothing_from_the_next(void **state)
{
    uint64_t at = alloc(3);

    (void)state;
    for (uint64_t i = at; i < at + 3; i++)
        store(i, 1);
    assert_int_equal(memfile_freeze(memfile, 0), 0);
    store(at, 2);
    memfile_collect_cancel(memfile);
    memfile_collect_cancel(memfile);
    assert_int_equal(memfile_collect(memfile, emit, NULL), -ECANCELED);
    assert_int_equal(emitted[at], 0);
    store(at + 1, 3);
    assert_int_equal(memfile_freeze(memfile, 0), 0);
    assert_int_equal(memfile_collect(memfile, emit, NULL), 0);
    assert_int_equal(first_byte[at], 2);
    assert_int_equal(first_byte[at + 1], 3);
    assert_int_equal(first_byte[at + 2], 1);
    put(at, 3);
}

static int emit_fails(void *context, uint64_t chunk, uint16_t mask, const void *content)
{
    (void)emit(context, chunk, mask, content);
    return -ENOSPC;
}

static void an_error_ends_the_collection(void **state)
{
    uint64_t at = alloc(3);

    (void)state;
    for (uint64_t i = at; i < at + 3; i++)
        store(i, 1);
    assert_int_equal(memfile_freeze(memfile, 0), 0);
    store(at + 1, 2);
    assert_int_equal(memfile_collect(memfile, emit_fails, NULL), -ENOSPC);
    assert_int_equal(emitted[at] + emitted[at + 1] + emitted[at + 2], 1);
    store(at + 2, 2); /* nobody waits for it any more */
    assert_int_equal(memfile_stats(memfile).aside, 1);
    host_call_fail_at(1, -EIO);
    assert_int_equal(memfile_freeze(memfile, 0), 0);
    assert_int_equal(memfile_prepare_write(memfile, at * MEM_CHUNK, 1), -EIO);
    assert_false(is_writable(at));
    host_call_fail_at(2, -EIO); /* after the look for holes */
    assert_int_equal(memfile_collect(memfile, emit, NULL), -EIO);
    host_call_fail_at(0, 0);
    put(at, 3);
}

static void what_is_freed_meanwhile_is_emitted_and_then_gone(void **state)
{
    uint64_t at = alloc(40), again;

    (void)state;
    for (uint64_t i = at; i < at + 40; i++)
        store(i, 5);
    assert_int_equal(memfile_freeze(memfile, 0), 0);
    store(at + 7, 6);
    put(at, 40);
    assert_int_equal(memfile_owned_size(memfile), 0);
    again = alloc(40); /* only the one that was written is free */
    assert_int_not_equal(again, at);
    assert_int_equal(alloc(1), at + 7);
    assert_int_equal(*memfile_at(memfile, (at + 7) * MEM_CHUNK), 0);
    store(at + 7, 7);
    assert_int_equal(memfile_collect(memfile, emit, NULL), 0);
    for (uint64_t i = at; i < at + 40; i++)
        assert_int_equal(emitted[i] * 10 + first_byte[i], 15);
    assert_int_equal(emitted[again], 0);
    assert_int_equal(memfile_memory_size(memfile), MEM_PAGE);
    put(again, 40);
    put(at + 7, 1);
    assert_int_equal(alloc(40), at);
    put(at, 40);
}

/* --- waiting --- */

static void wait_until_waited_for(uint64_t chunk)
{
    while (!(atomic_load(&memfile->words[chunk]) & WORD_WAITED))
        host_yield();
}

static void *write_chunk_zero(void *argument)
{
    int *result = argument;

    *result = memfile_prepare_write(memfile, 0, 1);
    return NULL;
}

static void who_meets_a_busy_chunk_sleeps(void **state)
{
    uint64_t at = alloc(1), word;
    pthread_t threads[3];
    int results[3] = {1, 1, 1};

    (void)state;
    assert_int_equal(at, 0);
    assert_int_equal(memfile_freeze(memfile, 0), 0);
    word = chunk_idle_word(memfile, at);
    assert_true(chunk_claim(memfile, at, word));
    assert_false(chunk_claim(memfile, at, word));
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_chunk_zero, &results[i]), 0);
    wait_until_waited_for(at);
    chunk_release(memfile, at, word);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(results[i], 0);
    }
    assert_true(is_writable(at));
    assert_int_equal(memfile_stats(memfile).aside, 1);
    memfile_collect_cancel(memfile);
    put(at, 1);
}

static void *write_all(void *argument)
{
    int *result = argument;

    *result = memfile_prepare_write(memfile, 0, 200 * MEM_CHUNK);
    return NULL;
}

static void who_finds_no_slot_waits_for_the_collector(void **state)
{
    uint64_t at = alloc(200);
    struct memfile_stats stats;
    pthread_t thread;
    int result = 1;

    (void)state;
    assert_int_equal(at, 0);
    assert_int_equal(memfile->aside.count, 64);
    for (uint64_t i = 0; i < 200; i++)
        store(i, 1);
    assert_int_equal(memfile_freeze(memfile, 0), 0);
    assert_int_equal(pthread_create(&thread, NULL, write_all, &result), 0);
    while (memfile_stats(memfile).slot_waits == 0)
        host_yield();
    assert_int_equal(memfile_stats(memfile).aside, 64);
    assert_int_equal(memfile_collect(memfile, emit, NULL), 0);
    pthread_join(thread, NULL);
    assert_int_equal(result, 0);
    stats = memfile_stats(memfile);
    assert_int_equal(stats.aside + stats.in_place, 200);
    for (uint64_t i = 0; i < 200; i++)
        assert_int_equal(emitted[i], 1);
    put(at, 200);
}

static void giving_up_wakes_who_waits_for_a_slot(void **state)
{
    uint64_t at = alloc(200);
    pthread_t thread;
    int result = 1;

    (void)state;
    assert_int_equal(memfile_freeze(memfile, 0), 0);
    assert_int_equal(pthread_create(&thread, NULL, write_all, &result), 0);
    while (memfile_stats(memfile).slot_waits == 0)
        host_yield();
    memfile_collect_cancel(memfile);
    pthread_join(thread, NULL);
    assert_int_equal(result, 0);
    assert_int_equal(memfile_stats(memfile).aside, 64);
    assert_true(memfile_is_writable(memfile, 0, 200 * MEM_CHUNK));
    put(at, 200);
}

/* A thread that collects. */
static void *collect(void *argument)
{
    atomic_int *result = argument;

    *result = memfile_collect(memfile, emit, NULL);
    return NULL;
}

static void what_is_queued_last_is_emitted(void **state)
{
    uint64_t at = alloc(2), word;
    struct slot *slot;
    pthread_t thread;
    atomic_int result = 1;

    (void)state;
    store(at, 1);
    store(at + 1, 2);
    assert_int_equal(memfile_freeze(memfile, 0), 0);
    word = chunk_idle_word(memfile, at + 1);
    slot = aside_get(memfile);
    assert_true(chunk_claim(memfile, at + 1, word));
    assert_int_equal(pthread_create(&thread, NULL, collect, &result), 0);
    wait_until_waited_for(at + 1); /* the collector has done all but this one */
    assert_int_equal(chunk_copy(memfile, at + 1, slot->data), 0);
    slot->chunk = at + 1;
    aside_queue(memfile, slot);
    chunk_release(memfile, at + 1, word_make(CHUNK_PRESENT, memfile_epoch(memfile), 0));
    pthread_join(thread, NULL);
    assert_int_equal(result, 0);
    assert_int_equal(emitted[at], 1);
    assert_int_equal(emitted[at + 1] * 10 + first_byte[at + 1], 12);
    put(at, 2);
}

static void *put_all(void *argument)
{
    (void)argument;
    put(0, 2);
    return NULL;
}

static void what_is_being_freed_is_emitted(void **state)
{
    uint64_t at = alloc(2), word;
    pthread_t putter, collector;
    atomic_int result = 1;

    (void)state;
    assert_int_equal(at, 0);
    store(0, 1);
    store(1, 2);
    assert_int_equal(memfile_freeze(memfile, 0), 0);
    word = chunk_idle_word(memfile, 0);
    assert_true(chunk_claim(memfile, 0, word));
    assert_int_equal(pthread_create(&putter, NULL, put_all, NULL), 0);
    wait_until_waited_for(0);
    assert_int_equal(pthread_create(&collector, NULL, collect, &result), 0);
    host_sleep(20 * NSEC_PER_MSEC); /* time enough to pass it by */
    assert_int_equal(result, 1);
    chunk_release(memfile, 0, word);
    pthread_join(putter, NULL);
    pthread_join(collector, NULL);
    assert_int_equal(result, 0);
    assert_int_equal(emitted[0] + emitted[1], 2);
    assert_int_equal(memfile_memory_size(memfile), 0);
}

/* --- restore --- */

static void filling_needs_a_claim(void **state)
{
    char *content = calloc(1, MEM_CHUNK);

    (void)state;
    memset(content, 9, 3 * MEM_PAGE);
    assert_int_equal(memfile_fill(memfile, CHUNKS, 1, content), -EINVAL);
    assert_int_equal(memfile_fill(memfile, 3, 1, content), -EINVAL);
    assert_int_equal(memfile_set_epoch(memfile, 0), -EINVAL);
    assert_int_equal(memfile_set_epoch(memfile, EPOCH_LAST), -EINVAL);
    assert_int_equal(memfile_set_epoch(memfile, 40), 0);
    assert_int_equal(memfile_claim(memfile, 3 * MEM_CHUNK, MEM_CHUNK), 0);
    assert_int_equal(memfile_fill(memfile, 3, 0x8005, content), 0);
    assert_int_equal(memfile_memory_size(memfile), 3 * MEM_PAGE);
    assert_int_equal(*memfile_at(memfile, 3 * MEM_CHUNK), 9);
    assert_int_equal(*memfile_at(memfile, 3 * MEM_CHUNK + 2 * MEM_PAGE), 9);
    assert_int_equal(*memfile_at(memfile, 3 * MEM_CHUNK + MEM_PAGE), 0);
    assert_true(is_writable(3));

    /* Set to the next one, the image is a parent: nothing has been written since. */
    assert_int_equal(memfile_set_epoch(memfile, 41), 0);
    assert_false(is_writable(3));
    assert_int_equal(memfile_freeze(memfile, 40), 0);
    assert_int_equal(memfile_collect(memfile, emit, NULL), 0);
    assert_int_equal(emitted[3], 0);
    host_call_fail_at(1, -ENOSPC);
    assert_int_equal(memfile_fill(memfile, 3, 1, content), -ENOMEM);
    host_call_fail_at(0, 0);
    put(3, 1);
    free(content);
}

static void epochs_end(void **state)
{
    (void)state;
    atomic_store(&memfile->epoch, EPOCH_LAST);
    assert_int_equal(memfile_freeze(memfile, 0), -EOVERFLOW);
    assert_int_equal(memfile_epoch(memfile), EPOCH_LAST);
    assert_int_equal(memfile_collect(memfile, emit, NULL), -ECANCELED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_freeze_takes_the_right_to_write),
        TEST(an_increment_has_what_was_written),
        TEST(a_given_up_checkpoint_takes_nothing_from_the_next),
        TEST(an_error_ends_the_collection),
        TEST(what_is_freed_meanwhile_is_emitted_and_then_gone),
        TEST(who_meets_a_busy_chunk_sleeps),
        TEST(who_finds_no_slot_waits_for_the_collector),
        TEST(giving_up_wakes_who_waits_for_a_slot),
        TEST(what_is_queued_last_is_emitted),
        TEST(what_is_being_freed_is_emitted),
        TEST(filling_needs_a_claim),
        TEST(epochs_end),
    };

    if (host_guard_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
