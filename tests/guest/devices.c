/* SPDX-License-Identifier: Apache-2.0 */
/* null, zero, full, random, urandom and fd. Calls: read write ioctl */
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <termios.h>

#include "check.h"

static void test_null_zero_full(void)
{
    char buffer[5000];
    int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR);
    int full = open("/dev/full", O_RDWR);
    CHECK(null >= 0 && zero >= 0 && full >= 0);
    CHECK(read(null, buffer, sizeof(buffer)) == 0 && write(null, buffer, 77) == 77);
    memset(buffer, 'x', sizeof(buffer));
    CHECK(read(zero, buffer, sizeof(buffer)) == sizeof(buffer) && write(zero, buffer, 9) == 9);
    for (size_t i = 0; i < sizeof(buffer); i++)
        CHECK(buffer[i] == 0);
    CHECK(read(full, buffer, 10) == 10);
    CHECK_ERRNO(write(full, buffer, 10), ENOSPC);
    CHECK(lseek(null, 100, SEEK_SET) >= 0);
    char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
    CHECK(map != MAP_FAILED && map[5000] == 0);
    map[5000] = 1;
    CHECK(ftruncate(null, 0) == -1);
    close(null);
    close(zero);
    close(full);
    printf("null, zero, full\n");
}

static void test_random(void)
{
    const char *names[] = {"/dev/urandom", "/dev/random"};
    for (int i = 0; i < 2; i++) {
        char a[64] = {0}, b[64] = {0};
        int fd = open(names[i], O_RDONLY);
        CHECK(fd >= 0 && read(fd, a, sizeof(a)) == sizeof(a) &&
              read(fd, b, sizeof(b)) == sizeof(b));
        CHECK(memcmp(a, b, sizeof(a)) != 0);
        close(fd);
    }
    printf("random\n");
}

static void test_fd(void)
{
    struct stat st;
    char buffer[8], path[32];
    int file = open("file", O_RDWR | O_CREAT, 0600);
    CHECK(write(file, "content", 7) == 7);
    snprintf(path, sizeof(path), "/dev/fd/%d", file);
    int again = open(path, O_RDONLY);
    CHECK(again >= 0 && read(again, buffer, 8) == 7); /* a new description, at the start */
    CHECK(stat("/dev/fd", &st) == 0 && S_ISDIR(st.st_mode));
    CHECK_ERRNO(open("/dev/fd/999", O_RDONLY), ENOENT);
    printf("fd\n");
}

static void test_ioctl(void)
{
    struct termios termios;
    int size, ends[2], null = open("/dev/null", O_RDWR);
    CHECK(pipe(ends) == 0 && write(ends[1], "12345", 5) == 5);
    CHECK(ioctl(ends[0], FIONREAD, &size) == 0 && size == 5);
    CHECK_ERRNO(ioctl(null, TCGETS, &termios), ENOTTY);
    CHECK_ERRNO(ioctl(ends[0], TCGETS, &termios), ENOTTY);
    CHECK_ERRNO(ioctl(-1, TCGETS, &termios), EBADF);
    CHECK_ERRNO(ioctl(ends[0], FIONREAD, (void *)8), EFAULT);
    CHECK(ioctl(null, FIOCLEX) == 0 && fcntl(null, F_GETFD) == FD_CLOEXEC);
    CHECK(ioctl(null, FIONCLEX) == 0 && fcntl(null, F_GETFD) == 0);
    printf("ioctl\n");
}

int main(void)
{
    test_null_zero_full();
    test_random();
    test_fd();
    test_ioctl();
    return 0;
}
