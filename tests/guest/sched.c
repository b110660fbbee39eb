/* SPDX-License-Identifier: Apache-2.0 */
/* Policies of threads: set, asked, inherited, refused. Calls: sched_setscheduler sched_getscheduler
 * sched_setparam sched_getparam sched_setattr sched_getattr sched_get_priority_max
 * sched_get_priority_min sched_rr_get_interval */
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

struct attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t clamps[2], more[4];
};

static int get(int pid, struct attr *attr, unsigned size)
{
    return (int)syscall(SYS_sched_getattr, pid, attr, size, 0);
}

static int set(int pid, struct attr *attr)
{
    return (int)syscall(SYS_sched_setattr, pid, attr, 0);
}

static void test_policies(void)
{
    struct sched_param param = {0};
    static const int policies[] = {SCHED_BATCH, SCHED_IDLE, SCHED_OTHER, SCHED_FIFO, SCHED_RR};
    CHECK(sched_getscheduler(0) == SCHED_OTHER);
    for (int i = 0; i < 5; i++) {
        int max = sched_get_priority_max(policies[i]), min = sched_get_priority_min(policies[i]);
        CHECK(min == (i > 2) && max == (i > 2 ? 99 : 0));
        param.sched_priority = max;
        CHECK(sched_setscheduler(0, policies[i], &param) == 0);
        CHECK(sched_getscheduler(getpid()) == policies[i]);
        param.sched_priority = -1;
        CHECK(sched_getparam(0, &param) == 0 && param.sched_priority == max);
    }
    struct timespec interval;
    CHECK(sched_rr_get_interval(0, &interval) == 0 && interval.tv_sec == 0);
    CHECK(interval.tv_nsec > 0);
    param.sched_priority = 5;
    CHECK(sched_setparam(0, &param) == 0 && sched_getscheduler(0) == SCHED_RR);
    CHECK(sched_getparam(0, &param) == 0 && param.sched_priority == 5);
    param.sched_priority = 0;
    CHECK_ERRNO(sched_setparam(0, &param), EINVAL);
    CHECK_ERRNO(sched_setscheduler(0, SCHED_FIFO, &param), EINVAL);
    param.sched_priority = 100;
    CHECK_ERRNO(sched_setscheduler(0, SCHED_FIFO, &param), EINVAL);
    param.sched_priority = 1;
    CHECK_ERRNO(sched_setscheduler(0, SCHED_OTHER, &param), EINVAL);
    CHECK_ERRNO(sched_setscheduler(0, 4, &param), EINVAL);
    CHECK_ERRNO(sched_setscheduler(0, -1, &param), EINVAL);
    CHECK_ERRNO(sched_setscheduler(-1, SCHED_FIFO, &param), EINVAL);
    CHECK_ERRNO(sched_setscheduler(0, SCHED_FIFO, NULL), EINVAL);
    CHECK_ERRNO(sched_setscheduler(0, SCHED_FIFO, (void *)8), EFAULT);
    CHECK_ERRNO(sched_setscheduler(4000000, SCHED_FIFO, &param), ESRCH);
    CHECK_ERRNO(sched_getscheduler(4000000), ESRCH);
    CHECK_ERRNO(sched_getscheduler(-5), EINVAL);
    CHECK_ERRNO(sched_getparam(0, NULL), EINVAL);
    CHECK_ERRNO(sched_get_priority_max(77), EINVAL);
    CHECK_ERRNO(sched_get_priority_min(-1), EINVAL);
    printf("policies\n");
}

static void test_attributes(void)
{
    struct attr attr = {.size = 48, .policy = SCHED_OTHER, .nice = 7}, got;
    CHECK(set(0, &attr) == 0);
    memset(&got, 0xff, sizeof(got));
    CHECK(get(0, &got, 48) == 0 && got.size == 48 && got.policy == SCHED_OTHER && got.nice == 7);
    CHECK(got.clamps[0] == UINT32_MAX && getpriority(PRIO_PROCESS, 0) == 7);
    CHECK(get(0, &got, sizeof(got)) == 0 && got.size == 56);
    attr = (struct attr){.size = 48, .policy = SCHED_FIFO, .priority = 3, .flags = 1};
    CHECK(set(0, &attr) == 0 && get(0, &got, 56) == 0);
    CHECK(got.policy == SCHED_FIFO && got.priority == 3 && got.flags == 1);
    CHECK(sched_getscheduler(0) == (SCHED_FIFO | SCHED_RESET_ON_FORK));
    attr.more[1] = 1;
    attr.size = sizeof(attr);
    CHECK_ERRNO(set(0, &attr), E2BIG);
    CHECK(attr.size == 56);
    attr.size = 47;
    CHECK_ERRNO(set(0, &attr), E2BIG);
    attr = (struct attr){.size = 48, .policy = 77};
    CHECK_ERRNO(set(0, &attr), EINVAL);
    attr = (struct attr){.size = 48, .flags = 0x100};
    CHECK_ERRNO(set(0, &attr), EINVAL);
    CHECK_ERRNO(get(0, &got, 47), EINVAL);
    CHECK_ERRNO(get(4000000, &got, 48), ESRCH);
    CHECK_ERRNO(get(0, NULL, 48), EINVAL);
    CHECK_ERRNO(syscall(SYS_sched_getattr, 0, &got, 48, 1), EINVAL);
    printf("attributes\n");
}

static void test_unprivileged(void)
{
    struct sched_param param = {.sched_priority = 1};
    struct attr attr = {.size = 48, .policy = SCHED_OTHER, .nice = 3};
    CHECK(set(0, &attr) == 0 && setuid(1000) == 0);
    CHECK_ERRNO(sched_setscheduler(0, SCHED_FIFO, &param), EPERM);
    param.sched_priority = 0;
    CHECK_ERRNO(sched_setscheduler(getppid(), SCHED_BATCH, &param), EPERM);
    CHECK(sched_setscheduler(0, SCHED_BATCH, &param) == 0);
    attr.nice = 2;
    CHECK_ERRNO(set(0, &attr), EPERM);
    CHECK(sched_setscheduler(0, SCHED_IDLE, &param) == 0);
    CHECK_ERRNO(sched_setscheduler(0, SCHED_OTHER, &param), EPERM);
    CHECK(sched_setscheduler(0, SCHED_IDLE | SCHED_RESET_ON_FORK, &param) == 0);
    CHECK_ERRNO(sched_setscheduler(0, SCHED_IDLE, &param), EPERM);
    CHECK(sched_getscheduler(getppid()) == (SCHED_FIFO | SCHED_RESET_ON_FORK));
    _exit(0);
}

int main(void)
{
    int status;
    test_policies();
    test_attributes();
    pid_t pid = fork();
    if (pid == 0) { /* the policy was reset */
        CHECK(sched_getscheduler(0) == SCHED_OTHER && getpriority(PRIO_PROCESS, 0) == 0);
        test_unprivileged();
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    printf("a child without rights\n");
    return 0;
}
