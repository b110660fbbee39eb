/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests against their stub: stores to its pages, jumps into its text, calls with its addresses,
 * from several threads at once. Whatever they do comes back as a trap, and the mm thread serves on.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/host.h"
#include "platform/stub/stub.h"
#include "tests/unit/guest_world.h"

extern const char stub_text[], stub_image_end[];

enum { ATTACKERS = 2, STUB_PAGES = (STUB_THREADS + STUB_THREADS_SIZE - STUB_BASE) / 4096 };

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

static void expect_service(struct guest *of)
{
    const struct aspace_op ops[] = {op_map(0x900000, 4096, PROT_READ, of->data),
                                    op_unmap(0x900000, 4096)};
    struct context *context;

    guest_apply(of, ops, 2);
    assert_int_equal(context_create(of->aspace, &context), 0);
    context_free(context);
}

static void every_page_of_the_stub_is_beyond_stores(void **state)
{
    static char before[STUB_PAGES][SLOT_SIZE / 16];
    struct stub *stub = stub_of(guest.aspace);
    const char *slot = (const char *)stub->command;

    (void)state;
    memcpy(before, slot, sizeof(before[0]));
    for (uint64_t page = 0; page < STUB_PAGES; page++) {
        for (uint64_t at = 0; at < 4096; at += 1024) {
            guest.regs.rdi = STUB_BASE + page * 4096 + at;
            guest.regs.rax = UINT64_MAX;
            assert_int_equal(guest_enter(&guest, GUEST_AT(store)), TRAP_FAULT);
            assert_int_equal(guest.trap.address, guest.regs.rdi);
        }
    }
    assert_memory_equal(before, slot, sizeof(before[0]));
    expect_service(&guest);
}

static void expect_no_box(struct guest *in)
{
    in->regs.rdi = STUB_BOX;
    assert_int_equal(guest_enter(in, GUEST_AT(load)), TRAP_FAULT);
    assert_false(in->trap.is_mapped);
}

/* The page in which the template receives files is in no stub with a guest. */
static void the_box_is_not_there(void **state)
{
    struct guest child = guest;

    (void)state;
    expect_no_box(&guest);
    assert_int_equal(aspace_fork(guest.aspace, NULL, 0, &child.aspace), 0);
    assert_int_equal(context_create(child.aspace, &child.context), 0);
    assert_int_equal(context_attach(child.context), 0);
    memfile_get(world_memfile, guest.data, GUEST_DATA_SIZE);
    expect_no_box(&child);
    guest_free(&child);
}

static void nothing_of_the_host_is_mapped(void **state)
{
    char line[256], path[64];
    unsigned count = 0;

    (void)state;
    (void)snprintf(path, sizeof(path), "/proc/%d/maps", stub_of(guest.aspace)->pid);
    FILE *maps = fopen(path, "re");
    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps)) {
        assert_null(strstr(line, "[vdso]"));
        assert_null(strstr(line, "[vvar"));
        assert_null(strstr(line, "[stack]"));
        assert_null(strstr(line, "[heap]"));
        count += !strstr(line, "[vsyscall]");
    }
    (void)fclose(maps);
    assert_int_equal(count, 2 + 3); /* the guest's; TEXT, CONFIG and the slot */
}

/* Registers as a call against the stub wants them. */
static void set_call(struct guest *of, const uint64_t call[4])
{
    of->regs.rax = call[0];
    of->regs.rdi = call[1];
    of->regs.rsi = call[2];
    of->regs.rdx = call[3];
    of->regs.r10 = MAP_SHARED | MAP_FIXED;
    of->regs.r8 = STUB_FD_MEMFILE;
    of->regs.r9 = 0;
    of->regs.rsp = GUEST_STACK - 64;
}

