/* SPDX-License-Identifier: Apache-2.0 */
/* O_APPEND: every write goes to the end, whoever else writes. Calls: openat write */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "check.h"

enum { WRITERS = 3, LINES = 8 };

static void test_two_files(void)
{
    char buffer[32] = "";
    int a = open("file", O_RDWR | O_CREAT | O_APPEND, 0600);
    int b = open("file", O_WRONLY | O_APPEND);
    CHECK(write(a, "1", 1) == 1 && write(b, "2", 1) == 1 && write(a, "3", 1) == 1);
    CHECK(lseek(a, 0, SEEK_CUR) == 3 && lseek(b, 0, SEEK_CUR) == 2);
    CHECK(lseek(a, 0, SEEK_SET) == 0 && write(a, "4", 1) == 1 && lseek(a, 0, SEEK_CUR) == 4);
    CHECK(pread(a, buffer, 31, 0) == 4);
    printf("%s\n", buffer);
    CHECK(fcntl(a, F_SETFL, 0) == 0 && lseek(a, 0, SEEK_SET) == 0 && write(a, "X", 1) == 1);
    CHECK(fcntl(a, F_SETFL, O_APPEND) == 0 && write(a, "5", 1) == 1);
    CHECK(pwrite(a, "6", 1, 0) == 1); /* Linux: the position of pwrite is ignored, too */
    CHECK(pread(a, buffer, 31, 0) == 6);
    printf("%s\n", buffer);
}

static void test_processes(void)
{
    char line[17], seen[WRITERS] = {0};
    for (int writer = 0; writer < WRITERS; writer++) {
        if (fork() != 0)
            continue;
        int fd = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);
        CHECK(fd >= 0);
        for (int i = 0; i < LINES; i++) {
            snprintf(line, sizeof(line), "writer %d line %d\n", writer, i);
            CHECK(write(fd, line, 16) == 16);
        }
        _exit(0);
    }
    for (int i = 0; i < WRITERS; i++) {
        int status;
        CHECK(wait(&status) > 0 && status == 0);
    }
    int fd = open("log", O_RDONLY);
    for (int i = 0; i < WRITERS * LINES; i++) {
        int writer, nr;
        CHECK(read(fd, line, 16) == 16 && sscanf(line, "writer %d line %d", &writer, &nr) == 2);
        CHECK(seen[writer]++ == nr); /* whole, none lost, each writer's in order */
    }
    CHECK(read(fd, line, 16) == 0);
    printf("%d lines of %d writers\n", WRITERS * LINES, WRITERS);
}

int main(void)
{
    test_two_files();
    test_processes();
    return 0;
}
