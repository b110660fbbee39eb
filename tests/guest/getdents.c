/* SPDX-License-Identifier: Apache-2.0 */
/* getdents of old, and directories that change while they are read. Calls: getdents getdents64 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "check.h"

struct old_dirent {
    unsigned long nr, next;
    unsigned short size;
    char name[];
};

enum { FILES = 40 };

static void touch(const char *name)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);
    CHECK(fd >= 0 && close(fd) == 0);
}

static void test_old(void)
{
    char buffer[4096];
    int seen = 0;
    CHECK(mkdir("old", 0755) == 0 && mkdir("old/sub", 0755) == 0);
    touch("old/file"), touch("old/a-name-that-is-longer");
    CHECK(symlink("x", "old/link") == 0);
    int fd = open("old", O_RDONLY | O_DIRECTORY);
    long size = syscall(SYS_getdents, fd, buffer, sizeof(buffer));
    CHECK(size > 0);
    for (long at = 0; at < size;) {
        struct old_dirent *entry = (void *)&buffer[at];
        char type = buffer[at + entry->size - 1];
        seen += strcmp(entry->name, "sub") == 0 && type == DT_DIR;
        seen += strcmp(entry->name, "file") == 0 && type == DT_REG;
        seen += strcmp(entry->name, "a-name-that-is-longer") == 0 && type == DT_REG;
        seen += strcmp(entry->name, "link") == 0 && type == DT_LNK;
        at += entry->size;
    }
    CHECK(seen == 4 && syscall(SYS_getdents, fd, buffer, sizeof(buffer)) == 0);
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    CHECK_ERRNO(syscall(SYS_getdents, fd, buffer, 10), EINVAL);
    CHECK_ERRNO(syscall(SYS_getdents, -1, buffer, 10), EBADF);
    close(fd);
    printf("old\n");
}

/* Whatever comes and goes meanwhile, what was there all the time is told once. */
static void test_changes(void)
{
    char name[32], seen[FILES] = "";
    struct dirent *entry;
    int count = 0;
    CHECK(mkdir("dir", 0755) == 0);
    for (int i = 0; i < FILES; i++) {
        (void)snprintf(name, sizeof(name), "dir/%d", i);
        touch(name);
    }
    DIR *dir = opendir("dir");
    CHECK(dir != NULL);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
            continue;
        int nr = atoi(entry->d_name);
        CHECK(nr < FILES && !seen[nr]);
        seen[nr] = 1;
        if (count++ == 5) {
            touch("dir/new");
            CHECK(rename("dir/new", "dir/newer") == 0 && unlink("dir/newer") == 0);
        }
        if (nr % 4 == 0) { /* removing what was just told is allowed */
            (void)snprintf(name, sizeof(name), "dir/%d", nr);
            CHECK(unlink(name) == 0);
        }
    }
    CHECK(count == FILES);
    rewinddir(dir);
    for (count = 0; (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.';
    CHECK(count == FILES - FILES / 4 && closedir(dir) == 0);
    printf("changes\n");
}

int main(void)
{
    test_old();
    test_changes();
    return 0;
}
