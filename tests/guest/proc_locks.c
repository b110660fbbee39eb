/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/locks shows locks of files, and who waits for them. Calls: flock fcntl */
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "check.h"

/* Is there a line of this file, and one that starts so behind its number? */
static int has_line(const char *start, pid_t pid, ino_t nr, const char *end)
{
    char line[256], inode[32], process[32];
    int found = 0;
    FILE *file = fopen("/proc/locks", "r");
    CHECK(file != NULL);
    (void)snprintf(inode, sizeof(inode), ":%lu %s\n", (unsigned long)nr, end);
    (void)snprintf(process, sizeof(process), " %d ", pid);
    while (fgets(line, sizeof(line), file) != NULL) {
        const char *text = strchr(line, ':');
        found += text != NULL && strncmp(text + 2, start, strlen(start)) == 0 &&
                 strstr(text, inode) != NULL && strstr(text, process) != NULL;
    }
    CHECK(fclose(file) == 0);
    return found;
}

int main(void)
{
    struct stat stat;
    int fd = open("file", O_RDWR | O_CREAT, 0644), ready[2], status;
    char byte;
    CHECK(fd >= 0 && fstat(fd, &stat) == 0 && pipe(ready) == 0);
    struct flock lock = {.l_type = F_WRLCK, .l_start = 10, .l_len = 5};
    CHECK(fcntl(fd, F_SETLK, &lock) == 0 && flock(fd, LOCK_EX) == 0);
    lock = (struct flock){.l_type = F_RDLCK, .l_start = 20};
    CHECK(fcntl(fd, F_OFD_SETLK, &lock) == 0);
    CHECK(has_line("POSIX  ADVISORY  WRITE", getpid(), stat.st_ino, "10 14") == 1);
    CHECK(has_line("FLOCK  ADVISORY  WRITE", getpid(), stat.st_ino, "0 EOF") == 1);
    CHECK(has_line("OFDLCK ADVISORY  READ", -1, stat.st_ino, "20 EOF") == 1);
    printf("held\n");

    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        lock = (struct flock){.l_type = F_WRLCK, .l_start = 12, .l_len = 1};
        CHECK(write(ready[1], "x", 1) == 1 && fcntl(fd, F_SETLKW, &lock) == 0);
        _exit(0);
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    WAIT_FOR(has_line("-> POSIX  ADVISORY  WRITE", child, stat.st_ino, "12 12") != 0);
    lock = (struct flock){.l_type = F_UNLCK};
    CHECK(fcntl(fd, F_SETLK, &lock) == 0 && wait(&status) == child && status == 0);
    CHECK(has_line("POSIX  ADVISORY  WRITE", getpid(), stat.st_ino, "10 14") == 0);
    printf("waiting\n");
    return 0;
}
