/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of mman.h, seen by guest code that loads and stores. */
#include "tests/unit/mm_world.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

#define PAGES(n) ((n)*MEM_PAGE)

static struct mm *mm;
static struct mm_guest guest;

static int set_up(void **state)
{
    if (mm_world_set_up_platform(state) < 0)
        return -1;
    mm = mm_new();
    mm_guest_start(&guest, mm);
    return 0;
}

static int tear_down(void **state)
{
    mm_check(mm);
    mm_guest_stop(&guest);
    object_put(&mm->object);
    return mm_world_tear_down(state);
}

static uint64_t load(guest_addr_t address)
{
    uint64_t value = 0;

    assert_true(mm_guest_load(&guest, address, &value));
    return value;
}

static void store(guest_addr_t address, uint64_t value)
{
    assert_true(mm_guest_store(&guest, address, value));
}

static void assert_fault(bool done, int signal, int code)
{
    assert_false(done);
    assert_int_equal(guest.signal, signal);
    assert_int_equal(guest.code, code);
}

static void assert_no_load(guest_addr_t address, int signal, int code)
{
    uint64_t value;

    assert_fault(mm_guest_load(&guest, address, &value), signal, code);
}

static void assert_no_store(guest_addr_t address, int signal, int code)
{
    assert_fault(mm_guest_store(&guest, address, 1), signal, code);
}

static void test_anonymous(void **state)
{
    guest_addr_t at = mm_map(mm, ANYWHERE, PAGES(5), RW, PRIVATE);

    (void)state;
    assert_int_equal(load(at), 0);
    store(at + PAGES(4) + 8, 7);
    assert_int_equal(mm_peek(mm, at + PAGES(4) + 8), 7);
    mm_poke(mm, at + 16, 9);
    assert_int_equal(load(at + 16), 9);
    assert_int_equal(guest.faults, 0); /* the host resolves first touches */
    assert_int_equal(mm_munmap(mm, at + PAGES(1), PAGES(2)), 0);
    assert_no_load(at + PAGES(1), SIGSEGV, SEGV_MAPERR);
    assert_no_store(at + PAGES(2), SIGSEGV, SEGV_MAPERR);
    assert_int_equal(load(at + PAGES(4) + 8), 7);
    assert_int_equal(load(at + 16), 9);
}

static void test_protect(void **state)
{
    guest_addr_t at = mm_map(mm, ANYWHERE, PAGES(4), RW, PRIVATE);

    (void)state;
    store(at, 1);
    assert_int_equal(mm_mprotect(mm, at, PAGES(1), PROT_READ), 0);
    assert_no_store(at, SIGSEGV, SEGV_ACCERR);
    assert_int_equal(load(at), 1);
    assert_int_equal(mm_mprotect(mm, at, PAGES(1), PROT_NONE), 0);
    assert_no_load(at, SIGSEGV, SEGV_ACCERR);
    store(at + PAGES(1), 2);
    assert_int_equal(mm_mprotect(mm, at, PAGES(4), RW), 0);
    store(at, 3);
    assert_int_equal(load(at), 3);
    assert_int_equal(load(at + PAGES(1)), 2);
    assert_fault(mm_guest_jump(&guest, at), SIGSEGV, SEGV_ACCERR);
    assert_int_equal(mm_mprotect(mm, at + 1, PAGES(1), RW), -EINVAL);
    assert_int_equal(mm_mprotect(mm, at, PAGES(1), 0x100), -EINVAL);
    assert_int_equal(mm_mprotect(mm, at + PAGES(3), PAGES(2), PROT_READ), -ENOMEM);
    assert_no_store(at + PAGES(3), SIGSEGV, SEGV_ACCERR); /* what was there has changed */
}

static void test_none_then_used(void **state)
{
    guest_addr_t at = mm_map(mm, ANYWHERE, UINT64_C(64) << 30, PROT_NONE, PRIVATE);

    (void)state;
    assert_no_load(at, SIGSEGV, SEGV_ACCERR);
    assert_int_equal(mm_mprotect(mm, at + PAGES(10), PAGES(10), RW), 0);
    store(at + PAGES(12), 5);
    assert_no_load(at + PAGES(9), SIGSEGV, SEGV_ACCERR);
    assert_true(memfile_owned_size(mm_kernel->memfile) < MEM_FOLIO);
}

