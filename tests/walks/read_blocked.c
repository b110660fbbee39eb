/* SPDX-License-Identifier: Apache-2.0 */
/* A reader that is blocked, and a writer with 300 KB of 1 MB in a full pipe. The driver says when
 * to go on, through standard input. */
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

enum { SIZE = 1 << 20, TAKEN = 300 << 10, CAPACITY = 64 << 10 };

static char block[SIZE];

static void on_signal(int sig)
{
    (void)sig;
}

static void reader(int in, int out)
{
    char byte;
    CHECK(read(in, &byte, 1) == 1 && byte == 'x'); /* blocked here all the while */
    CHECK(write(out, "r", 1) == 1);
    _exit(0);
}

static void writer(int out, int report)
{
    struct sigaction action = {.sa_handler = on_signal};
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    ssize_t size = write(out, block, SIZE);
    dprintf(report, "%zd", size);
    _exit(0);
}

static void take(int fd, size_t size)
{
    while (size > 0) {
        ssize_t got = read(fd, block, size < 4096 ? size : 4096);
        CHECK(got > 0);
        size -= (size_t)got;
    }
}

static void wait_until_full(int fd)
{
    struct timespec pause = {0, 10000000};
    for (int size = 0; size < CAPACITY; nanosleep(&pause, NULL))
        CHECK(ioctl(fd, FIONREAD, &size) == 0);
}

int main(void)
{
    int to_reader[2], from_reader[2], data[2], report[2];
    char byte, text[32] = "";
    CHECK(pipe(to_reader) == 0 && pipe(from_reader) == 0 && pipe(data) == 0 && pipe(report) == 0);
    if (fork() == 0)
        reader(to_reader[0], from_reader[1]);
    pid_t pid = fork();
    if (pid == 0)
        writer(data[1], report[1]);
    wait_until_full(data[0]);
    take(data[0], TAKEN);
    wait_until_full(data[0]);
    printf("ready\n");
    CHECK(read(0, &byte, 1) == 1); /* and here is the checkpoint */
    CHECK(write(to_reader[1], "x", 1) == 1 && read(from_reader[0], &byte, 1) == 1 && byte == 'r');
    printf("the reader has read\n");
    CHECK(kill(pid, SIGUSR1) == 0 && read(report[0], text, sizeof(text) - 1) > 0);
    printf("the writer wrote %s\n", text);
    CHECK(wait(NULL) > 0 && wait(NULL) > 0);
    return 0;
}
