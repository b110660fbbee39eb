/* SPDX-License-Identifier: Apache-2.0 */
/* poll with a mask and an exact timeout, which is written back. Calls: ppoll */
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "check.h"

static volatile sig_atomic_t alarms, users;

static void on_signal(int sig)
{
    if (sig == SIGALRM)
        alarms++;
    else
        users++;
}

static int do_ppoll(struct pollfd *fds, unsigned count, void *timeout, const uint64_t *mask)
{
    return (int)syscall(SYS_ppoll, fds, count, timeout, mask, sizeof(*mask));
}

static uint64_t current_mask(void)
{
    uint64_t mask;
    CHECK(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, sizeof(mask)) == 0);
    return mask;
}

static void test_timeout(int fd)
{
    struct pollfd one = {fd, POLLIN, 9};
    struct timespec span = {0, 30000000};
    CHECK(do_ppoll(&one, 1, &span, NULL) == 0 && one.revents == 0);
    CHECK(span.tv_sec == 0 && span.tv_nsec == 0);
    span = (struct timespec){0, 0};
    CHECK(do_ppoll(&one, 1, &span, NULL) == 0);
    one.events = POLLOUT;
    one.fd++;
    span = (struct timespec){1000, 5};
    CHECK(do_ppoll(&one, 1, &span, NULL) == 1 && one.revents == POLLOUT);
    CHECK(span.tv_sec == 999 || (span.tv_sec == 1000 && span.tv_nsec <= 5));
    CHECK(do_ppoll(&one, 1, NULL, NULL) == 1);
    printf("what is left\n");
}

/* A signal that is blocked but for the time of the call. */
static void test_mask(int fd)
{
    struct pollfd one = {fd, POLLIN, 0};
    struct timespec span = {1000, 0}, zero = {0, 0};
    uint64_t blocked = 1u << (SIGUSR1 - 1) | 1u << (SIGALRM - 1), none = 0;
    CHECK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &blocked, NULL, sizeof(blocked)) == 0);
    CHECK(kill(getpid(), SIGUSR1) == 0 && users == 0);
    CHECK_ERRNO(do_ppoll(&one, 1, &span, &none), EINTR);
    CHECK(users == 1 && span.tv_sec == 999 && current_mask() == blocked);

    CHECK(kill(getpid(), SIGUSR1) == 0);
    CHECK_ERRNO(do_ppoll(&one, 1, &zero, &none), EINTR); /* before the time is up */
    CHECK(users == 2);

    /* What is ready comes first, and then the mask is back before any signal is taken. */
    CHECK(kill(getpid(), SIGUSR1) == 0);
    one = (struct pollfd){fd + 1, POLLOUT, 0};
    CHECK(do_ppoll(&one, 1, &span, &none) == 1 && users == 2);
    CHECK(current_mask() == blocked);
    CHECK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none)) == 0 && users == 3);
    printf("mask\n");
}

/* An alarm ends the call; one without a handler does not. */
static void test_signals(int fd)
{
    struct itimerval timer = {{0, 0}, {0, 30000}};
    struct pollfd one = {fd, POLLIN, 0};
    struct timespec span = {1000, 0};
    uint64_t none = 0;
    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
    while (do_ppoll(&one, 1, &span, &none) == -1 && errno == EINTR && alarms == 0)
        ;
    CHECK(alarms == 1 && span.tv_sec == 999);

    struct timespec short_span = {0, 80000000};
    signal(SIGALRM, SIG_IGN);
    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
    CHECK(do_ppoll(&one, 1, &short_span, NULL) == 0);
    CHECK(short_span.tv_sec == 0 && short_span.tv_nsec == 0);
    printf("signals\n");
}

/* A timeout that cannot be written makes no difference, but that the call cannot be made again. */
static void test_read_only_timeout(int fd)
{
    struct timespec *span =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct pollfd one = {fd, POLLIN, 0};
    CHECK(span != MAP_FAILED);
    *span = (struct timespec){0, 10000000};
    CHECK(mprotect(span, 4096, PROT_READ) == 0);
    CHECK(do_ppoll(&one, 1, span, NULL) == 0 && span->tv_nsec == 10000000);
    CHECK(munmap(span, 4096) == 0);
    printf("read-only timeout\n");
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct timespec bad = {0, 1000000000}, negative = {-1, 0};
    uint64_t none = 0;
    int ends[2];
    CHECK(pipe(ends) == 0);
    CHECK(ends[1] == ends[0] + 1);
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0 && sigaction(SIGALRM, &action, NULL) == 0);
    struct pollfd one = {ends[0], POLLIN, 0};
    test_timeout(ends[0]);
    test_mask(ends[0]);
    test_signals(ends[0]);
    test_read_only_timeout(ends[0]);
    CHECK_ERRNO(do_ppoll(&one, 1, &bad, NULL), EINVAL);
    CHECK_ERRNO(do_ppoll(&one, 1, &negative, NULL), EINVAL);
    CHECK_ERRNO(do_ppoll(&one, 1, (void *)8, NULL), EFAULT);
    CHECK_ERRNO(do_ppoll(&one, 1, NULL, (void *)8), EFAULT);
    CHECK_ERRNO(syscall(SYS_ppoll, &one, 1, NULL, &none, 4), EINVAL);
    CHECK_ERRNO(do_ppoll((void *)8, 1, NULL, NULL), EFAULT);
    printf("errors\n");
    return 0;
}
