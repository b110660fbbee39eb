/* SPDX-License-Identifier: Apache-2.0 */
/* A pair of sequenced-packet sockets: boundaries as of datagrams, an end as of streams.
 * Calls: socketpair sendto recvfrom shutdown */
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "check.h"

static char block[1000];

static void child(int fd)
{
    ssize_t size;
    int count = 0;
    while ((size = read(fd, block, sizeof(block))) > 0) {
        CHECK(size == 10 + count && block[0] == count);
        count++;
        CHECK(send(fd, &count, sizeof(count), 0) == sizeof(count));
    }
    CHECK(size == 0 && count == 5);
    _exit(0);
}

int main(void)
{
    int ends[2], answer, status, waiting;
    signal(SIGPIPE, SIG_DFL);
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        child(ends[1]);
    }
    close(ends[1]);
    for (int i = 0; i < 5; i++) {
        block[0] = (char)i;
        CHECK(write(ends[0], block, (size_t)(10 + i)) == 10 + i);
        CHECK(recv(ends[0], &answer, sizeof(answer), MSG_WAITALL) == 4 && answer == i + 1);
    }
    CHECK(shutdown(ends[0], SHUT_WR) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(recv(ends[0], &answer, sizeof(answer), 0) == 0);
    CHECK_ERRNO(send(ends[0], "x", 1, 0), EPIPE); /* no signal */
    close(ends[0]);
    printf("packets\n");

    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
    CHECK(write(ends[0], "one", 3) == 3 && write(ends[0], "two", 3) == 3);
    CHECK(ioctl(ends[1], FIONREAD, &waiting) == 0 && waiting == 6);
    CHECK(recv(ends[1], block, 1, MSG_TRUNC) == 3 && recv(ends[1], block, 9, 0) == 3);
    CHECK_ERRNO(recv(ends[1], block, 9, MSG_DONTWAIT), EAGAIN);
    CHECK(sendto(ends[0], "named", 5, 0, (struct sockaddr *)"\1\0x", 3) == 5);
    CHECK(write(ends[1], "kept", 4) == 4);
    close(ends[1]);
    CHECK_ERRNO(read(ends[0], block, 9), ECONNRESET); /* "named" was not read */
    CHECK(read(ends[0], block, 9) == 4 && read(ends[0], block, 9) == 0);
    CHECK(recv(ends[0], block, 9, MSG_DONTWAIT) == 0);
    CHECK_ERRNO(write(ends[0], "x", 1), EPIPE);
    printf("ends\n");
    return 0;
}
