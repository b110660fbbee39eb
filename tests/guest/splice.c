/* SPDX-License-Identifier: Apache-2.0 */
/* Moving data between pipes and files, sockets, other pipes. Calls: splice */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "check.h"

enum { BIG = 200000 };

static char block[BIG];

static void check_errors(int file, int in, int out)
{
    loff_t zero = 0, negative = -1;
    int other[2];
    CHECK(pipe(other) == 0);
    CHECK(splice(-1, NULL, -1, NULL, 0, 0) == 0);
    CHECK_ERRNO(splice(in, NULL, file, NULL, 1, 16), EINVAL);
    CHECK_ERRNO(splice(-1, NULL, file, NULL, 1, 0), EBADF);
    CHECK_ERRNO(splice(in, NULL, -1, NULL, 1, 0), EBADF);
    CHECK_ERRNO(splice(file, NULL, file, NULL, 1, 0), EINVAL);
    CHECK_ERRNO(splice(in, NULL, out, NULL, 1, 0), EINVAL); /* the same pipe */
    CHECK_ERRNO(splice(in, &zero, file, NULL, 1, 0), ESPIPE);
    CHECK_ERRNO(splice(file, NULL, out, &zero, 1, 0), ESPIPE);
    CHECK_ERRNO(splice(file, &negative, out, NULL, 1, 0), EINVAL);
    CHECK_ERRNO(splice(out, NULL, file, NULL, 1, 0), EBADF);
    CHECK_ERRNO(splice(file, NULL, in, NULL, 1, 0), EBADF);
    CHECK_ERRNO(splice(in, NULL, file, NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
    CHECK_ERRNO(splice(other[0], NULL, out, NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
    close(other[1]);
    CHECK(splice(other[0], NULL, file, NULL, 1, 0) == 0); /* nobody writes any more */
    close(other[0]);
    printf("errors\n");
}

static void check_positions(int file, int in, int out)
{
    loff_t at = 2;
    CHECK(pwrite(file, "0123456789", 10, 0) == 10 && lseek(file, 4, SEEK_SET) == 4);
    CHECK(splice(file, &at, out, NULL, 3, SPLICE_F_MORE) == 3 && at == 5);
    CHECK(splice(file, NULL, out, NULL, 100, SPLICE_F_MOVE) == 6 && lseek(file, 0, SEEK_CUR) == 10);
    CHECK(splice(file, NULL, out, NULL, 1, 0) == 0);
    CHECK(read(in, block, 100) == 9 && memcmp(block, "234456789", 9) == 0);
    CHECK(write(out, "abcdef", 6) == 6);
    at = 100;
    CHECK(splice(in, NULL, file, &at, 2, 0) == 2 && at == 102);
    CHECK(splice(in, NULL, file, NULL, 100, 0) == 4 && lseek(file, 0, SEEK_CUR) == 14);
    CHECK(pread(file, block, 200, 0) == 102 && memcmp(block, "0123456789cdef\0", 15) == 0);
    CHECK(memcmp(block + 100, "ab", 2) == 0);
    CHECK(fcntl(file, F_SETFL, O_APPEND) == 0 && write(out, "x", 1) == 1);
    CHECK_ERRNO(splice(in, NULL, file, NULL, 1, 0), EINVAL);
    CHECK(fcntl(file, F_SETFL, 0) == 0 && read(in, block, 9) == 1);
    printf("positions\n");
}

static void check_pipes(int in, int out)
{
    int other[2], ends[2];
    CHECK(pipe(other) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    CHECK(write(out, "abcdef", 6) == 6);
    CHECK(splice(in, NULL, other[1], NULL, 4, 0) == 4 && read(other[0], block, 9) == 4);
    CHECK(splice(in, NULL, ends[0], NULL, 4, 0) == 2 && read(ends[1], block, 9) == 2);
    CHECK(write(ends[1], "socket", 6) == 6 && splice(ends[0], NULL, out, NULL, 10, 0) == 6);
    CHECK(read(in, block, 9) == 6 && memcmp(block, "socket", 6) == 0);
    close(other[0]);
    CHECK(write(out, "kept", 4) == 4 && signal(SIGPIPE, SIG_IGN) == SIG_DFL);
    CHECK_ERRNO(splice(in, NULL, other[1], NULL, 4, 0), EPIPE);
    CHECK(read(in, block, 9) == 4);
    printf("pipes and sockets\n");
}

/* A chain: child writes a pipe, another moves it to a second one, the parent to a file. */
static void check_chain(int file)
{
    int first[2], second[2], status;
    size_t done = 0;
    CHECK(pipe(first) == 0 && pipe(second) == 0);
    if (fork() == 0) {
        for (size_t i = 0; i < BIG; i++)
            block[i] = (char)(i % 251);
        CHECK(write(first[1], block, BIG) == BIG);
        _exit(0);
    }
    close(first[1]);
    if (fork() == 0) {
        ssize_t moved;
        close(second[0]);
        while ((moved = splice(first[0], NULL, second[1], NULL, BIG, 0)) > 0)
            ;
        CHECK(moved == 0);
        _exit(0);
    }
    close(first[0]);
    close(second[1]);
    CHECK(ftruncate(file, 0) == 0 && lseek(file, 0, SEEK_SET) == 0);
    for (ssize_t moved; (moved = splice(second[0], NULL, file, NULL, BIG, 0)) != 0;) {
        CHECK(moved > 0);
        done += (size_t)moved;
    }
    CHECK(done == BIG && pread(file, block, BIG, 0) == BIG);
    for (size_t i = 0; i < BIG; i++)
        CHECK(block[i] == (char)(i % 251));
    CHECK(wait(&status) > 0 && status == 0 && wait(&status) > 0 && status == 0);
    printf("a chain\n");
}

int main(void)
{
    int ends[2], file = open("file", O_RDWR | O_CREAT, 0600);
    CHECK(pipe(ends) == 0 && file >= 0);
    check_errors(file, ends[0], ends[1]);
    check_positions(file, ends[0], ends[1]);
    check_pipes(ends[0], ends[1]);
    check_chain(file);
    return 0;
}
