/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a FIFO waits for the other side, which may have gone again when it is seen; signals.
 * Calls: open openat */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "check.h"

static volatile int alarms;

static void on_alarm(int sig)
{
    (void)sig;
    alarms++;
}

static void set_alarm(int flags)
{
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = flags};
    struct itimerval soon = {.it_value = {0, 30000}, .it_interval = {0, 30000}};
    alarms = 0;
    CHECK(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &soon, NULL) == 0);
}

static void stop_alarm(void)
{
    struct itimerval never = {0};
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
}

static void end(pid_t pid)
{
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

int main(void)
{
    char block[10];
    int told[2];
    CHECK(mkfifo("fifo", 0600) == 0 && pipe(told) == 0);
    CHECK_ERRNO(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
    CHECK_ERRNO(open("fifo", O_RDONLY | O_DIRECTORY), ENOTDIR);

    set_alarm(0);
    CHECK_ERRNO(open("fifo", O_RDONLY), EINTR);
    CHECK_ERRNO(open("fifo", O_WRONLY), EINTR);
    stop_alarm();
    CHECK_ERRNO(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO); /* who was interrupted is gone */
    printf("interrupted\n");

    /* A reader waits; the writer comes, writes and goes at once. */
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(write(told[1], "x", 1) == 1);
        int fd = open("fifo", O_RDONLY);
        CHECK(fd >= 0 && read(fd, block, 9) == 4 && memcmp(block, "text", 4) == 0);
        CHECK(read(fd, block, 9) == 0);
        _exit(0);
    }
    CHECK(read(told[0], block, 1) == 1);
    int fd = open("fifo", O_WRONLY);
    CHECK(fd >= 0 && write(fd, "text", 4) == 4);
    close(fd);
    end(pid);
    printf("writer\n");

    /* A writer waits; a reader that does not wait comes. The call is made again after signals. */
    pid = fork();
    if (pid == 0) {
        set_alarm(SA_RESTART);
        CHECK(write(told[1], "x", 1) == 1);
        fd = open("fifo", O_WRONLY);
        stop_alarm();
        CHECK(fd >= 0 && write(fd, "late", 4) == 4);
        _exit(0);
    }
    CHECK(read(told[0], block, 1) == 1);
    fd = open("fifo", O_RDWR);
    CHECK(fd >= 0 && read(fd, block, 9) == 4);
    end(pid);
    close(fd);
    printf("reader\n");
    CHECK(unlink("fifo") == 0);
    return 0;
}
