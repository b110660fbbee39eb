/* SPDX-License-Identifier: Apache-2.0 */
/* Threads in /proc: their directories, names, numbers; and how a process looks without its leader.
 * Calls: clone gettid openat read getdents64 readlink futex */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "check.h"

static char text[8192];
static int ready[2], end[2];

static size_t slurp(const char *path)
{
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        fprintf(stderr, "%s\n", path);
    CHECK(fd >= 0);
    ssize_t size = read(fd, text, sizeof(text) - 1);
    CHECK(size >= 0 && close(fd) == 0);
    text[size] = 0;
    return (size_t)size;
}

static void *run(void *unused)
{
    int tid = gettid();
    char byte;
    CHECK(write(ready[1], &tid, sizeof(tid)) == sizeof(tid));
    CHECK(read(end[0], &byte, 1) == 0);
    return unused;
}

static void test_directory(int tid)
{
    char path[64], link[64], expected[64];
    int seen = 0;
    DIR *dir = opendir("/proc/self/task");
    CHECK(dir != NULL);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] != '.')
            seen |= atoi(entry->d_name) == tid ? 1 : atoi(entry->d_name) == getpid() ? 2 : 4;
    }
    CHECK(seen == 3 && closedir(dir) == 0);
    struct stat stat_of;
    CHECK(stat("/proc/self/task", &stat_of) == 0 && stat_of.st_nlink >= 2);
    ssize_t size = readlink("/proc/thread-self", link, sizeof(link) - 1);
    CHECK(size > 0);
    link[size] = 0;
    snprintf(expected, sizeof(expected), "%d/task/%d", getpid(), getpid());
    CHECK(strcmp(link, expected) == 0);
    snprintf(path, sizeof(path), "/proc/self/task/%d", tid + 1000);
    CHECK_ERRNO(open(path, O_RDONLY), ENOENT);
    printf("directory\n");
}

static void test_files(int tid)
{
    static const char *const names[] = {"stat",   "status", "statm", "comm",      "maps",
                                        "limits", "io",     "auxv",  "mountinfo", "cmdline"};
    char path[64], line[64];
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        snprintf(path, sizeof(path), "/proc/self/task/%d/%s", tid, names[i]);
        CHECK(slurp(path) > 0);
    }
    snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
    slurp(path);
    snprintf(line, sizeof(line), "\nTgid:\t%d\n", getpid());
    CHECK(strstr(text, line) != NULL);
    snprintf(line, sizeof(line), "\nPid:\t%d\n", tid);
    CHECK(strstr(text, line) != NULL && strstr(text, "\nThreads:\t2\n") != NULL);
    snprintf(path, sizeof(path), "/proc/%d/stat", tid); /* not listed, but there */
    slurp(path);
    CHECK(atoi(text) == tid);
    slurp("/proc/self/status");
    CHECK(strstr(text, "\nThreads:\t2\n") != NULL);
    printf("files\n");
}

static void test_name(int tid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/task/%d/comm", tid);
    int fd = open(path, O_RDWR);
    CHECK(fd >= 0 && write(fd, "other", 5) == 5 && close(fd) == 0);
    CHECK(slurp(path) == 6 && strcmp(text, "other\n") == 0);
    slurp("/proc/self/comm");
    CHECK(strncmp(text, "proc_task", 9) == 0);
    printf("name\n");
}

static void test_children(void)
{
    char path[64], line[32];
    snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
    int fd = open(path, O_RDONLY);
    if (fd < 0 && errno == ENOENT)
        return; /* a kernel without this file */
    CHECK(close(fd) == 0 && slurp(path) == 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    slurp(path);
    snprintf(line, sizeof(line), "%d ", pid);
    CHECK(strcmp(text, line) == 0);
    CHECK(syscall(SYS_wait4, pid, NULL, 0, NULL) == pid && slurp(path) == 0);
}

int main(void)
{
    pthread_t thread;
    int tid;
    char path[64];
    CHECK(pipe(ready) == 0 && pipe(end) == 0);
    CHECK(pthread_create(&thread, NULL, run, NULL) == 0);
    CHECK(read(ready[0], &tid, sizeof(tid)) == sizeof(tid));
    test_directory(tid);
    test_files(tid);
    test_name(tid);
    test_children();
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0 && close(end[1]) == 0 && pthread_join(thread, NULL) == 0);
    while (read(fd, text, 16) > 0) /* it is gone, soon after it was joined */
        lseek(fd, 0, SEEK_SET);
    CHECK(errno == ESRCH);
    CHECK_ERRNO(open(path, O_RDONLY), ENOENT);
    printf("gone\n");
    return 0;
}
