/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traps: what guest code does and what comes back from context_enter.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "tests/unit/guest_world.h"

#define NON_CANONICAL UINT64_C(0x1234567890abcdef)
#define KERNEL_ADDRESS UINT64_C(0xffff888000000000)
#define VSYSCALL_GETTIMEOFDAY UINT64_C(0xffffffffff600000)
#define VSYSCALL_TIME UINT64_C(0xffffffffff600400)

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

static void expect_signal(uint64_t rip, int signal, int code, uint64_t address)
{
    assert_int_equal(guest_enter(&guest, rip), TRAP_SIGNAL);
    assert_int_equal(guest.trap.signal, signal);
    assert_int_equal(guest.trap.code, code);
    assert_int_equal(guest.trap.address, address);
}

static void expect_fault(uint64_t rip, uint64_t address, bool is_mapped)
{
    assert_int_equal(guest_enter(&guest, rip), TRAP_FAULT);
    assert_int_equal(guest.trap.signal, SIGSEGV);
    assert_int_equal(guest.trap.code, is_mapped ? SEGV_ACCERR : SEGV_MAPERR);
    assert_int_equal(guest.trap.address, address);
    assert_int_equal(guest.trap.is_mapped, is_mapped);
    assert_true(guest.trap.access != 0);
}

/* The guest is as it should be: a store and a call. */
static void expect_health(void)
{
    guest.regs.rax = 99;
    guest.regs.rdi = GUEST_DATA;
    guest.regs.rsp = GUEST_STACK;
    guest.regs.eflags = 0x202;
    assert_int_equal(guest_enter(&guest, GUEST_AT(store)), TRAP_SYSCALL);
    assert_int_equal(*guest_word(&guest, GUEST_DATA), 99);
}

static void a_call_arrives_with_all_registers(void **state)
{
    struct guest_regs regs = {.r15 = 15,
                              .r14 = 14,
                              .r13 = 13,
                              .r12 = 12,
                              .rbp = 1,
                              .rbx = 2,
                              .r10 = 10,
                              .r9 = 9,
                              .r8 = 8,
                              .rax = SYS_write,
                              .rdx = 4,
                              .rsi = 5,
                              .rdi = 6,
                              .rsp = GUEST_STACK - 64,
                              .eflags = 0x202,
                              .fs_base = 0x1000,
                              .gs_base = 0x2000};

    (void)state;
    guest.regs = regs;
    assert_int_equal(guest_enter(&guest, GUEST_AT(syscall)), TRAP_SYSCALL);
    assert_false(guest.trap.is_foreign);
    regs.rip = GUEST_AT(syscall) + 2;
    regs.rcx = regs.rip; /* as SYSCALL leaves it */
    regs.r11 = 0x202;
    assert_memory_equal(&guest.regs, &regs, sizeof(regs));
    /* rip - 2 is a legal restart: the same call again. */
    assert_int_equal(guest_enter(&guest, guest.regs.rip - 2), TRAP_SYSCALL);
    assert_memory_equal(&guest.regs, &regs, sizeof(regs));
}

static void a_result_is_in_rax(void **state)
{
    (void)state;
    guest.regs.rax = SYS_getpid;
    guest.regs.rdi = GUEST_DATA;
    assert_int_equal(guest_enter(&guest, GUEST_AT(syscall)), TRAP_SYSCALL);
    for (uint64_t result = 0; result < 3; result++) {
        guest.regs.rax = UINT64_MAX - 511 + result; /* -512 is ERESTARTSYS to the host */
        uint64_t expected = guest.regs.rax;
        assert_int_equal(guest_enter(&guest, GUEST_AT(store)), TRAP_SYSCALL);
        assert_int_equal(*guest_word(&guest, GUEST_DATA), expected);
    }
}

static void faults_say_whether_something_is_mapped(void **state)
{
    (void)state;
    guest.regs.rdi = GUEST_NOTHING;
    expect_fault(GUEST_AT(load), GUEST_NOTHING, false);
    expect_fault(GUEST_AT(store), GUEST_NOTHING, false);
    guest.regs.rdi = GUEST_TEXT + 8;
    expect_fault(GUEST_AT(store), GUEST_TEXT + 8, true);
    guest.regs.rbx = GUEST_DATA;
    expect_fault(GUEST_AT(jump), GUEST_DATA, true);
    guest.regs.rbx = GUEST_NOTHING;
    expect_fault(GUEST_AT(jump), GUEST_NOTHING, false);
    guest.regs.rdi = KERNEL_ADDRESS;
    assert_int_equal(guest_enter(&guest, GUEST_AT(load)), TRAP_FAULT);
    assert_int_equal(guest.trap.address, KERNEL_ADDRESS);
    expect_health();
}

