/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers: what they are told, and under which flags. Calls: rt_sigaction rt_sigreturn */
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "check.h"

static volatile sig_atomic_t depth, deepest, count;
static volatile siginfo_t last;
static volatile unsigned long saved_rsp;
static sigset_t inside;

static void on_info(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    last = *info;
    saved_rsp = (unsigned long)uc->uc_mcontext.gregs[REG_RSP];
    CHECK(sig == info->si_signo && uc->uc_mcontext.gregs[REG_RIP] != 0);
    CHECK(sigprocmask(SIG_BLOCK, NULL, &inside) == 0);
    count++;
}

static void on_nested(int sig)
{
    depth++;
    if (depth > deepest)
        deepest = depth;
    if (count++ == 0)
        raise(sig);
    depth--;
}

static void set(int sig, void *handler, int flags, int masked)
{
    struct sigaction action = {.sa_flags = flags};
    if (flags & SA_SIGINFO)
        action.sa_sigaction = handler;
    else
        action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    if (masked)
        sigaddset(&action.sa_mask, masked);
    CHECK(sigaction(sig, &action, NULL) == 0);
    depth = deepest = count = 0;
}

static void test_info(void)
{
    set(SIGUSR1, on_info, SA_SIGINFO, SIGHUP);
    CHECK(kill(getpid(), SIGUSR1) == 0 && count == 1);
    CHECK(last.si_code == SI_USER && last.si_pid == getpid() && last.si_uid == getuid());
    CHECK(sigismember(&inside, SIGUSR1) == 1 && sigismember(&inside, SIGHUP) == 1);
    CHECK(sigismember(&inside, SIGTERM) == 0);
    CHECK(raise(SIGUSR1) == 0 && last.si_code == SI_TKILL && last.si_pid == getpid());
    unsigned long here = (unsigned long)__builtin_frame_address(0);
    CHECK(saved_rsp < here + 4096 && saved_rsp > here - 65536);
    CHECK(sigprocmask(SIG_BLOCK, NULL, &inside) == 0); /* all unmasked again */
    CHECK(sigismember(&inside, SIGUSR1) == 0 && sigismember(&inside, SIGHUP) == 0);
    printf("information\n");
}

static void test_flags(void)
{
    set(SIGUSR1, on_nested, 0, 0);
    raise(SIGUSR1);
    CHECK(count == 2 && deepest == 1); /* the second comes after the first */
    set(SIGUSR1, on_nested, SA_NODEFER, 0);
    raise(SIGUSR1);
    CHECK(count == 2 && deepest == 2);
    struct sigaction action;
    set(SIGUSR1, on_info, SA_SIGINFO | SA_RESETHAND, 0);
    raise(SIGUSR1);
    CHECK(count == 1 && sigaction(SIGUSR1, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
    printf("flags\n");
}

static void test_queries(void)
{
    struct sigaction old, action = {.sa_handler = SIG_IGN, .sa_flags = SA_RESTART};
    set(SIGUSR2, on_info, SA_SIGINFO | SA_RESTART, SIGINT);
    CHECK(sigaction(SIGUSR2, &action, &old) == 0 && old.sa_sigaction == on_info);
    CHECK((old.sa_flags & SA_SIGINFO) && (old.sa_flags & SA_RESTART));
    CHECK(sigismember(&old.sa_mask, SIGINT) == 1 && sigismember(&old.sa_mask, SIGHUP) == 0);
    raise(SIGUSR2);
    CHECK(count == 0); /* ignored */
    printf("queries\n");
}

/* Ignoring a pending signal throws it away. */
static void test_ignored_pending(void)
{
    sigset_t mask, pending;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    set(SIGUSR1, on_info, SA_SIGINFO, 0);
    CHECK(sigprocmask(SIG_BLOCK, &mask, NULL) == 0 && raise(SIGUSR1) == 0);
    CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1) == 1);
    CHECK(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
    CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1) == 0);
    set(SIGUSR1, on_info, SA_SIGINFO, 0);
    CHECK(sigprocmask(SIG_UNBLOCK, &mask, NULL) == 0 && count == 0);
    printf("ignored while pending\n");
}

static void test_errors(void)
{
    struct sigaction action = {.sa_handler = SIG_IGN};
    CHECK_ERRNO(sigaction(SIGKILL, &action, NULL), EINVAL);
    CHECK_ERRNO(sigaction(SIGSTOP, &action, NULL), EINVAL);
    CHECK(sigaction(SIGKILL, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
    CHECK_ERRNO(syscall(SYS_rt_sigaction, 0, NULL, NULL, 8), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 16), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, 8, NULL, 8), EFAULT);
    printf("errors\n");
}

int main(void)
{
    test_info();
    test_flags();
    test_queries();
    test_ignored_pending();
    test_errors();
    return 0;
}
