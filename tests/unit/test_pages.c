/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pages of an image: written and read again, the same chunks the same bytes; files that are
 * damaged, cut off or made to hurt; hosts that fail.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <zstd.h>

#include "core/base/host.h"
#include "snapshot/pages.pb-c.h"
#include "snapshot/pages_reader.h"
#include "snapshot/pages_writer.h"
#include "tests/unit/host_descriptors.h"

enum { CHUNKS = 200, CHUNK_END = 1000, PAGES = MEM_CHUNK / MEM_PAGE };

static char dir_name[64];
static int dir = -1;
static unsigned descriptors;
static struct report report;

/* What was written and what came back, by chunk. */
struct content {
    bool is_there;
    uint16_t mask;
    unsigned char bytes[MEM_CHUNK];
};
static struct content *sources, *results;
static pthread_mutex_t results_lock = PTHREAD_MUTEX_INITIALIZER;

static int set_up(void **state)
{
    (void)state;
    descriptors = host_descriptor_count();
    (void)snprintf(dir_name, sizeof(dir_name), "%s/sbx-pages-XXXXXX", P_tmpdir);
    if (!mkdtemp(dir_name))
        return -1;
    dir = open(dir_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    sources = calloc(CHUNK_END, sizeof(*sources));
    results = calloc(CHUNK_END, sizeof(*results));
    memset(&report, 0, sizeof(report));
    return 0;
}

static void remove_files(void)
{
    (void)unlinkat(dir, PAGES_IMG_NAME, 0);
    (void)unlinkat(dir, PAGES_INDEX_NAME, 0);
}

static unsigned thread_count(void)
{
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *entry;
    unsigned count = 0;

    while ((entry = readdir(tasks)))
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

static int tear_down(void **state)
{
    (void)state;
    remove_files();
    close(dir);
    if (rmdir(dir_name) < 0)
        return -1;
    free(sources);
    free(results);
    return host_descriptor_count() == descriptors ? 0 : -1;
}

/* --- content --- */

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Some chunks shrink, some do not, some have few pages, some none. */
static void make_chunk(uint64_t chunk, uint64_t *seed)
{
    struct content *source = &sources[chunk];

    source->is_there = true;
    source->mask = chunk % 3 == 0 ? 0xffff : chunk % 17 == 1 ? 0 : (uint16_t)next_random(seed);
    for (size_t i = 0; i < MEM_CHUNK; i++) {
        uint64_t value = chunk % 2 == 0 ? next_random(seed) : chunk + i % 7;
        if (source->mask >> (i / MEM_PAGE) & 1)
            source->bytes[i] = (unsigned char)(value | 1);
    }
}

static void make_chunks(uint64_t step, uint64_t count)
{
    uint64_t seed = 88172645463325252;

    for (uint64_t i = 0; i < count; i++)
        make_chunk(i * step, &seed);
}

static int write_chunks(const struct pages_options *options, struct pages_totals *ret)
{
    struct pages_writer *writer;
    int err = pages_writer_create(dir, options, &writer);

    if (err < 0)
        return err;
    /* From the last to the first: the index is sorted, the file is not. */
    for (uint64_t i = CHUNK_END; i-- > 0 && err == 0;)
        if (sources[i].is_there)
            err = pages_writer_add(writer, i, sources[i].mask, sources[i].bytes);
    if (err == 0)
        err = pages_writer_finish(writer, ret);
    pages_writer_free(writer);
    return err;
}

static int take(void *context, uint64_t chunk, uint16_t mask, const void *data)
{
    (void)context;
    pthread_mutex_lock(&results_lock);
    if (chunk >= CHUNK_END || results[chunk].is_there)
        abort();
    results[chunk].is_there = true;
    results[chunk].mask = mask;
    memcpy(results[chunk].bytes, data, MEM_CHUNK);
    pthread_mutex_unlock(&results_lock);
    return 0;
}

static int read_chunks(const struct pages_expected *expected, memfile_emit_fn *fill)
{
    struct pages_reader *reader;
    int err;

    memset(&report, 0, sizeof(report));
    err = pages_reader_open(dir, expected, &report, &reader);
    if (err < 0)
        return err;
    err = pages_reader_read_all(reader, fill, NULL, &report);
    pages_reader_free(reader);
    return err;
}

static struct pages_expected expect(const struct pages_totals *totals)
{
    return (struct pages_expected){
        .img = totals->img, .index = totals->index, .chunk_end = CHUNK_END};
}

static struct pages_totals write_good(const struct pages_options *options)
{
    struct pages_totals totals;

    assert_int_equal(write_chunks(options, &totals), 0);
    return totals;
}

static unsigned char *read_file(const char *name, size_t *size)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    struct stat stat;
    unsigned char *content;

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &stat), 0);
    *size = (size_t)stat.st_size;
    content = malloc(*size + 1);
    assert_int_equal(pread(fd, content, *size, 0), *size);
    close(fd);
    return content;
}

