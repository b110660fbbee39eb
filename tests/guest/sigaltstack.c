/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers on a stack of their own. Calls: sigaltstack */
#include <signal.h>
#include <sys/syscall.h>

#include "check.h"

enum { SIZE = 65536 };
/* linux/signal.h says so. */
static const unsigned autodisarm = 1u << 31;

static char memory[SIZE], other[SIZE];
static volatile int was_on_stack, flags_inside, refused, nested_on_stack;

static int is_on(const void *address)
{
    return (char *)address >= memory && (char *)address < memory + SIZE;
}

static void on_nested(int sig)
{
    char local;
    (void)sig;
    nested_on_stack = is_on(&local);
}

static void on_signal(int sig)
{
    char local;
    stack_t now, another = {.ss_sp = other, .ss_size = SIZE};
    (void)sig;
    was_on_stack = is_on(&local);
    CHECK(sigaltstack(NULL, &now) == 0);
    flags_inside = now.ss_flags;
    if (was_on_stack)
        refused = sigaltstack(&another, NULL) == -1 && errno == EPERM;
    raise(SIGUSR2);
}

static void test_use(void)
{
    stack_t stack = {.ss_sp = memory, .ss_size = SIZE}, old;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    CHECK(sigaltstack(NULL, &old) == 0 && old.ss_flags == SS_DISABLE);
    CHECK(sigaltstack(&stack, NULL) == 0);
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    action.sa_handler = on_nested;
    CHECK(sigaction(SIGUSR2, &action, NULL) == 0);
    raise(SIGUSR1);
    CHECK(was_on_stack && nested_on_stack && refused);
    printf("flags inside: %d\n", flags_inside == SS_ONSTACK);
    CHECK(sigaltstack(NULL, &old) == 0 && old.ss_flags == 0 && old.ss_sp == memory);
    CHECK(old.ss_size == SIZE);

    action.sa_handler = on_signal;
    action.sa_flags = 0; /* without the flag: on the normal one */
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    raise(SIGUSR1);
    CHECK(!was_on_stack && flags_inside == 0 && nested_on_stack);
    printf("used\n");
}

static void test_autodisarm(void)
{
    stack_t stack = {.ss_sp = memory, .ss_size = SIZE, .ss_flags = (int)autodisarm};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    CHECK(sigaltstack(&stack, NULL) == 0 && sigaction(SIGUSR1, &action, NULL) == 0);
    raise(SIGUSR1);
    CHECK(was_on_stack && flags_inside == SS_DISABLE && !refused);
    CHECK(sigaltstack(NULL, &stack) == 0 && stack.ss_sp == memory);
    printf("disarmed inside\n");
}

int main(void)
{
    test_use();
    test_autodisarm();
    stack_t stack = {.ss_sp = memory, .ss_size = 100};
    CHECK_ERRNO(sigaltstack(&stack, NULL), ENOMEM);
    stack = (stack_t){.ss_sp = memory, .ss_size = SIZE, .ss_flags = 0x40};
    CHECK_ERRNO(sigaltstack(&stack, NULL), EINVAL);
    CHECK_ERRNO(syscall(SYS_sigaltstack, 8, NULL), EFAULT);
    stack = (stack_t){.ss_flags = SS_DISABLE};
    CHECK(sigaltstack(&stack, NULL) == 0 && sigaltstack(NULL, &stack) == 0);
    CHECK(stack.ss_flags == SS_DISABLE);
    printf("errors\n");
    return 0;
}
