/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ptrace back end: PTRACE_SYSEMU on app threads of stubs. It works wherever a process may trace
 * its children. Address spaces and files are the stubs'; only how an app thread is entered is here.
 */
#include <errno.h>

#include "platform/ptrace/ptrace.h"

/* The first instruction of the stub's text is a system call. */
static int try_enter(struct context *context)
{
    struct guest_regs regs = {.rip = STUB_TEXT, .rax = 1234, .rdi = 5678};
    struct trap trap;

    int err = ptrace_attach(context);
    if (err < 0)
        return err;
    ptrace_enter(context, &regs, &trap);
    ptrace_detach(context);
    if (trap.kind == TRAP_DEAD)
        return -ESRCH;
    return trap.kind == TRAP_SYSCALL && regs.rax == 1234 && regs.rdi == 5678 ? 0 : -ENOSYS;
}

static int try_out(struct stub_platform *platform)
{
    struct context *context;
    struct aspace *aspace;

    if (xstate_size() == 0)
        return -ENOSYS;
    int err = stub_create(&platform->platform, &aspace);
    if (err < 0)
        return err;
    err = ptrace_context_create(aspace, &context);
    if (err == 0) {
        err = try_enter(context);
        ptrace_context_free(context);
    }
    stub_free(aspace);
    return err;
}

static int create(struct memfile *memfile, struct platform **ret)
{
    struct stub_platform *platform;

    int err = stub_platform_create(memfile, &platform);
    if (err < 0)
        return err;
    err = try_out(platform);
    if (err < 0) {
        stub_platform_free(platform);
        return err;
    }
    *ret = &platform->platform;
    return 0;
}

static void free_platform(struct platform *platform)
{
    stub_platform_free(stub_platform_of(platform));
}

const struct platform_ops ptrace_ops = {
    .name = "ptrace",
    .create = create,
    .free = free_platform,
    .add_file = stub_add_file,
    .remove_file = stub_remove_file,
    .aspace_create = stub_create,
    .aspace_fork = stub_fork,
    .aspace_free = stub_free,
    .aspace_apply = stub_apply,
    .aspace_cpu_time = stub_cpu_time,
    .aspace_kill = stub_kill,
    .context_create = ptrace_context_create,
    .context_attach = ptrace_attach,
    .context_detach = ptrace_detach,
    .context_free = ptrace_context_free,
    .context_enter = ptrace_enter,
    .context_interrupt = ptrace_interrupt,
    .context_get_xstate = ptrace_get_xstate,
    .context_set_xstate = ptrace_set_xstate,
};
