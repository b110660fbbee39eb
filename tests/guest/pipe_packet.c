/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes in packet mode: a read takes one packet; the mode belongs to the file and may change.
 * The size of a pipe. Calls: pipe2 fcntl */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "check.h"

static char block[3 * PIPE_BUF];

static void check_packets(void)
{
    int ends[2], size;
    CHECK(pipe2(ends, O_DIRECT | O_NONBLOCK) == 0);
    CHECK((fcntl(ends[1], F_GETFL) & O_DIRECT) != 0);
    CHECK(write(ends[1], "one", 3) == 3 && write(ends[1], "second", 6) == 6);
    CHECK(write(ends[1], "", 0) == 0);
    CHECK(ioctl(ends[0], FIONREAD, &size) == 0 && size == 9);
    CHECK(read(ends[0], block, 100) == 3 && memcmp(block, "one", 3) == 0);
    CHECK(read(ends[0], block, 2) == 2); /* the rest is lost */
    CHECK_ERRNO(read(ends[0], block, 100), EAGAIN);
    CHECK(write(ends[1], block, 2 * PIPE_BUF + 10) == 2 * PIPE_BUF + 10);
    CHECK(read(ends[0], block, sizeof(block)) == PIPE_BUF);
    CHECK(read(ends[0], block, sizeof(block)) == PIPE_BUF);
    CHECK(read(ends[0], block, sizeof(block)) == 10);
    CHECK(write(ends[1], "packet", 6) == 6 && fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
    CHECK(write(ends[1], "plain", 5) == 5 && write(ends[1], "bytes", 5) == 5);
    CHECK(fcntl(ends[1], F_SETFL, O_NONBLOCK | O_DIRECT) == 0 && write(ends[1], "end", 3) == 3);
    CHECK(read(ends[0], block, 100) == 6);
    CHECK(read(ends[0], block, 7) == 7 && memcmp(block, "plainby", 7) == 0);
    printf("%zd\n", read(ends[0], block, 100)); /* plain bytes lead into the packet */
    for (size = 0; write(ends[1], "x", 1) == 1; size++)
        ;
    struct pollfd writable = {.fd = ends[1], .events = POLLOUT};
    CHECK(errno == EAGAIN && poll(&writable, 1, 0) == 0);
    printf("%d packets\n", size);
    close(ends[0]);
    close(ends[1]);
}

static void check_blocking(void)
{
    int ends[2], status;
    CHECK(pipe2(ends, O_DIRECT) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 1; i <= 40; i++)
            CHECK(write(ends[1], block, (size_t)i) == i);
        _exit(0);
    }
    close(ends[1]);
    for (int i = 1; i <= 40; i++)
        CHECK(read(ends[0], block, sizeof(block)) == i);
    CHECK(read(ends[0], block, 1) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    printf("blocking\n");
}

static void check_size(void)
{
    int ends[2];
    CHECK(pipe(ends) == 0 && fcntl(ends[0], F_GETPIPE_SZ) == 65536);
    CHECK(fcntl(ends[1], F_SETPIPE_SZ, 5000) == 8192 && fcntl(ends[1], F_GETPIPE_SZ) == 8192);
    CHECK(fcntl(ends[1], F_SETPIPE_SZ, 0) == 4096 &&
          fcntl(ends[0], F_SETPIPE_SZ, 1 << 20) == 1 << 20);
    CHECK_ERRNO(fcntl(ends[0], F_SETPIPE_SZ, (1UL << 31) + 1), EINVAL);
    CHECK_ERRNO(fcntl(0, F_SETPIPE_SZ, 4096), EBADF);
    CHECK_ERRNO(pipe2(ends, O_APPEND), EINVAL);
    printf("sizes\n");
}

int main(void)
{
    check_packets();
    check_blocking();
    check_size();
    return 0;
}
