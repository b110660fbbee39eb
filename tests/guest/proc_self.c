/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc says of a process. Calls: openat read readlink getpid prctl */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "check.h"

static char text[65536];

static size_t slurp(const char *path)
{
    size_t size = 0;
    ssize_t got;
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0);
    while ((got = read(fd, text + size, sizeof(text) - 1 - size)) > 0)
        size += (size_t)got;
    CHECK(got == 0 && close(fd) == 0);
    text[size] = 0;
    return size;
}

static void test_exe(const char *argv0)
{
    char link[PATH_MAX], real[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", link, sizeof(link) - 1);
    CHECK(size > 0 && realpath(argv0, real) != NULL);
    link[size] = 0;
    CHECK(strcmp(link, real) == 0);
    int fd = open("/proc/self/exe", O_RDONLY);
    CHECK(fd >= 0 && read(fd, link, 4) == 4 && memcmp(link, "\177ELF", 4) == 0);
    close(fd);
    printf("exe\n");
}

static void test_fd(void)
{
    char link[PATH_MAX], path[64], cwd[PATH_MAX];
    int fd = open("file", O_RDWR | O_CREAT, 0600), ends[2];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    ssize_t size = readlink(path, link, sizeof(link) - 1);
    CHECK(size > 0 && getcwd(cwd, sizeof(cwd)) != NULL);
    link[size] = 0;
    CHECK(strncmp(link, cwd, strlen(cwd)) == 0 && strcmp(link + strlen(cwd), "/file") == 0);
    CHECK(pipe(ends) == 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
    size = readlink(path, link, sizeof(link) - 1);
    CHECK(size > 6 && memcmp(link, "pipe:[", 6) == 0);
    size = readlink("/proc/self/cwd", link, sizeof(link) - 1);
    CHECK(size == (ssize_t)strlen(cwd) && memcmp(link, cwd, size) == 0);
    printf("fd and cwd\n");
}

static void test_stat(void)
{
    int pid, ppid, pgrp, session;
    char comm[64], state;
    CHECK(prctl(PR_SET_NAME, "a (name)") == 0);
    slurp("/proc/self/stat");
    CHECK(sscanf(text, "%d (%63[^)]) ", &pid, comm) == 2);
    char *rest = strrchr(text, ')');
    CHECK(sscanf(rest, ") %c %d %d %d", &state, &ppid, &pgrp, &session) == 4);
    CHECK(pid == getpid() && ppid == getppid() && pgrp == getpgrp() && session == getsid(0));
    CHECK(state == 'R' && strncmp(strchr(text, '('), "(a (name))", 10) == 0);
    slurp("/proc/self/status");
    CHECK(strncmp(text, "Name:\ta (name)\n", 15) == 0);
    CHECK(strstr(text, "\nPid:\t") && strstr(text, "\nState:\tR (running)\n"));
    CHECK(strstr(text, "\nUid:\t") && strstr(text, "\nPPid:\t") && strstr(text, "\nSigBlk:\t"));
    printf("stat and status\n");
}

static void test_maps(void)
{
    char line[128];
    char *pages = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(mprotect(pages + 4096, 4096, PROT_READ) == 0);
    slurp("/proc/self/maps");
    snprintf(line, sizeof(line), "%lx-%lx r--p ", (long)(pages + 4096), (long)(pages + 8192));
    CHECK(strstr(text, line) && strstr(text, "[stack]"));
    char name[16];
    snprintf(name, sizeof(name), "%lx-", (long)(pages + 8192));
    CHECK(strstr(text, name));
    printf("maps\n");
}

static void test_other(void)
{
    char path[64];
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        char byte;
        close(ends[1]);
        _exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
    }
    snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
    size_t size = slurp(path);
    CHECK(size > 0 && text[size - 1] == 0 && strstr(text, "proc_self"));
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY);
    close(ends[1]);
    CHECK(waitpid(pid, NULL, 0) == pid);
    CHECK(read(fd, text, 10) == -1 && errno == ESRCH);
    CHECK_ERRNO(open(path, O_RDONLY), ENOENT);
    printf("another process\n");
}

int main(int argc, char **argv)
{
    (void)argc;
    test_exe(argv[0]);
    test_fd();
    test_stat();
    test_maps();
    test_other();
    return 0;
}
