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
    regs.r11 = guest.regs.r11;
    assert_memory_equal(&guest.regs, &regs, sizeof(regs));
    /* rip - 2 is a legal restart: the same call again */
    assert_int_equal(guest_enter(&guest, guest.regs.rip - 2), TRAP_SYSCALL);
    assert_memory_equal(&guest.regs, &regs, sizeof(regs));
}

static void a_load_from_nothing_faults(void **state)
{
    (void)state;
    guest.regs.rdi = GUEST_NOTHING;
    expect_fault(GUEST_AT(load), GUEST_NOTHING, false);
    expect_signal(GUEST_AT(int3), SIGTRAP, SI_KERNEL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_call_arrives_with_all_registers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_load_from_nothing_faults, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
