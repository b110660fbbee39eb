/* SPDX-License-Identifier: Apache-2.0 */
/* Limits on tasks and queued signals of a user, and frames that find no room.
 * Calls: rt_sigqueueinfo, clone, fork, setrlimit, sigaltstack */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

enum { USER = 54321, LIMIT = 3 };

static void become_other(int resource)
{
    struct rlimit limit = {LIMIT, LIMIT};
    CHECK(setrlimit(resource, &limit) == 0 && setuid(USER) == 0);
}

static void queue_signals(void)
{
    union sigval value = {.sival_int = 1};
    siginfo_t info;
    sigset_t set;

    become_other(RLIMIT_SIGPENDING);
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigaddset(&set, SIGRTMIN + 1);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    for (int i = 0; i < LIMIT; i++)
        CHECK(sigqueue(getpid(), SIGRTMIN, value) == 0);
    CHECK_ERRNO(sigqueue(getpid(), SIGRTMIN, value), EAGAIN);
    CHECK_ERRNO(sigqueue(getpid(), SIGRTMIN + 1, value), EAGAIN);
    CHECK(kill(getpid(), SIGRTMIN + 1) == 0); /* kill always works, but tells nothing */
    for (int i = 0; i < LIMIT; i++)
        CHECK(sigwaitinfo(&set, &info) == SIGRTMIN && info.si_code == SI_QUEUE);
    CHECK(sigwaitinfo(&set, &info) == SIGRTMIN + 1 && info.si_code == SI_USER && info.si_pid == 0);
    CHECK(sigqueue(getpid(), SIGRTMIN, value) == 0);
}

static void *wait_for_end(void *unused)
{
    pause();
    return unused;
}

static void make_threads(void)
{
    pthread_t thread;

    become_other(RLIMIT_NPROC);
    for (int i = 1; i < LIMIT; i++)
        CHECK(pthread_create(&thread, NULL, wait_for_end, NULL) == 0);
    CHECK(pthread_create(&thread, NULL, wait_for_end, NULL) == EAGAIN);
    CHECK_ERRNO(fork(), EAGAIN);
}

static void on_fault(int signal)
{
    static const char text[] = "no room for a frame\n";
    (void)signal;
    CHECK(write(1, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1);
    _exit(7);
}

/* The handler of SIGUSR1 would need the stack. */
static void lose_stack(void)
{
    static uint8_t alternate[1 << 14];
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
    struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK};

    CHECK(sigaltstack(&stack, NULL) == 0 && sigaction(SIGSEGV, &action, NULL) == 0);
    action.sa_flags = 0;
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    __asm__ volatile("mov $39, %%eax\n\t" /* getpid */
                     "syscall\n\t"
                     "mov %%eax, %%edi\n\t"
                     "mov %0, %%esi\n\t"
                     "mov $4096, %%esp\n\t"
                     "mov $62, %%eax\n\t" /* kill */
                     "syscall\n\t"
                     "hlt"
                     :
                     : "i"(SIGUSR1)
                     : "rax", "rcx", "rdi", "rsi", "r11", "memory");
}

/* Without one it is the end. */
static void lose_all_stacks(void)
{
    struct sigaction action = {.sa_handler = on_fault};

    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
    __asm__ volatile("mov $4096, %%esp\n\tpush %%rax" : : : "memory");
}

static int run(void (*child)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        child();
        _exit(0);
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    return status;
}

int main(void)
{
    struct rlimit none = {0, 0};
    int status;

    if (getuid() != 0)
        SKIP("needs root: an id that nobody else uses");
    CHECK(setrlimit(RLIMIT_CORE, &none) == 0);
    CHECK(run(queue_signals) == 0);
    printf("queued signals\n");
    CHECK(run(make_threads) == 0);
    printf("tasks\n");
    status = run(lose_stack);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    status = run(lose_all_stacks);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV && !WCOREDUMP(status));
    printf("stacks\n");
    return 0;
}