static void calls_against_the_stub_only_trap(void **state)
{
    uint64_t pid = (uint64_t)stub_of(guest.aspace)->pid;
    const uint64_t calls[][4] = {
        {SYS_munmap, STUB_COMMAND, 4096, 0},
        {SYS_munmap, 0, STUB_TASK_END, 0},
        {SYS_mprotect, STUB_COMMAND, 4096, 3},
        {SYS_mmap, STUB_COMMAND, 4096, 3},
        {SYS_mmap, GUEST_DATA, 4096, 3},
        {SYS_tgkill, pid, pid, SIGKILL},
        {SYS_kill, pid, SIGKILL, 0},
        {SYS_pwrite64, STUB_FD_CONTROL, STUB_COMMAND, 4},
        {SYS_futex, STUB_COMMAND, 0, 0},
        {SYS_futex, STUB_THREADS, 0, 0},
        {SYS_futex, STUB_THREADS, 3, 1},
        {SYS_openat, (uint64_t)AT_FDCWD, STUB_COMMAND, 0},
        {SYS_rt_sigreturn, 0, 0, 0},
        {SYS_exit_group, 0, 0, 0},
        {SYS_exit, 0, 0, 0},
        {SYS_seccomp, 1, 0, STUB_CONFIG},
        {SYS_clone, STUB_FORK_FLAGS, 0, 0},
        {UINT64_MAX, 0, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        set_call(&guest, calls[i]);
        assert_int_equal(guest_enter(&guest, GUEST_AT(syscall)), TRAP_SYSCALL);
        assert_int_equal(guest.regs.rax, calls[i][0]);
        set_call(&guest, calls[i]);
        assert_int_equal(guest_enter(&guest, GUEST_AT(int80)), TRAP_SYSCALL);
        assert_true(guest.trap.is_foreign);
    }
    expect_service(&guest);
}

/* Some bytes of the stub's text are an endless loop: they are interrupted. */
struct interrupter {
    struct context *context;
    atomic_bool is_over;
    pthread_t thread;
};

static void *interrupt_now_and_then(void *argument)
{
    struct interrupter *interrupter = argument;

    world_unbind();
    while (!atomic_load(&interrupter->is_over)) {
        host_sleep(NSEC_PER_MSEC);
        context_interrupt(interrupter->context);
    }
    return NULL;
}

static void interrupter_start(struct interrupter *interrupter, struct context *context)
{
    *interrupter = (struct interrupter){.context = context};
    assert_int_equal(
        host_thread_start(&interrupter->thread, interrupt_now_and_then, interrupter, "interrupter"),
        0);
}

static void interrupter_stop(struct interrupter *interrupter)
{
    atomic_store(&interrupter->is_over, true);
    host_thread_join(interrupter->thread);
}

/* An interrupt that comes before the first instruction is not what is looked for. */
static enum trap_kind jump_to(struct guest *of, uint64_t target, uint64_t rbp)
{
    const uint64_t unmap[4] = {SYS_munmap, STUB_COMMAND, 4096, 0};
    enum trap_kind kind;

    do {
        set_call(of, unmap);
        of->regs.rbx = target;
        of->regs.rbp = rbp;
        kind = guest_enter(of, GUEST_AT(jump));
    } while (kind == TRAP_INTERRUPT && of->regs.rip == GUEST_AT(jump));
    return kind;
}

/* To each byte of the stub's text; what is a system call instruction there is one of the guest. */
static void jump_everywhere(struct guest *of, uint64_t rbp)
{
    size_t size = (size_t)(stub_image_end - stub_text);
    struct interrupter interrupter;

    interrupter_start(&interrupter, of->context);
    for (size_t i = 0; i < size; i++) {
        enum trap_kind kind = jump_to(of, STUB_TEXT + i, rbp);
        assert_int_not_equal(kind, TRAP_DEAD);
        if (stub_text[i] == 0x0f && stub_text[i + 1] == 0x05 && kind != TRAP_INTERRUPT) {
            assert_int_equal(kind, TRAP_SYSCALL);
            assert_int_equal(of->regs.rax, SYS_munmap);
        }
    }
    interrupter_stop(&interrupter);
}

static void jumps_into_the_stub_only_trap(void **state)
{
    (void)state;
    jump_everywhere(&guest, 0);
    /* Registers as the mm thread has them. */
    guest.regs.r15 = CONTROL_SLOTS;
    jump_everywhere(&guest, STUB_COMMAND);
    expect_service(&guest);
}

struct attacker {
    struct guest guest;
    atomic_bool *is_over;
};

static void *attack(void *argument)
{
    struct attacker *attacker = argument;

    assert_int_equal(context_attach(attacker->guest.context), 0);
    while (!atomic_load(attacker->is_over))
        jump_everywhere(&attacker->guest, STUB_COMMAND);
    context_detach(attacker->guest.context);
    context_free(attacker->guest.context);
    return NULL;
}

static void the_mm_thread_serves_during_attacks(void **state)
{
    struct attacker attackers[ATTACKERS];
    pthread_t threads[ATTACKERS];
    atomic_bool is_over = false;

    (void)state;
    for (int i = 0; i < ATTACKERS; i++) {
        attackers[i] = (struct attacker){.guest = guest, .is_over = &is_over};
        assert_int_equal(context_create(guest.aspace, &attackers[i].guest.context), 0);
        assert_int_equal(host_thread_start(&threads[i], attack, &attackers[i], "attacker"), 0);
    }
    for (int i = 0; i < 200; i++) {
        struct guest child = guest;
        expect_service(&guest);
        assert_int_equal(aspace_fork(guest.aspace, NULL, 0, &child.aspace), 0);
        expect_service(&child);
        aspace_free(child.aspace);
    }
    atomic_store(&is_over, true);
    for (int i = 0; i < ATTACKERS; i++)
        host_thread_join(threads[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(every_page_of_the_stub_is_beyond_stores), TEST(the_box_is_not_there),
        TEST(nothing_of_the_host_is_mapped),           TEST(calls_against_the_stub_only_trap),
        TEST(jumps_into_the_stub_only_trap),           TEST(the_mm_thread_serves_during_attacks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
