/* SPDX-License-Identifier: Apache-2.0 */
/* Record locks of open files, and how they meet those of processes. Calls: fcntl */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "check.h"

static int control(int fd, int command, short type, off_t start, off_t len)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
    return fcntl(fd, command, &lock);
}

static int open_file(void)
{
    int fd = open("file", O_RDWR | O_CREAT, 0644);
    CHECK(fd >= 0);
    return fd;
}

static void test_owner(void)
{
    int a = open_file(), b = open_file(), copy = dup(a);
    CHECK(control(a, F_OFD_SETLK, F_WRLCK, 0, 10) == 0);
    CHECK_ERRNO(control(b, F_OFD_SETLK, F_RDLCK, 9, 1), EAGAIN);
    CHECK(control(b, F_OFD_SETLK, F_RDLCK, 10, 1) == 0);
    CHECK(control(copy, F_OFD_SETLK, F_RDLCK, 4, 2) == 0);
    CHECK(control(b, F_OFD_SETLK, F_RDLCK, 5, 1) == 0);
    close(a); /* others of the file keep it */
    CHECK_ERRNO(control(b, F_OFD_SETLK, F_WRLCK, 0, 1), EAGAIN);
    struct flock lock = {.l_type = F_WRLCK, .l_start = 0, .l_len = 0};
    CHECK(fcntl(b, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_WRLCK && lock.l_pid == -1);
    CHECK(lock.l_start == 0 && lock.l_len == 4 && lock.l_whence == SEEK_SET);
    lock = (struct flock){.l_type = F_WRLCK, .l_start = 20, .l_pid = 1};
    CHECK_ERRNO(fcntl(b, F_OFD_GETLK, &lock), EINVAL);
    lock.l_pid = 0;
    CHECK(fcntl(b, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_UNLCK && lock.l_start == 20);
    close(copy);
    CHECK(control(b, F_OFD_SETLK, F_WRLCK, 0, 0) == 0 && close(b) == 0);
    printf("owner\n");
}

static void test_mixed(void)
{
    int a = open_file(), b = open_file();
    CHECK(control(a, F_SETLK, F_WRLCK, 0, 4) == 0);
    CHECK_ERRNO(control(a, F_OFD_SETLK, F_WRLCK, 0, 4), EAGAIN); /* another owner */
    struct flock lock = {.l_type = F_RDLCK};
    CHECK(fcntl(b, F_OFD_GETLK, &lock) == 0 && lock.l_pid == getpid());
    CHECK(control(b, F_OFD_SETLK, F_WRLCK, 4, 4) == 0);
    CHECK_ERRNO(control(a, F_SETLK, F_RDLCK, 4, 1), EAGAIN);
    CHECK(flock(a, LOCK_EX | LOCK_NB) == 0); /* flock is for itself */
    CHECK_ERRNO(flock(b, LOCK_EX | LOCK_NB), EAGAIN);
    close(b);
    CHECK(control(a, F_SETLK, F_RDLCK, 4, 1) == 0);
    close(a);
    printf("mixed\n");
}

static void test_wait(void)
{
    int a = open_file(), ready[2], status;
    char byte;
    CHECK(pipe(ready) == 0 && control(a, F_OFD_SETLK, F_WRLCK, 0, 0) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        int b = open_file();
        CHECK_ERRNO(control(b, F_OFD_SETLK, F_WRLCK, 5, 1), EAGAIN);
        CHECK(control(a, F_OFD_SETLK, F_WRLCK, 0, 0) == 0); /* it shares the file */
        close(a);
        CHECK(write(ready[1], "x", 1) == 1);
        CHECK(control(b, F_OFD_SETLKW, F_WRLCK, 5, 1) == 0);
        _exit(5);
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    CHECK(close(a) == 0 && waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 5);
    printf("wait\n");
}

int main(void)
{
    test_owner();
    test_mixed();
    test_wait();
    return 0;
}
