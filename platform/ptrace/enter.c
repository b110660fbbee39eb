/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running an app thread until it traps, and making it stop.
 *
 * 1. Registers are written only when they differ from what the app thread holds, and always after a
 *    system call: orig_rax becomes -1, so that the host never restarts anything. Segment bases are
 *    written only when they change: the host refuses to write some that a guest can load by itself.
 *    The code segment is always the 64-bit one (Linux: a guest may use others).
 * 2. An interrupt is a flag first; the signal only makes a running thread stop. The flag is looked
 *    at after is_entered is set, and is_entered after the flag is, so one of the two is seen. A
 *    signal that comes too late stops the thread once more, finds no flag, and is forgotten.
 * 3. Signals that others send to a stub do nothing.
 */
#include <assert.h>
#include <elf.h>
#include <errno.h>
#include <linux/audit.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/ptrace/ptrace.h"

enum {
    /* CF PF AF ZF SF TF DF OF RF AC: what Linux lets a signal frame change. */
    EFLAGS_USER = 0x1 | 0x4 | 0x10 | 0x40 | 0x80 | 0x100 | 0x400 | 0x800 | 0x10000 | 0x40000,
    EFLAGS_FIXED = 0x202,
    ADDRESS_BITS = 48,
    X32_BIT = 0x40000000,
};

#define SAME_ORDER_SIZE offsetof(struct guest_regs, rip)
_Static_assert(SAME_ORDER_SIZE == offsetof(struct user_regs_struct, orig_rax), "register order");

static bool is_canonical(uint64_t address)
{
    int64_t shifted = (int64_t)(address << (64 - ADDRESS_BITS));

    return (uint64_t)(shifted >> (64 - ADDRESS_BITS)) == address;
}

/* --- registers --- */

static uint64_t user_eflags(uint64_t eflags)
{
    return (eflags & EFLAGS_USER) | EFLAGS_FIXED;
}

void ptrace_regs_from_host(const struct user_regs_struct *host, struct guest_regs *ret)
{
    memcpy(ret, host, SAME_ORDER_SIZE);
    ret->rip = host->rip;
    ret->rsp = host->rsp;
    ret->eflags = user_eflags(host->eflags);
    ret->fs_base = host->fs_base;
    ret->gs_base = host->gs_base;
}

/* All but the segment bases. */
static int put_general(struct ptrace_context *context, const struct guest_regs *regs)
{
    struct user_regs_struct host = {
        .orig_rax = UINT64_MAX,
        .rip = regs->rip,
        .rsp = regs->rsp,
        .eflags = regs->eflags,
        .cs = context->parked.cs,
        .ss = context->parked.ss,
    };
    struct iovec iov = {.iov_base = &host, .iov_len = offsetof(struct user_regs_struct, fs_base)};

    memcpy(&host, regs, SAME_ORDER_SIZE);
    return ptrace_request(context, PTRACE_SETREGSET, NT_PRSTATUS, &iov);
}

static int put_base(struct ptrace_context *context, size_t offset, uint64_t held, uint64_t base)
{
    if (base == held)
        return 0;
    return ptrace_request(context, PTRACE_POKEUSER, offset, (void *)base);
}

/* -EIO: the host refuses a value. */
static int put_regs(struct ptrace_context *context, const struct guest_regs *regs)
{
    const struct guest_regs held = context->held;

    if (!context->is_stale && memcmp(regs, &held, sizeof(held)) == 0)
        return 0;
    if (!is_canonical(regs->rip))
        return -EIO;
    context->is_stale = true;
    int err = put_general(context, regs);
    if (err == 0)
        err = put_base(context, offsetof(struct user_regs_struct, fs_base), held.fs_base,
                       regs->fs_base);
    if (err < 0)
        return err;
    context->held.fs_base = regs->fs_base;
    err =
        put_base(context, offsetof(struct user_regs_struct, gs_base), held.gs_base, regs->gs_base);
    if (err < 0)
        return err;
    context->held = *regs;
    context->is_stale = false;
    return 0;
}

/* The host takes the layout of a register set from the code segment of the moment. */
static int leave_other_segment(struct ptrace_context *context, const struct user_regs_struct *host)
{
    if (host->cs == context->parked.cs)
        return 0;
    return ptrace_request(context, PTRACE_POKEUSER, offsetof(struct user_regs_struct, cs),
                          (void *)context->parked.cs);
}

static int get_regs(struct ptrace_context *context, struct user_regs_struct *host,
                    struct guest_regs *regs)
{
    int err = ptrace_request(context, PTRACE_GETREGS, 0, host);
    if (err < 0)
        return err;
    ptrace_regs_from_host(host, regs);
    context->held = *regs;
    return leave_other_segment(context, host);
}

/* --- traps --- */

/* SYSCALL leaves rip in rcx and the flags in r11; only where it has not, it may be another entry.
 * (A guest that forges both for int 0x80 gets the 64-bit call of that number.) */
static int is_64bit_call(struct ptrace_context *context, const struct user_regs_struct *host,
                         bool *ret)
{
    struct __ptrace_syscall_info info;

    *ret = true;
    if (host->rcx == host->rip && host->r11 == host->eflags)
        return 0;
    int err = ptrace_request(context, PTRACE_GET_SYSCALL_INFO, sizeof(info), &info);
    *ret = info.arch == AUDIT_ARCH_X86_64;
    return err;
}

