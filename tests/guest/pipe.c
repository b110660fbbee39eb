/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes: blocking, the end, nobody reading. Calls: pipe pipe2 read write */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static volatile sig_atomic_t pipes_broken;

static void on_sigpipe(int sig)
{
    (void)sig;
    pipes_broken++;
}

static void test_blocking_read(void)
{
    int to[2], from[2], status;
    char byte, line[16];
    CHECK(syscall(SYS_pipe, to) == 0 && pipe(from) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(to[1]);
        while (read(to[0], &byte, 1) == 1) { /* each time the parent is waited for */
            byte++;
            CHECK(write(from[1], &byte, 1) == 1);
        }
        _exit(7);
    }
    for (int i = 0; i < 5; i++) {
        byte = (char)('a' + i);
        CHECK(write(to[1], &byte, 1) == 1 && read(from[0], &line[i], 1) == 1);
    }
    close(to[1]);
    CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
    printf("echoed %.5s\n", line);
}

static void test_ends(void)
{
    int ends[2];
    char buffer[8];
    CHECK(pipe(ends) == 0 && write(ends[1], "rest", 4) == 4 && close(ends[1]) == 0);
    CHECK(read(ends[0], buffer, 2) == 2 && read(ends[0], buffer, 8) == 2);
    CHECK(read(ends[0], buffer, 8) == 0 && read(ends[0], buffer, 8) == 0);
    close(ends[0]);

    CHECK(pipe(ends) == 0 && close(ends[0]) == 0);
    signal(SIGPIPE, on_sigpipe);
    CHECK_ERRNO(write(ends[1], "x", 1), EPIPE);
    CHECK(pipes_broken == 1);
    signal(SIGPIPE, SIG_IGN);
    CHECK_ERRNO(write(ends[1], "x", 1), EPIPE);
    CHECK(pipes_broken == 1 && write(ends[1], "x", 0) == 0);
    close(ends[1]);
    printf("end of file and EPIPE\n");

    int status;
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGPIPE, SIG_DFL);
        CHECK(pipe(ends) == 0 && close(ends[0]) == 0);
        write(ends[1], "x", 1);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    printf("killed by SIGPIPE: %d\n", WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
}

static void test_nonblocking(void)
{
    static char block[70000];
    char byte;
    int ends[2];
    CHECK(pipe2(ends, O_NONBLOCK) == 0);
    CHECK_ERRNO(read(ends[0], &byte, 1), EAGAIN);
    CHECK(write(ends[1], block, sizeof(block)) == 65536); /* what fits */
    CHECK_ERRNO(write(ends[1], block, 1), EAGAIN);
    CHECK(read(ends[0], block, 4096) == 4096);
    CHECK(write(ends[1], block, 4096) == 4096);
    CHECK_ERRNO(write(ends[1], block, 1), EAGAIN);
    close(ends[0]);
    close(ends[1]);
    printf("not blocking\n");
}

static void test_errors(void)
{
    int ends[2];
    CHECK_ERRNO(syscall(SYS_pipe2, ends, 0x1), EINVAL);
    CHECK_ERRNO(syscall(SYS_pipe2, 8, 0), EFAULT);
    CHECK(pipe(ends) == 0);
    CHECK_ERRNO(write(ends[0], "x", 1), EBADF);
    CHECK_ERRNO(read(ends[1], ends, 1), EBADF);
    CHECK_ERRNO(write(ends[1], (void *)8, 1), EFAULT);
    CHECK(write(ends[1], "ab", 2) == 2);
    CHECK_ERRNO(read(ends[0], (void *)8, 2), EFAULT);
    char buffer[4];
    CHECK(read(ends[0], buffer, 4) == 2); /* nothing was lost */
    printf("errors\n");
}

int main(void)
{
    test_blocking_read();
    test_ends();
    test_nonblocking();
    test_errors();
    return 0;
}
