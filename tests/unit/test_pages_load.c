/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunks of an image one by one, as a lazy restore reads them, and from one image to the next as
 * they are; the files may be damaged, cut off, replaced or removed meanwhile. And the working set.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/host.h"
#include "snapshot/pages_index.h"
#include "snapshot/pages_reader.h"
#include "snapshot/pages_writer.h"
#include "snapshot/working_set.h"
#include "tests/unit/host_descriptors.h"

enum { CHUNKS = 100, CHUNK_END = 1000, STEP = 7, WORDS = MEM_CHUNK / 8, MASK = 0xbfff };

static char dir_name[64];
static int dir = -1;
static unsigned descriptors;
static struct report report;
static struct pages_totals totals;
static struct pages_reader *reader;

/* Odd chunks do not shrink. Page 14 is zeros. */
static void make_chunk(uint64_t chunk, uint64_t *words)
{
    uint64_t seed = chunk * 2654435761u + 88172645463325252u;

    for (unsigned i = 0; i < WORDS; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        words[i] = MASK >> (i / 512) & 1 ? (chunk % 2 ? seed | 1 : chunk + 1) : 0;
    }
}

static void write_image(void)
{
    struct pages_options options = PAGES_OPTIONS_DEFAULT;
    struct pages_writer *writer;
    uint64_t words[WORDS];

    assert_int_equal(pages_writer_create(dir, &options, &writer), 0);
    for (uint64_t i = 0; i < CHUNKS; i++) {
        make_chunk(i * STEP, words);
        assert_int_equal(pages_writer_add(writer, i * STEP, MASK, words), 0);
    }
    assert_int_equal(pages_writer_finish(writer, &totals), 0);
    pages_writer_free(writer);
}

static void open_image(void)
{
    struct pages_expected expected = {
        .img = totals.img, .index = totals.index, .chunk_end = CHUNK_END};

    assert_int_equal(pages_reader_open(dir, &expected, &report, &reader), 0);
}

static void remove_files(void)
{
    (void)unlinkat(dir, PAGES_IMG_NAME, 0);
    (void)unlinkat(dir, PAGES_INDEX_NAME, 0);
    (void)unlinkat(dir, WORKING_SET_NAME, 0);
}

static int set_up(void **state)
{
    (void)state;
    descriptors = host_descriptor_count();
    memset(&report, 0, sizeof(report));
    host_log_set(-1, LOG_ERROR); /* damage is expected */
    (void)snprintf(dir_name, sizeof(dir_name), "%s/sbx-load-XXXXXX", P_tmpdir);
    if (!mkdtemp(dir_name))
        return -1;
    dir = open(dir_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    write_image();
    open_image();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pages_reader_free(reader);
    remove_files();
    close(dir);
    if (rmdir(dir_name) < 0)
        return -1;
    return host_descriptor_count() == descriptors ? 0 : -1;
}

static int expect_chunk(void *context, uint64_t chunk, uint16_t mask, const void *data)
{
    uint64_t words[WORDS];

    make_chunk(chunk, words);
    ++*(unsigned *)context;
    return mask == MASK && memcmp(words, data, MEM_CHUNK) == 0 ? 0 : -ESTALE;
}

static int load_all(struct pages_reader *from, unsigned *count)
{
    int err = 0;

    *count = 0;
    for (uint64_t i = CHUNKS; i-- > 0;) {
        int result = pages_reader_load(from, i * STEP, expect_chunk, count);
        if (result < 0)
            err = result;
    }
    return err;
}

static int count_chunk(void *context, uint64_t chunk, uint16_t mask)
{
    unsigned *count = context;

    return chunk == *count * STEP && mask == MASK && ++*count < 50 ? 0 : 1;
}

static void chunks_come_one_by_one(void **state)
{
    struct pages_entry entry;
    unsigned count = 0;

    (void)state;
    assert_int_equal(load_all(reader, &count), 0);
    assert_int_equal(count, CHUNKS);
    assert_int_equal(pages_reader_load(reader, 1, expect_chunk, &count), -EINVAL);
    assert_int_equal(pages_reader_load(reader, CHUNKS * STEP, expect_chunk, &count), -EINVAL);
    assert_false(pages_reader_find(reader, 8, &entry));
    assert_true(pages_reader_find(reader, 14, &entry));
    assert_int_equal(entry.chunk, 14);
    count = 0;
    assert_int_equal(pages_reader_each(reader, count_chunk, &count), 1);
    assert_int_equal(count, 50);
}

static void *run_loads(void *argument)
{
    unsigned *count = argument;
    int err = load_all(reader, count);

    return err < 0 ? argument : NULL;
}

static void threads_load_at_once(void **state)
{
    pthread_t threads[4];
    unsigned counts[4];
    void *failed;

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, run_loads, &counts[i]);
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(threads[i], &failed);
        assert_null(failed);
        assert_int_equal(counts[i], CHUNKS);
    }
}

/* The descriptor keeps the file that was opened. */
static void the_image_may_go_meanwhile(void **state)
{
    unsigned count;

    (void)state;
    remove_files();
    write_image();
    assert_int_equal(load_all(reader, &count), 0);
    remove_files();
    assert_int_equal(load_all(reader, &count), 0);
    assert_int_equal(count, CHUNKS);
}

