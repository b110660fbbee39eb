/* SPDX-License-Identifier: Apache-2.0 */
/* What fdinfo tells of files that are no files. Calls: openat read eventfd2 epoll_create1 epoll_ctl
 * timerfd_create timerfd_settime signalfd4 pidfd_open */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#include "check.h"

static char text[4096];

/* The lines behind the four that all have. */
static const char *info_of(int fd, int *flags)
{
    char path[64];
    int skip = 0;
    long position, number;
    int mount;
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    int info = open(path, O_RDONLY);
    CHECK(info >= 0);
    ssize_t size = read(info, text, sizeof(text) - 1);
    CHECK(size > 0 && close(info) == 0);
    text[size] = 0;
    CHECK(sscanf(text, "pos:\t%ld\nflags:\t%o\nmnt_id:\t%d\nino:\t%ld\n%n", &position,
                 (unsigned *)flags, &mount, &number, &skip) == 4);
    CHECK(position == 0 && mount > 0 && number > 0 && skip > 0);
    return text + skip;
}

static void test_eventfd(void)
{
    int flags, fd = eventfd(26, EFD_NONBLOCK | EFD_CLOEXEC);
    const char *lines = info_of(fd, &flags);
    CHECK(flags == (O_RDWR | O_NONBLOCK | O_CLOEXEC));
    CHECK(strncmp(lines, "eventfd-count:               1a\n", 32) == 0);
    close(fd);
    printf("eventfd\n");
}

static void test_epoll(void)
{
    int flags, ends[2], fd = epoll_create1(0);
    CHECK(pipe(ends) == 0 && *info_of(fd, &flags) == 0 && flags == O_RDWR);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x1234};
    CHECK(epoll_ctl(fd, EPOLL_CTL_ADD, ends[0], &event) == 0);
    char expected[128];
    snprintf(expected, sizeof(expected), "tfd: %8d events: %8x data: %16x ", ends[0],
             EPOLLIN | EPOLLERR | EPOLLHUP, 0x1234);
    CHECK(strncmp(info_of(fd, &flags), expected, strlen(expected)) == 0);
    CHECK(strstr(text, " pos:0 ino:") != NULL && strstr(text, " sdev:") != NULL);
    close(fd);
    close(ends[0]);
    close(ends[1]);
    printf("epoll\n");
}

static void test_timerfd(void)
{
    int flags, clock, settime, fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    long long ticks, value[2], interval[2];
    struct itimerspec spec = {.it_value = {1000, 0}, .it_interval = {3, 5}};
    CHECK(timerfd_settime(fd, 0, &spec, NULL) == 0);
    CHECK(sscanf(info_of(fd, &flags),
                 "clockid: %d\nticks: %lld\nsettime flags: %o\nit_value: (%lld, %lld)\n"
                 "it_interval: (%lld, %lld)\n",
                 &clock, &ticks, (unsigned *)&settime, value, value + 1, interval,
                 interval + 1) == 7);
    CHECK(clock == CLOCK_MONOTONIC && ticks == 0 && settime == 0 && value[0] > 0);
    CHECK(value[0] <= 1000 && interval[0] == 3 && interval[1] == 5);
    CHECK(flags == (O_RDWR | O_CLOEXEC));
    close(fd);
    printf("timerfd\n");
}

static void test_signalfd(void)
{
    int flags;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMAX);
    int fd = signalfd(-1, &set, 0);
    CHECK(strcmp(info_of(fd, &flags), "sigmask:\t8000000000000200\n") == 0);
    close(fd);
    printf("signalfd\n");
}

static void test_pidfd(void)
{
    int flags;
    char expected[32];
    int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    CHECK(fd >= 0);
    snprintf(expected, sizeof(expected), "Pid:\t%d\nNSpid:\t%d\n", getpid(), getpid());
    CHECK(strcmp(info_of(fd, &flags), expected) == 0);
    CHECK(flags == (O_RDWR | O_CLOEXEC));
    close(fd);
    printf("pidfd\n");
}

int main(void)
{
    test_eventfd();
    test_epoll();
    test_timerfd();
    test_signalfd();
    test_pidfd();
    return 0;
}
