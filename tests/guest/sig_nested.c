/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers in handlers, handlers that jump out, and general registers. Calls: rt_sigreturn */
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

#include "check.h"

static char trail[64];
static sigjmp_buf back;

static void note(char letter)
{
    size_t size = strlen(trail);
    CHECK(size + 1 < sizeof(trail));
    trail[size] = letter;
}

static void on_signal(int sig)
{
    note((char)('a' + sig - SIGRTMIN));
    if (sig < SIGRTMIN + 4)
        raise(sig + 1);
    note((char)('A' + sig - SIGRTMIN));
}

static void test_nesting(void)
{
    for (int sig = SIGRTMIN; sig < SIGRTMIN + 5; sig++)
        signal(sig, on_signal);
    raise(SIGRTMIN);
    printf("nested: %s\n", trail);
    memset(trail, 0, sizeof(trail));

    sigset_t set;
    sigemptyset(&set);
    for (int sig = SIGRTMIN; sig < SIGRTMIN + 5; sig++)
        sigaddset(&set, sig);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGRTMIN + 4);
    raise(SIGRTMIN + 2);
    CHECK(trail[0] == 0);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    printf("several at once: %s\n", trail);
}

static void on_jump(int sig)
{
    (void)sig;
    siglongjmp(back, 5);
}

static void test_jump(void)
{
    sigset_t now;
    signal(SIGUSR1, on_jump);
    for (volatile int i = 0; i < 3; i++) {
        int code = sigsetjmp(back, 1);
        if (code == 0) {
            raise(SIGUSR1);
            CHECK(0);
        }
        CHECK(code == 5 && sigprocmask(SIG_BLOCK, NULL, &now) == 0);
        CHECK(sigismember(&now, SIGUSR1) == 0);
    }
    printf("jumped out\n");
}

/* A handler changes the registers and the mask that it returns to. */
static void on_change(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    (void)sig;
    (void)info;
    CHECK(uc->uc_mcontext.gregs[REG_R12] == 0x1234);
    uc->uc_mcontext.gregs[REG_R12] = 0x5678;
    sigaddset(&uc->uc_sigmask, SIGHUP);
}

static void test_registers(void)
{
    struct sigaction action = {.sa_sigaction = on_change, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGUSR2, &action, NULL) == 0);
    unsigned long r12, pid = (unsigned long)getpid();
    long result;
    __asm__ volatile("mov $0x1234, %%r12\n mov $62, %%eax\n mov %[pid], %%rdi\n mov $12, %%esi\n"
                     "syscall\n mov %%r12, %[r12]\n"
                     : "=&a"(result), [r12] "=r"(r12)
                     : [pid] "r"(pid)
                     : "rcx", "r11", "r12", "rdi", "rsi", "memory");
    sigset_t now;
    CHECK(result == 0 && r12 == 0x5678);
    CHECK(sigprocmask(SIG_BLOCK, NULL, &now) == 0 && sigismember(&now, SIGHUP) == 1);
    printf("registers and mask changed\n");
}

static void on_nothing(int sig)
{
    char block[512];
    memset(block, sig, sizeof(block));
    CHECK(block[100] == sig);
}

/* The 128 bytes below the stack pointer are not the handler's. */
static void test_red_zone(void)
{
    unsigned long out, pid = (unsigned long)getpid();
    signal(SIGUSR1, on_nothing);
    __asm__ volatile("movq $0x7777, -8(%%rsp)\n movq $0x7778, -120(%%rsp)\n mov $62, %%eax\n"
                     "mov %[pid], %%rdi\n mov $10, %%esi\n syscall\n"
                     "mov -8(%%rsp), %[out]\n add -120(%%rsp), %[out]\n"
                     : [out] "=&r"(out)
                     : [pid] "r"(pid)
                     : "rax", "rcx", "r11", "rdi", "rsi", "memory");
    CHECK(out == 0x7777 + 0x7778);
    printf("red zone\n");
}

int main(void)
{
    test_nesting();
    test_jump();
    test_registers();
    test_red_zone();
    return 0;
}
