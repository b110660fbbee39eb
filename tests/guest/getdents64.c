/* SPDX-License-Identifier: Apache-2.0 */
/* Directories with many entries, also while they change. Calls: getdents64 */
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "check.h"

enum { FILES = 40 };

static bool seen[FILES];
static int dots, others;

/* Reads one buffer; returns its size, marks what it names. */
static long next(int fd, char *buffer, unsigned size)
{
    long got = syscall(SYS_getdents64, fd, buffer, size);
    for (long at = 0; at < got;) {
        struct dirent64 *entry = (struct dirent64 *)(buffer + at);
        int nr;
        CHECK(entry->d_reclen % 8 == 0 && entry->d_ino != 0);
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            CHECK(entry->d_type == DT_DIR);
            dots++;
        } else if (sscanf(entry->d_name, "entry-with-a-rather-long-name-%d", &nr) == 1) {
            CHECK(nr >= 0 && nr < FILES && !seen[nr] && entry->d_type == DT_REG);
            seen[nr] = true;
        } else {
            others++;
        }
        at += entry->d_reclen;
    }
    return got;
}

static int count_seen(void)
{
    int count = 0;
    for (int i = 0; i < FILES; i++)
        count += seen[i];
    return count;
}

static void start_over(int fd)
{
    memset(seen, 0, sizeof(seen));
    dots = others = 0;
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
}

int main(void)
{
    char buffer[800], name[64];
    CHECK(mkdir("dir", 0755) == 0);
    int fd = open("dir", O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < FILES; i++) {
        sprintf(name, "entry-with-a-rather-long-name-%d", i);
        int file = openat(fd, name, O_CREAT | O_WRONLY, 0600);
        CHECK(file >= 0 && close(file) == 0);
    }

    start_over(fd);
    int calls = 0;
    while (next(fd, buffer, sizeof(buffer)) > 0)
        calls++;
    CHECK(count_seen() == FILES && dots == 2 && others == 0 && calls > 2);
    CHECK(next(fd, buffer, sizeof(buffer)) == 0);
    printf("all of many\n");

    /* Each one is removed as soon as it is seen, and still none is missed or seen twice. */
    start_over(fd);
    bool removed[FILES] = {false};
    while (next(fd, buffer, sizeof(buffer)) > 0) {
        for (int i = 0; i < FILES; i++) {
            if (!seen[i] || removed[i])
                continue;
            sprintf(name, "entry-with-a-rather-long-name-%d", i);
            CHECK(unlinkat(fd, name, 0) == 0);
            removed[i] = true;
        }
    }
    CHECK(count_seen() == FILES);
    start_over(fd);
    while (next(fd, buffer, sizeof(buffer)) > 0)
        ;
    CHECK(count_seen() == 0 && dots == 2 && others == 0);
    printf("all removed while reading\n");

    start_over(fd);
    CHECK_ERRNO(syscall(SYS_getdents64, fd, buffer, 8), EINVAL);
    CHECK_ERRNO(syscall(SYS_getdents64, fd, 8, sizeof(buffer)), EFAULT);
    CHECK_ERRNO(syscall(SYS_getdents64, -1, buffer, sizeof(buffer)), EBADF);
    int file = open("file", O_RDWR | O_CREAT, 0600);
    CHECK_ERRNO(syscall(SYS_getdents64, file, buffer, sizeof(buffer)), ENOTDIR);
    CHECK(rmdir("dir") == 0);
    CHECK_ERRNO(syscall(SYS_getdents64, fd, buffer, sizeof(buffer)), ENOENT);
    printf("errors\n");
    return 0;
}
