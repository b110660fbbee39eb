/* SPDX-License-Identifier: Apache-2.0 */
/* Record locks of processes: ranges, owners, waiting. Calls: fcntl */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "check.h"

static int control(int fd, int command, short type, off_t start, off_t len)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
    return fcntl(fd, command, &lock);
}

static int set(int fd, short type, off_t start, off_t len)
{
    return control(fd, F_SETLK, type, start, len);
}

/* What a child sees of the locks, asked byte by byte: its parent's. */
static void show(const char *what)
{
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        int fd = open("file", O_RDWR);
        char bytes[33] = "";
        for (int i = 0; i < 16;) {
            struct flock lock = {.l_type = F_WRLCK, .l_start = i, .l_len = 0};
            CHECK(fcntl(fd, F_GETLK, &lock) == 0);
            int from = lock.l_type == F_UNLCK ? 16 : (int)lock.l_start;
            int to = lock.l_type == F_UNLCK || lock.l_len == 0 ? 16 : from + (int)lock.l_len;
            CHECK(lock.l_type == F_UNLCK || lock.l_pid == getppid());
            for (; i < 16 && i < from; i++)
                bytes[i] = '.';
            for (; i < 16 && i < to; i++)
                bytes[i] = lock.l_type == F_WRLCK ? 'w' : 'r';
        }
        printf("%-8s %s\n", what, bytes);
        fflush(stdout);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void test_ranges(int fd)
{
    CHECK(set(fd, F_WRLCK, 2, 10) == 0);
    show("write");
    CHECK(set(fd, F_RDLCK, 4, 3) == 0);
    show("split");
    CHECK(set(fd, F_UNLCK, 8, 2) == 0);
    show("hole");
    CHECK(set(fd, F_RDLCK, 7, 1) == 0);
    show("merge");
    CHECK(set(fd, F_WRLCK, 4, 0) == 0);
    show("to end");
    CHECK(lseek(fd, 12, SEEK_SET) == 12);
    struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_CUR, .l_start = -2, .l_len = -6};
    CHECK(fcntl(fd, F_SETLK, &lock) == 0);
    show("back");
    CHECK(set(fd, F_UNLCK, 0, 0) == 0);
    show("none");
}

static void test_errors(int fd)
{
    int reader = open("file", O_RDONLY), writer = open("file", O_WRONLY);
    CHECK_ERRNO(set(reader, F_WRLCK, 0, 1), EBADF);
    CHECK_ERRNO(set(writer, F_RDLCK, 0, 1), EBADF);
    CHECK_ERRNO(set(-1, F_RDLCK, 0, 1), EBADF);
    CHECK_ERRNO(set(fd, 77, 0, 1), EINVAL);
    CHECK_ERRNO(set(fd, F_RDLCK, -1, 1), EINVAL);
    CHECK_ERRNO(set(fd, F_RDLCK, 3, -4), EINVAL);
    CHECK(set(fd, F_RDLCK, 3, -3) == 0);
    CHECK_ERRNO(set(fd, F_RDLCK, INT64_MAX, 2), EOVERFLOW);
    struct flock lock = {.l_type = F_RDLCK, .l_whence = 9};
    CHECK_ERRNO(fcntl(fd, F_SETLK, &lock), EINVAL);
    CHECK_ERRNO(control(fd, F_GETLK, F_UNLCK, 0, 1), EINVAL);
    CHECK_ERRNO(fcntl(fd, F_SETLK, (void *)8), EFAULT);
    CHECK(close(reader) == 0); /* takes all locks of the process on the file along */
    show("closed");
    CHECK(close(writer) == 0);
}

static void on_alarm(int signal)
{
    (void)signal;
}

/* A child waits for the parent's lock; another is interrupted. */
static void test_wait(int fd)
{
    int ready[2];
    char byte;
    CHECK(pipe(ready) == 0 && set(fd, F_WRLCK, 0, 4) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        const struct sigaction action = {.sa_handler = on_alarm};
        CHECK_ERRNO(set(fd, F_RDLCK, 0, 1), EAGAIN); /* locks are not inherited */
        CHECK(sigaction(SIGALRM, &action, NULL) == 0);
        struct itimerval timer = {{0, 20000}, {0, 20000}};
        CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
        CHECK_ERRNO(control(fd, F_SETLKW, F_RDLCK, 3, 4), EINTR);
        CHECK(setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL) == 0);
        CHECK(write(ready[1], "x", 1) == 1);
        CHECK(control(fd, F_SETLKW, F_RDLCK, 3, 4) == 0);
        _exit(7);
    }
    CHECK(read(ready[0], &byte, 1) == 1 && set(fd, F_WRLCK, 4, 4) == 0);
    CHECK(set(fd, F_UNLCK, 3, 5) == 0);
    int status;
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);
    CHECK(set(fd, F_WRLCK, 0, 0) == 0);
    printf("wait\n");
}

int main(void)
{
    int fd = open("file", O_RDWR | O_CREAT, 0644);
    CHECK(fd >= 0 && write(fd, "0123456789abcdef", 16) == 16);
    test_ranges(fd);
    test_errors(fd);
    test_wait(fd);
    return 0;
}
