/* SPDX-License-Identifier: Apache-2.0 */
/* Pins and copies: what they reach, where they end, what they hold. */
#include "tests/unit/mm_world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static size_t pin_size(guest_addr_t address, size_t size, enum fault_access access)
{
    struct uio uio;
    size_t result;

    if (user_pin(mm, address, size, access, &uio) < 0)
        return 0;
    result = uio.size;
    user_unpin(mm, &uio);
    return result;
}

static void test_partial(void **state)
{
    (void)state;
    (void)mm_map(mm, AT, PAGES(4), RW, PRIVATE | MAP_FIXED);
    (void)mm_map(mm, AT + PAGES(5), PAGES(1), RW, PRIVATE | MAP_FIXED);
    assert_int_equal(mm_mprotect(mm, AT + PAGES(3), PAGES(1), PROT_READ), 0);
    assert_int_equal(pin_size(AT + 100, PAGES(9), FAULT_READ), PAGES(4) - 100);
    assert_int_equal(pin_size(AT + 100, PAGES(9), FAULT_WRITE), PAGES(3) - 100);
    assert_int_equal(pin_size(AT + PAGES(3), 1, FAULT_WRITE), 0);
    assert_int_equal(pin_size(AT + PAGES(4), 1, FAULT_READ), 0);
    assert_int_equal(pin_size(AT - 1, 2, FAULT_READ), 0);
    assert_int_equal(pin_size(AT + PAGES(5), PAGES(1), FAULT_WRITE), PAGES(1));
    assert_int_equal(pin_size(0, 1, FAULT_READ), 0);
    assert_int_equal(pin_size(UINT64_MAX - 8, 64, FAULT_READ), 0);
    assert_int_equal(pin_size(GUEST_ADDRESS_END, 64, FAULT_READ), 0);
}

static void test_size_max(void **state)
{
    struct uio uio;

    (void)state;
    (void)mm_map(mm, AT, PAGES(64), RW, PRIVATE | MAP_FIXED);
    assert_int_equal(pin_size(AT + 5, PAGES(60), FAULT_READ), UIO_SIZE_MAX);
    assert_int_equal(user_pin(mm, AT, 0, FAULT_READ, &uio), 0);
    assert_int_equal(uio.size, 0);
    user_unpin(mm, &uio);
    assert_int_equal(user_pin(mm, 0, 0, FAULT_READ, &uio), 0); /* nothing is touched */
    user_unpin(mm, &uio);
}

static void test_iov(void **state)
{
    struct iovec iov[] = {{(void *)1, 0},
                          {(void *)(AT + 10), 20},
                          {(void *)(AT + PAGES(1)), 30},
                          {(void *)8, 40},
                          {(void *)(AT + PAGES(2)), 50}};
    struct uio uio;
    char bytes[64];

    (void)state;
    (void)mm_map(mm, AT, PAGES(4), RW, PRIVATE | MAP_FIXED);
    memset(bytes, 'a', sizeof bytes);
    assert_int_equal(user_copy_out(mm, AT, bytes, sizeof bytes), 0);
    assert_int_equal(user_pin_iov(mm, iov, 5, 0, FAULT_READ, &uio), 0);
    assert_int_equal(uio.size, 50);
    user_unpin(mm, &uio);
    assert_int_equal(user_pin_iov(mm, iov, 5, 15, FAULT_READ, &uio), 0);
    assert_int_equal(uio.size, 35);
    assert_int_equal(uio_copy_from(&uio, bytes, 10), 10);
    assert_memory_equal(bytes, "aaaaa\0\0\0\0\0", 10);
    user_unpin(mm, &uio);
    assert_int_equal(user_pin_iov(mm, iov, 5, 50, FAULT_READ, &uio), -EFAULT);
    assert_int_equal(user_pin_iov(mm, iov, 5, 90, FAULT_READ, &uio), 0);
    assert_int_equal(uio.size, 50);
    user_unpin(mm, &uio);
}

