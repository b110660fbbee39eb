/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks of files without tasks: what stays of an owner's ranges, who gets a lock next, who would
 * wait for ever.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/host.h"
#include "vfs/fs/tmpfs.h"

enum { OWNERS = 4 };

struct locker {
    struct file_lock_owner owner;
    struct file_lock_request request;
    struct waiter waiter;
};

static struct inode *inode;
static struct locker lockers[OWNERS];

static int set_up(void **state)
{
    (void)state;
    memset(lockers, 0, sizeof(lockers));
    for (int i = 0; i < OWNERS; i++)
        file_lock_owner_init(&lockers[i].owner);
    return tmpfs_create(0755, &inode);
}

static int tear_down(void **state)
{
    (void)state;
    host_alloc_fail_at(0);
    for (int i = 0; i < OWNERS; i++) {
        file_lock_cancel(&lockers[i].request);
        file_lock_owner_fini(&lockers[i].owner);
    }
    object_put(&inode->object);
    assert_int_equal(object_live_count(), 0);
    return 0;
}

static void prepare(int nr, enum file_lock_kind kind, bool is_exclusive, uint64_t start,
                    uint64_t end)
{
    struct file_lock_request *request = &lockers[nr].request;

    request->kind = kind;
    request->is_exclusive = is_exclusive;
    request->start = start;
    request->end = end;
    request->pid = nr;
    request->owner = &lockers[nr].owner;
    request->inode = inode;
}

static int64_t set(int nr, bool is_exclusive, uint64_t start, uint64_t end)
{
    prepare(nr, FILE_LOCK_TABLE, is_exclusive, start, end);
    return file_lock_set(&lockers[nr].request, NULL);
}

static int64_t ask(int nr, bool is_exclusive, uint64_t start, uint64_t end)
{
    prepare(nr, FILE_LOCK_TABLE, is_exclusive, start, end);
    return file_lock_set(&lockers[nr].request, &lockers[nr].waiter);
}

static int64_t ask_again(int nr)
{
    atomic_store(&lockers[nr].waiter.kicked, 0);
    return file_lock_set(&lockers[nr].request, &lockers[nr].waiter);
}

static int append(void *context, const struct file_lock_info *info)
{
    char *text = context;

    (void)sprintf(text + strlen(text), "%s%d%c%d-%d", info->is_waiting ? ">" : " ", info->pid,
                  info->is_exclusive ? 'w' : 'r', (int)info->start, (int)info->end);
    return 0;
}

static void expect(const char *what)
{
    char text[256] = "";

    assert_int_equal(file_lock_list(append, text), 0);
    assert_string_equal(text, what);
}

static void test_ranges(void **state)
{
    (void)state;
    assert_int_equal(set(0, true, 10, 19), 0);
    assert_int_equal(set(0, true, 20, 29), 0);
    expect(" 0w10-29");
    assert_int_equal(set(0, false, 15, 24), 0);
    expect(" 0w10-14 0w25-29 0r15-24");
    assert_int_equal(set(0, true, 15, 24), 0);
    expect(" 0w10-29");
    assert_int_equal(file_lock_clear(&lockers[0].request), 0);
    expect(" 0w10-14 0w25-29");
}

/* Who came first gets it first, whoever looks first. */
static void test_order(void **state)
{
    (void)state;
    assert_int_equal(set(0, true, 0, 9), 0);
    for (int i = 1; i < OWNERS; i++)
        assert_int_equal(ask(i, true, 0, 9), WAIT_AGAIN);
    expect(" 0w0-9>1w0-9>2w0-9>3w0-9");
    file_lock_release(&lockers[0].owner, inode);
    assert_int_equal(ask_again(3), WAIT_AGAIN);
    assert_int_equal(ask_again(2), WAIT_AGAIN);
    file_lock_cancel(&lockers[1].request);
    assert_int_equal(atomic_load(&lockers[2].waiter.kicked), 1);
    assert_int_equal(ask_again(2), 0);
    assert_int_equal(ask_again(3), WAIT_AGAIN);
    expect(" 2w0-9>3w0-9");
}

/* A shared lock need not wait for an exclusive one that others keep waiting. */
static void test_no_needless_order(void **state)
{
    (void)state;
    assert_int_equal(set(0, false, 0, 9), 0);
    assert_int_equal(ask(1, true, 0, 9), WAIT_AGAIN);
    assert_int_equal(ask(2, false, 0, 9), 0);
    file_lock_release(&lockers[0].owner, NULL);
    assert_int_equal(atomic_load(&lockers[1].waiter.kicked), 1);
    assert_int_equal(ask_again(1), WAIT_AGAIN);
}

static void test_deadlock(void **state)
{
    (void)state;
    assert_int_equal(set(0, true, 0, 0), 0);
    assert_int_equal(set(1, true, 1, 1), 0);
    assert_int_equal(set(2, true, 2, 2), 0);
    assert_int_equal(ask(0, true, 1, 1), WAIT_AGAIN);
    assert_int_equal(ask(1, true, 2, 2), WAIT_AGAIN);
    assert_int_equal(ask(2, true, 0, 0), -EDEADLK);
    file_lock_cancel(&lockers[0].request);
    assert_int_equal(ask(2, true, 0, 0), WAIT_AGAIN);
}

static void test_no_memory(void **state)
{
    (void)state;
    assert_int_equal(set(0, true, 0, 99), 0);
    for (unsigned long n = 1; n <= 2; n++) {
        host_alloc_fail_at(n);
        assert_int_equal(set(0, false, 10, 19), -ENOLCK);
    }
    host_alloc_fail_at(1);
    assert_int_equal(file_lock_clear(&lockers[0].request), -ENOLCK);
    expect(" 0w0-99");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ranges, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_needless_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deadlock, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
