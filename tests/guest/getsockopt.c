/* SPDX-License-Identifier: Apache-2.0 */
/* Options and names of sockets; timeouts; what a small buffer does.
 * Calls: getsockopt setsockopt getsockname getpeername socketpair */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "check.h"

static int a, b;

static int get(int fd, int option)
{
    int value = -99;
    socklen_t size = sizeof(value);
    CHECK(getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && size == sizeof(value));
    return value;
}

static void set(int fd, int option, int value)
{
    CHECK(setsockopt(fd, SOL_SOCKET, option, &value, sizeof(value)) == 0);
}

static void check_numbers(void)
{
    static const int flags[] = {SO_REUSEADDR, SO_KEEPALIVE, SO_BROADCAST,
                                SO_DONTROUTE, SO_OOBINLINE, SO_PASSCRED};
    int value = 1;
    socklen_t size = 1;
    printf("%d %d %d %d %d\n", get(a, SO_TYPE), get(a, SO_DOMAIN), get(a, SO_PROTOCOL),
           get(a, SO_ERROR), get(a, SO_ACCEPTCONN));
    printf("%d %d %d %d\n", get(a, SO_SNDBUF), get(a, SO_RCVBUF), get(a, SO_RCVLOWAT),
           get(a, SO_SNDLOWAT));
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        set(a, flags[i], 5);
        CHECK(get(a, flags[i]) == 1);
        set(a, flags[i], 0);
        CHECK(get(a, flags[i]) == 0);
    }
    set(a, SO_SNDBUF, 1);
    set(a, SO_RCVBUF, 100000);
    printf("%d %d\n", get(a, SO_SNDBUF), get(a, SO_RCVBUF));
    set(a, SO_PRIORITY, 5);
    CHECK(get(a, SO_PRIORITY) == 5);
    CHECK(getsockopt(a, SOL_SOCKET, SO_TYPE, &value, &size) == 0 && size == 1);
    CHECK_ERRNO(getsockopt(a, SOL_SOCKET, 9999, &value, &size), ENOPROTOOPT);
    CHECK_ERRNO(setsockopt(a, SOL_SOCKET, SO_TYPE, &value, 4), ENOPROTOOPT);
    CHECK_ERRNO(setsockopt(a, SOL_SOCKET, SO_SNDBUF, &value, 3), EINVAL);
    CHECK_ERRNO(setsockopt(a, SOL_SOCKET, SO_SNDBUF, (int *)8, 4), EFAULT);
    CHECK_ERRNO(setsockopt(a, 6, 1, &value, 4), EOPNOTSUPP);
    CHECK_ERRNO(getsockopt(a, 6, 1, &value, &size), EOPNOTSUPP);
    CHECK_ERRNO(getsockopt(99, SOL_SOCKET, SO_TYPE, &value, &size), EBADF);
    CHECK_ERRNO(getsockopt(0, SOL_SOCKET, SO_TYPE, &value, &size), ENOTSOCK);
}

static void check_structs(void)
{
    struct ucred owner;
    struct linger linger = {1, 30};
    struct timeval time = {1, 500000};
    socklen_t size = sizeof(owner);
    CHECK(getsockopt(a, SOL_SOCKET, SO_PEERCRED, &owner, &size) == 0 && size == sizeof(owner));
    CHECK(owner.pid == getpid() && owner.uid == geteuid() && owner.gid == getegid());
    CHECK(setsockopt(a, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0);
    memset(&linger, 0, sizeof(linger));
    size = sizeof(linger);
    CHECK(getsockopt(a, SOL_SOCKET, SO_LINGER, &linger, &size) == 0);
    CHECK(linger.l_onoff == 1 && linger.l_linger == 30);
    CHECK(setsockopt(a, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)) == 0);
    size = sizeof(time);
    CHECK(getsockopt(a, SOL_SOCKET, SO_SNDTIMEO, &time, &size) == 0 && size == sizeof(time));
    printf("%ld.%06ld\n", (long)time.tv_sec, (long)time.tv_usec);
    time.tv_usec = 1000000;
    CHECK_ERRNO(setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)), EDOM);
    size = sizeof(time);
    CHECK(getsockopt(b, SOL_SOCKET, SO_RCVTIMEO, &time, &size) == 0 && time.tv_sec == 0);
}

static void check_names(void)
{
    struct sockaddr_un name = {.sun_family = 77};
    socklen_t size = sizeof(name);
    CHECK(getsockname(a, (void *)&name, &size) == 0 && size == 2 && name.sun_family == AF_UNIX);
    size = 1;
    CHECK(getpeername(b, (void *)&name, &size) == 0 && size == 2);
    size = (socklen_t)-1;
    CHECK_ERRNO(getsockname(a, (void *)&name, &size), EINVAL);
    CHECK_ERRNO(getsockname(a, (void *)&name, (socklen_t *)8), EFAULT);
    CHECK_ERRNO(getpeername(0, (void *)&name, &size), ENOTSOCK);
}

static void on_alarm(int sig)
{
    (void)sig;
}

int main(void)
{
    int ends[2];
    char block[8192] = "";
    struct timeval time = {0, 30000}, long_time = {100, 0};
    struct itimerval soon = {.it_value = {0, 30000}};
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    a = ends[0];
    b = ends[1];
    check_numbers();
    check_structs();
    check_names();
    CHECK(setsockopt(b, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)) == 0);
    CHECK_ERRNO(read(b, block, 1), EAGAIN); /* after a while */
    CHECK(write(a, "xy", 2) == 2 && recv(b, block, 5, MSG_WAITALL) == 2);
    CHECK(setsockopt(a, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)) == 0);
    CHECK(write(a, block, sizeof(block)) < (ssize_t)sizeof(block)); /* a small buffer */
    CHECK_ERRNO(write(a, block, sizeof(block)), EAGAIN);
    CHECK(setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &long_time, sizeof(time)) == 0);
    signal(SIGALRM, on_alarm); /* which restarts calls, but not one with a timeout */
    CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
    CHECK_ERRNO(read(a, block, 1), EINTR);
    set(a, SO_RCVLOWAT, 3);
    CHECK(write(b, "abc", 3) == 3 && recv(a, block, 10, 0) == 3);
    printf("timeouts\n");
    return 0;
}
