/* SPDX-License-Identifier: Apache-2.0 */
/* Signals that are sent to one thread, and those that a thread causes, meet that thread.
 * Calls: tgkill, tkill, rt_tgsigqueueinfo, sigaltstack */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "check.h"

static volatile pid_t handled_by;
static volatile int handled, handled_value, handled_code;
static int started[2], finish[2]; /* pipes */
static atomic_bool is_over;

static void on_signal(int signal, siginfo_t *info, void *context)
{
    (void)context;
    handled_by = gettid();
    handled_value = info->si_value.sival_int;
    handled_code = info->si_code;
    handled = signal;
}

static void install(int signal, int flags)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | flags};
    CHECK(sigaction(signal, &action, NULL) == 0);
}

static void *block(void *tid)
{
    char byte;
    *(pid_t *)tid = gettid();
    CHECK(write(started[1], "x", 1) == 1);
    CHECK(read(finish[0], &byte, 1) == 1); /* restarted after each handler */
    return NULL;
}

static void *spin(void *tid)
{
    *(pid_t *)tid = gettid();
    CHECK(write(started[1], "x", 1) == 1);
    while (!atomic_load(&is_over))
        ;
    return NULL;
}

static void wait_for_handler(int signal)
{
    while (handled != signal)
        sched_yield();
    handled = 0;
}

static pthread_t start(void *(*run)(void *), volatile pid_t *tid)
{
    pthread_t thread;
    char byte;
    CHECK(pthread_create(&thread, NULL, run, (void *)tid) == 0);
    CHECK(read(started[0], &byte, 1) == 1);
    return thread;
}

static void test_blocked(void)
{
    volatile pid_t tid;
    pthread_t thread = start(block, &tid);
    siginfo_t info = {.si_code = SI_QUEUE};

    CHECK(pthread_kill(thread, SIGUSR1) == 0);
    wait_for_handler(SIGUSR1);
    CHECK(handled_by == tid && handled_code == SI_TKILL);
    CHECK(syscall(SYS_tkill, tid, SIGUSR2) == 0);
    wait_for_handler(SIGUSR2);
    CHECK(handled_by == tid);
    info.si_value.sival_int = 77;
    CHECK(syscall(SYS_rt_tgsigqueueinfo, getpid(), tid, SIGRTMIN, &info) == 0);
    wait_for_handler(SIGRTMIN);
    CHECK(handled_by == tid && handled_value == 77 && handled_code == SI_QUEUE);
    CHECK(write(finish[1], "x", 1) == 1 && pthread_join(thread, NULL) == 0);
    printf("a blocked thread\n");
}

static void test_spinning(void)
{
    volatile pid_t tid;
    pthread_t thread = start(spin, &tid);

    for (int i = 0; i < 5; i++) {
        CHECK(pthread_kill(thread, SIGUSR1) == 0);
        wait_for_handler(SIGUSR1);
        CHECK(handled_by == tid);
    }
    atomic_store(&is_over, true);
    CHECK(pthread_join(thread, NULL) == 0);
    printf("a spinning thread\n");
}

static void test_errors(void)
{
    siginfo_t info = {.si_code = SI_QUEUE};
    siginfo_t forged = {.si_code = SI_TKILL};

    CHECK_ERRNO(syscall(SYS_tgkill, getpid(), gettid(), 65), EINVAL);
    CHECK_ERRNO(syscall(SYS_tgkill, 0, gettid(), 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_tgkill, getpid(), -1, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_tgkill, getpid() + 1, gettid(), 0), ESRCH);
    CHECK_ERRNO(syscall(SYS_tkill, 0, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_tkill, 4000000, 65), ESRCH);
    CHECK_ERRNO(syscall(SYS_rt_tgsigqueueinfo, 0, gettid(), SIGUSR1, &info), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGUSR1, 8), EFAULT);
    CHECK_ERRNO(syscall(SYS_rt_tgsigqueueinfo, getpid(), getppid(), SIGUSR1, &forged), EPERM);
    CHECK(syscall(SYS_tgkill, getpid(), gettid(), 0) == 0);
    printf("errors\n");
}

static uint8_t alternate[1 << 14];
static volatile uintptr_t stack_of_handler;
static char *page;

static void on_fault(int signal, siginfo_t *info, void *context)
{
    (void)context;
    CHECK(signal == SIGSEGV && info->si_addr == page && info->si_code == SEGV_ACCERR);
    handled_by = gettid();
    stack_of_handler = (uintptr_t)&signal;
    CHECK(mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0);
}

static void *fault(void *tid)
{
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
    *(pid_t *)tid = gettid();
    CHECK(sigaltstack(&stack, NULL) == 0 && write(started[1], "x", 1) == 1);
    *(volatile char *)page = 1;
    return NULL;
}

static void test_fault(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    volatile pid_t tid;

    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
    page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    CHECK(pthread_join(start(fault, &tid), NULL) == 0);
    CHECK(handled_by == tid && *page == 1);
    CHECK(stack_of_handler - (uintptr_t)alternate < sizeof(alternate));
    printf("faults\n");
}

int main(void)
{
    CHECK(pipe(started) == 0 && pipe(finish) == 0);
    install(SIGUSR1, SA_RESTART);
    install(SIGUSR2, SA_RESTART);
    install(SIGRTMIN, SA_RESTART);
    test_blocked();
    test_spinning();
    test_errors();
    test_fault();
    return 0;
}
