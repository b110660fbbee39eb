/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes through segments, and how far they go when one faults. Byte vectors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/mman.h>

#include "core/base/bytes.h"
#include "core/base/host.h"
#include "core/base/uio.h"

enum { PAGE = 4096 };

/* Segments of 3, 0, 4 and 5 bytes over memory, with gaps. */
static struct uio make_uio(char memory[32])
{
    struct uio uio = {.count = 4, .size = 12};

    uio.segments[0] = (struct iovec){.iov_base = memory, .iov_len = 3};
    uio.segments[1] = (struct iovec){.iov_base = memory + 5, .iov_len = 0};
    uio.segments[2] = (struct iovec){.iov_base = memory + 10, .iov_len = 4};
    uio.segments[3] = (struct iovec){.iov_base = memory + 20, .iov_len = 5};
    return uio;
}

static void test_copies_cross_segments(void **state)
{
    char memory[32] = {0}, back[16] = {0};
    struct uio uio = make_uio(memory);

    (void)state;
    assert_int_equal(uio_copy_to(&uio, "abcde", 5), 5);
    assert_int_equal(uio_left(&uio), 7);
    assert_int_equal(uio_copy_to(&uio, "fghijklmnop", 11), 7); /* no more than is left */
    assert_int_equal(uio_left(&uio), 0);
    assert_int_equal(uio_copy_to(&uio, "x", 1), 0);
    assert_memory_equal(memory, "abc\0", 4);
    assert_memory_equal(memory + 9, "\0defg\0", 6);
    assert_memory_equal(memory + 19, "\0hijkl\0", 7);
    uio = make_uio(memory);
    assert_int_equal(uio_copy_from(&uio, back, 4), 4);
    assert_int_equal(uio_copy_from(&uio, back + 4, 12), 8);
    assert_string_equal(back, "abcdefghijkl");
    uio = make_uio(memory);
    uio_advance(&uio, 2);
    assert_int_equal(uio_zero(&uio, 6), 6);
    assert_memory_equal(memory, "ab\0\0", 4);
    assert_memory_equal(memory + 20, "\0ijkl", 5);
}

static void test_iovecs_of_what_is_left(void **state)
{
    char memory[32] = {0};
    struct uio uio = make_uio(memory);
    struct iovec out[UIO_SEGMENTS];

    (void)state;
    uio_advance(&uio, 5);
    assert_int_equal(uio_iovecs(&uio, out), 2);
    assert_ptr_equal(out[0].iov_base, memory + 12);
    assert_int_equal(out[0].iov_len, 2);
    assert_ptr_equal(out[1].iov_base, memory + 20);
    assert_int_equal(out[1].iov_len, 5);
    uio_advance(&uio, 7);
    assert_int_equal(uio_iovecs(&uio, out), 0);
}

/* Three pages, of which the last cannot be touched. */
static char *make_pages(void)
{
    void *memory;

    assert_int_equal(host_mmap(&memory, NULL, 3 * PAGE, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
                     0);
    assert_int_equal(host_mprotect((char *)memory + 2 * PAGE, PAGE, PROT_NONE), 0);
    return memory;
}

static void test_fault_tells_how_far_it_went(void **state)
{
    static char buffer[3 * PAGE];
    char *pages = make_pages();
    struct uio uio;

    (void)state;
    assert_int_equal(host_guard_init(), 0);
    memset(buffer, 3, sizeof(buffer));
    uio_init(&uio, pages + 100, 3 * PAGE - 100);
    assert_int_equal(uio_copy_to(&uio, buffer, sizeof(buffer)), 2 * PAGE - 100);
    assert_int_equal(pages[2 * PAGE - 1], 3);
    assert_int_equal(uio_copy_to(&uio, buffer, 1), -EFAULT);
    assert_int_equal(uio.done, 2 * PAGE - 100);
    uio_init(&uio, pages, 3 * PAGE);
    memset(buffer, 0, sizeof(buffer));
    assert_int_equal(uio_copy_from(&uio, buffer, sizeof(buffer)), 2 * PAGE);
    assert_int_equal(buffer[2 * PAGE - 1], 3);
    assert_int_equal(buffer[2 * PAGE], 0);
    uio_init(&uio, pages + PAGE, 2 * PAGE);
    assert_int_equal(uio_zero(&uio, 2 * PAGE), PAGE);
    assert_int_equal(pages[2 * PAGE - 1], 0);
    uio_init(&uio, pages + 2 * PAGE, PAGE);
    assert_int_equal(uio_zero(&uio, PAGE), -EFAULT);
    assert_int_equal(host_munmap(pages, 3 * PAGE), 0);
}

static void test_bytes_grow(void **state)
{
    struct bytes bytes = {0};

    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(bytes_printf(&bytes, "%d,", i % 10), 0);
    assert_int_equal(bytes.size, 2000);
    assert_memory_equal(bytes.data, "0,1,2,3,4,5,6,7,8,9,0,", 22);
    assert_int_equal(bytes_append(&bytes, "end", 4), 0);
    assert_string_equal((char *)bytes.data + 2000, "end");
    size_t capacity = bytes.capacity;
    host_alloc_fail_at(1);
    assert_int_equal(bytes_reserve(&bytes, capacity), -ENOMEM);
    host_alloc_fail_at(0);
    assert_int_equal(bytes_reserve(&bytes, SIZE_MAX), -ENOMEM);
    assert_int_equal(bytes.size, 2004);
    assert_int_equal(bytes.capacity, capacity);
    bytes_fini(&bytes);
    assert_null(bytes.data);
    bytes_fini(&bytes);
    assert_int_equal(bytes_append(&bytes, NULL, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copies_cross_segments),
        cmocka_unit_test(test_iovecs_of_what_is_left),
        cmocka_unit_test(test_fault_tells_how_far_it_went),
        cmocka_unit_test(test_bytes_grow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
