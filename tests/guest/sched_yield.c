/* SPDX-License-Identifier: Apache-2.0 */
/* Scheduling, as far as one notices. Calls: sched_yield sched_getaffinity getpriority setpriority
 */
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static void test_yield(void)
{
    int status;
    volatile int *turn =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 5; i++) {
            while (*turn != 2 * i + 1)
                sched_yield();
            *turn = 2 * i + 2;
        }
        _exit(0);
    }
    for (int i = 0; i < 5; i++) {
        *turn = 2 * i + 1;
        while (*turn != 2 * i + 2)
            CHECK(sched_yield() == 0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    printf("turns\n");
}

static void test_affinity(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CHECK(sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) >= 1);
    CHECK(sched_getaffinity(getpid(), sizeof(set), &set) == 0);
    long size = syscall(SYS_sched_getaffinity, 0, sizeof(set), &set);
    CHECK(size > 0 && size % 8 == 0);
    CHECK_ERRNO(syscall(SYS_sched_getaffinity, 0, 3, &set), EINVAL);
    CHECK_ERRNO(syscall(SYS_sched_getaffinity, 4000000, sizeof(set), &set), ESRCH);
    CHECK_ERRNO(syscall(SYS_sched_getaffinity, 0, sizeof(set), 8), EFAULT);
    printf("affinity\n");
}

static void test_priority(void)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        errno = 0;
        int before = getpriority(PRIO_PROCESS, 0);
        CHECK(errno == 0 && setpriority(PRIO_PROCESS, 0, before + 1) == 0);
        CHECK(getpriority(PRIO_PROCESS, getpid()) == before + 1);
        CHECK(syscall(SYS_getpriority, PRIO_PROCESS, 0) == 20 - (before + 1));
        CHECK(setpriority(PRIO_PROCESS, 0, 100) == 0 && getpriority(PRIO_PROCESS, 0) == 19);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK_ERRNO(getpriority(99, 0), EINVAL);
    CHECK_ERRNO(setpriority(PRIO_PROCESS, 4000000, 0), ESRCH);
    printf("priority\n");
}

int main(void)
{
    test_yield();
    test_affinity();
    test_priority();
    return 0;
}
