/* SPDX-License-Identifier: Apache-2.0 */
/* Files that stand for processes. Calls: pidfd_open pidfd_send_signal pidfd_getfd waitid */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static pid_t child(int code)
{
    pid_t pid = fork();
    if (pid == 0) {
        if (code >= 0)
            _exit(code);
        for (;;)
            pause();
    }
    return pid;
}

static short poll_one(int fd, int timeout)
{
    struct pollfd one = {fd, POLLIN | POLLRDNORM, 0};
    CHECK(poll(&one, 1, timeout) >= 0);
    return one.revents;
}

static void test_end(void)
{
    siginfo_t info;
    pid_t pid = child(-1);
    int fd = pidfd_open(pid, 0), set = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
    CHECK(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0 && epoll_wait(set, &event, 1, 0) == 0);
    CHECK(poll_one(fd, 0) == 0);
    CHECK(pidfd_send_signal(fd, 0, NULL, 0) == 0);
    CHECK(pidfd_send_signal(fd, SIGTERM, NULL, 0) == 0);
    CHECK(poll_one(fd, -1) == (POLLIN | POLLRDNORM));
    CHECK(epoll_wait(set, &event, 1, -1) == 1 && event.events == EPOLLIN);
    CHECK(pidfd_send_signal(fd, 0, NULL, 0) == 0); /* not reaped yet */
    CHECK(waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOWAIT) == 0);
    CHECK(info.si_pid == pid && info.si_code == CLD_KILLED && info.si_status == SIGTERM);
    CHECK(waitid(P_PIDFD, (id_t)fd, &info, WEXITED) == 0 && info.si_pid == pid);
    CHECK_ERRNO(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), ECHILD);
    CHECK_ERRNO(pidfd_send_signal(fd, 0, NULL, 0), ESRCH);
    CHECK((poll_one(fd, 0) & POLLIN) != 0);
    CHECK_ERRNO(pidfd_open(pid, 0), ESRCH);
    close(fd);
    close(set);
    printf("end\n");
}

static void test_waiting(void)
{
    siginfo_t info;
    pid_t pid = child(-1);
    int fd = pidfd_open(pid, PIDFD_NONBLOCK);
    CHECK(fd >= 0 && (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    CHECK_ERRNO(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), EAGAIN);
    memset(&info, 0xff, sizeof(info));
    CHECK(waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG) == 0 && info.si_pid == 0);
    CHECK(fcntl(fd, F_SETFL, 0) == 0 && kill(pid, SIGSTOP) == 0);
    CHECK(waitid(P_PIDFD, (id_t)fd, &info, WSTOPPED) == 0 && info.si_code == CLD_STOPPED);
    CHECK(kill(pid, SIGCONT) == 0 && kill(pid, SIGKILL) == 0);
    CHECK(waitid(P_PIDFD, (id_t)fd, &info, WEXITED) == 0 && info.si_status == SIGKILL);
    close(fd);
    pid = child(7); /* one that ends by itself is waited for through poll */
    fd = pidfd_open(pid, 0);
    CHECK(fd >= 0 && (poll_one(fd, -1) & POLLIN) != 0);
    CHECK(waitid(P_PIDFD, (id_t)fd, &info, WEXITED) == 0 && info.si_status == 7);
    close(fd);
    printf("waiting\n");
}

static void test_info(void)
{
    siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE, .si_value.sival_int = 77};
    int self = pidfd_open(getpid(), 0);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    CHECK(pidfd_send_signal(self, SIGUSR1, &info, 0) == 0);
    memset(&info, 0, sizeof(info));
    CHECK(sigwaitinfo(&set, &info) == SIGUSR1 && info.si_value.sival_int == 77);
    info.si_code = SI_USER;
    CHECK_ERRNO(pidfd_send_signal(self, SIGUSR2, &info, 0), EINVAL); /* says another */
    CHECK_ERRNO(pidfd_send_signal(self, SIGUSR1, (void *)8, 0), EFAULT);
    CHECK_ERRNO(pidfd_send_signal(self, 65, NULL, 0), EINVAL);
    CHECK_ERRNO(pidfd_send_signal(self, 0, NULL, 0x100), EINVAL);
    CHECK_ERRNO(pidfd_send_signal(1000, 0, NULL, 0), EBADF);
    pid_t pid = child(-1);
    int other = pidfd_open(pid, 0);
    info.si_signo = SIGUSR1;
    CHECK_ERRNO(pidfd_send_signal(other, SIGUSR1, &info, 0), EPERM); /* the kernel's own code */
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
    close(self);
    close(other);
    printf("info\n");
}

static void test_getfd(void)
{
    int ends[2], ready[2];
    char byte;
    CHECK(pipe(ready) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(pipe(ends) == 0 && write(ends[1], "v", 1) == 1 && dup2(ends[0], 77) == 77);
        CHECK(write(ready[1], "r", 1) == 1);
        for (;;)
            pause();
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    int fd = pidfd_open(pid, 0), copy = pidfd_getfd(fd, 77, 0);
    CHECK(copy >= 0 && fcntl(copy, F_GETFD) == FD_CLOEXEC);
    CHECK(read(copy, &byte, 1) == 1 && byte == 'v');
    CHECK_ERRNO(pidfd_getfd(fd, 78, 0), EBADF);
    CHECK_ERRNO(pidfd_getfd(fd, 77, 1), EINVAL);
    CHECK_ERRNO(pidfd_getfd(ready[0], 77, 0), EBADF);
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
    CHECK_ERRNO(pidfd_getfd(fd, 77, 0), ESRCH);
    printf("another's file\n");
}

int main(void)
{
    siginfo_t info;
    test_end();
    test_waiting();
    test_info();
    test_getfd();
    CHECK_ERRNO(pidfd_open(0, 0), EINVAL);
    CHECK_ERRNO(pidfd_open(getpid(), 1), EINVAL);
    CHECK_ERRNO(waitid(P_PIDFD, 0, &info, WEXITED), EBADF);
    CHECK_ERRNO(waitid(P_PIDFD, 999, &info, WEXITED), EBADF);
    printf("errors\n");
    return 0;
}
