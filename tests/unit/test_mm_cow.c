/* SPDX-License-Identifier: Apache-2.0 */
/* What is shared: forks, files, checkpoints. */
#include "tests/unit/mm_world.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "core/base/host.h"

#define PAGES(n) ((n)*MEM_PAGE)
#define AT UINT64_C(0x10000000)

static struct mm *mm;

static int set_up(void **state)
{
    if (mm_world_set_up_platform(state) < 0)
        return -1;
    mm = mm_new();
    return 0;
}

static int tear_down(void **state)
{
    mm_check(mm);
    object_put(&mm->object);
    return mm_world_tear_down(state);
}

/* A guest for one access. */
static uint64_t load(struct mm *of, guest_addr_t address)
{
    struct mm_guest guest;
    uint64_t value = 0;

    mm_guest_start(&guest, of);
    assert_true(mm_guest_load(&guest, address, &value));
    mm_guest_stop(&guest);
    return value;
}

static void store(struct mm *of, guest_addr_t address, uint64_t value)
{
    struct mm_guest guest;

    mm_guest_start(&guest, of);
    assert_true(mm_guest_store(&guest, address, value));
    mm_guest_stop(&guest);
}

static void assert_signal(struct mm *of, guest_addr_t address, bool storing, int signal, int code)
{
    struct mm_guest guest;
    uint64_t value;

    mm_guest_start(&guest, of);
    assert_false(storing ? mm_guest_store(&guest, address, 1)
                         : mm_guest_load(&guest, address, &value));
    assert_int_equal(guest.signal, signal);
    assert_int_equal(guest.code, code);
    mm_guest_stop(&guest);
}

static struct mm *fork_mm(struct mm *from)
{
    struct mm *child;

    assert_int_equal(mm_fork(from, &child), 0);
    mm_check(from);
    mm_check(child);
    return child;
}

static uint64_t place_of(struct mm *of, guest_addr_t address)
{
    return pma_offset(pma_at(of, address), address);
}

static void test_fork(void **state)
{
    struct mm *child;

    (void)state;
    (void)mm_map(mm, AT, PAGES(64), RW, PRIVATE | MAP_FIXED);
    (void)mm_map(mm, AT + PAGES(64), PAGES(2), RW, SHARED | MAP_FIXED);
    for (int i = 0; i < 66; i++)
        store(mm, AT + PAGES(i), i);
    child = fork_mm(mm);
    store(mm, AT, 100);
    store(child, AT + PAGES(5), 200);
    mm_poke(child, AT + PAGES(20), 300);
    mm_poke(mm, AT + PAGES(40), 400);
    store(child, AT + PAGES(65), 500);
    for (int i = 0; i < 66; i++) {
        assert_int_equal(load(mm, AT + PAGES(i)), i == 0 ? 100 : i == 40 ? 400 : i == 65 ? 500 : i);
        assert_int_equal(load(child, AT + PAGES(i)), i == 5    ? 200
                                                     : i == 20 ? 300
                                                     : i == 65 ? 500
                                                               : i);
    }
    mm_check(child);
    object_put(&child->object);
}

/* Whoever is left alone writes in place. */
static void test_take_over(void **state)
{
    struct mm *child;
    uint64_t place;

    (void)state;
    (void)mm_map(mm, AT, PAGES(64), RW, PRIVATE | MAP_FIXED);
    store(mm, AT + PAGES(3), 3);
    place = place_of(mm, AT + PAGES(3));
    child = fork_mm(mm);
    object_put(&child->object);
    store(mm, AT + PAGES(3), 4);
    assert_int_equal(place_of(mm, AT + PAGES(3)), place);
    assert_false(pma_at(mm, AT + PAGES(60))->is_cow);
    child = fork_mm(mm);
    store(mm, AT + PAGES(3), 5); /* the parent copies ... */
    assert_int_not_equal(place_of(mm, AT + PAGES(3)), place);
    assert_int_equal(mm_munmap(mm, AT + PAGES(16), PAGES(48)), 0);
    store(child, AT + PAGES(40), 6); /* ... the child need not */
    assert_int_equal(place_of(child, AT + PAGES(3)), place);
    assert_int_equal(load(child, AT + PAGES(3)), 4);
    assert_false(pma_at(child, AT + PAGES(40))->is_cow);
    object_put(&child->object);
}

