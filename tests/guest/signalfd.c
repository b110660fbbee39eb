/* SPDX-License-Identifier: Apache-2.0 */
/* Signals that are read from a file. Calls: signalfd signalfd4 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static uint64_t bit(int sig)
{
    return UINT64_C(1) << (sig - 1);
}

static int make(int fd, uint64_t mask, int flags)
{
    return (int)syscall(SYS_signalfd4, fd, &mask, sizeof(mask), flags);
}

static void block(uint64_t mask)
{
    CHECK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof(mask)) == 0);
}

static void test_reading(void)
{
    struct signalfd_siginfo infos[4];
    int fd = make(-1, bit(SIGUSR1) | bit(SIGRTMIN) | bit(SIGKILL), SFD_NONBLOCK | SFD_CLOEXEC);
    CHECK(fd >= 0 && fcntl(fd, F_GETFL) == (O_RDWR | O_NONBLOCK));
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
    CHECK_ERRNO(read(fd, infos, sizeof(infos)), EAGAIN);
    CHECK(kill(getpid(), SIGUSR1) == 0 && kill(getpid(), SIGUSR2) == 0);
    for (int i = 0; i < 3; i++)
        CHECK(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 40 + i}) == 0);
    CHECK_ERRNO(read(fd, infos, sizeof(infos[0]) - 1), EINVAL);
    CHECK(read(fd, infos, 2 * sizeof(infos[0]) + 5) == 2 * sizeof(infos[0]));
    CHECK(infos[0].ssi_signo == (uint32_t)SIGUSR1 && infos[0].ssi_code == SI_USER);
    CHECK(infos[0].ssi_pid == (uint32_t)getpid() && infos[0].ssi_uid == getuid());
    CHECK(infos[1].ssi_signo == (uint32_t)SIGRTMIN && infos[1].ssi_int == 40);
    CHECK(infos[1].ssi_code == SI_QUEUE);
    CHECK(read(fd, infos, sizeof(infos)) == 2 * sizeof(infos[0]));
    CHECK(infos[0].ssi_int == 41 && infos[1].ssi_int == 42);
    CHECK_ERRNO(read(fd, infos, sizeof(infos)), EAGAIN);
    CHECK(make(fd, bit(SIGUSR2), 0) == fd); /* another mask */
    CHECK(read(fd, infos, sizeof(infos)) == sizeof(infos[0]));
    CHECK(infos[0].ssi_signo == (uint32_t)SIGUSR2);
    close(fd);
    printf("reading\n");
}

/* A reader that sleeps, and one that polls, are woken by a child's end. */
static void test_blocking(void)
{
    uint64_t mask = bit(SIGCHLD);
    int fd = (int)syscall(SYS_signalfd, -1, &mask, sizeof(mask)), status;
    struct signalfd_siginfo info;
    for (int i = 0; i < 2; i++) {
        struct pollfd one = {fd, POLLIN, 0};
        pid_t pid = fork();
        if (pid == 0)
            _exit(40 + i);
        if (i == 1)
            CHECK(poll(&one, 1, -1) == 1 && one.revents == POLLIN);
        CHECK(read(fd, &info, sizeof(info)) == sizeof(info));
        CHECK(info.ssi_signo == (uint32_t)SIGCHLD && info.ssi_pid == (uint32_t)pid);
        CHECK(info.ssi_code == CLD_EXITED && info.ssi_status == 40 + i);
        CHECK(info.ssi_uid == getuid() && poll(&one, 1, 0) == 0);
        CHECK(waitpid(pid, &status, 0) == pid);
    }
    close(fd);
    printf("blocking\n");
}

static void test_epoll(void)
{
    int fd = make(-1, bit(SIGUSR1), SFD_NONBLOCK), set = epoll_create1(0), status;
    struct epoll_event event = {.events = EPOLLIN};
    struct signalfd_siginfo info;
    CHECK(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0);
    CHECK(epoll_wait(set, &event, 1, 0) == 0);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        CHECK(kill(parent, SIGUSR1) == 0);
        _exit(0);
    }
    CHECK(epoll_wait(set, &event, 1, -1) == 1 && event.events == EPOLLIN);
    CHECK(read(fd, &info, sizeof(info)) == sizeof(info));
    CHECK(info.ssi_pid == (uint32_t)pid && epoll_wait(set, &event, 1, 0) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    close(fd);
    close(set);
    printf("epoll\n");
}

/* Who reads gets its own signals, though the file is another's. */
static void test_child(void)
{
    int fd = make(-1, bit(SIGUSR1), SFD_NONBLOCK), status;
    struct signalfd_siginfo info;
    CHECK(kill(getpid(), SIGUSR1) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK_ERRNO(read(fd, &info, sizeof(info)), EAGAIN);
        CHECK(kill(getpid(), SIGUSR1) == 0 && read(fd, &info, sizeof(info)) == sizeof(info));
        CHECK(info.ssi_pid == (uint32_t)getpid());
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(read(fd, &info, sizeof(info)) == sizeof(info) && info.ssi_pid == (uint32_t)getpid());
    close(fd);
    printf("child\n");
}

int main(void)
{
    uint64_t mask = 0;
    block(bit(SIGUSR1) | bit(SIGUSR2) | bit(SIGRTMIN) | bit(SIGCHLD));
    test_reading();
    test_blocking();
    test_epoll();
    test_child();
    int ends[2];
    CHECK(pipe(ends) == 0);
    CHECK_ERRNO(make(ends[0], 0, 0), EINVAL);
    CHECK_ERRNO(make(999, 0, 0), EBADF);
    CHECK_ERRNO(make(-1, 0, 1), EINVAL);
    CHECK_ERRNO(syscall(SYS_signalfd4, -1, &mask, 4, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_signalfd4, -1, 8, 8, 0), EFAULT);
    printf("errors\n");
    return 0;
}
