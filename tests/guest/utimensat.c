/* SPDX-License-Identifier: Apache-2.0 */
/* Setting times. Calls: utimensat utime utimes */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <utime.h>

#include "check.h"

static struct stat st;

static void test_explicit(int fd)
{
    struct timespec times[2] = {{1000, 111}, {2000, 222}};
    CHECK(utimensat(AT_FDCWD, "file", times, 0) == 0 && stat("file", &st) == 0);
    CHECK(st.st_atim.tv_sec == 1000 && st.st_atim.tv_nsec == 111);
    CHECK(st.st_mtim.tv_sec == 2000 && st.st_mtim.tv_nsec == 222);
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_sec = -5;
    CHECK(futimens(fd, times) == 0 && fstat(fd, &st) == 0);
    CHECK(st.st_atim.tv_sec == 1000 && st.st_mtim.tv_sec == -5);
    printf("explicit\n");
}

static void test_now(void)
{
    struct timespec now, both[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
    CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
    CHECK(utimensat(AT_FDCWD, "file", both, 0) == 0 && stat("file", &st) == 0);
    CHECK(st.st_atim.tv_sec >= now.tv_sec - 1 && st.st_mtim.tv_sec == -5);
    CHECK(utimensat(AT_FDCWD, "file", NULL, 0) == 0 && stat("file", &st) == 0);
    CHECK(st.st_mtim.tv_sec >= now.tv_sec - 1);
    printf("now\n");
}

static void test_link(void)
{
    struct timespec times[2] = {{10, 0}, {20, 0}};
    CHECK(symlink("file", "link") == 0);
    CHECK(utimensat(AT_FDCWD, "link", times, AT_SYMLINK_NOFOLLOW) == 0);
    CHECK(lstat("link", &st) == 0 && st.st_mtim.tv_sec == 20);
    CHECK(stat("link", &st) == 0 && st.st_mtim.tv_sec != 20);
    printf("link\n");
}

static void test_old(void)
{
    struct utimbuf seconds = {30, 40};
    struct timeval micros[2] = {{50, 5}, {60, 6}};
    CHECK(syscall(SYS_utime, "file", &seconds) == 0 && stat("file", &st) == 0);
    CHECK(st.st_atim.tv_sec == 30 && st.st_mtim.tv_sec == 40 && st.st_mtim.tv_nsec == 0);
    CHECK(syscall(SYS_utimes, "file", micros) == 0 && stat("file", &st) == 0);
    CHECK(st.st_atim.tv_sec == 50 && st.st_mtim.tv_nsec == 6000);
    micros[0].tv_usec = 1000000;
    CHECK_ERRNO(syscall(SYS_utimes, "file", micros), EINVAL);
    printf("old calls\n");
}

int main(void)
{
    int fd = open("file", O_RDWR | O_CREAT, 0600);
    CHECK(fd >= 0);
    test_explicit(fd);
    test_now();
    test_link();
    test_old();
    struct timespec bad[2] = {{1, 1000000000}, {1, 0}};
    CHECK_ERRNO(utimensat(AT_FDCWD, "file", bad, 0), EINVAL);
    CHECK_ERRNO(utimensat(AT_FDCWD, "none", NULL, 0), ENOENT);
    CHECK_ERRNO(utimensat(-1, "file", NULL, 0), EBADF);
    CHECK_ERRNO(utimensat(AT_FDCWD, "file", NULL, 0x40000000), EINVAL);
    CHECK_ERRNO(syscall(SYS_utimensat, AT_FDCWD, "file", 8, 0), EFAULT);
    return 0;
}