static int syscall_trap(struct ptrace_context *context, struct guest_regs *regs, struct trap *ret)
{
    struct user_regs_struct host;
    bool is_64bit = true;

    int err = get_regs(context, &host, regs);
    if (err == 0)
        err = is_64bit_call(context, &host, &is_64bit);
    if (err < 0)
        return err;
    context->is_stale = true;
    regs->rax = host.orig_rax;
    *ret = (struct trap){.kind = TRAP_SYSCALL, .is_foreign = !is_64bit || regs->rax & X32_BIT};
    return 0;
}

/* The vsyscall page is entered by a call: it comes as SIGSYS of the filter when rip is back in
 * guest text already. The three calls it has never block. */
static struct trap vsyscall_trap(void)
{
    return (struct trap){.kind = TRAP_SYSCALL};
}

static struct trap exception_trap(const siginfo_t *info)
{
    struct trap trap = {.kind = TRAP_SIGNAL,
                        .signal = info->si_signo,
                        .code = info->si_code,
                        .address = (uint64_t)info->si_addr};
    bool is_unmapped = info->si_signo == SIGSEGV && info->si_code == SEGV_MAPERR;
    bool is_denied = info->si_signo == SIGSEGV && info->si_code == SEGV_ACCERR;
    bool is_past_file = info->si_signo == SIGBUS && info->si_code == BUS_ADRERR;

    if (is_unmapped || is_denied || is_past_file) {
        trap.kind = TRAP_FAULT;
        trap.access = FAULT_UNKNOWN;
        trap.is_mapped = !is_unmapped;
    }
    return trap;
}

/* Signals that the guest's own instructions raise have positive codes. */
static bool is_exception(const siginfo_t *info)
{
    switch (info->si_signo) {
    case SIGSEGV:
    case SIGBUS:
    case SIGILL:
    case SIGFPE:
    case SIGTRAP:
    case SIGSYS:
        return info->si_code > 0;
    default:
        return false;
    }
}

enum { RUN_ON = 1 };

/* A signal is about to be delivered: 0 and a trap, or RUN_ON, or an error. */
static int signal_trap(struct ptrace_context *context, struct guest_regs *regs, struct trap *ret)
{
    struct user_regs_struct host;
    siginfo_t info;

    int err = ptrace_request(context, PTRACE_GETSIGINFO, 0, &info);
    if (err < 0)
        return err;
    if (!is_exception(&info))
        return RUN_ON;
    *ret = info.si_signo == SIGSYS ? vsyscall_trap() : exception_trap(&info);
    return get_regs(context, &host, regs);
}

static int interrupt_trap(struct ptrace_context *context, struct guest_regs *regs, struct trap *ret)
{
    struct user_regs_struct host;

    if (!atomic_exchange(&context->is_interrupted, false))
        return RUN_ON;
    *ret = (struct trap){.kind = TRAP_INTERRUPT};
    return get_regs(context, &host, regs);
}

static int stop_trap(struct ptrace_context *context, int status, struct guest_regs *regs,
                     struct trap *ret)
{
    int signal = WSTOPSIG(status);

    if (signal == (SIGTRAP | 0x80))
        return syscall_trap(context, regs, ret);
    if (status >> 16 != 0)
        return RUN_ON; /* somebody stopped the stub */
    if (signal == INTERRUPT_SIGNAL)
        return interrupt_trap(context, regs, ret);
    return signal_trap(context, regs, ret);
}

static int run(struct ptrace_context *context, struct guest_regs *regs, struct trap *ret)
{
    int status;
    int err = put_regs(context, regs);
    if (err < 0)
        return err;
    do {
        err = ptrace_request(context, PTRACE_SYSEMU, 0, NULL);
        if (err == 0)
            err = ptrace_wait(context, &status);
        if (err == 0)
            err = stop_trap(context, status, regs, ret);
    } while (err == RUN_ON);
    return err;
}

void ptrace_enter(struct context *base, struct guest_regs *regs, struct trap *ret)
{
    struct ptrace_context *context = ptrace_context_of(base);

    assert(context->is_attached);
    *ret = (struct trap){.kind = TRAP_DEAD};
    regs->eflags = user_eflags(regs->eflags);
    if (context->is_reaped)
        return;
    atomic_store(&context->is_entered, true);
    if (atomic_exchange(&context->is_interrupted, false))
        ret->kind = TRAP_INTERRUPT;
    else if (run(context, regs, ret) == -EIO)
        *ret = (struct trap){.kind = TRAP_SIGNAL, .signal = SIGSEGV, .code = SI_KERNEL};
    atomic_store(&context->is_entered, false);
}

void ptrace_interrupt(struct context *base)
{
    struct ptrace_context *context = ptrace_context_of(base);

    atomic_store(&context->is_interrupted, true);
    if (atomic_load(&context->is_entered))
        (void)syscall(SYS_tgkill, context->stub->pid, context->thread->tid, INTERRUPT_SIGNAL);
}