static void write_file(const char *name, const void *content, size_t size)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, size), size);
    close(fd);
}

/* --- tests --- */

static void round_trip(const struct pages_options *options)
{
    struct pages_totals totals, again;
    struct pages_expected expected;
    unsigned char *content;
    uint64_t pages = 0;
    char digest[IMAGE_DIGEST_SIZE];
    size_t size;

    make_chunks(3, CHUNKS);
    totals = write_good(options);
    expected = expect(&totals);
    assert_int_equal(read_chunks(&expected, take), 0);
    for (uint64_t i = 0; i < CHUNK_END; i++)
        pages += (uint64_t)__builtin_popcount(sources[i].mask);
    assert_memory_equal(results, sources, CHUNK_END * sizeof(*sources));
    assert_int_equal(totals.chunk_count, CHUNKS);
    assert_int_equal(totals.page_count, pages);
    assert_int_equal(report.line_count, 0);
    if (options->is_compressed)
        assert_true(totals.img.size < pages * MEM_PAGE * 3 / 4);
    else
        assert_int_equal(totals.img.size, pages * MEM_PAGE);

    content = read_file(PAGES_IMG_NAME, &size);
    image_digest(content, size, digest);
    assert_int_equal(size, totals.img.size);
    assert_string_equal(digest, totals.img.digest);
    free(content);

    remove_files();
    again = write_good(options);
    assert_memory_equal(&again.img, &totals.img, sizeof(totals.img));
    assert_memory_equal(&again.index, &totals.index, sizeof(totals.index));
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    round_trip(&PAGES_OPTIONS_DEFAULT);
}

static void raw_pages_are_as_good(void **state)
{
    (void)state;
    round_trip(&(struct pages_options){.is_compressed = false});
}

static void an_empty_memory_is_an_image(void **state)
{
    struct pages_totals totals = write_good(&PAGES_OPTIONS_DEFAULT);
    struct pages_expected expected = expect(&totals);

    (void)state;
    assert_int_equal(totals.img.size, 0);
    assert_int_equal(totals.index.size, 0);
    assert_int_equal(read_chunks(&expected, take), 0);
}

static void files_are_never_overwritten(void **state)
{
    struct pages_totals totals;

    (void)state;
    write_file(PAGES_INDEX_NAME, "old", 3);
    assert_int_equal(write_chunks(&PAGES_OPTIONS_DEFAULT, &totals), -EEXIST);
    assert_int_equal(
        write_chunks(&(struct pages_options){.is_compressed = true, .level = 1000}, &totals),
        -EINVAL);
}

static int emit_to_writer(void *context, uint64_t chunk, uint16_t mask, const void *data)
{
    return pages_writer_add(context, chunk, mask, data);
}

static int fill_memfile(void *context, uint64_t chunk, uint16_t mask, const void *data)
{
    return memfile_fill(context, chunk, mask, data);
}

static void advise(void *context, uint64_t offset, uint64_t size)
{
    memfile_advise(context, offset, size);
}

