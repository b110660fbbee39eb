/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for any of several files. Calls: poll */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

static int do_poll(struct pollfd *fds, unsigned count, int timeout)
{
    return (int)syscall(SYS_poll, fds, count, timeout);
}

static long now_ms(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void test_states(void)
{
    static char block[65536];
    int a[2], b[2];
    CHECK(pipe(a) == 0 && pipe(b) == 0);
    struct pollfd fds[] = {{a[0], POLLIN, 9}, {a[1], POLLOUT, 9}, {-5, POLLIN, 9}};
    CHECK(do_poll(fds, 3, 0) == 1);
    CHECK(fds[0].revents == 0 && fds[1].revents == POLLOUT && fds[2].revents == 0);
    CHECK(write(a[1], block, sizeof(block)) == sizeof(block));
    fds[0].events |= POLLRDNORM | POLLPRI;
    CHECK(do_poll(fds, 3, -1) == 1);
    CHECK(fds[0].revents == (POLLIN | POLLRDNORM) && fds[1].revents == 0);
    CHECK(close(a[1]) == 0);
    CHECK(do_poll(fds, 3, -1) == 2);
    CHECK(fds[0].revents == (POLLIN | POLLRDNORM | POLLHUP) && fds[1].revents == POLLNVAL);
    fds[0].events = 0;
    CHECK(do_poll(fds, 1, -1) == 1 && fds[0].revents == POLLHUP);
    CHECK(close(b[0]) == 0);
    struct pollfd broken = {b[1], POLLOUT | POLLWRNORM, 0};
    CHECK(do_poll(&broken, 1, -1) == 1);
    CHECK(broken.revents == (POLLOUT | POLLWRNORM | POLLERR));
    close(a[0]);
    close(b[1]);
    printf("states\n");
}

static void test_always_ready(void)
{
    int file = open("file", O_RDWR | O_CREAT, 0600), dir = open(".", O_RDONLY);
    int null = open("/dev/null", O_RDWR), place = open(".", O_PATH);
    CHECK(file >= 0 && dir >= 0 && null >= 0 && place >= 0);
    short both = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
    struct pollfd fds[] = {{file, both, 0}, {dir, both, 0}, {null, both, 0}, {place, both, 0}};
    CHECK(do_poll(fds, 4, -1) == 4);
    for (int i = 0; i < 3; i++)
        CHECK(fds[i].revents == both);
    CHECK(fds[3].revents == POLLNVAL);
    for (int i = 0; i < 4; i++)
        close(fds[i].fd);
    CHECK(unlink("file") == 0);
    printf("always ready\n");
}

/* The child answers on one pipe what it reads from another; each side waits by poll. */
static void test_wakes(void)
{
    int to[2], from[2], idle[2], status;
    char byte = 'a';
    CHECK(pipe(to) == 0 && pipe(from) == 0 && pipe(idle) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct pollfd one = {to[0], POLLIN, 0};
        close(to[1]);
        while (do_poll(&one, 1, -1) == 1 && read(to[0], &byte, 1) == 1) {
            byte++;
            CHECK(write(from[1], &byte, 1) == 1);
        }
        CHECK(one.revents == POLLHUP);
        _exit(3);
    }
    close(to[0]);
    for (int i = 0; i < 4; i++) {
        struct pollfd fds[] = {{idle[0], POLLIN, 0}, {from[0], POLLIN, 0}, {from[0], 0, 0}};
        CHECK(write(to[1], &byte, 1) == 1);
        CHECK(do_poll(fds, 3, -1) == 1 && fds[1].revents == POLLIN && fds[0].revents == 0);
        CHECK(read(from[0], &byte, 1) == 1 && byte == 'b' + i);
    }
    close(to[1]);
    CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 3);
    for (int i = 0; i < 2; i++) {
        close(from[i]);
        close(idle[i]);
    }
    printf("woken\n");
}

static volatile sig_atomic_t ticks;

static void on_tick(int sig)
{
    (void)sig;
    ticks++;
}

static void test_time_and_signals(void)
{
    struct itimerval timer = {{0, 40000}, {0, 40000}}, off = {{0, 0}, {0, 0}};
    struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART}; /* no matter */
    int ends[2];
    CHECK(pipe(ends) == 0);
    struct pollfd one = {ends[0], POLLIN, 7};
    long start = now_ms();
    CHECK(do_poll(&one, 1, 50) == 0 && one.revents == 0 && now_ms() - start >= 49);
    CHECK(do_poll(NULL, 0, 20) == 0 && now_ms() - start >= 69);

    CHECK(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &timer, NULL) == 0);
    CHECK_ERRNO(do_poll(&one, 1, -1), EINTR);
    CHECK(ticks > 0);
    CHECK(setitimer(ITIMER_REAL, &off, NULL) == 0);
    close(ends[0]);
    close(ends[1]);
    printf("time and signals\n");
}

int main(void)
{
    struct pollfd one = {0, POLLIN, 0};
    struct rlimit limit = {8, 1024};
    struct pollfd many[9];
    test_states();
    test_always_ready();
    test_wakes();
    test_time_and_signals();
    CHECK_ERRNO(do_poll((void *)8, 1, 0), EFAULT);
    CHECK_ERRNO(do_poll(&one, ~0u, 0), EINVAL);
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    memset(many, 0xff, sizeof(many));
    CHECK(do_poll(many, 8, 0) == 0);
    CHECK_ERRNO(do_poll(many, 9, 0), EINVAL);
    printf("errors\n");
    return 0;
}
