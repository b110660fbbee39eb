/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that would wait for each other's record locks for ever; death frees locks. Calls: fcntl
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "check.h"

static int set(int fd, int command, short type, off_t start)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = 1};
    return fcntl(fd, command, &lock);
}

/* Three have a byte each and ask for the next one's: the one that closes the ring is refused. It
 * lets go, and the others get what they want. */
static void test_ring(int fd)
{
    int ready[2], go[2], refused = 0, status;
    char byte;
    CHECK(pipe(ready) == 0 && pipe(go) == 0);
    for (int i = 0; i < 3; i++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child > 0)
            continue;
        CHECK(set(fd, F_SETLK, F_WRLCK, i) == 0 && write(ready[1], "x", 1) == 1);
        CHECK(read(go[0], &byte, 1) == 1);
        int result = set(fd, F_SETLKW, F_WRLCK, (i + 1) % 3);
        CHECK(result == 0 || errno == EDEADLK);
        _exit(result == 0 ? 0 : 1);
    }
    for (int i = 0; i < 3; i++)
        CHECK(read(ready[0], &byte, 1) == 1);
    CHECK(write(go[1], "xxx", 3) == 3);
    for (int i = 0; i < 3; i++) {
        CHECK(wait(&status) > 0 && WIFEXITED(status));
        refused += WEXITSTATUS(status);
    }
    CHECK(refused == 1);
    printf("ring\n");
}

/* Asking again for what one has, or for what is free, is no deadlock. */
static void test_no_deadlock(int fd)
{
    CHECK(set(fd, F_SETLKW, F_WRLCK, 0) == 0 && set(fd, F_SETLKW, F_RDLCK, 0) == 0);
    CHECK(set(fd, F_SETLKW, F_WRLCK, 0) == 0 && set(fd, F_SETLK, F_UNLCK, 0) == 0);
    printf("none\n");
}

/* A process that is killed leaves no lock; who waited gets it. */
static void test_death(int fd)
{
    int ready[2], status;
    char byte;
    CHECK(pipe(ready) == 0);
    pid_t holder = fork();
    CHECK(holder >= 0);
    if (holder == 0) {
        CHECK(set(fd, F_SETLK, F_WRLCK, 9) == 0 && write(ready[1], "x", 1) == 1);
        for (;;)
            pause();
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    pid_t waiter = fork();
    CHECK(waiter >= 0);
    if (waiter == 0) {
        CHECK_ERRNO(set(fd, F_SETLK, F_WRLCK, 9), EAGAIN);
        CHECK(write(ready[1], "x", 1) == 1 && set(fd, F_SETLKW, F_WRLCK, 9) == 0);
        _exit(3);
    }
    CHECK(read(ready[0], &byte, 1) == 1 && kill(holder, SIGKILL) == 0);
    CHECK(waitpid(holder, &status, 0) == holder && WIFSIGNALED(status));
    CHECK(waitpid(waiter, &status, 0) == waiter && WEXITSTATUS(status) == 3);
    printf("death\n");
}

/* Locks stay over execve; those of a fork's child are its own. */
static void test_exec(int fd, const char *program)
{
    char number[16], *const argv[] = {(char *)program, number, NULL};
    int status;
    CHECK(snprintf(number, sizeof(number), "%d", fd) > 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(set(fd, F_SETLK, F_WRLCK, 20) == 0);
        execv(program, argv);
        _exit(9);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(set(fd, F_SETLK, F_WRLCK, 20) == 0);
    printf("exec\n");
}

/* After execve: a child of ours sees the lock that we took before. */
static int after_exec(int fd)
{
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        struct flock lock = {.l_type = F_RDLCK, .l_start = 20, .l_len = 1};
        CHECK(fcntl(fd, F_GETLK, &lock) == 0 && lock.l_pid == getppid());
        _exit(lock.l_type == F_WRLCK ? 0 : 1);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return after_exec(atoi(argv[1]));
    int fd = open("file", O_RDWR | O_CREAT, 0644);
    CHECK(fd >= 0);
    test_no_deadlock(fd);
    test_ring(fd);
    test_death(fd);
    test_exec(fd, "/proc/self/exe");
    return 0;
}