static void memory_comes_back(void **state)
{
    const uint64_t size = UINT64_C(16) << 20;
    struct memfile *from, *to;
    struct pages_writer *writer;
    struct pages_reader *reader;
    struct pages_totals totals;
    struct pages_expected expected;
    uint64_t at, seed = 88172645463325252;

    (void)state;
    assert_int_equal(memfile_create(size, 0, &from), 0);
    assert_int_equal(memfile_alloc(from, size, 0, &at), 0);
    for (uint64_t i = 0; i < size; i += 8)
        if (i < size / 2 || i / MEM_PAGE % 5 == 0)
            *(uint64_t *)(void *)memfile_at(from, i) = next_random(&seed);
    assert_int_equal(memfile_freeze(from, 0), 0);
    assert_int_equal(pages_writer_create(dir, &PAGES_OPTIONS_DEFAULT, &writer), 0);
    assert_int_equal(memfile_collect(from, emit_to_writer, writer), 0);
    assert_int_equal(pages_writer_finish(writer, &totals), 0);
    pages_writer_free(writer);

    expected = expect(&totals);
    assert_int_equal(memfile_create(size, 0, &to), 0);
    assert_int_equal(pages_reader_open(dir, &expected, &report, &reader), 0);
    assert_int_equal(pages_reader_chunk_count(reader), totals.chunk_count);
    assert_int_equal(pages_reader_page_count(reader), totals.page_count);
    assert_int_equal(pages_reader_read_all(reader, fill_memfile, to, &report), -EINVAL);
    assert_non_null(strstr(report.lines[0], "belongs to nobody"));
    assert_int_equal(memfile_claim(to, 0, size), 0);
    pages_reader_each_dense(reader, advise, to);
    assert_int_equal(pages_reader_read_all(reader, fill_memfile, to, &report), 0);
    /* Half is dense, and may be in huge folios; the rest has its pages and no more. */
    assert_int_equal(memfile_memory_size(to), memfile_memory_size(from));
    assert_memory_equal(memfile_at(to, 0), memfile_at(from, 0), size);
    pages_reader_free(reader);
    memfile_free(to);
    memfile_free(from);
}

/* --- damage --- */

static int ignore(void *context, uint64_t chunk, uint16_t mask, const void *data)
{
    const unsigned char *bytes = data;

    (void)context;
    if (chunk >= CHUNK_END || (mask && bytes[MEM_CHUNK - 1] == 77))
        abort();
    return 0;
}

/* Each byte of the file in turn is changed; the manifest knows nothing of it. */
static void flip_bytes(const char *name, const struct pages_expected *expected)
{
    size_t size;
    unsigned char *content = read_file(name, &size);
    int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);

    for (size_t i = 0; i < size; i++) {
        unsigned char flipped = content[i] ^ (unsigned char)(i % 3 == 0 ? 0xff : 1 << i % 8);

        assert_int_equal(pwrite(fd, &flipped, 1, (off_t)i), 1);
        assert_int_equal(read_chunks(expected, ignore), -EINVAL);
        assert_int_equal(strncmp(report.lines[0], "pages.i", 7), 0);
        assert_int_equal(pwrite(fd, &content[i], 1, (off_t)i), 1);
    }
    assert_int_equal(read_chunks(expected, ignore), 0);
    close(fd);
    free(content);
}

/* Three chunks of one page, which shrinks to a few bytes, and one of zeros. */
static struct pages_totals write_small(void)
{
    for (uint64_t i = 0; i < 3; i++) {
        sources[i].is_there = true;
        sources[i].mask = (uint16_t)(1 << i);
        memset(sources[i].bytes + i * MEM_PAGE, (int)i + 1, MEM_PAGE);
    }
    sources[7].is_there = true;
    return write_good(&PAGES_OPTIONS_DEFAULT);
}

static void every_flipped_byte_is_noticed(void **state)
{
    struct pages_totals totals = write_small();
    struct pages_expected expected = expect(&totals);

    (void)state;
    flip_bytes(PAGES_IMG_NAME, &expected);
    flip_bytes(PAGES_INDEX_NAME, &expected);
}

static void damage_names_file_and_chunk(void **state)
{
    struct pages_totals totals = write_small();
    struct pages_expected expected = expect(&totals);
    size_t size;
    unsigned char *content = read_file(PAGES_IMG_NAME, &size);

    (void)state;
    content[0] ^= 1; /* chunk 2: the last was written first */
    write_file(PAGES_IMG_NAME, content, size);
    assert_int_equal(read_chunks(&expected, ignore), -EINVAL);
    assert_string_equal(report.lines[0], "pages.img: chunk 2: checksum mismatch");
    free(content);
}

