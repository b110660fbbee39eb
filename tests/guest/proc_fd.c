/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors of a process and of its threads in /proc: links, fdinfo, what following them opens.
 * Calls: openat readlink read getdents64 lseek dup pipe2 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"

static void read_all(const char *path, char *to, size_t size)
{
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0);
    ssize_t got = read(fd, to, size - 1);
    CHECK(got >= 0 && close(fd) == 0);
    to[got] = 0;
}

static void test_info(const char *dir)
{
    char path[128], text[512];
    long position, number;
    unsigned flags;
    int mount;
    int fd = open("file", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, "0123456789", 10) == 10 && lseek(fd, 7, SEEK_SET) == 7);
    snprintf(path, sizeof(path), "%s/fdinfo/%d", dir, fd);
    read_all(path, text, sizeof(text));
    CHECK(sscanf(text, "pos:\t%ld\nflags:\t%o\nmnt_id:\t%d\nino:\t%ld\n", &position, &flags, &mount,
                 &number) == 4);
    struct stat stat;
    CHECK(fstat(fd, &stat) == 0);
    CHECK(position == 7 && mount > 0 && number == (long)stat.st_ino);
    CHECK(flags == (O_RDWR | O_APPEND | O_CLOEXEC | 0100000));
    CHECK(fcntl(fd, F_SETFD, 0) == 0);
    read_all(path, text, sizeof(text));
    CHECK(sscanf(text, "pos:\t%ld\nflags:\t%o", &position, &flags) == 2);
    CHECK(flags == (O_RDWR | O_APPEND | 0100000));
    CHECK(close(fd) == 0);
    CHECK_ERRNO(open(path, O_RDONLY), ENOENT);
    printf("fdinfo\n");
}

static void test_link(const char *dir)
{
    char path[128], target[64], other[64];
    int ends[2];
    CHECK(pipe(ends) == 0);
    snprintf(path, sizeof(path), "%s/fd/%d", dir, ends[0]);
    ssize_t size = readlink(path, target, sizeof(target) - 1);
    CHECK(size > 0);
    target[size] = 0;
    struct stat stat;
    CHECK(fstat(ends[0], &stat) == 0);
    snprintf(other, sizeof(other), "pipe:[%lu]", (unsigned long)stat.st_ino);
    CHECK(strcmp(target, other) == 0);
    int again = open(path, O_WRONLY); /* the other end of the same pipe */
    CHECK(again >= 0 && write(again, "x", 1) == 1 && read(ends[0], target, 4) == 1);
    CHECK(lstat(path, &stat) == 0 && stat.st_mode == (S_IFLNK | 0500)); /* as it is open */
    CHECK(fstatat(AT_FDCWD, path, &stat, 0) == 0 && S_ISFIFO(stat.st_mode));
    CHECK(close(again) == 0 && close(ends[0]) == 0 && close(ends[1]) == 0);
    CHECK_ERRNO(readlink(path, target, sizeof(target)), ENOENT);
    printf("links\n");
}

static void test_deleted(const char *dir)
{
    char path[128], target[512], byte;
    int fd = open("gone", O_RDWR | O_CREAT, 0600);
    CHECK(fd >= 0 && write(fd, "y", 1) == 1 && unlink("gone") == 0);
    snprintf(path, sizeof(path), "%s/fd/%d", dir, fd);
    ssize_t size = readlink(path, target, sizeof(target) - 1);
    CHECK(size > 10 && memcmp(target + size - 10, " (deleted)", 10) == 0);
    int again = open(path, O_RDONLY);
    CHECK(again >= 0 && read(again, &byte, 1) == 1 && byte == 'y');
    CHECK(close(again) == 0 && close(fd) == 0);
    printf("a deleted file\n");
}

static void test_list(const char *dir)
{
    char path[128];
    unsigned seen = 0;
    snprintf(path, sizeof(path), "%s/fd", dir);
    DIR *list = opendir(path);
    CHECK(list != NULL);
    for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
        if (entry->d_name[0] != '.')
            CHECK(entry->d_type == DT_LNK && atoi(entry->d_name) < 32);
        if (entry->d_name[0] != '.')
            seen |= 1u << atoi(entry->d_name);
    }
    CHECK(seen == (7u | 1u << dirfd(list)));
    CHECK(closedir(list) == 0);
    printf("list\n");
}

int main(void)
{
    char thread[64];
    CHECK(close_range(3, ~0U, 0) == 0);
    snprintf(thread, sizeof(thread), "/proc/self/task/%d", getpid());
    const char *const dirs[] = {"/proc/self", thread, "/proc/thread-self"};
    for (int i = 0; i < 3; i++) {
        test_info(dirs[i]);
        test_link(dirs[i]);
        test_deleted(dirs[i]);
        test_list(dirs[i]);
    }
    return 0;
}