/* Copies of one 64 KB of addresses share one chunk, and join. */
static void test_copies_join(void **state)
{
    struct mm *child;
    uint64_t owned;

    (void)state;
    (void)mm_map(mm, AT, PAGES(16), RW, PRIVATE | MAP_FIXED);
    for (int i = 0; i < 16; i++)
        store(mm, AT + PAGES(i), i);
    child = fork_mm(mm);
    owned = memfile_owned_size(mm_kernel->memfile);
    store(child, AT + PAGES(9), 90);
    assert_true(pma_at(child, AT)->is_cow); /* 16 KB at first */
    store(child, AT, 91);
    assert_int_equal(memfile_owned_size(mm_kernel->memfile) - owned, MEM_CHUNK);
    assert_int_equal(pma_at(child, AT)->end, AT + PAGES(12)); /* all below the first copy */
    for (int i = 0; i < 16; i++)
        assert_int_equal(load(child, AT + PAGES(i)), i == 9 ? 90 : i == 0 ? 91 : i);
    object_put(&child->object);
}

/* What was copied after the last fork is copied at the next one: neither side faults on it. */
static void test_hot_pages(void **state)
{
    struct mm *first, *second;
    struct mm_guest guest;

    (void)state;
    (void)mm_map(mm, AT, PAGES(64), RW, PRIVATE | MAP_FIXED);
    for (int i = 0; i < 64; i++)
        store(mm, AT + PAGES(i), i);
    first = fork_mm(mm);
    store(mm, AT + PAGES(20), 100);
    second = fork_mm(mm);
    assert_false(pma_at(mm, AT + PAGES(20))->is_cow);
    assert_true(pma_at(mm, AT + PAGES(50))->is_cow);
    assert_int_not_equal(place_of(mm, AT + PAGES(20)), place_of(second, AT + PAGES(20)));
    mm_guest_start(&guest, second);
    assert_true(mm_guest_store(&guest, AT + PAGES(20), 200));
    assert_int_equal(guest.faults, 0);
    mm_guest_stop(&guest);
    mm_guest_start(&guest, mm);
    assert_true(mm_guest_store(&guest, AT + PAGES(21), 300));
    assert_int_equal(guest.faults, 0);
    mm_guest_stop(&guest);
    assert_int_equal(load(mm, AT + PAGES(20)), 100);
    assert_int_equal(load(second, AT + PAGES(21)), 21);
    assert_int_equal(load(first, AT + PAGES(20)), 20);
    object_put(&first->object);
    object_put(&second->object);
}

static void test_grandchildren(void **state)
{
    struct mm *list[8] = {mm};

    (void)state;
    (void)mm_map(mm, AT, PAGES(33), RW, PRIVATE | MAP_FIXED);
    for (int i = 1; i < 8; i++) {
        list[i] = fork_mm(list[i - 1]);
        store(list[i], AT + PAGES(i * 4), i);
        store(list[i - 1], AT + PAGES(i * 4), 100 + i);
    }
    for (int i = 0; i < 8; i++)
        for (int n = 1; n < 8; n++)
            assert_int_equal(load(list[i], AT + PAGES(n * 4)), n <= i       ? n
                                                               : n == i + 1 ? 100 + n
                                                                            : 0);
    for (int i = 7; i > 0; i--)
        object_put(&list[i]->object);
}

