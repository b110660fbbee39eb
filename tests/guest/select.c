/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for sets of files. Calls: select */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

struct sets {
    fd_set in, out, other;
};

static int do_select(int count, struct sets *sets, struct timeval *span)
{
    return (int)syscall(SYS_select, count, &sets->in, &sets->out, &sets->other, span);
}

static void test_sets(void)
{
    struct timeval span = {5, 0};
    struct sets sets;
    int ends[2], high;
    CHECK(pipe(ends) == 0);
    high = dup2(ends[0], 60);
    CHECK(high == 60);
    memset(&sets, 0, sizeof(sets));
    FD_SET(ends[0], &sets.in);
    FD_SET(ends[1], &sets.in);
    FD_SET(ends[1], &sets.out);
    FD_SET(ends[0], &sets.other);
    FD_SET(200, &sets.in); /* more than the call asks for */
    CHECK(do_select(61, &sets, &span) == 1 && FD_ISSET(ends[1], &sets.out));
    CHECK(!FD_ISSET(ends[0], &sets.in) && !FD_ISSET(ends[1], &sets.in));
    CHECK(!FD_ISSET(ends[0], &sets.other) && FD_ISSET(200, &sets.in));
    CHECK(span.tv_sec == 4 || (span.tv_sec == 5 && span.tv_usec == 0));

    CHECK(write(ends[1], "x", 1) == 1);
    FD_SET(ends[0], &sets.in);
    FD_SET(high, &sets.in);
    CHECK(do_select(61, &sets, NULL) == 3);
    CHECK(FD_ISSET(ends[0], &sets.in) && FD_ISSET(high, &sets.in) && FD_ISSET(ends[1], &sets.out));
    CHECK(do_select(60, &sets, NULL) == 2 && FD_ISSET(ends[0], &sets.in));
    CHECK(!FD_ISSET(high, &sets.in)); /* the rest of the word is zero */

    close(ends[1]); /* the end can be read; a descriptor that is closed is an error */
    memset(&sets, 0, sizeof(sets));
    FD_SET(high, &sets.in);
    CHECK(do_select(61, &sets, NULL) == 1);
    FD_SET(ends[1], &sets.in);
    CHECK_ERRNO(do_select(61, &sets, NULL), EBADF);
    close(high);
    close(ends[0]);
    printf("sets\n");
}

static void test_broken(void)
{
    struct sets sets;
    int ends[2];
    CHECK(pipe(ends) == 0 && close(ends[0]) == 0);
    memset(&sets, 0, sizeof(sets));
    FD_SET(ends[1], &sets.in);
    FD_SET(ends[1], &sets.out);
    CHECK(do_select(ends[1] + 1, &sets, NULL) == 2); /* an error counts as both */
    FD_CLR(ends[1], &sets.in);
    CHECK(do_select(ends[1] + 1, &sets, NULL) == 1 && !FD_ISSET(ends[1], &sets.in));
    close(ends[1]);
    printf("nobody reads\n");
}

static void test_wakes(void)
{
    struct sets sets;
    int to[2], status;
    char byte;
    CHECK(pipe(to) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(to[1]);
        for (int bytes = 0;; bytes++) {
            memset(&sets, 0, sizeof(sets));
            FD_SET(to[0], &sets.in);
            CHECK(do_select(to[0] + 1, &sets, NULL) == 1);
            if (read(to[0], &byte, 1) == 0)
                _exit(bytes);
        }
    }
    for (int i = 0; i < 3; i++) {
        struct timeval span = {0, 5000};
        memset(&sets, 0, sizeof(sets));
        CHECK(do_select(0, &sets, &span) == 0 && span.tv_usec == 0 && span.tv_sec == 0);
        CHECK(write(to[1], "x", 1) == 1);
    }
    close(to[1]);
    CHECK(waitpid(pid, &status, 0) == pid);
    printf("%d bytes\n", WEXITSTATUS(status));
    close(to[0]);
}

static volatile sig_atomic_t ticks;

static void on_tick(int sig)
{
    (void)sig;
    ticks++;
}

static void test_signals(void)
{
    struct itimerval timer = {{0, 30000}, {0, 30000}}, off = {{0, 0}, {0, 0}};
    struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART}; /* no matter */
    struct timeval span = {1000, 0};
    int ends[2];
    struct sets sets;
    CHECK(pipe(ends) == 0);
    memset(&sets, 0, sizeof(sets));
    FD_SET(ends[0], &sets.in);
    CHECK(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &timer, NULL) == 0);
    CHECK_ERRNO(do_select(ends[0] + 1, &sets, &span), EINTR);
    CHECK(ticks > 0 && FD_ISSET(ends[0], &sets.in) && span.tv_sec == 999);
    CHECK(setitimer(ITIMER_REAL, &off, NULL) == 0);
    close(ends[0]);
    close(ends[1]);
    printf("signals\n");
}

int main(void)
{
    struct timeval negative = {-1, 0}, micros = {0, -1}, much = {0, 1000001}, zero = {0, 0};
    struct sets sets = {0};
    test_sets();
    test_broken();
    test_wakes();
    test_signals();
    CHECK_ERRNO(do_select(-1, &sets, &zero), EINVAL);
    CHECK_ERRNO(do_select(1, &sets, &negative), EINVAL);
    CHECK_ERRNO(do_select(1, &sets, &micros), EINVAL);
    CHECK_ERRNO(do_select(1, &sets, (void *)8), EFAULT);
    CHECK_ERRNO(do_select(1, (void *)8, &zero), EFAULT);
    CHECK(do_select(0, &sets, &much) == 0); /* more than a second of them */
    printf("errors\n");
    return 0;
}