/* Changes one byte of each stored chunk, in turn. */
static void no_damage_is_handed_on(void **state)
{
    int img = openat(dir, PAGES_IMG_NAME, O_RDWR | O_CLOEXEC);

    (void)state;
    for (uint64_t i = 0; i < CHUNKS; i++) {
        struct pages_entry entry;
        unsigned count = 0;
        char byte;

        assert_true(pages_reader_find(reader, i * STEP, &entry));
        uint64_t place = entry.offset + i * 7919 % entry.size;
        assert_int_equal(pread(img, &byte, 1, (off_t)place), 1);
        byte ^= 4;
        assert_int_equal(pwrite(img, &byte, 1, (off_t)place), 1);
        assert_int_equal(pages_reader_load(reader, i * STEP, expect_chunk, &count), -EINVAL);
        assert_int_equal(count, 0);
        byte ^= 4;
        assert_int_equal(pwrite(img, &byte, 1, (off_t)place), 1);
        assert_int_equal(pages_reader_load(reader, i * STEP, expect_chunk, &count), 0);
    }
    close(img);
}

static void a_file_that_is_cut_off_is_an_error(void **state)
{
    struct pages_entry entry;
    unsigned count = 0;

    (void)state;
    assert_true(pages_reader_find(reader, 50 * STEP, &entry));
    int img = openat(dir, PAGES_IMG_NAME, O_RDWR | O_CLOEXEC);
    assert_int_equal(ftruncate(img, (off_t)entry.offset + 10), 0);
    close(img);
    assert_int_equal(pages_reader_load(reader, 50 * STEP, expect_chunk, &count), -EIO);
    assert_int_equal(pages_reader_load(reader, 51 * STEP, expect_chunk, &count), -EIO);
    assert_int_equal(count, 0);
    assert_int_equal(pages_reader_load(reader, 49 * STEP, expect_chunk, &count), 0);
}

/* --- from image to image --- */

static int copy_image(struct pages_reader *from, struct pages_totals *ret)
{
    struct pages_options options = PAGES_OPTIONS_DEFAULT;
    struct pages_writer *writer;
    uint64_t words[WORDS];
    int err = 0;

    remove_files();
    assert_int_equal(pages_writer_create(dir, &options, &writer), 0);
    for (uint64_t i = CHUNKS; i-- > 0 && err == 0;) {
        make_chunk(i * STEP, words);
        err = i % 3 == 0 ? pages_writer_add(writer, i * STEP, MASK, words)
                         : pages_writer_copy(writer, from, i * STEP);
    }
    if (err == 0)
        err = pages_writer_finish(writer, ret);
    pages_writer_free(writer);
    return err;
}

static void chunks_are_copied_as_they_are(void **state)
{
    struct pages_reader *first = reader;
    unsigned count;

    (void)state;
    assert_int_equal(copy_image(first, &totals), 0);
    assert_int_equal(totals.chunk_count, CHUNKS);
    assert_int_equal(totals.copied_count, CHUNKS - 34);
    open_image();
    pages_reader_free(first);
    assert_int_equal(load_all(reader, &count), 0);
    assert_int_equal(count, CHUNKS);
}

static void damage_is_not_copied(void **state)
{
    struct pages_totals copy;
    struct pages_entry entry;

    (void)state;
    assert_true(pages_reader_find(reader, 40 * STEP, &entry));
    int img = openat(dir, PAGES_IMG_NAME, O_RDWR | O_CLOEXEC);
    assert_int_equal(pwrite(img, "damage", 6, (off_t)entry.offset), 6);
    assert_int_equal(copy_image(reader, &copy), -EIO);
    assert_int_equal(ftruncate(img, (off_t)entry.offset), 0);
    assert_int_equal(copy_image(reader, &copy), -EIO);
    close(img);
}

static void the_working_set_is_what_it_was(void **state)
{
    uint64_t chunks[] = {5, 3, UINT64_MAX, 0, 3};
    struct working_set set = {chunks, 5}, again = {0};
    struct image_file file;

    (void)state;
    assert_int_equal(working_set_write(&set, dir, &file), 0);
    assert_int_equal(working_set_read(&again, dir, &file, &report), 0);
    assert_int_equal(again.count, 5);
    assert_memory_equal(again.chunks, chunks, sizeof(chunks));
    working_set_fini(&again);
    int fd = openat(dir, WORKING_SET_NAME, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "?", 1, 3), 1);
    assert_int_equal(working_set_read(&again, dir, &file, &report), -EINVAL);
    assert_int_equal(ftruncate(fd, 2), 0);
    assert_int_equal(working_set_read(&again, dir, &file, &report), -EINVAL);
    close(fd);
    file.size = UINT64_MAX;
    assert_int_equal(working_set_read(&again, dir, &file, &report), -EINVAL);
    remove_files();
    file.size = 1;
    assert_int_equal(working_set_read(&again, dir, &file, &report), -ENOENT);
    assert_int_equal(report.bad_count, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(chunks_come_one_by_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(threads_load_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_image_may_go_meanwhile, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_damage_is_handed_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_is_cut_off_is_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(chunks_are_copied_as_they_are, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage_is_not_copied, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_working_set_is_what_it_was, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