static void test_fork_advice(void **state)
{
    struct mm *child;

    (void)state;
    (void)mm_map(mm, AT, PAGES(3), RW, PRIVATE | MAP_FIXED);
    for (int i = 0; i < 3; i++)
        store(mm, AT + PAGES(i), 7);
    assert_int_equal(mm_madvise(mm, AT, PAGES(1), MADV_DONTFORK), 0);
    assert_int_equal(mm_madvise(mm, AT + PAGES(1), PAGES(1), MADV_WIPEONFORK), 0);
    child = fork_mm(mm);
    assert_signal(child, AT, false, SIGSEGV, SEGV_MAPERR);
    assert_int_equal(load(child, AT + PAGES(1)), 0);
    assert_int_equal(load(child, AT + PAGES(2)), 7);
    assert_int_equal(load(mm, AT), 7);
    object_put(&child->object);
}

static char content[PAGES(40) + 100];

static void fill_content(void)
{
    for (size_t i = 0; i < sizeof content / 8; i++)
        ((uint64_t *)content)[i] = i + 1;
}

static uint64_t content_at(uint64_t offset)
{
    return offset / 8 + 1;
}

/* A private map of either kind of file. */
static void check_private(struct file *file)
{
    assert_int_equal(mm_mmap(mm, AT, sizeof content, RW, MAP_PRIVATE | MAP_FIXED, file, 0), AT);
    assert_int_equal(load(mm, AT), content_at(0));
    assert_int_equal(mm_peek(mm, AT + PAGES(39)), content_at(PAGES(39)));
    store(mm, AT + PAGES(5), 55);
    mm_poke(mm, AT + PAGES(30) + 8, 66);
    assert_int_equal(load(mm, AT + PAGES(5)), 55);
    assert_int_equal(load(mm, AT + PAGES(5) + 8), content_at(PAGES(5) + 8));
    assert_int_equal(load(mm, AT + PAGES(30) + 8), 66);
    store(mm, AT + PAGES(40) + 104, 77); /* past the end of file, in its last page */
    assert_int_equal(load(mm, AT + PAGES(40)), content_at(PAGES(40)));
    assert_int_equal(load(mm, AT + PAGES(40) + 112), 0);
    assert_int_equal(mm_mmap(mm, AT, PAGES(1), PROT_READ, MAP_PRIVATE | MAP_FIXED, file, PAGES(5)),
                     AT);
    assert_int_equal(load(mm, AT), content_at(PAGES(5))); /* the file has not changed */
    assert_int_equal(mm_madvise(mm, AT + PAGES(5), PAGES(1), MADV_DONTNEED), 0);
    assert_int_equal(load(mm, AT + PAGES(5)), content_at(PAGES(5)));
    mm_check(mm);
    assert_int_equal(mm_munmap(mm, AT, PAGES(41)), 0);
}

static void test_private_file(void **state)
{
    struct file *memory, *host;

    (void)state;
    fill_content();
    memory = mm_file(content, sizeof content, O_RDONLY);
    host = mm_host_file_new(content, sizeof content, false);
    check_private(memory);
    check_private(host);
    object_put(&memory->object);
    object_put(&host->object);
}

static void check_shared(struct file *file, struct mm *other)
{
    assert_int_equal(mm_mmap(mm, AT, PAGES(4), RW, MAP_SHARED | MAP_FIXED, file, PAGES(2)), AT);
    assert_int_equal(mm_mmap(other, AT + PAGES(7), PAGES(6), RW, MAP_SHARED | MAP_FIXED, file, 0),
                     AT + PAGES(7));
    store(mm, AT, 22);
    assert_int_equal(load(other, AT + PAGES(9)), 22);
    mm_poke(other, AT + PAGES(10), 33);
    assert_int_equal(load(mm, AT + PAGES(1)), 33);
    assert_int_equal(mm_munmap(mm, AT, PAGES(4)), 0);
    assert_int_equal(mm_munmap(other, AT + PAGES(7), PAGES(6)), 0);
}

