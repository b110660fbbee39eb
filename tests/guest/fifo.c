/* SPDX-License-Identifier: Apache-2.0 */
/* FIFOs: what they say of themselves, data between processes, the end; reopening pipes and FIFOs
 * through /proc/self/fd. Calls: mknod openat */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "check.h"

static char block[100];

static void check_stat(int fd)
{
    struct stat by_name, by_file;
    char name[64] = "", link[32];
    CHECK(stat("fifo", &by_name) == 0 && fstat(fd, &by_file) == 0);
    CHECK(S_ISFIFO(by_file.st_mode) && by_name.st_ino == by_file.st_ino);
    CHECK(by_name.st_dev == by_file.st_dev && (by_file.st_mode & 0777) == 0640);
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    CHECK(readlink(link, name, sizeof(name) - 1) > 0 &&
          strcmp(name + strlen(name) - 5, "/fifo") == 0);
    CHECK(fchmod(fd, 0600) == 0 && stat("fifo", &by_name) == 0 && (by_name.st_mode & 0777) == 0600);
    CHECK_ERRNO(lseek(fd, 0, SEEK_CUR), ESPIPE);
    CHECK_ERRNO(ftruncate(fd, 0), EINVAL);
}

static void check_processes(void)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open("fifo", O_WRONLY); /* waits for the parent */
        CHECK(fd >= 0 && write(fd, "hello ", 6) == 6 && write(fd, "world", 5) == 5);
        _exit(0);
    }
    int fd = open("fifo", O_RDONLY);
    size_t size = 0;
    CHECK(fd >= 0);
    for (ssize_t n; (n = read(fd, block + size, 50)) != 0; size += (size_t)n)
        CHECK(n > 0);
    CHECK(size == 11 && memcmp(block, "hello world", 11) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    close(fd);
    printf("between processes\n");
}

static void check_states(void)
{
    int reader = open("fifo", O_RDONLY | O_NONBLOCK);
    struct pollfd poll_reader = {.fd = reader, .events = POLLIN};
    CHECK(reader >= 0 && read(reader, block, 1) == 0);
    CHECK(poll(&poll_reader, 1, 0) == 0); /* nobody has hung up yet */
    int writer = open("fifo", O_WRONLY | O_NONBLOCK);
    CHECK(writer >= 0);
    check_stat(writer);
    CHECK_ERRNO(read(reader, block, 1), EAGAIN);
    CHECK(write(writer, "kept", 4) == 4);
    CHECK(unlink("fifo") == 0 && mkfifo("fifo", 0600) == 0); /* another one */
    CHECK_ERRNO(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
    close(writer);
    CHECK(poll(&poll_reader, 1, 0) == 1 && poll_reader.revents == (POLLIN | POLLHUP));
    CHECK(read(reader, block, 9) == 4 && read(reader, block, 9) == 0);
    CHECK(poll(&poll_reader, 1, 0) == 1 && poll_reader.revents == POLLHUP);
    close(reader);
    int both = open("fifo", O_RDWR);
    CHECK(both >= 0 && write(both, "lost", 4) == 4);
    close(both); /* with the last one goes what was in it */
    both = open("fifo", O_RDWR | O_NONBLOCK);
    CHECK_ERRNO(read(both, block, 1), EAGAIN);
    close(both);
    printf("states\n");
}

static void check_reopen(void)
{
    char link[32];
    int ends[2];
    CHECK(pipe(ends) == 0 && write(ends[1], "text", 4) == 4);
    snprintf(link, sizeof(link), "/proc/self/fd/%d", ends[1]);
    int writer = open(link, O_WRONLY);
    snprintf(link, sizeof(link), "/dev/fd/%d", ends[0]);
    int reader = open(link, O_RDONLY | O_NONBLOCK);
    CHECK(writer >= 0 && reader >= 0 && write(writer, " more", 5) == 5);
    CHECK(fcntl(ends[0], F_GETFL) == O_RDONLY && read(reader, block, 20) == 9);
    CHECK_ERRNO(read(reader, block, 20), EAGAIN);
    close(ends[0]);
    close(ends[1]);
    CHECK_ERRNO(read(reader, block, 20), EAGAIN); /* one writer is left */
    close(writer);
    CHECK(read(reader, block, 20) == 0);
    close(reader);
    int both = open("fifo", O_RDWR);
    snprintf(link, sizeof(link), "/proc/self/fd/%d", both);
    reader = open(link, O_RDONLY);
    CHECK(reader >= 0 && write(both, "again", 5) == 5 && read(reader, block, 20) == 5);
    close(reader);
    close(both);
    printf("reopened\n");
}

int main(void)
{
    umask(0);
    CHECK(mkfifo("fifo", 0640) == 0);
    CHECK_ERRNO(mkfifo("fifo", 0640), EEXIST);
    check_processes();
    check_states();
    check_reopen();
    CHECK(unlink("fifo") == 0);
    return 0;
}
