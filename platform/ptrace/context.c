/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contexts: app threads taken over by the host thread that will enter them, and given back.
 *
 * 1. An app thread is seized in the wait that it stands in, or before it gets there, and is then
 *    called out of it: it stops at the SIGTRAP behind it, so it has its filter. Only now may
 *    signals come; a detached thread blocks them all again.
 * 2. Requests fail only on an app thread that was killed: it is stopped at all other times between
 *    attach and detach but inside enter. It is then waited for at once, because its stub cannot be
 *    reaped before; that wait ends, since a killed thread needs nobody to die.
 * 3. A tracer thread that ends while attached takes the stub with it (PTRACE_O_EXITKILL).
 */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "core/base/host.h"
#include "platform/ptrace/ptrace.h"
#include "platform/xstate.h"

enum { SIGSET_SIZE = 8, OPTIONS = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD };

int ptrace_context_create(struct aspace *aspace, struct context **ret)
{
    struct ptrace_context *context = host_alloc(1, sizeof(*context));

    if (!context)
        return -ENOMEM;
    context->stub = stub_of(aspace);
    context->cpu = -1;
    int err = stub_take_thread(context->stub, &context->thread);
    if (err < 0) {
        host_free(context);
        return err;
    }
    *ret = &context->context;
    return 0;
}

void ptrace_context_free(struct context *context)
{
    struct ptrace_context *this = ptrace_context_of(context);

    assert(!this->is_attached);
    stub_give_thread(this->stub, this->thread);
    host_free(this);
}

int ptrace_wait(struct ptrace_context *context, int *status)
{
    pid_t tid = context->thread->tid, got;

    do
        got = waitpid(tid, status, __WALL);
    while (got < 0 && errno == EINTR);
    if (got == tid && WIFSTOPPED(*status))
        return 0;
    context->is_reaped = true;
    stub_set_dead(context->stub);
    return -ESRCH;
}

int ptrace_request(struct ptrace_context *context, enum __ptrace_request what, uintptr_t address,
                   void *data)
{
    int status;

    if (ptrace(what, context->thread->tid, address, data) >= 0)
        return 0;
    if (errno != ESRCH)
        return -errno;
    while (!context->is_reaped)
        (void)ptrace_wait(context, &status);
    return -ESRCH;
}

/* Until it stops behind its wait. Other stops are those of a stub that somebody stopped. */
static int wait_for_call(struct ptrace_context *context)
{
    int status;

    for (;;) {
        int err = ptrace_wait(context, &status);
        if (err < 0)
            return err;
        if (WSTOPSIG(status) == SIGTRAP && status >> 16 == 0)
            return 0;
        err = ptrace_request(context, PTRACE_CONT, 0, NULL);
        if (err < 0)
            return err;
    }
}

static int take_over(struct ptrace_context *context)
{
    char image[XSTATE_SIZE_MAX];
    uint64_t no_signal = 0;

    stub_thread_call(context->stub, context->thread);
    int err = wait_for_call(context);
    stub_thread_park(context->stub, context->thread);
    if (err == 0)
        err = ptrace_request(context, PTRACE_GETREGS, 0, &context->parked);
    if (err == 0)
        err = ptrace_request(context, PTRACE_SETSIGMASK, SIGSET_SIZE, &no_signal);
    if (err < 0)
        return err;
    xstate_init(image);
    return ptrace_set_xstate(&context->context, image);
}

/* The first context of a stub decides where its mm thread runs. */
static void take_seat(struct ptrace_context *context)
{
    context->cpu = placement_take(&context->stub->platform->placement);
    if (atomic_fetch_add(&context->stub->seat_count, 1) == 0)
        placement_bind(context->stub->pid, context->cpu);
    placement_bind(context->thread->tid, context->cpu);
    placement_bind(0, context->cpu);
}

static void leave_seat(struct ptrace_context *context)
{
    struct placement *placement = &context->stub->platform->placement;

    atomic_fetch_sub(&context->stub->seat_count, 1);
    placement_give(placement, context->cpu);
    placement_unbind(placement, 0);
    context->cpu = -1;
}

int ptrace_attach(struct context *context)
{
    struct ptrace_context *this = ptrace_context_of(context);

    assert(!this->is_attached);
    if (atomic_load(&this->stub->is_dead))
        return -ESRCH;
    if (ptrace(PTRACE_SEIZE, this->thread->tid, 0, OPTIONS) < 0)
        return -errno;
    take_seat(this);
    int err = take_over(this);
    if (err < 0) {
        leave_seat(this);
        return err;
    }
    ptrace_regs_from_host(&this->parked, &this->held);
    this->is_stale = true;
    this->is_attached = true;
    return 0;
}

/* Back to its wait. */
static void let_go(struct ptrace_context *context)
{
    uint64_t all_signals = ~UINT64_C(0);

    int err = ptrace_request(context, PTRACE_SETSIGMASK, SIGSET_SIZE, &all_signals);
    if (err == 0)
        err = ptrace_request(context, PTRACE_SETREGS, 0, &context->parked);
    if (err == 0)
        (void)ptrace_request(context, PTRACE_DETACH, 0, NULL);
}

void ptrace_detach(struct context *context)
{
    struct ptrace_context *this = ptrace_context_of(context);

    if (!this->is_attached)
        return;
    if (!this->is_reaped)
        let_go(this);
    leave_seat(this);
    this->is_attached = false;
}
