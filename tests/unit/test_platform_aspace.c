/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address spaces: batches of mapping changes, forks, host files, what the filter of the mm thread
 * refuses, and that any number of them leaves nothing behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/stub/stub.h"
#include "tests/unit/guest_world.h"

enum { MANY_OPS = 200, MANY_STUBS = 200, ROUNDS = 2000, FILE_COUNT = 300 };
#define FAR UINT64_C(0x100000000)

static struct guest guest;

static int set_up(void **state)
{
    if (world_set_up(state) < 0)
        return -1;
    guest_create(&guest);
    return 0;
}

static int tear_down(void **state)
{
    guest_free(&guest);
    return world_tear_down(state);
}

/* The word there, as the guest sees it. */
static uint64_t load(struct guest *from, uint64_t address)
{
    from->regs.rdi = address;
    assert_int_equal(guest_enter(from, GUEST_AT(load)), TRAP_SYSCALL);
    return from->regs.rax;
}

static bool is_mapped(struct guest *in, uint64_t address)
{
    in->regs.rdi = address;
    return guest_enter(in, GUEST_AT(load)) == TRAP_SYSCALL;
}

static bool can_store(struct guest *in, uint64_t address, uint64_t value)
{
    in->regs.rdi = address;
    in->regs.rax = value;
    return guest_enter(in, GUEST_AT(store)) == TRAP_SYSCALL;
}

static void a_batch_of_any_size_is_applied_in_order(void **state)
{
    struct aspace_op ops[MANY_OPS];
    uint64_t run = world_run(MANY_OPS * 4096);

    (void)state;
    for (uint64_t i = 0; i < MANY_OPS; i++) {
        *(uint64_t *)memfile_at(world_memfile, run + i * 4096) = i;
        ops[i] = op_map(FAR + (MANY_OPS - i) * 8192, 4096, PROT_READ, run + i * 4096);
    }
    guest_apply(&guest, ops, MANY_OPS);
    for (uint64_t i = 0; i < MANY_OPS; i++)
        assert_int_equal(load(&guest, FAR + (MANY_OPS - i) * 8192), i);
    /* The last one of an address wins. */
    const struct aspace_op same[] = {op_map(FAR, 4096, PROT_READ, run), op_unmap(FAR, 4096),
                                     op_map(FAR, 4096, PROT_READ, run + 4096),
                                     op_protect(FAR, 4096, PROT_NONE),
                                     op_protect(FAR, 4096, PROT_READ | PROT_WRITE)};
    guest_apply(&guest, same, 5);
    assert_int_equal(load(&guest, FAR), 1);
    assert_true(can_store(&guest, FAR, 5));
    assert_int_equal(*(uint64_t *)memfile_at(world_memfile, run + 4096), 5);
    memfile_put(world_memfile, run, MANY_OPS * 4096);
}

static void a_failed_operation_ends_the_batch_and_is_counted(void **state)
{
    const size_t places[] = {0, 1, 62, 63, 64, 130};
    struct aspace_op ops[MANY_OPS];
    uint64_t run = world_run(4096);
    size_t done;

    (void)state;
    for (size_t p = 0; p < sizeof(places) / sizeof(places[0]); p++) {
        for (uint64_t i = 0; i < MANY_OPS; i++)
            ops[i] = op_map(FAR + i * 8192, 4096, PROT_READ, run);
        ops[places[p]] = op_map(FAR + 1, 4096, PROT_READ, run);
        assert_int_equal(aspace_apply(guest.aspace, ops, MANY_OPS, &done), -EINVAL);
        assert_int_equal(done, places[p]);
        assert_int_equal(is_mapped(&guest, FAR), places[p] > 0);
        assert_false(is_mapped(&guest, FAR + (places[p] + 1) * 8192));
        const struct aspace_op clear = op_unmap(FAR, MANY_OPS * 8192);
        guest_apply(&guest, &clear, 1);
    }
    assert_int_equal(aspace_apply(guest.aspace, ops, 0, &done), 0);
    assert_int_equal(done, 0);
    ops[0] = op_protect(FAR, 4096, PROT_READ);
    assert_int_equal(aspace_apply(guest.aspace, ops, 1, &done), -ENOMEM); /* nothing there */
    memfile_put(world_memfile, run, 4096);
}

