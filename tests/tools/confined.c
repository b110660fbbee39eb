/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a confined inspector can do, told call by call: confined DIR. A file of DIR is open by then.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/inspect/confine.h"

static void tell(const char *what, long result)
{
    (void)printf("%s: %s\n", what, result >= 0 ? "yes" : errno == EPERM ? "no" : "failed");
}

int main(int argc, char **argv)
{
    char byte;
    struct stat stat;
    int dir = argc == 2 ? open(argv[1], O_RDONLY | O_DIRECTORY) : -1;
    int fd = openat(dir, "file", O_RDWR);

    if (fd < 0 || confine_reader(-1, 64 << 20) < 0)
        return 2;
    tell("read", pread(fd, &byte, 1, 0));
    tell("stat", fstat(fd, &stat));
    tell("write", write(fd, "x", 1));
    tell("pwrite", pwrite(fd, "x", 1, 0));
    tell("truncate", ftruncate(fd, 0));
    tell("open", open("/etc/passwd", O_RDONLY));
    tell("openat", openat(dir, "file", O_RDONLY));
    tell("create", openat(dir, "new", O_CREAT | O_WRONLY, 0600));
    tell("unlink", unlinkat(dir, "file", 0));
    tell("socket", socket(AF_INET, SOCK_STREAM, 0));
    tell("unix socket", socket(AF_UNIX, SOCK_STREAM, 0));
    tell("fork", fork());
    tell("exec", execl("/bin/true", "true", (char *)NULL));
    tell("kill", kill(getppid(), 0));
    tell("ptrace", ptrace(PTRACE_TRACEME, 0, NULL, NULL));
    void *map = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    tell("executable memory", map == MAP_FAILED ? -1 : 0);
    tell("mprotect", mprotect((void *)((unsigned long)main & ~4095UL), 4096, PROT_READ));
    map = mmap(NULL, 128 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)printf("much memory: %s\n", map == MAP_FAILED && errno == ENOMEM ? "no" : "yes");
    (void)fflush(stdout);
    _exit(0);
}
