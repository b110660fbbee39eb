/* SPDX-License-Identifier: Apache-2.0 */
/* clone3 checks its arguments and takes structures of all lengths. Calls: clone3 */
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static long clone3(struct clone_args *args, size_t size)
{
    return syscall(SYS_clone3, args, size);
}

static void expect_exit(long pid, int code)
{
    int status;
    CHECK(waitpid((pid_t)pid, &status, __WALL) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == code);
}

static void test_fork(void)
{
    pid_t parent_tid = 0;
    struct clone_args args = {
        .flags = CLONE_PARENT_SETTID, .parent_tid = (uintptr_t)&parent_tid, .exit_signal = SIGCHLD};
    long pid = clone3(&args, sizeof(args));
    if (pid == 0)
        _exit(3);
    CHECK(pid > 0 && parent_tid == pid);
    expect_exit(pid, 3);
    printf("fork\n");
}

static void test_sizes(void)
{
    struct {
        struct clone_args args;
        uint64_t more[4];
    } large = {.args = {.exit_signal = SIGCHLD}};

    CHECK_ERRNO(clone3(&large.args, CLONE_ARGS_SIZE_VER0 - 1), EINVAL);
    CHECK_ERRNO(clone3(&large.args, 4097), E2BIG);
    large.more[3] = 1;
    CHECK_ERRNO(clone3(&large.args, sizeof(large)), E2BIG);
    large.more[3] = 0;
    long pid = clone3(&large.args, sizeof(large));
    if (pid == 0)
        _exit(4);
    expect_exit(pid, 4);
    pid = clone3(&large.args, CLONE_ARGS_SIZE_VER0);
    if (pid == 0)
        _exit(5);
    expect_exit(pid, 5);
    CHECK_ERRNO(syscall(SYS_clone3, 16, sizeof(struct clone_args)), EFAULT);
    printf("sizes\n");
}

static void fails(struct clone_args args, int code)
{
    CHECK_ERRNO(clone3(&args, sizeof(args)), code);
}

static void test_errors(void)
{
    static char stack[4096];
    uint64_t at = (uintptr_t)stack;

    fails((struct clone_args){.flags = SIGCHLD}, EINVAL); /* the signal has a field of its own */
    fails((struct clone_args){.flags = CLONE_DETACHED}, EINVAL);
    fails((struct clone_args){.flags = UINT64_C(1) << 40}, EINVAL);
    fails((struct clone_args){.exit_signal = 65}, EINVAL);
    fails((struct clone_args){.stack = at}, EINVAL);
    fails((struct clone_args){.stack_size = 4096}, EINVAL);
    fails((struct clone_args){.stack = at, .stack_size = UINT64_MAX - 10}, EINVAL);
    fails((struct clone_args){.flags = CLONE_THREAD | CLONE_SIGHAND}, EINVAL);
    fails((struct clone_args){.flags = CLONE_THREAD | CLONE_VM}, EINVAL);
    fails((struct clone_args){.flags = CLONE_SIGHAND}, EINVAL);
    fails((struct clone_args){.flags = CLONE_VM | CLONE_SIGHAND | CLONE_CLEAR_SIGHAND}, EINVAL);
    fails((struct clone_args){.flags = CLONE_PARENT, .exit_signal = SIGCHLD}, EINVAL);
    fails((struct clone_args){.set_tid_size = 1}, EINVAL);
    fails((struct clone_args){.set_tid = at, .set_tid_size = 33}, EINVAL);
    fails((struct clone_args){.flags = CLONE_FS | CLONE_NEWNS}, EINVAL);
    fails((struct clone_args){.flags = CLONE_INTO_CGROUP, .cgroup = 1ULL << 33}, EINVAL);
    printf("errors\n");
}

static void on_signal(int signal)
{
    (void)signal;
}

static void test_clear_sighand(void)
{
    struct clone_args args = {.flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD};
    struct sigaction action;

    signal(SIGUSR1, on_signal);
    signal(SIGUSR2, SIG_IGN);
    long pid = clone3(&args, sizeof(args));
    if (pid == 0) {
        CHECK(sigaction(SIGUSR1, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
        CHECK(sigaction(SIGUSR2, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
        _exit(6);
    }
    CHECK(pid > 0);
    expect_exit(pid, 6);
    CHECK(sigaction(SIGUSR1, NULL, &action) == 0 && action.sa_handler == on_signal);
    printf("clear sighand\n");
}

static volatile int value;
static char stack[16384] __attribute__((aligned(16)));

/* The stack of the child is named by its lowest address and size. */
static void test_stack(void)
{
    struct clone_args args = {.flags = CLONE_VM,
                              .exit_signal = SIGCHLD,
                              .stack = (uintptr_t)stack,
                              .stack_size = sizeof(stack)};
    long pid;

    /* The child may not return: it has an empty stack. */
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "movl $9, %1\n\t"
                     "push $8\n\t"
                     "pop %%rdi\n\t"
                     "mov $60, %%eax\n\t"
                     "syscall\n"
                     "1:"
                     : "=a"(pid), "=m"(value)
                     : "a"(SYS_clone3), "D"(&args), "S"(sizeof(args))
                     : "rcx", "r11", "memory");
    CHECK(pid > 0);
    expect_exit(pid, 8);
    CHECK(value == 9);
    printf("stack\n");
}

int main(void)
{
    test_fork();
    test_sizes();
    test_errors();
    test_clear_sighand();
    test_stack();
    return 0;
}
