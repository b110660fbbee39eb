/* SPDX-License-Identifier: Apache-2.0 */
/* select with a mask and an exact timeout. Calls: pselect6 */
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>

#include "check.h"

struct mask_argument {
    const uint64_t *mask;
    uint64_t size;
};

static volatile sig_atomic_t users;

static void on_user(int sig)
{
    (void)sig;
    users++;
}

static int do_pselect(int count, fd_set *in, fd_set *out, struct timespec *span,
                      const struct mask_argument *mask)
{
    return (int)syscall(SYS_pselect6, count, in, out, NULL, span, mask);
}

static uint64_t current_mask(void)
{
    uint64_t mask;
    CHECK(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, sizeof(mask)) == 0);
    return mask;
}

static void test_timeout(const int *ends)
{
    struct timespec span = {0, 20000000};
    fd_set in, out;
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(ends[0], &in);
    CHECK(do_pselect(64, &in, NULL, &span, NULL) == 0 && !FD_ISSET(ends[0], &in));
    CHECK(span.tv_sec == 0 && span.tv_nsec == 0);
    FD_SET(ends[0], &in);
    FD_SET(ends[1], &out);
    span.tv_sec = 1000;
    CHECK(do_pselect(64, &in, &out, &span, NULL) == 1 && FD_ISSET(ends[1], &out));
    CHECK(!FD_ISSET(ends[0], &in) && span.tv_sec >= 999);
    printf("timeout\n");
}

static void test_mask(const int *ends)
{
    uint64_t blocked = 1u << (SIGUSR1 - 1), none = 0;
    struct mask_argument open = {&none, sizeof(none)}, absent = {NULL, 77};
    struct timespec span = {1000, 0}, zero = {0, 0};
    fd_set in, out;
    FD_ZERO(&in);
    FD_SET(ends[0], &in);
    CHECK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &blocked, NULL, sizeof(blocked)) == 0);
    CHECK(kill(getpid(), SIGUSR1) == 0 && users == 0);
    CHECK(do_pselect(64, &in, NULL, &zero, &absent) == 0 && users == 0);
    FD_SET(ends[0], &in);
    CHECK_ERRNO(do_pselect(64, &in, NULL, &span, &open), EINTR);
    CHECK(users == 1 && span.tv_sec == 999 && current_mask() == blocked);
    CHECK(FD_ISSET(ends[0], &in));
    CHECK(kill(getpid(), SIGUSR1) == 0);
    FD_ZERO(&out);
    FD_SET(ends[1], &out);
    CHECK(do_pselect(64, &in, &out, NULL, &open) == 1 && users == 1);
    CHECK(kill(getpid(), SIGUSR1) == 0); /* the same once more is none more */
    CHECK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none)) == 0 && users == 2);
    printf("mask\n");
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_user, .sa_flags = SA_RESTART};
    struct timespec bad = {0, 1000000000};
    uint64_t none = 0;
    struct mask_argument wrong = {&none, 7}, nowhere = {(void *)8, sizeof(none)};
    int ends[2];
    CHECK(pipe(ends) == 0);
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    test_timeout(ends);
    test_mask(ends);
    CHECK_ERRNO(do_pselect(0, NULL, NULL, &bad, NULL), EINVAL);
    CHECK_ERRNO(do_pselect(0, NULL, NULL, NULL, &wrong), EINVAL);
    CHECK_ERRNO(do_pselect(0, NULL, NULL, NULL, &nowhere), EFAULT);
    CHECK_ERRNO(do_pselect(0, NULL, NULL, NULL, (void *)8), EFAULT);
    CHECK_ERRNO(do_pselect(-1, NULL, NULL, NULL, NULL), EINVAL);
    printf("errors\n");
    return 0;
}