static void every_truncation_is_noticed(void **state)
{
    struct pages_totals totals = write_small();
    const char *names[] = {PAGES_IMG_NAME, PAGES_INDEX_NAME};

    (void)state;
    for (int i = 0; i < 2; i++) {
        size_t size;
        unsigned char *content = read_file(names[i], &size);

        for (size_t left = 0; left < size; left++) {
            struct pages_expected expected = expect(&totals);

            write_file(names[i], content, left);
            assert_int_equal(read_chunks(&expected, ignore), -EINVAL);
            assert_non_null(strstr(report.lines[0], "bytes, expected"));
            /* The manifest may be damaged as well. */
            *(i == 0 ? &expected.img.size : &expected.index.size) = left;
            assert_int_equal(read_chunks(&expected, ignore), -EINVAL);
        }
        write_file(names[i], content, size);
        free(content);
    }
}

static void only_regular_files_are_read(void **state)
{
    struct pages_totals totals = write_small();
    struct pages_expected expected = expect(&totals);

    (void)state;
    assert_int_equal(unlinkat(dir, PAGES_IMG_NAME, 0), 0);
    assert_int_equal(read_chunks(&expected, ignore), -ENOENT);
    assert_int_equal(mkfifoat(dir, PAGES_IMG_NAME, 0600), 0);
    assert_int_equal(read_chunks(&expected, ignore), -EINVAL);
    assert_string_equal(report.lines[0], "pages.img: not a regular file");
    assert_int_equal(unlinkat(dir, PAGES_IMG_NAME, 0), 0);
    assert_int_equal(symlinkat("pages.idx", dir, PAGES_IMG_NAME), 0);
    assert_int_equal(read_chunks(&expected, ignore), -ELOOP);
}

/* --- malice: an index with the right digest --- */

static void write_index(const void *content, size_t size, struct pages_expected *expected)
{
    write_file(PAGES_INDEX_NAME, content, size);
    expected->index.size = size;
    image_digest(content, size, expected->index.digest);
}

/* Up to four raw pages; what is wrong is put in before it is packed. */
struct hostile {
    uint64_t chunk[4], offset[4], checksum[4];
    uint32_t size[4], mask[4];
    protobuf_c_boolean is_raw[4];
    PagesBlock block;
};

static void start_hostile(struct hostile *hostile, size_t count)
{
    *hostile = (struct hostile){.block = PAGES_BLOCK__INIT};
    for (size_t i = 0; i < count; i++) {
        hostile->chunk[i] = i;
        hostile->offset[i] = i * MEM_PAGE;
        hostile->size[i] = MEM_PAGE;
        hostile->mask[i] = 1;
        hostile->is_raw[i] = true;
    }
    hostile->block.chunk = hostile->chunk;
    hostile->block.offset = hostile->offset;
    hostile->block.checksum = hostile->checksum;
    hostile->block.size = hostile->size;
    hostile->block.mask = hostile->mask;
    hostile->block.is_raw = hostile->is_raw;
    hostile->block.n_chunk = hostile->block.n_offset = hostile->block.n_size = count;
    hostile->block.n_mask = hostile->block.n_checksum = hostile->block.n_is_raw = count;
}

static size_t frame_hostile(const struct hostile *hostile, unsigned char frame[1024])
{
    unsigned char packed[512];
    size_t size = pages_block__pack(&hostile->block, packed);

    size = ZSTD_compress(frame, 1024, packed, size, 1);
    assert_false(ZSTD_isError(size));
    return size;
}

static void assert_refused(const struct hostile *hostile, const char *why)
{
    struct pages_expected expected = {.chunk_end = CHUNK_END};
    char pages[3 * MEM_PAGE] = {0};
    unsigned char frame[1024];

    write_file(PAGES_IMG_NAME, pages, sizeof(pages));
    expected.img.size = sizeof(pages);
    write_index(frame, frame_hostile(hostile, frame), &expected);
    assert_int_equal(read_chunks(&expected, ignore), -EINVAL);
    if (!strstr(report.lines[0], why))
        fail_msg("expected \"%s\", got \"%s\"", why, report.lines[0]);
}

