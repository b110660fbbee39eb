/* SPDX-License-Identifier: Apache-2.0 */
/* Exceptions of the CPU as signals. Calls: rt_sigaction rt_sigreturn */
#include <setjmp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "check.h"

static sigjmp_buf back;
static volatile int signal_seen, code_seen;
static char *volatile address_seen;

static void on_fault(int sig, siginfo_t *info, void *context)
{
    (void)context;
    signal_seen = sig;
    code_seen = info->si_code;
    address_seen = info->si_addr;
    siglongjmp(back, 1);
}

static volatile int zero;

static void divide(void)
{
    int result;
    __asm__ volatile("xor %%edx, %%edx\n mov $1, %%eax\n idivl %1\n"
                     : "=a"(result)
                     : "m"(zero)
                     : "edx");
}

static void undefined(void)
{
    __asm__ volatile("ud2");
}

static void privileged(void)
{
    __asm__ volatile("hlt");
}

static void breakpoint(void)
{
    __asm__ volatile("int3");
}

static void not_canonical(void)
{
    *(volatile char *)0x800000000000000 = 1;
}

static void sse_divide(void)
{
    unsigned unmasked = 0x1f80 & ~0x200u;
    volatile float one = 1.0f, none = 0.0f, result;
    __asm__ volatile("ldmxcsr %0" ::"m"(unmasked));
    result = one / none;
    (void)result;
}

static void expect(const char *name, void (*fault)(void), int sig, int code)
{
    unsigned normal = 0x1f80;
    signal_seen = 0;
    if (sigsetjmp(back, 1) == 0)
        fault();
    __asm__ volatile("ldmxcsr %0" ::"m"(normal));
    CHECK(signal_seen == sig && code_seen == code);
    printf("%s: signal %d, code %d\n", name, signal_seen, code_seen);
}

/* Blocked or ignored, a fault kills nevertheless. */
static void test_forced(int block)
{
    int status;
    sigset_t set;
    struct rlimit none = {0, 0};
    pid_t pid = fork();
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &none);
        sigemptyset(&set);
        sigaddset(&set, SIGSEGV);
        if (block)
            sigprocmask(SIG_BLOCK, &set, NULL);
        else
            signal(SIGSEGV, SIG_IGN);
        not_canonical();
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

int main(void)
{
    int signals[] = {SIGFPE, SIGILL, SIGTRAP, SIGSEGV, SIGBUS};
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    for (int i = 0; i < 5; i++)
        CHECK(sigaction(signals[i], &action, NULL) == 0);
    expect("division by zero", divide, SIGFPE, FPE_INTDIV);
    expect("SSE division by zero", sse_divide, SIGFPE, FPE_FLTDIV);
    expect("undefined instruction", undefined, SIGILL, ILL_ILLOPN);
    CHECK(address_seen == (char *)undefined || address_seen == (char *)undefined + 4);
    expect("privileged instruction", privileged, SIGSEGV, SI_KERNEL);
    expect("breakpoint", breakpoint, SIGTRAP, SI_KERNEL);
    expect("address that is none", not_canonical, SIGSEGV, SI_KERNEL);
    test_forced(0);
    test_forced(1);
    printf("forced\n");
    return 0;
}
