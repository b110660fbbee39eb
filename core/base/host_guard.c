/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guarded copies: SIGSEGV and SIGBUS that come from the instructions of host_guard_copy.S end them
 * with -EFAULT. The fast path is the copy alone, no set-up. Any other fault goes to whom the signal
 * belonged before (a sanitizer, or the default: death).
 */
#include <errno.h>
#include <signal.h>
#include <ucontext.h>

#include "core/base/host.h"
#include "core/base/host_inject.h"

int host_guard_copy(void *to, const void *from, size_t size);
int host_guard_zero(void *to, size_t size);
int host_guard_exchange(uint32_t *word, uint32_t expected, uint32_t wanted, uint32_t *ret);
extern const char host_guard_begin[], host_guard_end[], host_guard_fault[];

static struct sigaction before_segv, before_bus;

static void pass_on(int signal, siginfo_t *info, void *context)
{
    const struct sigaction *before = signal == SIGBUS ? &before_bus : &before_segv;

    if ((before->sa_flags & SA_SIGINFO) != 0 && before->sa_sigaction != NULL) {
        before->sa_sigaction(signal, info, context);
        return;
    }
    /* The instruction faults again, or the signal is raised again by who sent it. */
    (void)sigaction(signal, before, NULL);
}

static void fix_up(int signal, siginfo_t *info, void *context)
{
    ucontext_t *ucontext = context;
    uintptr_t rip = (uintptr_t)ucontext->uc_mcontext.gregs[REG_RIP];

    if (rip >= (uintptr_t)host_guard_begin && rip < (uintptr_t)host_guard_end && info->si_code > 0)
        ucontext->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)host_guard_fault;
    else
        pass_on(signal, info, context);
}

/* Sets *before to what the signal did until now. */
static int take_signal(int signal, struct sigaction *before)
{
    struct sigaction action = {.sa_sigaction = fix_up, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    struct sigaction now;

    if (sigaction(signal, NULL, &now) < 0)
        return -errno;
    if (now.sa_sigaction == fix_up)
        return 0;
    (void)sigemptyset(&action.sa_mask);
    *before = now;
    return sigaction(signal, &action, NULL) < 0 ? -errno : 0;
}

int host_guard_init(void)
{
    int err = take_signal(SIGSEGV, &before_segv);

    return err < 0 ? err : take_signal(SIGBUS, &before_bus);
}

int host_copy_guarded(void *to, const void *from, size_t size)
{
    int err = host_inject();

    return err < 0 ? -EFAULT : host_guard_copy(to, from, size);
}

int host_zero_guarded(void *to, size_t size)
{
    int err = host_inject();

    return err < 0 ? -EFAULT : host_guard_zero(to, size);
}

int host_exchange_guarded(uint32_t *word, uint32_t expected, uint32_t wanted, uint32_t *ret)
{
    int err = host_inject();

    return err < 0 ? -EFAULT : host_guard_exchange(word, expected, wanted, ret);
}
