/* SPDX-License-Identifier: Apache-2.0 */
/* Counters behind files. Calls: eventfd eventfd2 */
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static uint64_t get(int fd)
{
    uint64_t value = 77;
    CHECK(read(fd, &value, sizeof(value)) == sizeof(value));
    return value;
}

static void put(int fd, uint64_t value)
{
    CHECK(write(fd, &value, sizeof(value)) == sizeof(value));
}

static short poll_now(int fd)
{
    struct pollfd one = {fd, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM, 0};
    CHECK(poll(&one, 1, 0) >= 0);
    return one.revents;
}

static void test_counter(void)
{
    uint64_t value = 5, both[2] = {3, 40};
    int fd = (int)syscall(SYS_eventfd, 2);
    CHECK(fd >= 0 && fcntl(fd, F_GETFL) == O_RDWR && fcntl(fd, F_GETFD) == 0);
    CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    put(fd, 40);
    CHECK(poll_now(fd) == (POLLIN | POLLOUT) && get(fd) == 42);
    CHECK(poll_now(fd) == POLLOUT);
    CHECK_ERRNO(read(fd, &value, 8), EAGAIN);
    put(fd, 0);
    CHECK_ERRNO(read(fd, &value, 8), EAGAIN);
    CHECK_ERRNO(write(fd, both, 16), EINVAL);
    put(fd, UINT64_MAX - 1);
    CHECK(poll_now(fd) == POLLIN);
    value = 1;
    CHECK_ERRNO(write(fd, &value, 8), EAGAIN);
    CHECK(read(fd, both, 16) == 8 && both[0] == UINT64_MAX - 1 && both[1] == 40);
    value = UINT64_MAX;
    CHECK_ERRNO(write(fd, &value, 8), EINVAL);
    CHECK_ERRNO(write(fd, &value, 7), EINVAL);
    CHECK_ERRNO(read(fd, &value, 7), EINVAL);
    CHECK_ERRNO(write(fd, (void *)8, 8), EFAULT);
    CHECK_ERRNO(pread(fd, &value, 8, 0), ESPIPE);
    close(fd);
    printf("counter\n");
}

static void test_semaphore(void)
{
    uint64_t value;
    int fd = eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);
    CHECK(fd >= 0 && fcntl(fd, F_GETFL) == (O_RDWR | O_NONBLOCK));
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
    CHECK(get(fd) == 1 && get(fd) == 1 && get(fd) == 1);
    CHECK_ERRNO(read(fd, &value, 8), EAGAIN);
    close(fd);
    printf("semaphore\n");
}

/* A reader waits for the count, then a writer for room. */
static void test_blocking(void)
{
    int fd = eventfd(0, 0), echo = eventfd(0, 0), full = eventfd(0, 0), status;
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 1; i <= 3; i++) {
            CHECK(get(fd) == (uint64_t)i);
            put(echo, (uint64_t)i * 10);
        }
        put(fd, UINT64_MAX - 1);
        put(full, 1);
        put(fd, 5); /* no room until the parent has read */
        _exit(0);
    }
    for (int i = 1; i <= 3; i++) {
        put(fd, (uint64_t)i);
        CHECK(get(echo) == (uint64_t)i * 10);
    }
    CHECK(get(full) == 1);
    CHECK(get(fd) == UINT64_MAX - 1 && get(fd) == 5);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    close(fd);
    close(echo);
    close(full);
    printf("blocking\n");
}

static void test_poll_wakes(void)
{
    int fd = eventfd(0, 0), status;
    pid_t pid = fork();
    if (pid == 0) {
        struct pollfd one = {fd, POLLIN, 0};
        CHECK(poll(&one, 1, -1) == 1 && one.revents == POLLIN && get(fd) == 9);
        _exit(0);
    }
    put(fd, 9);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    close(fd);
    printf("poll\n");
}

static void test_names(void)
{
    char link[64], text[64] = "", info[256] = "";
    struct stat stat;
    int fd = eventfd(26, EFD_SEMAPHORE);
    CHECK(fstat(fd, &stat) == 0 && stat.st_size == 0 && (stat.st_mode & 07777) == 0600);
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    CHECK(readlink(link, text, sizeof(text) - 1) > 0);
    CHECK_ERRNO(open(link, O_RDWR), ENXIO);
    printf("%s\n", text);
    snprintf(link, sizeof(link), "/proc/self/fdinfo/%d", fd);
    int in = open(link, O_RDONLY);
    if (in >= 0) {
        CHECK(read(in, info, sizeof(info) - 1) > 0);
        CHECK(strstr(info, "eventfd-count:               1a\n") != NULL);
        close(in);
    }
    close(fd);
}

int main(void)
{
    test_counter();
    test_semaphore();
    test_blocking();
    test_poll_wakes();
    test_names();
    CHECK_ERRNO(syscall(SYS_eventfd2, 0, 2), EINVAL);
    printf("errors\n");
    return 0;
}
