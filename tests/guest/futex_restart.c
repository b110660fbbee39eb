/* SPDX-License-Identifier: Apache-2.0 */
/* Signals in a futex wait: with SA_RESTART it goes on, but not if it has a timeout; without a
 * handler it always does. Calls: futex rt_sigaction kill wait4 clone */
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

enum { STACK = 16384 };

static char stack[STACK] __attribute__((aligned(16)));
static int word;
static volatile int result, error, signals;
static const struct timespec *timeout;

static void handler(int signal)
{
    (void)signal;
    signals++;
}

static void set_handler(int signal, int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    CHECK(sigaction(signal, &action, NULL) == 0);
}

static int waiter(void *argument)
{
    (void)argument;
    long answer = syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, timeout);
    error = answer < 0 ? errno : 0;
    result = 1;
    return 0;
}

static void sleeper_is_there(void)
{
    WAIT_FOR(syscall(SYS_futex, &word, FUTEX_REQUEUE_PRIVATE, 0, 1L, &word, 0) == 1);
}

static pid_t start(const struct timespec *span)
{
    result = error = signals = 0;
    timeout = span;
    pid_t child = clone(waiter, stack + STACK, CLONE_VM | CLONE_FILES | SIGCHLD, NULL);
    CHECK(child > 0);
    sleeper_is_there();
    return child;
}

static void end(pid_t child)
{
    CHECK(waitpid(child, NULL, 0) == child && result == 1);
}

int main(void)
{
    const struct timespec hour = {3600, 0}, soon = {0, 300000000};
    set_handler(SIGUSR1, SA_RESTART);
    set_handler(SIGUSR2, 0);

    pid_t child = start(NULL);
    CHECK(kill(child, SIGUSR1) == 0);
    WAIT_FOR(signals > 0);
    sleeper_is_there();
    CHECK(result == 0);
    CHECK(kill(child, SIGUSR2) == 0);
    end(child);
    CHECK(error == EINTR && signals == 2);
    printf("no timeout: SA_RESTART decides\n");

    child = start(&hour);
    CHECK(kill(child, SIGUSR1) == 0);
    end(child);
    CHECK(error == EINTR && signals == 1);
    printf("with a timeout: EINTR\n");

    child = start(&soon);
    CHECK(kill(child, SIGSTOP) == 0);
    CHECK(waitpid(child, NULL, WUNTRACED) == child);
    CHECK(kill(child, SIGCONT) == 0);
    end(child);
    CHECK(error == ETIMEDOUT);
    printf("stopped and continued: its time is up when it was to be\n");

    child = start(NULL);
    CHECK(kill(child, SIGSTOP) == 0);
    CHECK(waitpid(child, NULL, WUNTRACED) == child);
    CHECK(kill(child, SIGCONT) == 0);
    sleeper_is_there();
    CHECK(syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1) == 1);
    end(child);
    CHECK(error == 0);
    printf("stopped and continued: woken\n");
    return 0;
}