static void test_shared_file(void **state)
{
    struct file *memory, *host, *read_only;
    struct mm *other = mm_new();

    (void)state;
    fill_content();
    memory = mm_file(content, sizeof content, O_RDWR);
    host = mm_host_file_new(content, sizeof content, true);
    read_only = mm_host_file_new(content, sizeof content, false);
    check_shared(memory, other);
    check_shared(host, other);
    read_only->flags = O_RDWR;
    assert_int_equal(mm_mmap(mm, AT, PAGES(1), RW, MAP_SHARED | MAP_FIXED, read_only, 0), -EACCES);
    assert_int_equal(mm_mmap(mm, AT, PAGES(1), PROT_READ, MAP_SHARED | MAP_FIXED, read_only, 0),
                     AT);
    assert_int_equal(mm_mprotect(mm, AT, PAGES(1), RW), -EACCES);
    assert_int_equal(load(mm, AT), content_at(0));
    object_put(&other->object);
    object_put(&memory->object);
    object_put(&host->object);
    object_put(&read_only->object);
}

static void check_past_end(struct file *file)
{
    uint64_t value;

    assert_int_equal(mm_mmap(mm, AT, PAGES(60), RW, MAP_PRIVATE | MAP_FIXED, file, 0), AT);
    assert_signal(mm, AT + PAGES(41), false, SIGBUS, BUS_ADRERR);
    assert_signal(mm, AT + PAGES(50), true, SIGBUS, BUS_ADRERR);
    assert_int_equal(user_copy_in(mm, &value, AT + PAGES(41), 8), -EFAULT);
    assert_int_equal(load(mm, AT + PAGES(40)), content_at(PAGES(40)));
    assert_int_equal(mm_munmap(mm, AT, PAGES(60)), 0);
}

static void test_past_end(void **state)
{
    struct file *memory, *host;

    (void)state;
    fill_content();
    memory = mm_file(content, sizeof content, O_RDONLY);
    host = mm_host_file_new(content, sizeof content, false);
    check_past_end(memory);
    check_past_end(host);
    object_put(&memory->object);
    object_put(&host->object);
}

/* Truncation takes mapped pages and private copies; what grows back is new. */
static void test_truncate(void **state)
{
    struct file *file;

    (void)state;
    fill_content();
    file = mm_file(content, sizeof content, O_RDWR);
    assert_int_equal(mm_mmap(mm, AT, PAGES(41), RW, MAP_PRIVATE | MAP_FIXED, file, 0), AT);
    assert_int_equal(mm_mmap(mm, AT + PAGES(64), PAGES(41), RW, MAP_SHARED | MAP_FIXED, file, 0),
                     AT + PAGES(64));
    store(mm, AT + PAGES(30), 1);
    store(mm, AT + PAGES(3), 2);
    assert_int_equal(load(mm, AT + PAGES(64 + 30)), content_at(PAGES(30)));
    assert_int_equal(mapping_truncate(mm_mapping_of(file), PAGES(10) + 8), 0);
    assert_signal(mm, AT + PAGES(30), false, SIGBUS, BUS_ADRERR);
    assert_signal(mm, AT + PAGES(64 + 11), false, SIGBUS, BUS_ADRERR);
    assert_int_equal(load(mm, AT + PAGES(3)), 2);
    assert_int_equal(load(mm, AT + PAGES(10)), content_at(PAGES(10)));
    assert_int_equal(mapping_truncate(mm_mapping_of(file), PAGES(41)), 0);
    assert_int_equal(load(mm, AT + PAGES(30)), 0);
    assert_int_equal(load(mm, AT + PAGES(64 + 30)), 0);
    object_put(&file->object);
}

