/* SPDX-License-Identifier: Apache-2.0 */
/* What stat and its kin tell. Calls: stat fstat lstat newfstatat */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "check.h"

static void test_types(void)
{
    struct stat st;
    int ends[2];
    CHECK(syscall(SYS_stat, "file", &st) == 0 && st.st_mode == (S_IFREG | 0640));
    CHECK(st.st_size == 5 && st.st_nlink == 1 && st.st_uid == geteuid());
    CHECK(st.st_blksize > 0);
    CHECK(syscall(SYS_stat, "link", &st) == 0 && S_ISREG(st.st_mode));
    CHECK(syscall(SYS_lstat, "link", &st) == 0 && st.st_mode == (S_IFLNK | 0777));
    CHECK(st.st_size == 4);
    CHECK(syscall(SYS_stat, "dir", &st) == 0 && st.st_mode == (S_IFDIR | 0755));
    CHECK(syscall(SYS_stat, "/dev/null", &st) == 0 && S_ISCHR(st.st_mode));
    CHECK(st.st_rdev == makedev(1, 3));
    CHECK(pipe(ends) == 0 && syscall(SYS_fstat, ends[0], &st) == 0);
    CHECK(S_ISFIFO(st.st_mode) && (st.st_mode & 0777) == 0600);
    close(ends[0]);
    close(ends[1]);
    printf("types\n");
}

static void test_identity(void)
{
    struct stat a, b, c;
    CHECK(link("file", "hard") == 0);
    CHECK(stat("file", &a) == 0 && stat("hard", &b) == 0 && stat("dir", &c) == 0);
    CHECK(a.st_ino == b.st_ino && a.st_dev == b.st_dev && a.st_nlink == 2);
    CHECK(a.st_ino != c.st_ino && a.st_dev == c.st_dev);
    int fd = open("hard", O_RDONLY);
    CHECK(rename("hard", "dir/hard") == 0 && fstat(fd, &c) == 0 && c.st_ino == a.st_ino);
    CHECK(unlink("dir/hard") == 0 && fstat(fd, &c) == 0 && c.st_nlink == 1);
    close(fd);
    printf("identity\n");
}

static void test_at(void)
{
    struct stat st;
    int dir = open("dir", O_RDONLY), fd = open("file", O_RDONLY);
    CHECK(fstatat(dir, "../file", &st, 0) == 0 && st.st_size == 5);
    CHECK(fstatat(AT_FDCWD, "link", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode));
    CHECK(syscall(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH) == 0 && st.st_size == 5);
    CHECK(syscall(SYS_newfstatat, AT_FDCWD, "", &st, AT_EMPTY_PATH) == 0 && S_ISDIR(st.st_mode));
    CHECK_ERRNO(syscall(SYS_newfstatat, fd, "", &st, 0), ENOENT);
    CHECK_ERRNO(syscall(SYS_newfstatat, fd, "file", &st, 0), ENOTDIR);
    CHECK_ERRNO(syscall(SYS_newfstatat, -1, "file", &st, 0), EBADF);
    CHECK_ERRNO(syscall(SYS_newfstatat, dir, "none", &st, 0), ENOENT);
    CHECK_ERRNO(syscall(SYS_newfstatat, dir, "none", &st, 0x40000000), EINVAL);
    close(dir);
    close(fd);
    printf("at\n");
}

static void test_times(void)
{
    struct stat before, after;
    struct timespec pause = {0, 30000000};
    CHECK(stat("file", &before) == 0);
    nanosleep(&pause, NULL);
    int fd = open("file", O_WRONLY);
    CHECK(write(fd, "F", 1) == 1 && close(fd) == 0 && stat("file", &after) == 0);
    CHECK(after.st_mtim.tv_sec > before.st_mtim.tv_sec ||
          (after.st_mtim.tv_sec == before.st_mtim.tv_sec &&
           after.st_mtim.tv_nsec > before.st_mtim.tv_nsec));
    CHECK(stat("dir", &before) == 0);
    nanosleep(&pause, NULL);
    fd = open("dir/new", O_CREAT | O_WRONLY, 0600);
    CHECK(fd >= 0 && close(fd) == 0 && stat("dir", &after) == 0);
    CHECK(after.st_mtim.tv_sec != before.st_mtim.tv_sec ||
          after.st_mtim.tv_nsec != before.st_mtim.tv_nsec);
    printf("times\n");
}

int main(void)
{
    struct stat st;
    umask(022);
    int fd = open("file", O_WRONLY | O_CREAT, 0640);
    CHECK(fd >= 0 && write(fd, "12345", 5) == 5 && close(fd) == 0);
    CHECK(symlink("file", "link") == 0 && mkdir("dir", 0755) == 0);
    test_types();
    test_identity();
    test_at();
    test_times();
    CHECK_ERRNO(syscall(SYS_stat, "none", &st), ENOENT);
    CHECK_ERRNO(syscall(SYS_stat, "file", 8), EFAULT);
    CHECK_ERRNO(syscall(SYS_fstat, -1, &st), EBADF);
    return 0;
}
