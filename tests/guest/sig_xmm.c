/* SPDX-License-Identifier: Apache-2.0 */
/* Vector and x87 registers survive handlers that use them, nested ones too. Calls: rt_sigreturn */
#include <immintrin.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>

#include "check.h"

static volatile sig_atomic_t handled, nested, default_mode_seen;

static void clobber(void)
{
    __asm__ volatile("pcmpeqd %%xmm0, %%xmm0\n pcmpeqd %%xmm7, %%xmm7\n pcmpeqd %%xmm15, %%xmm15\n"
                     "fninit\n fldpi\n fldpi\n" ::
                         : "xmm0", "xmm7", "xmm15", "st");
    if (__builtin_cpu_supports("avx"))
        __asm__ volatile("vzeroall" ::: "memory");
}

static void on_nested(int sig)
{
    (void)sig;
    nested++;
    clobber();
}

static void on_signal(int sig)
{
    (void)sig;
    default_mode_seen = _mm_getcsr() == 0x1f80; /* a handler starts with the default state */
    clobber();
    raise(SIGUSR2);
    handled++;
}

static void test_xmm(void)
{
    unsigned long in[4] = {0x1111222233334444, 0x5555666677778888, 0x9999aaaabbbbcccc, 42};
    unsigned long out[4], pid = (unsigned long)getpid();
    register unsigned long sig __asm__("rsi") = SIGUSR1;
    long result;
    __asm__ volatile("movdqu (%[in]), %%xmm0\n movdqu 16(%[in]), %%xmm15\n"
                     "mov $62, %%eax\n mov %[pid], %%rdi\n syscall\n" /* kill */
                     "movdqu %%xmm0, (%[out])\n movdqu %%xmm15, 16(%[out])\n"
                     : "=&a"(result), "+r"(sig)
                     : [in] "r"(in), [out] "r"(out), [pid] "r"(pid)
                     : "rcx", "r11", "rdi", "xmm0", "xmm15", "memory");
    CHECK(result == 0 && handled == 1 && nested == 1 && memcmp(in, out, sizeof(in)) == 0);
    printf("xmm\n");
}

__attribute__((target("avx"))) static void test_ymm(void)
{
    if (!__builtin_cpu_supports("avx"))
        return;
    double in[4] = {1.5, -2.25, 1e300, -0.0}, out[4];
    unsigned long pid = (unsigned long)getpid();
    register unsigned long sig __asm__("rsi") = SIGUSR1;
    long result;
    __asm__ volatile("vmovupd (%[in]), %%ymm7\n"
                     "mov $62, %%eax\n mov %[pid], %%rdi\n syscall\n"
                     "vmovupd %%ymm7, (%[out])\n vzeroupper\n"
                     : "=&a"(result), "+r"(sig)
                     : [in] "r"(in), [out] "r"(out), [pid] "r"(pid)
                     : "rcx", "r11", "rdi", "xmm7", "memory");
    CHECK(result == 0 && memcmp(in, out, sizeof(in)) == 0);
}

static void test_modes(void)
{
    unsigned upward = _MM_ROUND_UP | 0x1f80;
    _mm_setcsr(upward);
    long double x87 = 1.0L;
    __asm__ volatile("fldpi\n" : "=t"(x87));
    raise(SIGUSR1);
    CHECK(default_mode_seen && _mm_getcsr() == upward && x87 > 3.14L && x87 < 3.15L);
    _mm_setcsr(0x1f80);
    printf("modes\n");
}

/* A computation goes on undisturbed while a timer interrupts it. */
static void test_timer(void)
{
    struct itimerval timer = {{0, 50000}, {0, 50000}}, off = {{0, 0}, {0, 0}};
    signal(SIGALRM, on_signal);
    handled = 0;
    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
    while (handled < 3) {
        double sum = 0;
        long double precise = 0;
        for (int i = 1; i <= 20000; i++) {
            sum += 0.5 * i;
            precise += 0.25L * i;
        }
        CHECK(sum == 100005000.0 && precise == 50002500.0L);
    }
    CHECK(setitimer(ITIMER_REAL, &off, NULL) == 0);
    printf("a computation\n");
}

int main(void)
{
    signal(SIGUSR1, on_signal);
    signal(SIGUSR2, on_nested);
    test_xmm();
    test_ymm();
    test_modes();
    test_timer();
    return 0;
}
