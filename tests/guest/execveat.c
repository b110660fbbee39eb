/* SPDX-License-Identifier: Apache-2.0 */
/* Programs by descriptor. Calls: execveat */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static char *const no_environment[] = {NULL};

/* Runs it in a child: the exit code, or 100 + errno. */
static int run(int fd, const char *name, const char *argument, int flags)
{
    char *const argv[] = {"name", (char *)argument, NULL};
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        syscall(SYS_execveat, fd, name, argv, no_environment, flags);
        _exit(100 + errno);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return atoi(argv[1]);
    int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), path = open("/proc/self/exe", O_PATH);
    CHECK(run(self, "", "3", AT_EMPTY_PATH) == 3);
    CHECK(run(path, "", "4", AT_EMPTY_PATH) == 4);
    CHECK(run(self, "", "4", 0) == 100 + ENOENT);
    CHECK(run(self, "", "4", AT_EMPTY_PATH | 1) == 100 + EINVAL);
    CHECK(run(-1, "", "4", AT_EMPTY_PATH) == 100 + EBADF);
    CHECK(run(self, "name", "4", 0) == 100 + ENOTDIR);
    printf("file\n");

    CHECK(mkdir("dir", 0755) == 0 && symlink("/proc/self/exe", "dir/link") == 0);
    int dir = open("dir", O_RDONLY | O_DIRECTORY);
    CHECK(run(dir, "link", "5", 0) == 5 && run(dir, "/proc/self/exe", "6", 0) == 6);
    CHECK(run(dir, "link", "5", AT_SYMLINK_NOFOLLOW) == 100 + ELOOP);
    CHECK(run(dir, "none", "5", 0) == 100 + ENOENT);
    CHECK(run(dir, "", "5", AT_EMPTY_PATH) == 100 + EACCES);
    CHECK(run(AT_FDCWD, "dir/link", "7", 0) == 7);
    printf("directory\n");

    int script = open("dir/script", O_WRONLY | O_CREAT, 0755);
    CHECK(dprintf(script, "#!/bin/sh\nexit 9\n") > 0 && close(script) == 0);
    CHECK(run(dir, "script", "x", 0) == 9);
    script = open("dir/script", O_RDONLY);
    CHECK(run(script, "", "x", AT_EMPTY_PATH) == 9);
    CHECK(unlink("dir/script") == 0 && run(script, "", "x", AT_EMPTY_PATH) == 9);
    printf("script\n");
    return 0;
}
