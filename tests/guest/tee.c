/* SPDX-License-Identifier: Apache-2.0 */
/* Copying from pipe to pipe without reading; memory into a pipe and out of it. Calls: tee vmsplice
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "check.h"

enum { BIG = 150000 };

static char block[BIG];

static void check_tee(void)
{
    int a[2], b[2];
    CHECK(pipe(a) == 0 && pipe(b) == 0);
    CHECK(tee(-1, -1, 0, 0) == 0);
    CHECK_ERRNO(tee(-1, -1, 0, 16), EINVAL);
    CHECK_ERRNO(tee(-1, b[1], 1, 0), EBADF);
    CHECK_ERRNO(tee(a[1], b[1], 1, 0), EBADF);
    CHECK_ERRNO(tee(a[0], a[1], 1, 0), EINVAL);
    CHECK_ERRNO(tee(a[0], b[1], 1, SPLICE_F_NONBLOCK), EAGAIN);
    CHECK(write(a[1], "twice", 5) == 5 && tee(a[0], b[1], 100, 0) == 5 &&
          tee(a[0], b[1], 2, 0) == 2);
    CHECK(read(b[0], block, 100) == 7 && memcmp(block, "twicetw", 7) == 0);
    CHECK(read(a[0], block, 100) == 5);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(tee(a[0], b[1], 100, 0) == 4); /* waits for the parent */
        _exit(0);
    }
    CHECK(write(a[1], "late", 4) == 4);
    CHECK(read(b[0], block, 100) == 4 && read(a[0], block, 100) == 4);
    CHECK(waitpid(pid, NULL, 0) == pid);
    close(a[1]);
    CHECK(tee(a[0], b[1], 1, 0) == 0);
    printf("tee\n");
}

static void check_vmsplice(void)
{
    int ends[2], status;
    struct iovec two[] = {{"abc", 3}, {"defg", 4}}, all = {block, BIG};
    CHECK(pipe(ends) == 0);
    CHECK_ERRNO(vmsplice(ends[1], two, 2, 16), EINVAL);
    CHECK_ERRNO(vmsplice(-1, two, 2, 0), EBADF);
    CHECK(vmsplice(ends[1], two, 0, 0) == 0);
    CHECK(vmsplice(ends[1], two, 2, SPLICE_F_GIFT) == 7 && read(ends[0], block, 9) == 7);
    CHECK(memcmp(block, "abcdefg", 7) == 0);
    CHECK(write(ends[1], "to memory", 9) == 9);
    CHECK(vmsplice(ends[0], &all, 1, 0) == 9 && memcmp(block, "to memory", 9) == 0);
    CHECK_ERRNO(vmsplice(ends[0], &all, 1, SPLICE_F_NONBLOCK), EAGAIN);
    CHECK(vmsplice(ends[1], &all, 1, 0) <= 65536); /* as far as there is room */
    all.iov_len = 65536;
    while (vmsplice(ends[1], &all, 1, SPLICE_F_NONBLOCK) > 0)
        ;
    CHECK(errno == EAGAIN);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(vmsplice(ends[1], two, 1, 0) == 3); /* waits for the parent */
        _exit(0);
    }
    close(ends[1]);
    size_t size = 0;
    for (ssize_t got; (got = read(ends[0], block, sizeof(block))) != 0; size += (size_t)got)
        CHECK(got > 0);
    CHECK(size > 3 && waitpid(pid, &status, 0) == pid && status == 0);
    printf("vmsplice\n");
}

int main(void)
{
    int ends[2];
    struct iovec one = {"x", 1};
    check_tee();
    check_vmsplice();
    CHECK(pipe(ends) == 0 && close(ends[0]) == 0 && signal(SIGPIPE, SIG_IGN) == SIG_DFL);
    CHECK_ERRNO(vmsplice(ends[1], &one, 1, 0), EPIPE);
    return 0;
}