/* More pieces than a uio has segments: as many as fit. */
static void test_many_segments(void **state)
{
    struct iovec iov[100];
    struct uio uio;

    (void)state;
    (void)mm_map(mm, AT, PAGES(4), RW, PRIVATE | MAP_FIXED);
    for (int i = 0; i < 100; i++)
        iov[i] = (struct iovec){(void *)(AT + (i % 50) * 64), 8};
    assert_int_equal(user_pin_iov(mm, iov, 100, 0, FAULT_WRITE, &uio), 0);
    assert_int_equal(uio.count, UIO_SEGMENTS);
    assert_int_equal(uio.size, UIO_SEGMENTS * 8);
    user_unpin(mm, &uio);
}

static void test_copies(void **state)
{
    size_t size = PAGES(50) + 77;
    char *from = malloc(size), *to = calloc(1, size);

    (void)state;
    for (size_t i = 0; i < size; i++)
        from[i] = (char)(i * 7 + i / 4096);
    (void)mm_map(mm, AT, PAGES(52), RW, PRIVATE | MAP_FIXED);
    assert_int_equal(user_copy_out(mm, AT + 33, from, size), 0);
    assert_int_equal(user_copy_in(mm, to, AT + 33, size), 0);
    assert_memory_equal(from, to, size);
    assert_int_equal(user_zero(mm, AT + 33, size - 1), 0);
    assert_int_equal(user_copy_in(mm, to, AT + 33, size), 0);
    assert_int_equal(to[size - 2], 0);
    assert_int_equal(to[size - 1], from[size - 1]);
    assert_int_equal(user_copy_in(mm, to, AT + PAGES(52) - 3, 4), -EFAULT);
    assert_int_equal(user_copy_out(mm, AT - 1, from, 2), -EFAULT);
    free(from);
    free(to);
}

static void test_strings(void **state)
{
    char to[5000];

    (void)state;
    (void)mm_map(mm, AT, PAGES(2), RW, PRIVATE | MAP_FIXED);
    assert_int_equal(user_copy_out(mm, AT + PAGES(1) - 3, "hello", 6), 0);
    assert_int_equal(user_copy_string(mm, to, AT + PAGES(1) - 3, sizeof to), 5);
    assert_string_equal(to, "hello");
    assert_int_equal(user_copy_string(mm, to, AT + PAGES(1) - 3, 6), 5);
    assert_int_equal(user_copy_string(mm, to, AT + PAGES(1) - 3, 5), -ENAMETOOLONG);
    assert_int_equal(user_copy_out(mm, AT + PAGES(2) - 3, "end", 3), 0);
    assert_int_equal(user_copy_string(mm, to, AT + PAGES(2) - 3, sizeof to), -EFAULT);
    assert_int_equal(user_copy_string(mm, to, AT + PAGES(2) - 3, 3), -ENAMETOOLONG);
    assert_int_equal(user_copy_string(mm, to, 0, sizeof to), -EFAULT);
}

/* What is pinned stays, whatever the guest does. */
static void test_pin_holds(void **state)
{
    uint64_t word = 0x1234;
    struct uio uio;

    (void)state;
    (void)mm_map(mm, AT, PAGES(16), RW, PRIVATE | MAP_FIXED);
    mm_poke(mm, AT, 1);
    assert_int_equal(user_pin(mm, AT, PAGES(2), FAULT_WRITE, &uio), 0);
    assert_int_equal(mm_munmap(mm, AT, PAGES(16)), 0);
    (void)mm_map(mm, AT, PAGES(16), RW, PRIVATE | MAP_FIXED);
    assert_int_equal(uio_copy_to(&uio, &word, sizeof word), sizeof word);
    assert_int_equal(mm_peek(mm, AT), 0);
    user_unpin(mm, &uio);
    assert_int_equal(memfile_owned_size(mm_kernel->memfile), MEM_CHUNK);
}