static void guest_ranges_end_below_the_stub(void **state)
{
    uint64_t run = world_run(4096), last = GUEST_ADDRESS_END - 4096;
    const struct aspace_op bad[] = {
        op_map(GUEST_ADDRESS_END, 4096, PROT_READ, run),
        op_map(STUB_TEXT, 4096, PROT_READ, run),
        op_map(STUB_COMMAND, 4096, PROT_READ | PROT_WRITE, run),
        op_unmap(STUB_TEXT, 4096),
        op_unmap(last, UINT64_C(0x200000000)),
        op_unmap(0x10000, UINT64_MAX - 0xffff),
        op_unmap(0, STUB_TASK_END),
        op_protect(STUB_COMMAND, 4096, PROT_READ | PROT_WRITE),
        op_protect(STUB_TEXT, 4096, PROT_READ | PROT_WRITE),
        op_protect(FAR, 4096, 0x1000000),
        {.kind = ASPACE_ADVISE, .address = FAR, .size = 4096, .advice = MADV_REMOVE},
        {.kind = ASPACE_ADVISE, .address = FAR, .size = 4096, .advice = MADV_DONTFORK},
    };
    size_t done;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(aspace_apply(guest.aspace, &bad[i], 1, &done), -EPERM);
    *(uint64_t *)memfile_at(world_memfile, run) = 42;
    guest_map(&guest, last, 4096, PROT_READ, run);
    assert_int_equal(load(&guest, last), 42);
    memfile_put(world_memfile, run, 4096);
}

/* Should the sandbox process be confused, the mm thread still does nothing else. */
static void the_mm_thread_refuses_other_calls(void **state)
{
    static const struct stub_call bad[] = {
        {SYS_mmap, {FAR, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, STUB_FD_CONTROL}, 0},
        {SYS_mmap, {FAR, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, STUB_FD_MEMFILE}, 0},
        {SYS_mmap, {FAR, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1}, 0},
        {SYS_mmap, {FAR, 4096, PROT_READ, MAP_SHARED, STUB_FD_MEMFILE}, 0},
        {SYS_mmap, {FAR, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, STUB_FD_SOCKET}, 0},
        {SYS_mmap, {STUB_BOX, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, STUB_FD_CONTROL}, 0},
        {SYS_clone, {STUB_THREAD_FLAGS | CLONE_PTRACE}, 0},
        {SYS_clone, {STUB_THREAD_FLAGS, FAR}, 0},
        {SYS_clone, {SIGCHLD}, 0},
        {SYS_pwrite64, {STUB_FD_MEMFILE, STUB_COMMAND, 4, CONTROL_SLOTS}, 0},
        {SYS_pwrite64, {STUB_FD_CONTROL, STUB_COMMAND, 4, 0}, 0},
        {SYS_pwrite64, {STUB_FD_CONTROL, FAR, 4, CONTROL_SLOTS}, 0},
        {SYS_pwrite64, {STUB_FD_CONTROL, STUB_TEXT, 4, CONTROL_SLOTS}, 0},
        {SYS_futex, {STUB_COMMAND, 3, 1}, 0},
        {SYS_futex, {FAR, 1, 1}, 0},
        {SYS_close, {STUB_FD_CONTROL}, 0},
        {SYS_close, {STUB_FD_MEMFILE}, 0},
        {SYS_recvmsg, {STUB_FD_SOCKET, FAR, 0}, 0},
        {SYS_recvmsg, {STUB_FD_HOST, STUB_BOX, 0}, 0},
        {SYS_openat, {(uint64_t)AT_FDCWD, STUB_COMMAND, 0}, 0},
        {SYS_execve, {STUB_COMMAND, 0, 0}, 0},
        {SYS_kill, {1, SIGKILL}, 0},
        {SYS_ptrace, {0, 0, 0}, 0},
        {SYS_exit, {0}, 0},
    };
    struct stub *stub = stub_of(guest.aspace);
    unsigned done;
    int value;

    (void)state;
    mutex_lock(&stub->lock);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(stub_run(stub, &bad[i], 1, &done, &value), -EPERM);
        assert_int_equal(done, 0);
    }
    mutex_unlock(&stub->lock);
    assert_true(is_mapped(&guest, GUEST_DATA));
}

