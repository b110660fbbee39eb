/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that run are not written, files that are written are not run. Calls: open execve
 * truncate */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "check.h"

static char buffer[1 << 16];

static void copy_self(const char *to)
{
    ssize_t size;
    int in = open("/proc/self/exe", O_RDONLY), out = open(to, O_WRONLY | O_CREAT, 0755);
    CHECK(in >= 0 && out >= 0);
    while ((size = read(in, buffer, sizeof(buffer))) > 0)
        CHECK(write(out, buffer, (size_t)size) == size);
    CHECK(size == 0 && close(in) == 0 && close(out) == 0);
}

int main(int argc, char **argv)
{
    char byte;
    int ready[2], go[2], status;
    if (argc > 1) { /* the program that runs: says so, and waits to be told to end */
        CHECK(write(3, "x", 1) == 1 && read(4, &byte, 1) == 0);
        return 6;
    }
    (void)argv;
    copy_self("program");
    int fd = open("program", O_RDWR);
    CHECK(fd >= 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        execl("program", "program", "x", NULL);
        _exit(errno == ETXTBSY ? 5 : 1);
    }
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 5);
    close(fd);
    printf("written\n");

    CHECK(pipe(ready) == 0 && pipe(go) == 0);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(dup2(ready[1], 20) == 20 && dup2(go[0], 21) == 21);
        for (int i = 3; i < 20; i++)
            close(i);
        CHECK(dup2(20, 3) == 3 && dup2(21, 4) == 4 && close(20) == 0 && close(21) == 0);
        execl("program", "program", "x", NULL);
        _exit(1);
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    CHECK_ERRNO(open("program", O_WRONLY), ETXTBSY);
    CHECK_ERRNO(open("program", O_RDWR | O_TRUNC), ETXTBSY);
    CHECK_ERRNO(truncate("program", 0), ETXTBSY);
    struct stat stat_of;
    CHECK(stat("program", &stat_of) == 0 && stat_of.st_size > 0);
    fd = open("program", O_RDONLY);
    CHECK(fd >= 0 && close(fd) == 0 && chmod("program", 0700) == 0);
    CHECK(rename("program", "moved") == 0);
    CHECK_ERRNO(open("moved", O_WRONLY), ETXTBSY);
    close(go[0]), close(go[1]);
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 6);
    fd = open("moved", O_RDWR | O_TRUNC);
    CHECK(fd >= 0 && close(fd) == 0);
    printf("run\n");
    return 0;
}