/* A file that grows is seen by maps that are there already. */
static void test_file_grows(void **state)
{
    struct file *file = mm_file("abcdefgh", 8, O_RDWR);
    uint64_t word;

    (void)state;
    memcpy(&word, "abcdefgh", 8);
    assert_int_equal(mm_mmap(mm, AT, PAGES(40), RW, MAP_SHARED | MAP_FIXED, file, 0), AT);
    assert_int_equal(load(mm, AT), word);
    assert_signal(mm, AT + PAGES(20), false, SIGBUS, BUS_ADRERR);
    assert_int_equal(mapping_write_kernel(mm_mapping_of(file), "ABCDEFGH", 8, PAGES(20)), 0);
    memcpy(&word, "ABCDEFGH", 8);
    assert_int_equal(load(mm, AT + PAGES(20)), word);
    store(mm, AT + PAGES(20), 5);
    object_put(&file->object);
}

/* --- checkpoints --- */

struct collected {
    uint64_t wanted; /* offset in the memfile */
    uint64_t word;
    unsigned chunks;
};

static int emit(void *context, uint64_t chunk, uint16_t mask, const void *data)
{
    struct collected *collected = context;

    (void)mask;
    collected->chunks++;
    if (chunk == collected->wanted / MEM_CHUNK)
        memcpy(&collected->word, (const char *)data + collected->wanted % MEM_CHUNK, 8);
    return 0;
}

static void freeze(void)
{
    struct mm *one;

    assert_int_equal(memfile_freeze(mm_kernel->memfile, 0), 0);
    LIST_FOREACH(one, &mm_kernel->mms, link) {
        assert_int_equal(mm_write_protect(one), 0);
        mm_check(one);
    }
}

static uint64_t collect(uint64_t offset)
{
    struct collected collected = {.wanted = offset};

    assert_int_equal(memfile_collect(mm_kernel->memfile, emit, &collected), 0);
    return collected.word;
}

static void test_freeze_and_heal(void **state)
{
    struct mm_guest guest;
    uint64_t place;

    (void)state;
    (void)mm_map(mm, AT, PAGES(64), RW, PRIVATE | MAP_FIXED);
    mm_guest_start(&guest, mm);
    for (int i = 0; i < 64; i++)
        assert_true(mm_guest_store(&guest, AT + PAGES(i), i));
    place = place_of(mm, AT + PAGES(20));
    freeze();
    guest.faults = 0;
    assert_true(mm_guest_store(&guest, AT + PAGES(20), 1000));
    assert_true(mm_guest_store(&guest, AT + PAGES(21), 1001)); /* the same 64 KB */
    assert_int_equal(guest.faults, 1);
    assert_true(mm_guest_store(&guest, AT + PAGES(50), 1002));
    assert_int_equal(guest.faults, 2);
    assert_int_equal(place_of(mm, AT + PAGES(20)), place); /* nothing has moved */
    assert_int_equal(collect(place), 20);
    assert_int_equal(mm_peek(mm, AT + PAGES(20)), 1000);
    for (int i = 0; i < 64; i += 16)
        assert_true(mm_guest_store(&guest, AT + PAGES(i), 1));
    assert_int_equal(guest.faults, 4);
    freeze();
    mm_poke(mm, AT + PAGES(20), 2000); /* the kernel writes first */
    assert_true(mm_guest_store(&guest, AT + PAGES(20), 3000));
    assert_int_equal(guest.faults, 5);
    assert_int_equal(collect(place), 1000);
    mm_guest_stop(&guest);
}

/* Walk 4: two processes, one file, a checkpoint, both write. */
static void test_freeze_shared(void **state)
{
    struct mm *other = mm_new();
    struct file *file;
    uint64_t place;

    (void)state;
    fill_content();
    file = mm_file(content, sizeof content, O_RDWR);
    assert_int_equal(mm_mmap(mm, AT, PAGES(40), RW, MAP_SHARED | MAP_FIXED, file, 0), AT);
    assert_int_equal(mm_mmap(other, AT, PAGES(40), RW, MAP_SHARED | MAP_FIXED, file, 0), AT);
    store(mm, AT, 1);
    assert_int_equal(load(other, AT), 1);
    place = place_of(mm, AT);
    freeze();
    store(mm, AT, 2);
    assert_int_equal(load(other, AT), 2);
    store(other, AT, 3);
    assert_int_equal(load(mm, AT), 3);
    assert_int_equal(place_of(other, AT), place);
    assert_int_equal(collect(place), 1);
    object_put(&other->object);
    object_put(&file->object);
}