/* A child of the guest, at the same registers. */
static void fork_guest(struct guest *child, const struct aspace_op *before, size_t count)
{
    *child = guest;
    assert_int_equal(aspace_fork(guest.aspace, before, count, &child->aspace), 0);
    assert_int_equal(context_create(child->aspace, &child->context), 0);
    assert_int_equal(context_attach(child->context), 0);
    memfile_get(world_memfile, guest.data, GUEST_DATA_SIZE);
}

static void a_fork_has_the_same_mappings(void **state)
{
    const struct aspace_op freeze = op_protect(GUEST_DATA, GUEST_DATA_SIZE, PROT_READ);
    uint64_t copy = world_run(4096);
    struct guest child;

    (void)state;
    assert_true(can_store(&guest, GUEST_DATA, 1));
    fork_guest(&child, &freeze, 1);
    assert_int_equal(load(&child, GUEST_DATA), 1);
    assert_false(can_store(&guest, GUEST_DATA, 2));
    assert_false(can_store(&child, GUEST_DATA, 3));
    assert_true(child.trap.is_mapped);
    /* Copied on write by the child; the parent takes its own over. */
    memcpy(memfile_at(world_memfile, copy), memfile_at(world_memfile, guest.data), 4096);
    guest_map(&child, GUEST_DATA, 4096, PROT_READ | PROT_WRITE, copy);
    const struct aspace_op heal = op_protect(GUEST_DATA, 4096, PROT_READ | PROT_WRITE);
    guest_apply(&guest, &heal, 1);
    assert_true(can_store(&child, GUEST_DATA, 3));
    assert_true(can_store(&guest, GUEST_DATA, 2));
    assert_int_equal(load(&child, GUEST_DATA), 3);
    assert_int_equal(load(&guest, GUEST_DATA), 2);
    guest_free(&child);
    memfile_put(world_memfile, copy, 4096);
}

static void a_fork_applies_any_number_of_changes_first(void **state)
{
    struct aspace_op ops[MANY_OPS];
    uint64_t run = world_run(4096);
    struct aspace *none = NULL;
    struct guest child;

    (void)state;
    for (size_t count = 60; count <= MANY_OPS; count += count < 70 ? 1 : 65) {
        for (uint64_t i = 0; i < count; i++)
            ops[i] = op_map(FAR + i * 8192, 4096, PROT_READ, run);
        fork_guest(&child, ops, count);
        for (uint64_t i = 0; i < count; i += 59) {
            assert_true(is_mapped(&child, FAR + i * 8192));
            assert_true(is_mapped(&guest, FAR + i * 8192));
        }
        assert_true(is_mapped(&child, FAR + (count - 1) * 8192));
        guest_free(&child);
    }
    ops[100] = op_map(FAR + 1, 4096, PROT_READ, run);
    assert_int_equal(aspace_fork(guest.aspace, ops, MANY_OPS, &none), -EINVAL);
    assert_null(none);
    memfile_put(world_memfile, run, 4096);
}

static void a_fork_of_a_fork_outlives_its_parents(void **state)
{
    struct guest child, grandchild;

    (void)state;
    fork_guest(&child, NULL, 0);
    struct guest first = guest;
    guest = child;
    fork_guest(&grandchild, NULL, 0);
    guest_free(&child);
    guest = first;
    assert_true(can_store(&grandchild, GUEST_DATA, 7));
    guest_free(&grandchild);
    assert_int_equal(load(&guest, GUEST_DATA), 7); /* one memfile, shared */
}

static int open_file(char *name, int flags)
{
    int fd = mkstemp(name), again;

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 8192), 0);
    assert_int_equal(pwrite(fd, "content", 8, 0), 8);
    again = open(name, flags | O_CLOEXEC);
    assert_true(again >= 0);
    (void)close(fd);
    (void)unlink(name);
    return again;
}

