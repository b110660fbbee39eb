/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#include "platform/stub/stub.h"

/* A context of the ptrace back end: an app thread, traced by the thread that is attached. */
struct ptrace_context {
    struct context context;
    struct stub *stub;
    struct stub_thread *thread;
    atomic_bool is_interrupted; /* wanted: the next enter returns */
    atomic_bool is_entered;     /* a signal is needed to be noticed */
    /* below: the attached thread's */
    bool is_attached;
    bool is_reaped;                 /* the stub is dead, and the app thread has been waited for */
    int cpu;                        /* a seat on it is taken; -1 */
    struct user_regs_struct parked; /* as it stood when it was taken over */
    struct guest_regs held;         /* what the app thread has, if !is_stale */
    bool is_stale;                  /* it must be written whatever held says */
};

static inline struct ptrace_context *ptrace_context_of(struct context *context)
{
    return (struct ptrace_context *)context;
}

/* Makes the thread stop for context_interrupt. By default it is ignored, so it can do no harm. */
#define INTERRUPT_SIGNAL SIGURG

/* --- context.c --- */
int ptrace_context_create(struct aspace *aspace, struct context **ret);
void ptrace_context_free(struct context *context);
int ptrace_attach(struct context *context);
void ptrace_detach(struct context *context);
/* Waits until the app thread stops: 0 and its wait status, or -ESRCH: it is dead (and reaped). */
int ptrace_wait(struct ptrace_context *context, int *status);
/* ptrace(2) by the attached thread, between enters: -errno. -ESRCH: the stub was killed, and the
 * app thread has been reaped. */
int ptrace_request(struct ptrace_context *context, enum __ptrace_request what, uintptr_t address,
                   void *data);

/* --- enter.c --- */
void ptrace_regs_from_host(const struct user_regs_struct *host, struct guest_regs *ret);
void ptrace_enter(struct context *context, struct guest_regs *regs, struct trap *ret);
void ptrace_interrupt(struct context *context);

/* --- xstate.c --- */
int ptrace_get_xstate(struct context *context, void *to);
int ptrace_set_xstate(struct context *context, const void *from);
