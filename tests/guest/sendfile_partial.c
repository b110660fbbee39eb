/* SPDX-License-Identifier: Apache-2.0 */
/* sendfile and copy_file_range: blocking pipes and sockets, limits, ranges that meet; appending and
 * other flags of pwritev2. Calls: sendfile copy_file_range pwritev2 preadv2 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "check.h"

enum { SIZE = 300000 };

static char content[SIZE], copy[SIZE];

/* Sends all of the file to fd; the child reads it. */
static void send_all(int in, int to, int from)
{
    off_t at = 0;
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        close(to);
        size_t done = 0;
        for (ssize_t got; (got = read(from, copy + done, SIZE - done)) > 0; done += (size_t)got)
            ;
        CHECK(done == SIZE && memcmp(copy, content, SIZE) == 0);
        _exit(0);
    }
    close(from);
    while (at < SIZE)
        CHECK(sendfile(to, in, &at, SIZE) > 0);
    CHECK(sendfile(to, in, &at, SIZE) == 0);
    close(to);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void check_streams(int in)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    off_t at = 0;
    CHECK(sendfile(ends[1], in, &at, SIZE) == 65536); /* what there is room for */
    CHECK(read(ends[0], copy, SIZE) == 65536);
    send_all(in, ends[1], ends[0]);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    send_all(in, ends[1], ends[0]);
    CHECK(pipe(ends) == 0);
    CHECK_ERRNO(sendfile(ends[1], ends[0], NULL, 1), EINVAL);
    CHECK_ERRNO(copy_file_range(in, NULL, ends[1], NULL, 1, 0), EINVAL);
    CHECK_ERRNO(copy_file_range(ends[0], NULL, in, NULL, 1, 0), EINVAL);
    printf("streams\n");
}

static void check_ranges(int in, int out)
{
    loff_t from = 0, to = 50;
    CHECK_ERRNO(copy_file_range(in, &from, in, &to, 100, 0), EINVAL);
    to = SIZE;
    CHECK(copy_file_range(in, &from, in, &to, 100, 0) == 100 && from == 100 && to == SIZE + 100);
    CHECK(ftruncate(in, SIZE) == 0);
    from = SIZE;
    CHECK(copy_file_range(in, &from, out, NULL, 100, 0) == 0);
    CHECK(fcntl(out, F_SETFL, O_APPEND) == 0);
    CHECK_ERRNO(copy_file_range(in, NULL, out, NULL, 1, 0), EBADF);
    CHECK_ERRNO(sendfile(out, in, NULL, 1), EINVAL);
    CHECK(fcntl(out, F_SETFL, 0) == 0);
    printf("ranges\n");
}

static void check_limit(int in, int out)
{
    struct rlimit old, small;
    loff_t from = 0, to = 500;
    CHECK(getrlimit(RLIMIT_FSIZE, &old) == 0 && signal(SIGXFSZ, SIG_IGN) == SIG_DFL);
    small = old;
    small.rlim_cur = 1000;
    CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
    CHECK(copy_file_range(in, &from, out, &to, 5000, 0) == 500 && to == 1000);
    CHECK_ERRNO(copy_file_range(in, &from, out, &to, 5000, 0), EFBIG);
    CHECK(setrlimit(RLIMIT_FSIZE, &old) == 0);
    printf("limit\n");
}

static void check_flags(int out)
{
    struct iovec text = {"tail", 4}, to = {copy, 100};
    CHECK(ftruncate(out, 10) == 0 && lseek(out, 3, SEEK_SET) == 3);
    CHECK(pwritev2(out, &text, 1, 0, RWF_APPEND) == 4 && lseek(out, 0, SEEK_CUR) == 3);
    CHECK(pwritev2(out, &text, 1, -1, RWF_APPEND) == 4 && lseek(out, 0, SEEK_CUR) == 18);
    CHECK(pwritev2(out, &text, 1, 0, RWF_DSYNC) == 4 && pwritev2(out, &text, 1, 1, RWF_SYNC) == 4);
    CHECK(preadv2(out, &to, 1, 0, 0) == 18 && memcmp(copy + 10, "tailtail", 8) == 0);
    CHECK(preadv2(out, &to, 1, -1, 0) == 0);
    CHECK_ERRNO(preadv2(out, &to, 1, 0, 1 << 20), EOPNOTSUPP);
    CHECK_ERRNO(preadv2(out, &to, 1, -2, 0), EINVAL);
    int ends[2];
    CHECK(pipe(ends) == 0);
    CHECK_ERRNO(preadv2(ends[0], &to, 1, -1, RWF_NOWAIT), EAGAIN);
    CHECK_ERRNO(preadv2(ends[0], &to, 1, 0, 0), ESPIPE);
    printf("flags\n");
}

int main(void)
{
    int in = open("in", O_RDWR | O_CREAT, 0600), out = open("out", O_RDWR | O_CREAT, 0600);
    for (int i = 0; i < SIZE; i++)
        content[i] = (char)(i ^ (i >> 8));
    CHECK(in >= 0 && out >= 0 && write(in, content, SIZE) == SIZE);
    check_streams(in);
    check_ranges(in, out);
    check_limit(in, out);
    check_flags(out);
    return 0;
}
