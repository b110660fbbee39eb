/* SPDX-License-Identifier: Apache-2.0 */
/* Locks of whole files, which belong to the open file. Calls: flock */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "check.h"

static int open_file(void)
{
    int fd = open("file", O_RDWR | O_CREAT, 0644);
    CHECK(fd >= 0);
    return fd;
}

static void test_modes(void)
{
    int a = open_file(), b = open_file(), c = open_file();
    CHECK(flock(a, LOCK_SH) == 0 && flock(b, LOCK_SH | LOCK_NB) == 0);
    CHECK_ERRNO(flock(c, LOCK_EX | LOCK_NB), EAGAIN);
    CHECK(flock(b, LOCK_UN) == 0 && flock(a, LOCK_EX | LOCK_NB) == 0);
    CHECK_ERRNO(flock(b, LOCK_SH | LOCK_NB), EAGAIN);
    CHECK(flock(a, LOCK_SH) == 0 && flock(b, LOCK_SH | LOCK_NB) == 0);
    CHECK_ERRNO(flock(a, LOCK_EX | LOCK_NB), EAGAIN); /* the old lock is lost */
    CHECK(flock(b, LOCK_EX | LOCK_NB) == 0 && flock(b, LOCK_EX) == 0);
    CHECK(flock(b, LOCK_UN) == 0 && flock(b, LOCK_UN) == 0);
    CHECK_ERRNO(flock(a, 0), EINVAL);
    CHECK_ERRNO(flock(-1, 0), EINVAL);
    CHECK_ERRNO(flock(-1, LOCK_SH), EBADF);
    int path = open("file", O_PATH);
    CHECK_ERRNO(flock(path, LOCK_SH), EBADF);
    int dir = open(".", O_RDONLY), null = open("/dev/null", O_RDONLY);
    CHECK(flock(dir, LOCK_EX) == 0 && flock(null, LOCK_SH) == 0);
    close(a), close(b), close(c), close(path), close(dir), close(null);
    printf("modes\n");
}

static void test_owner(void)
{
    int a = open_file(), b = open_file(), copy = dup(a);
    CHECK(flock(a, LOCK_EX) == 0 && flock(copy, LOCK_EX | LOCK_NB) == 0);
    close(a);
    CHECK_ERRNO(flock(b, LOCK_SH | LOCK_NB), EAGAIN); /* the copy has it still */
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) { /* the child's copy, too: unlocking it unlocks for all */
        CHECK_ERRNO(flock(b, LOCK_SH | LOCK_NB), EAGAIN);
        CHECK(flock(copy, LOCK_UN) == 0 && flock(b, LOCK_SH | LOCK_NB) == 0);
        _exit(0);
    }
    int status;
    CHECK(wait(&status) == child && status == 0);
    CHECK(flock(copy, LOCK_SH | LOCK_NB) == 0 && flock(b, LOCK_UN) == 0);
    CHECK(flock(copy, LOCK_EX | LOCK_NB) == 0 && close(copy) == 0);
    CHECK(flock(b, LOCK_EX | LOCK_NB) == 0 && close(b) == 0);
    printf("owner\n");
}

/* A child that waits for the lock, having said so, and then writes its letter. */
static pid_t start_waiter(char letter, int log)
{
    int ready[2];
    char byte;
    CHECK(pipe(ready) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        int fd = open_file();
        CHECK_ERRNO(flock(fd, LOCK_EX | LOCK_NB), EAGAIN);
        CHECK(write(ready[1], &letter, 1) == 1);
        CHECK(flock(fd, LOCK_EX) == 0 && write(log, &letter, 1) == 1);
        _exit(0);
    }
    close(ready[1]);
    CHECK(read(ready[0], &byte, 1) == 1 && byte == letter && close(ready[0]) == 0);
    return child;
}

/* All get it, one after the other. */
static void test_wait(void)
{
    int fd = open_file(), log = open("log", O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0644);
    char letters[8] = "";
    CHECK(fd >= 0 && log >= 0 && flock(fd, LOCK_EX) == 0);
    start_waiter('a', log);
    start_waiter('b', log);
    start_waiter('c', log);
    CHECK(pread(log, letters, 8, 0) == 0);
    CHECK(flock(fd, LOCK_UN) == 0);
    for (int i = 0; i < 3; i++) {
        int status;
        CHECK(wait(&status) > 0 && status == 0);
    }
    CHECK(pread(log, letters, 8, 0) == 3);
    CHECK((letters[0] ^ letters[1] ^ letters[2]) == ('a' ^ 'b' ^ 'c'));
    CHECK(flock(fd, LOCK_EX | LOCK_NB) == 0 && close(fd) == 0 && close(log) == 0);
    printf("wait\n");
}

/* A file of the root that is opened for writing while it is locked. */
static void test_root(void)
{
    int a = open("/etc/passwd", O_RDONLY);
    CHECK(a >= 0 && flock(a, LOCK_SH | LOCK_NB) == 0);
    int b = open("/etc/passwd", O_RDWR);
    if (b < 0)
        return; /* not root on the host */
    CHECK_ERRNO(flock(b, LOCK_EX | LOCK_NB), EAGAIN);
    CHECK(flock(b, LOCK_SH | LOCK_NB) == 0 && close(a) == 0);
    CHECK(flock(b, LOCK_EX | LOCK_NB) == 0 && close(b) == 0);
}

/* The lock of a name that is gone, and of a new file of that name. */
static void test_unlinked(void)
{
    int old = open_file();
    CHECK(flock(old, LOCK_EX) == 0 && unlink("file") == 0);
    int new = open_file();
    CHECK(flock(new, LOCK_EX | LOCK_NB) == 0 && close(old) == 0 && close(new) == 0);
    printf("unlinked\n");
}

int main(void)
{
    test_modes();
    test_owner();
    test_wait();
    test_unlinked();
    test_root();
    return 0;
}
