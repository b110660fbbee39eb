/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host calls: guarded copies survive what they must and nothing else, tests can make calls fail,
 * names cannot leave their directory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "core/base/container.h"
#include "core/base/host.h"
#include "tests/unit/dies.h"

enum { PAGE = 4096 };

/* --- guarded copies --- */

/* Two pages; the second cannot be touched: of a file that was cut off, or without rights. */
static char *make_bad_second_page(bool of_file)
{
    void *memory;
    int fd = host_memfd("test", 0);

    assert_true(fd >= 0);
    assert_int_equal(host_ftruncate(fd, of_file ? PAGE : 2 * PAGE), 0);
    assert_int_equal(host_mmap(&memory, NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0),
                     0);
    if (!of_file)
        assert_int_equal(host_mprotect((char *)memory + PAGE, PAGE, PROT_NONE), 0);
    assert_int_equal(host_close(fd), 0);
    return memory;
}

static void check_guarded_copies(bool of_file)
{
    static const size_t sizes[] = {1, 2, 3, 4, 7, 8, 15, 16, 100, 128, 129, 1000, PAGE};
    char *pages = make_bad_second_page(of_file);
    char buffer[PAGE];

    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        size_t size = sizes[i];
        memset(buffer, (int)(i + 1), size);
        assert_int_equal(host_copy_guarded(pages + PAGE - size, buffer, size), 0);
        memset(buffer, 0, size);
        assert_int_equal(host_copy_guarded(buffer, pages + PAGE - size, size), 0);
        for (size_t k = 0; k < size; k++)
            assert_int_equal(buffer[k], i + 1);
        assert_int_equal(host_zero_guarded(pages + PAGE - size, size), 0);
        assert_int_equal(pages[PAGE - size], 0);
        assert_int_equal(host_copy_guarded(pages + PAGE, buffer, size), -EFAULT);
        assert_int_equal(host_copy_guarded(buffer, pages + PAGE, size), -EFAULT);
        assert_int_equal(host_zero_guarded(pages + PAGE, size), -EFAULT);
        if (size > 1)
            assert_int_equal(host_copy_guarded(buffer, pages + PAGE - 1, size), -EFAULT);
    }
    assert_int_equal(host_copy_guarded(pages + PAGE, buffer, 0), 0);
    assert_int_equal(host_munmap(pages, 2 * PAGE), 0);
}

static void test_guarded_copies(void **state)
{
    (void)state;
    assert_int_equal(host_guard_init(), 0);
    check_guarded_copies(true);
    check_guarded_copies(false);
}

static void touch_without_guard(void)
{
    (void)signal(SIGSEGV, SIG_DFL);
    (void)signal(SIGBUS, SIG_DFL);
    if (host_guard_init() < 0)
        return;
    volatile char *pages = make_bad_second_page(true);

    pages[PAGE] = 1;
}

static void test_other_faults_still_kill(void **state)
{
    (void)state;
    assert_true(dies_of(SIGBUS, touch_without_guard));
}

/* --- failures for tests --- */

static void test_allocations_fail(void **state)
{
    (void)state;
    host_alloc_fail_at(2);
    void *first = host_alloc(1, 8);
    assert_non_null(first);
    assert_null(host_alloc(1, 8));
    void *third = host_alloc(3, 8);
    assert_non_null(third);
    for (size_t i = 0; i < 24; i++)
        assert_int_equal(((char *)third)[i], 0);
    host_free(first);
    host_free(third);
    assert_null(host_alloc(SIZE_MAX / 2, 4));
    char *text = host_strdup("text");
    assert_string_equal(text, "text");
    host_free(text);
}

static void test_calls_fail(void **state)
{
    char byte = 1, to = 0;

    (void)state;
    assert_int_equal(host_guard_init(), 0);
    host_call_fail_at(2, -ENOSPC);
    int fd = host_memfd("test", 0);
    assert_true(fd >= 0);
    assert_int_equal(host_ftruncate(fd, 5), -ENOSPC);
    assert_int_equal(host_ftruncate(fd, 5), 0);
    host_call_fail_at(1, -EIO);
    assert_int_equal(host_copy_guarded(&to, &byte, 1), -EFAULT);
    assert_int_equal(host_copy_guarded(&to, &byte, 1), 0);
    assert_int_equal(to, 1);
    host_call_fail_at(1, -EIO);
    host_call_fail_at(0, 0);
    assert_int_equal(host_ftruncate(fd, 6), 0);
    assert_int_equal(host_close(fd), 0);
    assert_int_equal(host_close(fd), -EBADF);
}