static void every_field_is_checked(void **state)
{
    struct hostile hostile;

    (void)state;
    start_hostile(&hostile, 3);
    assert_refused(&hostile, "checksum mismatch"); /* the index itself is fine */
    hostile.chunk[2] = 1;
    assert_refused(&hostile, "chunk 1: out of order, or there twice");
    hostile.chunk[2] = 0;
    assert_refused(&hostile, "chunk 0: out of order");
    hostile.chunk[2] = CHUNK_END;
    assert_refused(&hostile, "chunk 1000: past the end of the memory");
    hostile.chunk[2] = UINT64_MAX;
    assert_refused(&hostile, "past the end of the memory");
    start_hostile(&hostile, 3);
    hostile.mask[1] = 0x10001;
    assert_refused(&hostile, "chunk 1: it has more pages");
    hostile.mask[1] = 3;
    assert_refused(&hostile, "chunk 1: its size does not fit");
    hostile.is_raw[1] = false;
    hostile.mask[1] = 1;
    assert_refused(&hostile, "chunk 1: its size does not fit");
    hostile.size[1] = 0;
    assert_refused(&hostile, "chunk 1: its size does not fit");
    start_hostile(&hostile, 3);
    hostile.size[1] = UINT32_MAX;
    assert_refused(&hostile, "chunk 1: its size does not fit");
    start_hostile(&hostile, 3);
    hostile.offset[1] = UINT64_MAX;
    assert_refused(&hostile, "chunk 1: it lies past the end");
    hostile.offset[1] = 2 * MEM_PAGE + 1;
    assert_refused(&hostile, "chunk 1: it lies past the end");
    start_hostile(&hostile, 2);
    assert_refused(&hostile, "does not account for all bytes");
    start_hostile(&hostile, 3);
    hostile.block.n_mask = 2;
    assert_refused(&hostile, "columns");
    start_hostile(&hostile, 0);
    hostile.block.n_chunk = 0;
    assert_refused(&hostile, "a frame without a size");
}

static void frames_are_checked(void **state)
{
    static const unsigned char skippable[] = {0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 0};
    struct pages_expected expected = {.chunk_end = CHUNK_END};
    size_t size = 4 << 20;
    unsigned char *bomb = calloc(1, size), *frame = malloc(ZSTD_compressBound(size));
    unsigned char unknown[] = {0x78, 1, 0, 0};

    (void)state;
    write_file(PAGES_IMG_NAME, "", 0);
    write_index(skippable, sizeof(skippable), &expected);
    assert_int_equal(read_chunks(&expected, ignore), -EINVAL);
    write_index(frame, ZSTD_compress(frame, ZSTD_compressBound(size), bomb, size, 1), &expected);
    assert_int_equal(read_chunks(&expected, ignore), -EINVAL);
    assert_string_equal(report.lines[0], "pages.idx: a frame without a size, or too large");
    write_index(frame, ZSTD_compress(frame, 1024, unknown, 2, 1), &expected);
    assert_int_equal(read_chunks(&expected, ignore), -EINVAL);
    write_index(frame, ZSTD_compress(frame, 1024, bomb, 64, 1), &expected);
    assert_int_equal(read_chunks(&expected, ignore), -EINVAL);
    assert_string_equal(report.lines[0], "pages.idx: a frame holds no block");
    free(bomb);
    free(frame);
}

/* Whatever an index says, reading it ends. */
static void a_mutated_index_does_no_harm(void **state)
{
    struct pages_totals totals;
    struct pages_expected expected;
    uint64_t seed = 42;
    unsigned good = 0;

    (void)state;
    make_chunks(1, 20);
    totals = write_good(&PAGES_OPTIONS_DEFAULT);
    expected = expect(&totals);
    for (int i = 0; i < 1000; i++) {
        struct hostile hostile;
        unsigned char packed[512], frame[1024];
        size_t size;

        start_hostile(&hostile, 4);
        hostile.checksum[i % 4] = next_random(&seed);
        size = pages_block__pack(&hostile.block, packed);
        for (uint64_t j = next_random(&seed) % 4; j > 0; j--)
            packed[next_random(&seed) % size] = (unsigned char)next_random(&seed);
        size = ZSTD_compress(frame, sizeof(frame), packed, size, 1);
        write_index(frame, size, &expected);
        expected.img.size = totals.img.size;
        good += read_chunks(&expected, ignore) == 0;
    }
    assert_int_equal(good, 0); /* none accounts for all of the file with the right checksums */
}

/* --- hosts that fail --- */