/* A pinned window of a host file outlives its map; a file that is cut off meanwhile is EFAULT. */
static void test_window_holds(void **state)
{
    char content[3 * 4096] = "host file", to[16];
    struct file *file = mm_host_file_new(content, sizeof content, true);
    struct mapping *mapping = mm_mapping_of(file);
    struct uio first, second;

    (void)state;
    assert_int_equal(host_guard_init(), 0); /* cmocka has its own for SIGBUS */
    assert_int_equal(mm_mmap(mm, AT, sizeof content, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0),
                     AT);
    assert_int_equal(user_pin(mm, AT, 4, FAULT_READ, &first), 0);
    assert_int_equal(user_pin(mm, AT + 5, 4, FAULT_READ, &second), 0);
    assert_int_equal(mm_munmap(mm, AT, sizeof content), 0);
    user_unpin(mm, &first);
    assert_int_equal(file->object.count, 2); /* ours and the vma's that went */
    assert_int_equal(uio_copy_from(&second, to, 4), 4);
    assert_memory_equal(to, "file", 4);
    user_unpin(mm, &second);
    assert_int_equal(file->object.count, 1);
    assert_int_equal(mm_mmap(mm, AT, sizeof content, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0),
                     AT);
    assert_int_equal(host_ftruncate(mapping->host.fd, 4096), 0);
    assert_int_equal(user_copy_in(mm, to, AT + 4096, 4), -EFAULT);
    assert_int_equal(user_copy_in(mm, to, AT + 4092, 4), 0);
    object_put(&file->object);
}

struct fork_thread {
    struct mm *child;
    atomic_bool is_done;
};

static void *fork_in_thread(void *argument)
{
    struct fork_thread *thread = argument;

    assert(mm_fork(mm, &thread->child) == 0);
    atomic_store(&thread->is_done, true);
    return NULL;
}

/* fork waits for write pins: what they write is in one of the two, whole. */
static void test_fork_waits(void **state)
{
    struct fork_thread thread = {0};
    uint64_t word = 7;
    struct uio uio;
    pthread_t id;

    (void)state;
    (void)mm_map(mm, AT, PAGES(4), RW, PRIVATE | MAP_FIXED);
    assert_int_equal(user_pin(mm, AT, 8, FAULT_WRITE, &uio), 0);
    assert_int_equal(host_thread_start(&id, fork_in_thread, &thread, "fork"), 0);
    for (int i = 0; i < 50; i++)
        host_sleep(NSEC_PER_MSEC / 5);
    assert_false(atomic_load(&thread.is_done));
    assert_int_equal(uio_copy_to(&uio, &word, sizeof word), sizeof word);
    user_unpin(mm, &uio);
    host_thread_join(id);
    mm_poke(mm, AT, 8);
    assert_int_equal(mm_peek(thread.child, AT), 7);
    object_put(&thread.child->object);
}

/* A read pin keeps what it saw: a writer makes a copy instead of taking over. */
static void test_read_pin_and_copy(void **state)
{
    struct mm *child;
    struct uio uio;
    uint64_t word;

    (void)state;
    (void)mm_map(mm, AT, PAGES(4), RW, PRIVATE | MAP_FIXED);
    mm_poke(mm, AT, 5);
    assert_int_equal(mm_fork(mm, &child), 0);
    object_put(&child->object);
    assert_int_equal(user_pin(mm, AT, 8, FAULT_READ, &uio), 0);
    mm_poke(mm, AT, 6);
    assert_int_equal(uio_copy_from(&uio, &word, 8), 8);
    assert_int_equal(word, 5);
    user_unpin(mm, &uio);
    assert_int_equal(mm_peek(mm, AT), 6);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_partial),           TEST(test_size_max),     TEST(test_iov),
        TEST(test_many_segments),     TEST(test_copies),       TEST(test_strings),
        TEST(test_pin_holds),         TEST(test_window_holds), TEST(test_fork_waits),
        TEST(test_read_pin_and_copy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