static void host_files_are_mapped_as_they_are_open(void **state)
{
    char names[2][32] = {"/tmp/sbx-test-XXXXXX", "/tmp/sbx-test-XXXXXX"};
    int fds[2] = {open_file(names[0], O_RDONLY), open_file(names[1], O_RDWR)}, files[2];
    uint64_t word;
    size_t done;

    (void)state;
    memcpy(&word, "content", 8);
    for (int i = 0; i < 2; i++)
        assert_int_equal(platform_add_file(world_platform, fds[i], &files[i]), 0);
    struct aspace_op op = op_map(FAR, 8192, PROT_READ, 0);
    for (int i = 0; i < 2; i++) {
        op.file = files[i];
        op.prot = PROT_READ;
        guest_apply(&guest, &op, 1);
        assert_int_equal(load(&guest, FAR), word);
        op.prot = PROT_READ | PROT_WRITE;
        assert_int_equal(aspace_apply(guest.aspace, &op, 1, &done), i == 0 ? -EACCES : 0);
    }
    assert_true(can_store(&guest, FAR + 8, 4711));
    assert_int_equal(pread(fds[1], &word, 8, 8), 8);
    assert_int_equal(word, 4711);
    /* Past the end of a file that was cut off. */
    assert_int_equal(ftruncate(fds[1], 4096), 0);
    guest.regs.rdi = FAR + 4096;
    assert_int_equal(guest_enter(&guest, GUEST_AT(load)), TRAP_FAULT);
    assert_int_equal(guest.trap.signal, SIGBUS);
    assert_int_equal(guest.trap.code, BUS_ADRERR);
    assert_int_equal(guest.trap.address, FAR + 4096);
    for (int i = 0; i < 2; i++) {
        platform_remove_file(world_platform, files[i]);
        op.file = files[i];
        op.prot = PROT_READ;
        assert_int_equal(aspace_apply(guest.aspace, &op, 1, &done), -EBADF);
        (void)close(fds[i]);
    }
}

static void numbers_of_files_are_given_out_again(void **state)
{
    int files[FILE_COUNT], again, fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    (void)state;
    for (int i = 0; i < FILE_COUNT; i++) {
        assert_int_equal(platform_add_file(world_platform, fd, &files[i]), 0);
        assert_true(i == 0 || files[i] > files[i - 1]);
    }
    platform_remove_file(world_platform, files[5]);
    assert_int_equal(platform_add_file(world_platform, fd, &again), 0);
    assert_int_equal(again, files[5]);
    for (int i = 0; i < FILE_COUNT; i++)
        platform_remove_file(world_platform, files[i]);
    (void)close(fd);
}

static void there_may_be_many_stubs_at_once(void **state)
{
    static struct guest guests[MANY_STUBS];

    (void)state;
    for (int i = 0; i < MANY_STUBS; i++)
        guest_create(&guests[i]);
    for (int i = 0; i < MANY_STUBS; i++)
        assert_true(can_store(&guests[i], GUEST_DATA, (uint64_t)i));
    for (int i = 0; i < MANY_STUBS; i++)
        assert_int_equal(*guest_word(&guests[i], GUEST_DATA), i);
    for (int i = 0; i < MANY_STUBS; i++)
        guest_free(&guests[i]);
}

/* The tear-down looks for what they left. */
static void thousands_come_and_go(void **state)
{
    struct aspace *aspace;

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        assert_int_equal(aspace_fork(guest.aspace, NULL, 0, &aspace), 0);
        if (i % 8 == 0) {
            struct context *context;
            assert_int_equal(context_create(aspace, &context), 0);
            assert_int_equal(context_attach(context), 0);
            context_detach(context);
            context_free(context);
        }
        aspace_free(aspace);
    }
    assert_true(is_mapped(&guest, GUEST_DATA));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(a_batch_of_any_size_is_applied_in_order),
        TEST(a_failed_operation_ends_the_batch_and_is_counted),
        TEST(guest_ranges_end_below_the_stub),
        TEST(the_mm_thread_refuses_other_calls),
        TEST(a_fork_has_the_same_mappings),
        TEST(a_fork_applies_any_number_of_changes_first),
        TEST(a_fork_of_a_fork_outlives_its_parents),
        TEST(host_files_are_mapped_as_they_are_open),
        TEST(numbers_of_files_are_given_out_again),
        TEST(there_may_be_many_stubs_at_once),
        TEST(thousands_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
