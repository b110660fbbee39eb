/* SPDX-License-Identifier: Apache-2.0 */
/* The CPUs a thread may run on. Calls: sched_setaffinity sched_getaffinity getcpu fork execve */
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static char text[8192];

static const char *status_line(const char *name)
{
    int fd = open("/proc/self/status", O_RDONLY);
    ssize_t size = read(fd, text, sizeof(text) - 1);
    CHECK(size > 0 && close(fd) == 0);
    text[size] = 0;
    char *at = strstr(text, name);
    CHECK(at != NULL);
    at += strlen(name);
    at[strcspn(at, "\n")] = 0;
    return at;
}

static void test_one(void)
{
    cpu_set_t all, set;
    unsigned cpu = 99, node = 99;
    char line[32];
    CHECK(sched_getaffinity(0, sizeof(all), &all) == 0 && CPU_COUNT(&all) > 0);
    for (int nr = 0; nr < 64; nr++) {
        if (!CPU_ISSET(nr, &all))
            continue;
        CPU_ZERO(&set);
        CPU_SET(nr, &set);
        CHECK(sched_setaffinity(0, sizeof(set), &set) == 0);
        CPU_ZERO(&set);
        CHECK(sched_getaffinity(getpid(), sizeof(set), &set) == 0);
        CHECK(CPU_COUNT(&set) == 1 && CPU_ISSET(nr, &set));
        CHECK(getcpu(&cpu, &node) == 0 && cpu == (unsigned)nr);
        CHECK(syscall(SYS_getcpu, &cpu, NULL, NULL) == 0 && cpu == (unsigned)nr);
        snprintf(line, sizeof(line), "%d", nr);
        CHECK(strcmp(status_line("Cpus_allowed_list:\t"), line) == 0);
        if (nr > 1)
            break;
    }
    int status;
    pid_t pid = fork();
    if (pid == 0) { /* inherited */
        cpu_set_t own;
        CHECK(sched_getaffinity(0, sizeof(own), &own) == 0 && CPU_EQUAL(&own, &set));
        CHECK(sched_setaffinity(0, sizeof(all), &all) == 0);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(sched_getaffinity(0, sizeof(all), &all) == 0 && CPU_COUNT(&all) == 1);
    printf("one CPU\n");
}

static void test_errors(void)
{
    cpu_set_t set;
    unsigned long none = 0, word = ~0UL;
    CPU_ZERO(&set);
    CHECK_ERRNO(sched_setaffinity(0, sizeof(set), &set), EINVAL);
    CHECK_ERRNO(syscall(SYS_sched_setaffinity, 0, 0, &word), EINVAL);
    CHECK_ERRNO(syscall(SYS_sched_setaffinity, 0, 8, &none), EINVAL);
    CHECK_ERRNO(syscall(SYS_sched_setaffinity, 0, 8, 8L), EFAULT);
    CHECK_ERRNO(syscall(SYS_sched_setaffinity, 4000000, 8, &word), ESRCH);
    CHECK(syscall(SYS_sched_setaffinity, 0, 8, &word) == 0);
    CHECK_ERRNO(syscall(SYS_sched_getaffinity, 0, 7, &word), EINVAL);
    CHECK_ERRNO(syscall(SYS_sched_getaffinity, 0, 0, &word), EINVAL);
    CHECK_ERRNO(syscall(SYS_sched_getaffinity, 0, 8, 8L), EFAULT);
    CHECK_ERRNO(syscall(SYS_sched_getaffinity, 4000000, 8, &word), ESRCH);
    CHECK_ERRNO(syscall(SYS_getcpu, 8L, NULL, NULL), EFAULT);
    long size = syscall(SYS_sched_getaffinity, 0, sizeof(set), &set);
    CHECK(size >= 8 && size % 8 == 0);
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(setuid(1000) == 0);
        CHECK_ERRNO(syscall(SYS_sched_setaffinity, getppid(), 8, &word), EPERM);
        CHECK(syscall(SYS_sched_setaffinity, 0, 8, &word) == 0);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    printf("errors\n");
}

int main(void)
{
    test_one();
    test_errors();
    return 0;
}
