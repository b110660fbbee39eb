/* SPDX-License-Identifier: Apache-2.0 */
/* A write of 1 MB to a pipe blocks; a signal ends it with what was written; without one it goes on
 * to the end. Calls: write ioctl */
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

enum { SIZE = 1 << 20, TAKEN = 300 << 10, CAPACITY = 64 << 10 };

static char block[SIZE];
static int told[2];

static void on_signal(int sig)
{
    (void)sig;
    CHECK(write(told[1], "t", 1) == 1);
}

static void wait_until_full(int fd)
{
    struct timespec pause = {0, 20000000};
    for (int size = 0; size < CAPACITY; nanosleep(&pause, NULL))
        CHECK(ioctl(fd, FIONREAD, &size) == 0);
}

static void check_bytes(size_t from, size_t size)
{
    for (size_t i = 0; i < size; i++)
        CHECK(block[i] == (char)((from + i) % 251));
}

static void writer(int fd)
{
    struct sigaction action = {.sa_handler = on_signal};
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    for (size_t i = 0; i < SIZE; i++)
        block[i] = (char)(i % 251);
    CHECK(write(fd, block, SIZE) == TAKEN + CAPACITY);
    CHECK(write(fd, "!", 1) == 1);
    CHECK(write(fd, block, SIZE) == SIZE);
    _exit(0);
}

static void take(int fd, size_t from, size_t size)
{
    for (size_t done = 0; done < size;) {
        size_t want = size - done < 4096 * 15 ? size - done : 4096 * 15;
        ssize_t got = read(fd, block, want);
        CHECK(got > 0);
        check_bytes(from + done, (size_t)got);
        done += (size_t)got;
    }
}

int main(void)
{
    int ends[2], status;
    char byte;
    CHECK(pipe(ends) == 0 && pipe(told) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        writer(ends[1]);
    }
    close(ends[1]);
    wait_until_full(ends[0]);
    take(ends[0], 0, TAKEN);
    wait_until_full(ends[0]);
    CHECK(kill(pid, SIGUSR1) == 0 && read(told[0], &byte, 1) == 1); /* it has returned */
    take(ends[0], TAKEN, CAPACITY);
    CHECK(read(ends[0], &byte, 1) == 1 && byte == '!');
    printf("interrupted after %d bytes\n", TAKEN + CAPACITY);
    take(ends[0], 0, SIZE);
    CHECK(read(ends[0], &byte, 1) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    printf("then %d bytes in one go\n", SIZE);
    return 0;
}
