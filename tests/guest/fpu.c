/* SPDX-License-Identifier: Apache-2.0 */
/* x87, SSE and AVX state over calls, sleeps, forks and execs. Calls: nanosleep fork execve */
#include <immintrin.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

/* Fills all registers from in, makes a call, and stores them to out. */
static long call_with_xmm(long nr, long a, long b, const char *in, char *out)
{
    long result;
    __asm__ volatile("movdqu (%[in]), %%xmm0\n movdqu 16(%[in]), %%xmm1\n"
                     "movdqu 32(%[in]), %%xmm8\n movdqu 48(%[in]), %%xmm15\n"
                     "syscall\n"
                     "movdqu %%xmm0, (%[out])\n movdqu %%xmm1, 16(%[out])\n"
                     "movdqu %%xmm8, 32(%[out])\n movdqu %%xmm15, 48(%[out])\n"
                     : "=a"(result)
                     : "0"(nr), "D"(a), "S"(b), [in] "r"(in), [out] "r"(out)
                     : "rcx", "r11", "xmm0", "xmm1", "xmm8", "xmm15", "memory");
    return result;
}

__attribute__((target("avx"))) static long call_with_ymm(long nr, long a, long b, const char *in,
                                                         char *out)
{
    long result;
    __asm__ volatile("vmovdqu (%[in]), %%ymm3\n vmovdqu 32(%[in]), %%ymm14\n"
                     "syscall\n"
                     "vmovdqu %%ymm3, (%[out])\n vmovdqu %%ymm14, 32(%[out])\n vzeroupper\n"
                     : "=a"(result)
                     : "0"(nr), "D"(a), "S"(b), [in] "r"(in), [out] "r"(out)
                     : "rcx", "r11", "xmm3", "xmm14", "memory");
    return result;
}

static void test_calls(void)
{
    struct timespec pause = {0, 30000000};
    char in[64], out[64];
    long calls[][3] = {{SYS_getppid, 0, 0},
                       {SYS_sched_yield, 0, 0},
                       {SYS_nanosleep, (long)&pause, 0},
                       {SYS_nanosleep, 8, 0}};
    for (int i = 0; i < 4; i++) {
        for (int byte = 0; byte < 64; byte++)
            in[byte] = (char)(byte * 3 + i);
        memset(out, 0, sizeof(out));
        call_with_xmm(calls[i][0], calls[i][1], calls[i][2], in, out);
        CHECK(memcmp(in, out, sizeof(in)) == 0);
        if (!__builtin_cpu_supports("avx"))
            continue;
        memset(out, 0, sizeof(out));
        call_with_ymm(calls[i][0], calls[i][1], calls[i][2], in, out);
        CHECK(memcmp(in, out, sizeof(in)) == 0);
    }
    printf("calls\n");
}

static unsigned short x87_control(void)
{
    unsigned short control;
    __asm__ volatile("fnstcw %0" : "=m"(control));
    return control;
}

static void set_modes(unsigned short control, unsigned mxcsr)
{
    __asm__ volatile("fldcw %0" ::"m"(control));
    _mm_setcsr(mxcsr);
}

static void test_modes(char *self)
{
    int status;
    struct timespec pause = {0, 10000000};
    set_modes(0x077f, 0x1f80 | _MM_ROUND_DOWN);
    long double stacked = 2.75L;
    __asm__ volatile("fld %%st(0)\n syscall\n fstp %%st(1)\n"
                     : "+t"(stacked)
                     : "a"(SYS_sched_yield)
                     : "rcx", "r11", "st(1)");
    nanosleep(&pause, NULL);
    CHECK(x87_control() == 0x077f && (_mm_getcsr() & _MM_ROUND_MASK) == _MM_ROUND_DOWN);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(x87_control() == 0x077f && (_mm_getcsr() & _MM_ROUND_MASK) == _MM_ROUND_DOWN);
        execl(self, self, "fresh", NULL);
        _exit(1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(stacked == 2.75L && x87_control() == 0x077f);
    set_modes(0x037f, 0x1f80);
    printf("modes\n");
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return x87_control() == 0x037f && _mm_getcsr() == 0x1f80 ? 0 : 1;
    test_calls();
    test_modes(argv[0]);
    return 0;
}