/* --- files --- */

static int make_directory(char name[])
{
    assert_non_null(mkdtemp(name));
    int fd = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void test_names_stay_beneath(void **state)
{
    char name[] = "/tmp/sbx-test-XXXXXX";
    int dir = make_directory(name);
    struct stat stat;

    (void)state;
    int file = host_open_beneath(dir, "file", O_CREAT | O_EXCL | O_RDWR, 0600);
    assert_true(file >= 0);
    assert_int_equal(fcntl(file, F_GETFD), FD_CLOEXEC);
    assert_int_equal(host_symlinkat("file", dir, "link"), 0);
    assert_int_equal(host_open_beneath(dir, "link", O_RDONLY, 0), -ELOOP);
    assert_int_equal(host_open_beneath(dir, "..", O_RDONLY, 0), -EXDEV);
    assert_int_equal(host_open_beneath(dir, "/etc", O_RDONLY, 0), -EXDEV);
    assert_int_equal(host_open_beneath(dir, "none", O_RDONLY, 0), -ENOENT);
    int again = host_open_beneath(dir, "", O_RDONLY | O_DIRECTORY, 0);
    assert_true(again >= 0);
    assert_int_equal(host_open_beneath(file, "", O_RDONLY, 0), -EOPNOTSUPP);
    assert_int_equal(host_fstatat(dir, "link", &stat), 0);
    assert_true(S_ISLNK(stat.st_mode));
    assert_int_equal(host_unlinkat(dir, "link", 0), 0);
    assert_int_equal(host_unlinkat(dir, "file", 0), 0);
    assert_int_equal(host_close(again), 0);
    assert_int_equal(host_close(file), 0);
    assert_int_equal(host_close(dir), 0);
    assert_int_equal(rmdir(name), 0);
}

static void test_all_or_an_error(void **state)
{
    char data[100], back[100];
    int fd = host_memfd("test", 0);

    (void)state;
    memset(data, 7, sizeof(data));
    assert_int_equal(host_pwrite_all(fd, data, sizeof(data), 50), 0);
    assert_int_equal(host_pread_all(fd, back, sizeof(back), 50), 0);
    assert_memory_equal(data, back, sizeof(data));
    assert_int_equal(host_pread_all(fd, back, sizeof(back), 51), -EIO);
    assert_int_equal(host_lseek(fd, 150, SEEK_DATA), -ENXIO);
    assert_int_equal(host_close(fd), 0);
}

/* --- threads --- */

static void test_futex(void **state)
{
    atomic_uint word = 5;

    (void)state;
    assert_int_equal(host_futex_wait(&word, 4, NSEC_NEVER), -EAGAIN);
    assert_int_equal(host_futex_wait(&word, 5, host_clock_now() + 1000), -ETIMEDOUT);
    assert_int_equal(host_futex_wait(&word, 5, -7), -ETIMEDOUT);
}

static void test_log_lines(void **state)
{
    char line[600] = {0};
    int pipes[2];

    (void)state;
    assert_int_equal(pipe(pipes), 0);
    host_log_set(pipes[1], LOG_INFO);
    host_log(LOG_DEBUG, "not this one");
    host_log(LOG_INFO, "number %d", 5);
    assert_int_equal(read(pipes[0], line, sizeof(line)), 20);
    assert_string_equal(line, "sbx: info: number 5\n");
    host_log(LOG_ERROR, "%0*d", 2000, 1);
    ssize_t size = read(pipes[0], line, sizeof(line));
    assert_int_equal(size, 512);
    assert_int_equal(line[size - 1], '\n');
    host_log_set(STDERR_FILENO, LOG_WARNING);
    assert_int_equal(close(pipes[0]), 0);
    assert_int_equal(close(pipes[1]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guarded_copies),
        cmocka_unit_test(test_other_faults_still_kill),
        cmocka_unit_test(test_allocations_fail),
        cmocka_unit_test(test_calls_fail),
        cmocka_unit_test(test_names_stay_beneath),
        cmocka_unit_test(test_all_or_an_error),
        cmocka_unit_test(test_futex),
        cmocka_unit_test(test_log_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