static void test_lazy_giant(void **state)
{
    uint64_t size = UINT64_C(20) << 40;
    guest_addr_t at = mm_map(mm, ANYWHERE, size, RW, PRIVATE | MAP_NORESERVE);

    (void)state;
    store(at, 1);
    store(at + size / 2 + 64, 2);
    mm_poke(mm, at + size - 8, 3);
    assert_int_equal(load(at + size - 8), 3);
    assert_int_equal(load(at + size / 2 + 64), 2);
    assert_int_equal(load(at), 1);
    assert_true(memfile_owned_size(mm_kernel->memfile) < 5 * MEM_FOLIO);
}

static void test_mmap_errors(void **state)
{
    struct file *file = mm_file("x", 1, O_RDONLY);
    guest_addr_t at = mm_map(mm, ANYWHERE, PAGES(1), RW, PRIVATE);

    (void)state;
#define REFUSED(err, ...) assert_int_equal(mm_mmap(mm, __VA_ARGS__), err)
    REFUSED(-EINVAL, 0, 0, RW, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
    REFUSED(-EINVAL, 0, 1, RW, MAP_ANONYMOUS, NULL, 0);
    REFUSED(-EINVAL, 1, 1, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
    REFUSED(-ENOMEM, 0, UINT64_MAX, RW, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
    REFUSED(-ENOMEM, 0, UINT64_C(1) << 47, RW, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
    REFUSED(-ENOMEM, GUEST_ADDRESS_END, 1, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
    REFUSED(-EPERM, 0x1000, 1, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
    REFUSED(-EEXIST, at, 1, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, NULL, 0);
    REFUSED(-EINVAL, 0, 1, PROT_READ, MAP_PRIVATE, file, 1);
    REFUSED(-EOVERFLOW, 0, PAGES(2), PROT_READ, MAP_PRIVATE, file, INT64_MAX & ~4095);
    REFUSED(-EACCES, 0, 1, RW, MAP_SHARED, file, 0);
    REFUSED(-EOPNOTSUPP, 0, 1, RW, MAP_SHARED_VALIDATE | MAP_SYNC, file, 0);
#undef REFUSED
    assert_int_equal(mm_munmap(mm, at + 1, 1), -EINVAL);
    assert_int_equal(mm_munmap(mm, at, 0), -EINVAL);
    assert_int_equal(mm_munmap(mm, at, UINT64_MAX), -EINVAL);
    object_put(&file->object);
}

static void test_fixed_replaces(void **state)
{
    guest_addr_t at = mm_map(mm, ANYWHERE, PAGES(3), RW, PRIVATE);

    (void)state;
    for (int i = 0; i < 3; i++)
        store(at + PAGES(i), 1);
    assert_int_equal(mm_map(mm, at + PAGES(1), PAGES(1), RW, PRIVATE | MAP_FIXED), at + PAGES(1));
    assert_int_equal(load(at), 1);
    assert_int_equal(load(at + PAGES(1)), 0);
    assert_int_equal(load(at + PAGES(2)), 1);
}

static void test_brk(void **state)
{
    guest_addr_t start = 0x600000;

    (void)state;
    mm->brk_start = mm->brk = start;
    assert_int_equal(mm_brk(mm, 0), start);
    for (int i = 1; i <= 40; i++) {
        assert_int_equal(mm_brk(mm, start + i * 0x21000), start + i * 0x21000);
        store(start + i * 0x21000 - 8, i);
    }
    assert_true(mm->pma_count <= 4); /* text, and a heap in few pieces */
    for (int i = 1; i <= 40; i++)
        assert_int_equal(load(start + i * 0x21000 - 8), i);
    assert_int_equal(mm_brk(mm, start + 0x1234), start + 0x1234);
    assert_no_load(start + 0x2000, SIGSEGV, SEGV_MAPERR);
    assert_int_equal(mm_brk(mm, start + 0x9000), start + 0x9000);
    for (int i = 2; i < 9; i++)
        assert_int_equal(load(start + PAGES(i)), 0); /* what was given back is new */
    (void)mm_map(mm, start + 0x20000, PAGES(1), RW, PRIVATE | MAP_FIXED);
    assert_int_equal(mm_brk(mm, start + 0x30000), start + 0x9000);
}

static void test_mremap(void **state)
{
    guest_addr_t at = mm_map(mm, 0x10000000, PAGES(4), RW, PRIVATE | MAP_FIXED), moved;

    (void)state;
    for (int i = 0; i < 4; i++)
        store(at + PAGES(i), 10 + i);
    assert_int_equal(mm_mremap(mm, at, PAGES(4), PAGES(8), 0, 0), at);
    assert_int_equal(load(at + PAGES(7)), 0);
    assert_int_equal(mm_mremap(mm, at, PAGES(8), PAGES(3), 0, 0), at);
    assert_no_load(at + PAGES(3), SIGSEGV, SEGV_MAPERR);
    (void)mm_map(mm, at + PAGES(3), PAGES(1), RW, PRIVATE | MAP_FIXED | MAP_STACK);
    assert_int_equal(mm_mremap(mm, at, PAGES(3), PAGES(6), 0, 0), -ENOMEM);
    moved = (guest_addr_t)mm_mremap(mm, at, PAGES(3), PAGES(6), MREMAP_MAYMOVE, 0);
    assert_int_equal(moved % MEM_CHUNK, at % MEM_CHUNK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(load(moved + PAGES(i)), 10 + i);
    assert_int_equal(load(moved + PAGES(5)), 0);
    assert_no_load(at, SIGSEGV, SEGV_MAPERR);
    assert_int_equal(
        mm_mremap(mm, moved, PAGES(2), PAGES(2), MREMAP_MAYMOVE | MREMAP_FIXED, 0x20001000),
        0x20001000);
    assert_int_equal(load(0x20002000), 11);
    assert_int_equal(load(moved + PAGES(2)), 12);
    assert_int_equal(
        mm_mremap(mm, 0x20001000, PAGES(2), PAGES(2), MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0) > 0, 1);
    assert_int_equal(load(0x20001000), 0);
}

static void test_mremap_errors(void **state)
{
    guest_addr_t at = mm_map(mm, 0x10000000, PAGES(4), RW, PRIVATE | MAP_FIXED);

    (void)state;
    assert_int_equal(mm_mremap(mm, at + 1, PAGES(1), PAGES(1), 0, 0), -EINVAL);
    assert_int_equal(mm_mremap(mm, at, PAGES(1), 0, 0, 0), -EINVAL);
    assert_int_equal(mm_mremap(mm, at, PAGES(5), PAGES(8), MREMAP_MAYMOVE, 0), -EFAULT);
    assert_int_equal(mm_mremap(mm, 0x30000000, PAGES(1), PAGES(2), MREMAP_MAYMOVE, 0), -EFAULT);
    assert_int_equal(mm_mremap(mm, at, PAGES(4), PAGES(4), MREMAP_FIXED, 0x20000000), -EINVAL);
    assert_int_equal(
        mm_mremap(mm, at, PAGES(4), PAGES(4), MREMAP_FIXED | MREMAP_MAYMOVE, at + PAGES(1)),
        -EINVAL);
    assert_int_equal(mm_mremap(mm, UINT64_MAX & ~4095, PAGES(4), PAGES(5), MREMAP_MAYMOVE, 0),
                     -EINVAL);
}

static void test_dontneed(void **state)
{
    guest_addr_t at = mm_map(mm, 0x10000000, PAGES(64), RW, PRIVATE | MAP_FIXED);

    (void)state;
    for (int i = 0; i < 64; i++)
        store(at + PAGES(i), 1);
    assert_int_equal(mm_madvise(mm, at + PAGES(3), PAGES(40), MADV_DONTNEED), 0);
    for (int i = 0; i < 64; i++)
        assert_int_equal(load(at + PAGES(i)), i < 3 || i >= 43);
    assert_int_equal(mm_madvise(mm, at + PAGES(63), PAGES(2), MADV_DONTNEED), -ENOMEM);
    assert_int_equal(load(at + PAGES(63)), 0);
    assert_int_equal(mm_madvise(mm, at + 1, PAGES(2), MADV_DONTNEED), -EINVAL);
    assert_int_equal(mm_madvise(mm, at, PAGES(2), 12345), -EINVAL);
}

static void test_stack_grows(void **state)
{
    guest_addr_t top = 0x40000000, bottom = top - MM_STACK_SIZE;

    (void)state;
    (void)mm_map(mm, top - PAGES(2), PAGES(2), RW, PRIVATE | MAP_FIXED | MAP_GROWSDOWN);
    store(top - PAGES(3), 1);
    store(top - PAGES(200), 2);
    assert_int_equal(load(top - PAGES(100)), 0);
    mm_poke(mm, top - PAGES(400), 3);
    assert_int_equal(load(top - PAGES(400)), 3);
    store(bottom, 4);
    assert_no_store(bottom - 8, SIGSEGV, SEGV_MAPERR);
    assert_int_equal(load(top - PAGES(3)), 1);
}

static void test_stack_keeps_its_gap(void **state)
{
    guest_addr_t top = 0x40000000;

    (void)state;
    (void)mm_map(mm, top - PAGES(2), PAGES(2), RW, PRIVATE | MAP_FIXED | MAP_GROWSDOWN);
    (void)mm_map(mm, top - PAGES(302), PAGES(2), RW, PRIVATE | MAP_FIXED);
    store(top - PAGES(44), 1);
    assert_no_store(top - PAGES(45), SIGSEGV, SEGV_MAPERR);
}

static void test_msync_mincore(void **state)
{
    guest_addr_t at = mm_map(mm, 0x10000000, PAGES(2), RW, PRIVATE | MAP_FIXED);
    unsigned char pages[3];

    (void)state;
    assert_int_equal(mm_msync(mm, at, PAGES(2), MS_SYNC), 0);
    assert_int_equal(mm_msync(mm, at, PAGES(3), MS_SYNC), -ENOMEM);
    assert_int_equal(mm_msync(mm, at, PAGES(2), MS_SYNC | MS_ASYNC), -EINVAL);
    assert_int_equal(mm_msync(mm, at + 1, PAGES(2), MS_SYNC), -EINVAL);
    store(at + PAGES(1), 1);
    assert_int_equal(mm_mincore(mm, at, 2, pages), 0);
    assert_int_equal(pages[0], 0);
    assert_int_equal(pages[1], 1);
    assert_int_equal(mm_mincore(mm, at, 3, pages), -ENOMEM);
    assert_true(mm_is_mapped(mm, at + 5, PAGES(2) - 5));
    assert_false(mm_is_mapped(mm, at + 5, PAGES(2)));
    assert_false(mm_is_mapped(mm, at, UINT64_MAX));
}

static void test_fault_is_retried_once(void **state)
{
    guest_addr_t at = mm_map(mm, ANYWHERE, PAGES(1), RW, PRIVATE);
    struct trap trap = {.kind = TRAP_FAULT,
                        .is_mapped = true,
                        .access = FAULT_WRITE,
                        .signal = SIGSEGV,
                        .address = at};
    struct mm_last_fault last = {0};
    int code = 0;

    (void)state;
    assert_int_equal(mm_fault(mm, &trap, &last, &code), 0);
    assert_int_equal(mm_fault(mm, &trap, &last, &code), SIGSEGV);
    assert_int_equal(code, SEGV_ACCERR);
    assert_int_equal(mm_fault(mm, &trap, &last, &code), 0);
    trap.address = UINT64_MAX;
    assert_int_equal(mm_fault(mm, &trap, &last, &code), SIGSEGV);
    assert_int_equal(code, SEGV_MAPERR);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_anonymous),
        TEST(test_protect),
        TEST(test_none_then_used),
        TEST(test_lazy_giant),
        TEST(test_mmap_errors),
        TEST(test_fixed_replaces),
        TEST(test_brk),
        TEST(test_mremap),
        TEST(test_mremap_errors),
        TEST(test_dontneed),
        TEST(test_stack_grows),
        TEST(test_stack_keeps_its_gap),
        TEST(test_msync_mincore),
        TEST(test_fault_is_retried_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
