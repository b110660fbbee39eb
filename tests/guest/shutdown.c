/* SPDX-License-Identifier: Apache-2.0 */
/* Ending one direction of a stream or both, and what each side sees; SIGPIPE; a call that waits.
 * Calls: shutdown socketpair */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "check.h"

static volatile int pipes;
static char block[100];

static void on_pipe(int sig)
{
    pipes += sig == SIGPIPE;
}

static void pair(int ends[2])
{
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
}

static void end(int ends[2])
{
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    int ends[2], status;
    signal(SIGPIPE, on_pipe);
    pair(ends);
    CHECK_ERRNO(shutdown(ends[0], 3), EINVAL);
    CHECK_ERRNO(shutdown(ends[0], -1), EINVAL);
    CHECK_ERRNO(shutdown(99, 0), EBADF);
    CHECK_ERRNO(shutdown(0, 0), ENOTSOCK);
    CHECK(write(ends[0], "text", 4) == 4 && shutdown(ends[0], SHUT_WR) == 0);
    CHECK(read(ends[1], block, 9) == 4 && read(ends[1], block, 9) == 0);
    CHECK(read(ends[1], block, 9) == 0);
    CHECK_ERRNO(write(ends[0], "x", 1), EPIPE);
    CHECK(pipes == 1);
    CHECK(write(ends[1], "back", 4) == 4 && read(ends[0], block, 9) == 4);
    CHECK_ERRNO(send(ends[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    CHECK_ERRNO(send(ends[0], "", 0, 0), EPIPE);
    CHECK(pipes == 2);
    end(ends);
    printf("write\n");

    pair(ends);
    CHECK(write(ends[1], "kept", 4) == 4 && shutdown(ends[0], SHUT_RD) == 0);
    CHECK_ERRNO(write(ends[1], "x", 1), EPIPE);
    CHECK(read(ends[0], block, 9) == 4 && read(ends[0], block, 9) == 0);
    CHECK(write(ends[0], "other", 5) == 5 && read(ends[1], block, 9) == 5);
    end(ends);
    printf("read\n");

    pair(ends);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(write(ends[1], "r", 1) == 1);
        CHECK(read(ends[1], block, 9) == 0); /* ended by the parent */
        _exit(7);
    }
    CHECK(read(ends[0], block, 1) == 1 && shutdown(ends[0], SHUT_RDWR) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
    CHECK(read(ends[0], block, 1) == 0);
    pipes = 0;
    CHECK_ERRNO(write(ends[1], "x", 1), EPIPE);
    CHECK(pipes == 1);
    end(ends);
    printf("both\n");
    return 0;
}
