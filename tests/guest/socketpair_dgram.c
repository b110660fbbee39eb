/* SPDX-License-Identifier: Apache-2.0 */
/* A pair of datagram sockets: boundaries, cut messages, a full queue, a peer that has gone.
 * Calls: socketpair sendto recvfrom */
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "check.h"

enum { LARGE = 100000 };

static char block[LARGE + 10];

static void check_messages(int a, int b)
{
    struct iovec two[] = {{"ab", 2}, {"cd", 2}};
    struct sockaddr_un name;
    socklen_t size = sizeof(name);
    int waiting;
    CHECK(write(a, "first", 5) == 5 && write(a, "", 0) == 0 && writev(a, two, 2) == 4);
    CHECK(ioctl(b, FIONREAD, &waiting) == 0 && waiting == 5);
    CHECK(recv(b, block, 2, MSG_PEEK) == 2 && recv(b, block, 2, MSG_PEEK | MSG_TRUNC) == 5);
    CHECK(recvfrom(b, block, 3, 0, (void *)&name, &size) == 3 && size == 0);
    CHECK(recv(b, block, 10, 0) == 0); /* the empty one */
    CHECK(read(b, block, 10) == 4 && memcmp(block, "abcd", 4) == 0);
    CHECK_ERRNO(recv(b, block, 10, MSG_DONTWAIT), EAGAIN);
    CHECK_ERRNO(send(a, "x", 1, MSG_OOB), EOPNOTSUPP);
    memset(&name, 0, sizeof(name));
    CHECK_ERRNO(sendto(a, "x", 1, 0, (void *)&name, sizeof(name)), EINVAL);
    name.sun_family = AF_UNIX;
    memcpy(name.sun_path, "\0sbx-nobody", 11);
    CHECK_ERRNO(sendto(a, "x", 1, 0, (void *)&name, sizeof(name)), ECONNREFUSED);
    CHECK_ERRNO(sendto(a, "x", 1, 0, (void *)&name, 1), EINVAL);
    for (int i = 0; i < LARGE; i++)
        block[i] = (char)(i % 127);
    CHECK(write(a, block, LARGE) == LARGE);
    memset(block, 0, sizeof(block));
    CHECK(read(b, block, sizeof(block)) == LARGE && block[LARGE - 1] == (LARGE - 1) % 127);
    CHECK(send(a, "gone", 4, 0) == 4);
    CHECK_ERRNO(recv(b, (char *)8, 4, 0), EFAULT);
    CHECK_ERRNO(recv(b, block, 4, MSG_DONTWAIT), EAGAIN); /* it is lost */
    printf("messages\n");
}

static void check_too_large(int a)
{
    static char huge[300000];
    int size = 8192;
    CHECK(setsockopt(a, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) == 0);
    CHECK_ERRNO(send(a, huge, 16384 - 31, 0), EMSGSIZE);
    CHECK(send(a, huge, 16384 - 32, 0) == 16384 - 32);
    CHECK_ERRNO(send(a, huge, 1, MSG_DONTWAIT), EAGAIN);
    CHECK_ERRNO(send(a, huge, sizeof(huge), 0), EMSGSIZE);
    printf("too large\n");
}

/* The child reads what made the queue full, then sees the parent's end. */
static void child(int fd)
{
    CHECK(recv(fd, block, sizeof(block), 0) == 16384 - 32);
    for (int i = 0; i < 40; i++)
        CHECK(recv(fd, block, sizeof(block), 0) == 1000 && block[0] == i);
    _exit(0);
}

int main(void)
{
    int ends[2], status;
    signal(SIGPIPE, SIG_DFL);
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
    check_messages(ends[0], ends[1]);
    check_too_large(ends[0]);
    pid_t pid = fork();
    if (pid == 0)
        child(ends[1]);
    for (int i = 0; i < 40; i++) {
        block[0] = (char)i;
        CHECK(write(ends[0], block, 1000) == 1000);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(write(ends[0], "x", 1) == 1);
    close(ends[0]);
    CHECK(read(ends[1], block, 9) == 1); /* a datagram outlives its sender, who leaves no end */
    CHECK_ERRNO(recv(ends[1], block, 9, MSG_DONTWAIT), EAGAIN);
    CHECK_ERRNO(write(ends[1], "x", 1), ECONNREFUSED);
    CHECK_ERRNO(write(ends[1], "x", 1), ENOTCONN);
    close(ends[1]);
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
    CHECK(shutdown(ends[0], SHUT_RD) == 0);
    CHECK(read(ends[0], block, 1) == 0);
    CHECK_ERRNO(recv(ends[0], block, 1, MSG_DONTWAIT), EAGAIN);
    CHECK_ERRNO(write(ends[1], "x", 1), EPIPE); /* no signal */
    CHECK(write(ends[0], "x", 1) == 1 && shutdown(ends[0], SHUT_WR) == 0);
    CHECK_ERRNO(write(ends[0], "x", 1), EPIPE);
    CHECK(read(ends[1], block, 1) == 1);
    printf("ends\n");
    return 0;
}
