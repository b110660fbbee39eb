/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of /proc/PID/stat and statm: how many there are and what is certain of them.
 * Calls: openat read fork wait4 pipe2 */
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

#include "check.h"

enum { FIELDS = 52 };

static char text[4096];
static char state;
static long long field[FIELDS + 1]; /* by the numbers of proc(5); 2 and 3 are no numbers */

static size_t slurp(const char *path)
{
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0);
    ssize_t size = read(fd, text, sizeof(text) - 1);
    CHECK(size >= 0 && read(fd, text, 0) == 0 && close(fd) == 0);
    text[size] = 0;
    return (size_t)size;
}

static void parse(void)
{
    char *at = strrchr(text, ')');
    int used = 0, nr = 4;
    CHECK(sscanf(text, "%lld (", &field[1]) == 1 && at != NULL);
    CHECK(sscanf(at, ") %c%n", &state, &used) == 1);
    for (at += used; nr <= FIELDS; nr++, at += used)
        CHECK(sscanf(at, " %lld%n", &field[nr], &used) == 1);
    CHECK(strcmp(at, "\n") == 0);
}

static void test_self(void)
{
    slurp("/proc/self/stat");
    parse();
    CHECK(state == 'R' && field[1] == getpid() && field[4] == getppid());
    CHECK(field[5] == getpgrp() && field[6] == getsid(0));
    CHECK(field[18] == 20 + field[19] && field[20] == 1 && field[21] == 0);
    CHECK(field[23] >= 4096 && field[23] % 4096 == 0 && field[24] > 0);
    CHECK(field[38] == SIGCHLD && field[35] >= 0);
    CHECK(field[28] != 0 && field[48] != 0 && field[48] < field[49] && field[50] < field[51]);
    CHECK(field[49] <= field[50] && field[47] != 0);
    long long vsize = field[23];
    CHECK(slurp("/proc/self/statm") > 0);
    long long size, resident, shared, code, library, data, dirty;
    CHECK(sscanf(text, "%lld %lld %lld %lld %lld %lld %lld", &size, &resident, &shared, &code,
                 &library, &data, &dirty) == 7);
    CHECK(size * 4096 == vsize && resident <= size && shared <= resident);
    CHECK(library == 0 && dirty == 0 && code > 0 && data > 0);
    printf("self\n");
}

static void test_zombie(void)
{
    char path[64], byte;
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(3);
    close(ends[1]);
    CHECK(read(ends[0], &byte, 1) == 0); /* the child has closed its end */
    siginfo_t info;
    CHECK(waitid(P_PID, pid, &info, WEXITED | WNOWAIT) == 0);
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    slurp(path);
    parse();
    CHECK(state == 'Z' && field[1] == pid && field[4] == getpid());
    CHECK(field[23] == 0 && field[24] == 0 && field[52] == 3 << 8);
    snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
    CHECK(slurp(path) == 0);
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    slurp(path);
    CHECK(strstr(text, "State:\tZ (zombie)\n") != NULL && strstr(text, "VmSize") == NULL);
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY);
    CHECK(waitpid(pid, NULL, 0) == pid);
    CHECK_ERRNO(read(fd, text, sizeof(text)), ESRCH);
    CHECK_ERRNO(open(path, O_RDONLY), ENOENT);
    printf("zombie\n");
}

static void test_pieces(void)
{
    char whole[4096], part[8];
    int fd = open("/proc/self/limits", O_RDONLY);
    ssize_t size = read(fd, whole, sizeof(whole)), done = 0;
    CHECK(size > 1000 && pread(fd, part, 5, 0) == 5 && memcmp(part, "Limit", 5) == 0);
    CHECK(read(fd, part, 8) == 0 && lseek(fd, 0, SEEK_SET) == 0);
    while (done < 64) {
        CHECK(read(fd, part, 7) == 7 && memcmp(part, whole + done, 7) == 0);
        done += 7;
    }
    CHECK(lseek(fd, 100, SEEK_SET) == 100 && read(fd, part, 8) == 8);
    CHECK(memcmp(part, whole + 100, 8) == 0);
    CHECK(pread(fd, part, 8, size - 3) == 3 && pread(fd, part, 8, size + 10) == 0);
    CHECK(lseek(fd, 0, SEEK_CUR) == 108);
    printf("pieces\n");
}

int main(void)
{
    test_self();
    test_zombie();
    test_pieces();
    return 0;
}
