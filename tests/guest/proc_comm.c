/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a process that are written: comm and oom_score_adj. Calls: openat read write fork */
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

#include "check.h"

static char text[16384];

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

static void put(const char *path, const char *value, int err)
{
    int fd = open(path, O_WRONLY);
    CHECK(fd >= 0);
    ssize_t size = write(fd, value, strlen(value));
    CHECK(err != 0 ? size == -1 && errno == err : size == (ssize_t)strlen(value));
    close(fd);
}

static void test_comm(void)
{
    char path[64];
    put("/proc/self/comm", "short", 0);
    slurp("/proc/self/comm");
    CHECK(strcmp(text, "short\n") == 0);
    put("/proc/self/comm", "a name of many letters", 0);
    slurp("/proc/self/comm");
    CHECK(strcmp(text, "a name of many \n") == 0);
    slurp("/proc/self/status");
    CHECK(strncmp(text, "Name:\ta name of many \n", 22) == 0);
    snprintf(path, sizeof(path), "/proc/%d/comm", getpid());
    pid_t pid = fork();
    if (pid == 0) {
        put(path, "other", EINVAL);
        _exit(0);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    printf("comm\n");
}

static void test_oom(void)
{
    put("/proc/self/oom_score_adj", "17\n", 0);
    slurp("/proc/self/oom_score_adj");
    CHECK(strcmp(text, "17\n") == 0);
    put("/proc/self/oom_score_adj", "1001", EINVAL);
    put("/proc/self/oom_score_adj", "x", EINVAL);
    pid_t pid = fork();
    if (pid == 0) {
        slurp("/proc/self/oom_score_adj");
        CHECK(strcmp(text, "17\n") == 0);
        put("/proc/self/oom_score_adj", "1000", 0);
        slurp("/proc/self/oom_score");
        CHECK(atoi(text) > 1300);
        _exit(0);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    slurp("/proc/self/oom_score_adj");
    CHECK(strcmp(text, "17\n") == 0);
    printf("oom\n");
}

int main(void)
{
    test_comm();
    test_oom();
    return 0;
}