static void a_failing_host_is_an_error(void **state)
{
    unsigned threads = thread_count(), open_before = host_descriptor_count();
    struct pages_totals totals;
    unsigned failed = 0;

    (void)state;
    make_chunks(2, 60);
    for (unsigned long i = 1; i < 400; i++) {
        int err;

        host_call_fail_at(i, -ENOSPC);
        err = write_chunks(&PAGES_OPTIONS_DEFAULT, &totals);
        host_call_fail_at(0, 0);
        assert_true(err == 0 || err == -ENOSPC);
        failed += err < 0;
        remove_files();
        assert_int_equal(host_descriptor_count(), open_before);
    }
    assert_true(failed >= 8); /* 2 files, 2 threads, 2 or more writes, 2 fsyncs */
    /* A joined thread may be seen for a moment. */
    while (thread_count() > threads)
        host_yield();
}

static void memory_may_be_short(void **state)
{
    struct pages_totals totals;
    struct pages_expected expected;
    unsigned failed = 0;

    (void)state;
    make_chunks(2, 10);
    for (unsigned long i = 1; i < 30; i++) {
        int err;

        host_alloc_fail_at(i);
        err = write_chunks(&PAGES_OPTIONS_DEFAULT, &totals);
        host_alloc_fail_at(0);
        assert_true(err == 0 || err == -ENOMEM);
        failed += err < 0;
        remove_files();
    }
    assert_true(failed >= 5);
    totals = write_good(&PAGES_OPTIONS_DEFAULT);
    expected = expect(&totals);
    failed = 0;
    for (unsigned long i = 1; i < 30; i++) {
        int err;

        host_alloc_fail_at(i);
        err = read_chunks(&expected, ignore);
        host_alloc_fail_at(0);
        assert_true(err == 0 || err == -ENOMEM);
        failed += err < 0;
    }
    assert_true(failed >= 5);
}

static void a_failing_read_names_its_chunk(void **state)
{
    struct pages_totals totals;
    struct pages_expected expected;
    unsigned named = 0;

    (void)state;
    make_chunks(1, 3);
    totals = write_good(&PAGES_OPTIONS_DEFAULT);
    expected = expect(&totals);
    for (unsigned long i = 1; i < 30; i++) {
        int err;

        host_call_fail_at(i, -EIO);
        err = read_chunks(&expected, ignore);
        host_call_fail_at(0, 0);
        assert_true(err == 0 || err == -EIO);
        named += strstr(report.lines[0], ": chunk ") != NULL;
    }
    assert_int_equal(named, 2); /* chunk 1 has no pages */
}

static int refuse(void *context, uint64_t chunk, uint16_t mask, const void *data)
{
    (void)context;
    (void)mask;
    (void)data;
    return chunk == 2 ? -ENOMEM : 0;
}

static void what_fill_says_ends_the_reading(void **state)
{
    struct pages_totals totals = write_small();
    struct pages_expected expected = expect(&totals);

    (void)state;
    assert_int_equal(read_chunks(&expected, refuse), -ENOMEM);
    assert_string_equal(report.lines[0], "pages.img: chunk 2: Cannot allocate memory");
}

static void a_writer_may_be_dropped_at_any_time(void **state)
{
    struct pages_writer *writer;

    (void)state;
    make_chunks(1, 40);
    assert_int_equal(pages_writer_create(dir, &PAGES_OPTIONS_DEFAULT, &writer), 0);
    for (uint64_t i = 0; i < 40; i++)
        assert_int_equal(pages_writer_add(writer, i, sources[i].mask, sources[i].bytes), 0);
    pages_writer_free(writer);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_is_read),
        TEST(raw_pages_are_as_good),
        TEST(an_empty_memory_is_an_image),
        TEST(files_are_never_overwritten),
        TEST(memory_comes_back),
        TEST(every_flipped_byte_is_noticed),
        TEST(damage_names_file_and_chunk),
        TEST(every_truncation_is_noticed),
        TEST(only_regular_files_are_read),
        TEST(every_field_is_checked),
        TEST(frames_are_checked),
        TEST(a_mutated_index_does_no_harm),
        TEST(a_failing_host_is_an_error),
        TEST(memory_may_be_short),
        TEST(a_failing_read_names_its_chunk),
        TEST(what_fill_says_ends_the_reading),
        TEST(a_writer_may_be_dropped_at_any_time),
    };

    if (host_guard_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
