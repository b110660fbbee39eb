/* SPDX-License-Identifier: Apache-2.0 */
/* A pair of stream sockets: bytes both ways, blocked calls on both sides, partial sends, peeking,
 * waiting for all, the end. Calls: socketpair sendto recvfrom */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <linux/sockios.h>

#include "check.h"

enum { BIG = 600 << 10 };

static char block[BIG];

static void on_signal(int sig)
{
    (void)sig;
}

static void pair(int ends[2], int flags)
{
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | flags, 0, ends) == 0);
}

static void check_errors(void)
{
    int ends[2];
    CHECK_ERRNO(socketpair(AF_UNIX, SOCK_STREAM | 0x100000, 0, ends), EINVAL);
    CHECK_ERRNO(socketpair(AF_UNIX, 11, 0, ends), EINVAL);
    CHECK_ERRNO(socketpair(AF_UNIX, SOCK_RDM, 0, ends), ESOCKTNOSUPPORT);
    CHECK_ERRNO(socketpair(AF_UNIX, SOCK_STREAM, 7, ends), EPROTONOSUPPORT);
    CHECK_ERRNO(socketpair(AF_INET, SOCK_STREAM, 0, ends), EOPNOTSUPP);
    CHECK_ERRNO(socketpair(200, SOCK_STREAM, 0, ends), EAFNOSUPPORT);
    CHECK_ERRNO(socketpair(AF_UNIX, SOCK_STREAM, 0, (int *)8), EFAULT);
    CHECK(pipe(ends) == 0);
    CHECK_ERRNO(send(ends[1], "x", 1, 0), ENOTSOCK);
    CHECK_ERRNO(recv(99, block, 1, 0), EBADF);
    close(ends[0]);
    close(ends[1]);
}

static void check_bytes(void)
{
    int ends[2], size;
    struct stat stat;
    char link[64] = "", name[32];
    pair(ends, SOCK_NONBLOCK | SOCK_CLOEXEC);
    CHECK(fcntl(ends[0], F_GETFL) == (O_RDWR | O_NONBLOCK));
    CHECK(fcntl(ends[1], F_GETFD) == FD_CLOEXEC);
    CHECK(fstat(ends[0], &stat) == 0 && S_ISSOCK(stat.st_mode) && (stat.st_mode & 0777) == 0777);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", ends[0]);
    CHECK(readlink(name, link, sizeof(link) - 1) > 0 && strncmp(link, "socket:[", 8) == 0);
    CHECK_ERRNO(open(name, O_RDWR), ENXIO);
    CHECK_ERRNO(lseek(ends[0], 0, SEEK_CUR), ESPIPE);
    CHECK_ERRNO(pread(ends[0], block, 1, 0), ESPIPE);
    CHECK_ERRNO(read(ends[0], block, 1), EAGAIN);
    CHECK(write(ends[1], "hello", 5) == 5 && send(ends[1], " world", 6, MSG_EOR) == 6);
    CHECK(send(ends[0], "back", 4, MSG_NOSIGNAL) == 4);
    CHECK(ioctl(ends[0], FIONREAD, &size) == 0 && size == 11);
    CHECK(ioctl(ends[1], SIOCOUTQ, &size) == 0 && size > 11);
    CHECK(recv(ends[0], block, 100, MSG_PEEK) == 11 && memcmp(block, "hello world", 11) == 0);
    CHECK(read(ends[0], block, 3) == 3 && read(ends[0], block, 0) == 0);
    CHECK(recv(ends[0], block, 100, MSG_DONTWAIT) == 8 && memcmp(block, "lo world", 8) == 0);
    CHECK(ioctl(ends[1], SIOCOUTQ, &size) == 0 && size == 0);
    CHECK_ERRNO(recv(ends[0], block, 1, MSG_OOB), EINVAL);
    CHECK_ERRNO(sendto(ends[0], "x", 1, 0, (struct sockaddr *)"\1\0x", 3), EISCONN);
    CHECK(recv(ends[1], (char *)8, 4, 0) == -1 && errno == EFAULT);
    CHECK(read(ends[1], block, 9) == 4 && memcmp(block, "back", 4) == 0);
    size_t sent = 0;
    for (ssize_t n; (n = write(ends[0], block, sizeof(block))) > 0;)
        sent += (size_t)n;
    CHECK(errno == EAGAIN && sent > 64 << 10);
    close(ends[0]);
    for (ssize_t n; (n = read(ends[1], block, sizeof(block))) != 0; sent -= (size_t)n)
        CHECK(n > 0);
    CHECK(sent == 0);
    CHECK_ERRNO(send(ends[1], "x", 1, MSG_NOSIGNAL), EPIPE);
    close(ends[1]);
    printf("bytes of a stream\n");
}

/* The child answers each byte, then takes a long message and tells a part of it. */
static void child(int fd)
{
    char byte;
    size_t size = 0;
    for (int i = 0; i < 3; i++)
        CHECK(read(fd, &byte, 1) == 1 && write(fd, &byte, 1) == 1);
    CHECK(recv(fd, block, BIG, MSG_WAITALL) == BIG);
    for (size_t i = 0; i < BIG; i++)
        size += block[i] == (char)(i % 251);
    CHECK(size == BIG);
    CHECK(write(fd, "all", 3) == 3);
    CHECK(recv(fd, block, 10, MSG_WAITALL) == 4); /* the end comes first */
    _exit(0);
}

static void check_blocking(void)
{
    int ends[2], status;
    char byte;
    pair(ends, 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        child(ends[1]);
    }
    close(ends[1]);
    for (char c = 'a'; c < 'd'; c++)
        CHECK(write(ends[0], &c, 1) == 1 && read(ends[0], &byte, 1) == 1 && byte == c);
    for (size_t i = 0; i < BIG; i++)
        block[i] = (char)(i % 251);
    CHECK(write(ends[0], block, BIG) == BIG);
    CHECK(recv(ends[0], block, 3, MSG_WAITALL) == 3 && memcmp(block, "all", 3) == 0);
    CHECK(send(ends[0], "last", 4, 0) == 4);
    close(ends[0]);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    printf("%d bytes in one go\n", BIG);
}

int main(void)
{
    int ends[2];
    signal(SIGPIPE, on_signal);
    check_errors();
    check_bytes();
    check_blocking();
    pair(ends, 0);
    CHECK(write(ends[1], "unread", 6) == 6 && write(ends[0], "read", 4) == 4);
    close(ends[0]);
    CHECK(read(ends[1], block, 9) == 4);
    CHECK_ERRNO(read(ends[1], block, 9), ECONNRESET);
    CHECK(read(ends[1], block, 9) == 0);
    CHECK_ERRNO(write(ends[1], "x", 1), EPIPE);
    printf("reset\n");
    return 0;
}