/* mprotect and fork between a freeze and the first write give nobody an early permission. */
static void test_freeze_then_change(void **state)
{
    struct mm *child;
    uint64_t place;

    (void)state;
    (void)mm_map(mm, AT, PAGES(64), RW, PRIVATE | MAP_FIXED);
    store(mm, AT + PAGES(20), 7);
    place = place_of(mm, AT + PAGES(20));
    freeze();
    assert_int_equal(mm_mprotect(mm, AT, PAGES(64), PROT_READ), 0);
    assert_int_equal(mm_mprotect(mm, AT, PAGES(64), RW), 0);
    child = fork_mm(mm);
    object_put(&child->object);
    store(mm, AT + PAGES(20), 8);
    assert_int_equal(place_of(mm, AT + PAGES(20)), place);
    assert_int_equal(collect(place), 7);
    assert_int_equal(load(mm, AT + PAGES(20)), 8);
}

static void test_freeze_large(void **state)
{
    struct mm_guest guest;

    (void)state;
    (void)mm_map(mm, AT, 4 * MEM_FOLIO, RW, PRIVATE | MAP_FIXED);
    mm_guest_start(&guest, mm);
    for (uint64_t at = 0; at < 4 * MEM_FOLIO; at += MEM_CHUNK)
        assert_true(mm_guest_store(&guest, AT + at, at + 1));
    freeze();
    guest.faults = 0;
    for (uint64_t at = 0; at < 4 * MEM_FOLIO; at += MEM_CHUNK)
        assert_true(mm_guest_store(&guest, AT + at, at + 2));
    assert_int_equal(guest.faults, 4 * 8); /* the eighth takes the rest of its folio */
    assert_int_equal(collect(place_of(mm, AT + MEM_FOLIO)), MEM_FOLIO + 1);
    for (uint64_t at = 0; at < 4 * MEM_FOLIO; at += MEM_CHUNK)
        assert_int_equal(mm_peek(mm, AT + at), at + 2);
    mm_guest_stop(&guest);
}

static void test_restore_stub(void **state)
{
    struct file *host;

    (void)state;
    fill_content();
    host = mm_host_file_new(content, sizeof content, false);
    (void)mm_map(mm, AT, PAGES(20), RW, PRIVATE | MAP_FIXED);
    assert_int_equal(
        mm_mmap(mm, AT + PAGES(32), PAGES(4), RW, MAP_PRIVATE | MAP_FIXED, host, PAGES(1)),
        AT + PAGES(32));
    store(mm, AT, 1);
    store(mm, AT + PAGES(33), 2);
    aspace_free(mm->aspace);
    mm->aspace = NULL;
    LIST_REMOVE(mm, link);
    mm->is_listed = false;
    assert_int_equal(mm_restore(mm), 0);
    assert_int_equal(load(mm, AT), 1);
    assert_int_equal(load(mm, AT + PAGES(33)), 2);
    assert_int_equal(load(mm, AT + PAGES(35)), content_at(PAGES(4)));
    store(mm, AT + PAGES(35), 3);
    assert_int_equal(load(mm, AT + PAGES(35)), 3);
    object_put(&host->object);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_fork),          TEST(test_take_over),          TEST(test_copies_join),
        TEST(test_hot_pages),     TEST(test_grandchildren),      TEST(test_fork_advice),
        TEST(test_private_file),  TEST(test_shared_file),        TEST(test_past_end),
        TEST(test_truncate),      TEST(test_file_grows),         TEST(test_freeze_and_heal),
        TEST(test_freeze_shared), TEST(test_freeze_then_change), TEST(test_freeze_large),
        TEST(test_restore_stub),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