static void a_resolved_fault_goes_on_and_another_comes_again(void **state)
{
    uint64_t run = world_run(4096);

    (void)state;
    guest.regs.rdi = GUEST_NOTHING;
    expect_fault(GUEST_AT(load), GUEST_NOTHING, false);
    struct guest_regs regs = guest.regs;
    assert_int_equal(guest_resume(&guest), TRAP_FAULT);
    assert_memory_equal(&guest.regs, &regs, sizeof(regs));
    *(uint64_t *)memfile_at(world_memfile, run) = 4711;
    guest_map(&guest, GUEST_NOTHING, 4096, PROT_READ, run);
    assert_int_equal(guest_resume(&guest), TRAP_SYSCALL);
    assert_int_equal(guest.regs.rax, 4711);
    memfile_put(world_memfile, run, 4096);
}

static void exceptions_are_signals_as_linux_gives_them(void **state)
{
    (void)state;
    expect_signal(GUEST_AT(int3), SIGTRAP, SI_KERNEL, 0);
    assert_int_equal(guest.regs.rip, GUEST_AT(int3) + 1);
    expect_signal(GUEST_AT(divide), SIGFPE, FPE_INTDIV, GUEST_AT(divide) + 2);
    expect_signal(GUEST_AT(illegal), SIGILL, ILL_ILLOPN, GUEST_AT(illegal));
    expect_signal(GUEST_AT(halt), SIGSEGV, SI_KERNEL, 0);
    expect_signal(GUEST_AT(non_canonical_load), SIGSEGV, SI_KERNEL, 0);
    expect_signal(GUEST_AT(non_canonical_push), SIGBUS, SI_KERNEL, 0);
    expect_health();
}

static void the_trap_flag_traps_after_one_instruction(void **state)
{
    (void)state;
    assert_int_equal(guest_enter(&guest, GUEST_AT(trap_flag)), TRAP_SIGNAL);
    assert_int_equal(guest.trap.signal, SIGTRAP);
    assert_int_equal(guest.trap.code, TRAP_TRACE);
    assert_true(guest.regs.eflags & 0x100);
    expect_health();
    guest.regs.eflags = 0x302; /* set from outside, as sigreturn can */
    assert_int_equal(guest_enter(&guest, GUEST_AT(spin)), TRAP_SIGNAL);
    assert_int_equal(guest.trap.code, TRAP_TRACE);
    expect_health();
}

static void calls_of_other_tables_are_foreign(void **state)
{
    (void)state;
    guest.regs.rax = 20; /* getpid there */
    assert_int_equal(guest_enter(&guest, GUEST_AT(int80)), TRAP_SYSCALL);
    assert_true(guest.trap.is_foreign);
    assert_int_equal(guest.regs.rax, 20);
    guest.regs.rax = SYS_getpid | 0x40000000;
    assert_int_equal(guest_enter(&guest, GUEST_AT(syscall)), TRAP_SYSCALL);
    assert_true(guest.trap.is_foreign);
    guest.regs.rax = SYS_getpid;
    assert_int_equal(guest_enter(&guest, GUEST_AT(syscall)), TRAP_SYSCALL);
    assert_false(guest.trap.is_foreign);
}

static void code_of_32_bits_is_left_at_the_next_enter(void **state)
{
    (void)state;
    guest.regs.rax = 20;
    assert_int_equal(guest_enter(&guest, GUEST_AT(compat)), TRAP_SYSCALL);
    assert_true(guest.trap.is_foreign);
    expect_health();
}

/* Where the host has no such page it is a fault instead. */
static void the_vsyscall_page_makes_calls(void **state)
{
    (void)state;
    guest.regs.rbx = VSYSCALL_TIME;
    guest.regs.rdi = GUEST_DATA;
    guest.regs.rsp = GUEST_STACK;
    enum trap_kind kind = guest_enter(&guest, GUEST_AT(call));
    if (kind == TRAP_FAULT) {
        assert_int_equal(guest.trap.address, VSYSCALL_TIME);
        return;
    }
    assert_int_equal(kind, TRAP_SYSCALL);
    assert_int_equal(guest.regs.rax, SYS_time);
    assert_int_equal(guest.regs.rdi, GUEST_DATA);
    assert_int_equal(guest.regs.rip, GUEST_AT(call) + 2);
    assert_int_equal(guest.regs.rsp, GUEST_STACK);
    guest.regs.rax = SYS_getpid;
    assert_int_equal(guest_resume(&guest), TRAP_SYSCALL);
    assert_int_equal(guest.regs.rax, SYS_getpid);
    guest.regs.rbx = VSYSCALL_GETTIMEOFDAY + 8; /* no entry of it */
    assert_true(guest_enter(&guest, GUEST_AT(call)) != TRAP_DEAD);
    expect_health();
}

