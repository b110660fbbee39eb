/* SPDX-License-Identifier: Apache-2.0 */
/* Another root directory. Calls: chroot */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "check.h"

static void child(void)
{
    char cwd[64];
    struct stat root, up;
    CHECK(chroot("jail") == 0);
    CHECK(access("/inner", F_OK) == 0 && access("jail", F_OK) == 0); /* the cwd stays */
    CHECK(chdir("/") == 0 && getcwd(cwd, sizeof(cwd)) != NULL && strcmp(cwd, "/") == 0);
    CHECK(stat("/", &root) == 0 && stat("/..", &up) == 0 && root.st_ino == up.st_ino);
    CHECK(access("/link", F_OK) == 0); /* an absolute link means the new root */
    CHECK_ERRNO(access("/proc/self", F_OK), ENOENT);
    int fd = open("/../../new", O_CREAT | O_WRONLY, 0600);
    CHECK(fd >= 0);
    CHECK(setuid(1000) == 0);
    CHECK_ERRNO(chroot("/"), EPERM);
    _exit(0);
}

int main(void)
{
    int status;
    if (geteuid() != 0)
        SKIP("needs to be root");
    CHECK(mkdir("jail", 0755) == 0);
    int fd = open("jail/inner", O_CREAT | O_WRONLY, 0644);
    CHECK(fd >= 0 && symlink("/inner", "jail/link") == 0);
    CHECK_ERRNO(chroot("none"), ENOENT);
    CHECK_ERRNO(chroot("jail/inner"), ENOTDIR);
    pid_t pid = fork();
    if (pid == 0)
        child();
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(access("jail/new", F_OK) == 0 && access("/proc/self", F_OK) == 0);
    printf("jailed\n");
    return 0;
}