static void hostile_registers_are_refused_or_tamed(void **state)
{
    const uint64_t addresses[] = {NON_CANONICAL,  UINT64_C(1) << 47, ~(UINT64_C(1) << 47),
                                  KERNEL_ADDRESS, UINT64_MAX,        UINT64_C(0x7ffffffff000)};

    (void)state;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        enum trap_kind kind = guest_enter(&guest, addresses[i]);
        assert_true(kind == TRAP_SIGNAL || kind == TRAP_FAULT);
        assert_int_equal(guest.trap.signal, SIGSEGV);
        assert_int_equal(guest.regs.rip, addresses[i]);
        expect_health();
        guest.regs.rsp = addresses[i]; /* legal, as long as nobody pushes */
        assert_int_equal(guest_enter(&guest, GUEST_AT(syscall)), TRAP_SYSCALL);
        assert_int_equal(guest.regs.rsp, addresses[i]);
        expect_health();
        guest.regs.fs_base = addresses[i];
        assert_int_equal(guest_enter(&guest, GUEST_AT(syscall)), TRAP_SIGNAL);
        assert_int_equal(guest.trap.signal, SIGSEGV);
        guest.regs.fs_base = 0;
        guest.regs.gs_base = addresses[i];
        assert_int_equal(guest_enter(&guest, GUEST_AT(syscall)), TRAP_SIGNAL);
        guest.regs.gs_base = 0;
        expect_health();
    }
}

static void no_flag_but_the_users_gets_through(void **state)
{
    (void)state;
    guest.regs.eflags = UINT64_MAX & ~UINT64_C(0x100);
    assert_int_equal(guest_enter(&guest, GUEST_AT(syscall)), TRAP_SYSCALL);
    assert_int_equal(guest.regs.eflags & ~UINT64_C(0x10000), 0x40ed7); /* RF is the CPU's */
    guest.regs.eflags = 0;
    assert_int_equal(guest_enter(&guest, GUEST_AT(syscall)), TRAP_SYSCALL);
    assert_int_equal(guest.regs.eflags, 0x202);
    guest.regs.rax = UINT64_MAX & ~UINT64_C(0x100);
    guest.regs.rsp = GUEST_STACK;
    assert_int_equal(guest_enter(&guest, GUEST_AT(flags)), TRAP_SYSCALL);
    assert_int_equal(guest.regs.eflags & UINT64_C(0x3000), 0); /* no IOPL */
    expect_health();
}

/* Bases that a guest loads by itself, even such that the host refuses to set, stay. */
static void segment_bases_are_kept(void **state)
{
    (void)state;
    guest.regs.rdi = KERNEL_ADDRESS;
    guest.regs.rsi = GUEST_DATA;
    *guest_word(&guest, GUEST_DATA) = 77;
    assert_int_equal(guest_enter(&guest, GUEST_AT(bases)), TRAP_SYSCALL);
    assert_int_equal(guest.regs.fs_base, KERNEL_ADDRESS);
    assert_int_equal(guest.regs.gs_base, GUEST_DATA);
    assert_int_equal(guest_enter(&guest, GUEST_AT(syscall)), TRAP_SYSCALL);
    assert_int_equal(guest.regs.fs_base, KERNEL_ADDRESS);
    guest.regs.fs_base = GUEST_DATA + 8;
    *guest_word(&guest, GUEST_DATA + 8) = 88;
    guest.regs.rip = GUEST_AT(bases) + 12; /* behind its first call */
    assert_int_equal(guest_resume(&guest), TRAP_SYSCALL);
    assert_int_equal(guest.regs.rax, 88);
    assert_int_equal(guest.regs.rdx, 77);
}

static void an_interrupt_is_sticky(void **state)
{
    (void)state;
    context_interrupt(guest.context); /* while stopped */
    guest.regs.rip = GUEST_AT(spin);
    struct guest_regs regs = guest.regs;
    assert_int_equal(guest_resume(&guest), TRAP_INTERRUPT);
    assert_memory_equal(&guest.regs, &regs, sizeof(regs));
    expect_health(); /* one is one */
    context_interrupt(guest.context);
    context_interrupt(guest.context);
    assert_int_equal(guest_enter(&guest, GUEST_AT(spin)), TRAP_INTERRUPT);
    expect_health();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(a_call_arrives_with_all_registers),
        TEST(a_result_is_in_rax),
        TEST(faults_say_whether_something_is_mapped),
        TEST(a_resolved_fault_goes_on_and_another_comes_again),
        TEST(exceptions_are_signals_as_linux_gives_them),
        TEST(the_trap_flag_traps_after_one_instruction),
        TEST(calls_of_other_tables_are_foreign),
        TEST(code_of_32_bits_is_left_at_the_next_enter),
        TEST(the_vsyscall_page_makes_calls),
        TEST(hostile_registers_are_refused_or_tamed),
        TEST(no_flag_but_the_users_gets_through),
        TEST(segment_bases_are_kept),
        TEST(an_interrupt_is_sticky),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
