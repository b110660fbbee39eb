/* SPDX-License-Identifier: Apache-2.0 */
/* What a process, its threads and its children have used. Calls: getrusage wait4 times */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

enum { MEMORY = 32 << 20 };

static long us(const struct rusage *usage)
{
    return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000 + usage->ru_utime.tv_usec +
           usage->ru_stime.tv_usec;
}

static struct rusage usage_of(int who)
{
    struct rusage usage;
    CHECK(getrusage(who, &usage) == 0);
    return usage;
}

static void compute(void)
{
    struct rusage start = usage_of(RUSAGE_THREAD), now;
    do {
        for (volatile int i = 0; i < 5000000; i++)
            ;
        now = usage_of(RUSAGE_THREAD);
    } while (us(&now) - us(&start) < 20000);
}

static void *thread(void *argument)
{
    (void)argument;
    struct rusage start = usage_of(RUSAGE_THREAD);
    CHECK(us(&start) < 1000000);
    compute();
    return NULL;
}

int main(void)
{
    struct timespec pause = {0, 1000000};
    struct rusage before = usage_of(RUSAGE_SELF), after, children = usage_of(RUSAGE_CHILDREN);
    pthread_t other;
    CHECK(us(&children) == 0 && before.ru_maxrss > 0);
    compute();
    after = usage_of(RUSAGE_SELF);
    CHECK(us(&after) - us(&before) >= 19000);
    nanosleep(&pause, NULL);
    CHECK(usage_of(RUSAGE_THREAD).ru_nvcsw > 0);
    printf("own time and sleeps\n");

    before = usage_of(RUSAGE_SELF);
    CHECK(pthread_create(&other, NULL, thread, NULL) == 0 && pthread_join(other, NULL) == 0);
    after = usage_of(RUSAGE_SELF);
    CHECK(us(&after) - us(&before) >= 19000);
    printf("a thread's, after its end\n");

    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        char *memory =
            mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(memory != MAP_FAILED);
        for (int i = 0; i < MEMORY; i += 4096)
            memory[i] = 1;
        compute();
        _exit(0);
    }
    CHECK(wait4(child, NULL, 0, &after) == child);
    children = usage_of(RUSAGE_CHILDREN);
    CHECK(us(&after) >= 19000 && us(&children) == us(&after));
    CHECK(after.ru_maxrss >= MEMORY >> 10 && children.ru_maxrss == after.ru_maxrss);
    printf("a child's\n");
    CHECK_ERRNO(syscall(SYS_getrusage, 5, &after), EINVAL);
    CHECK_ERRNO(syscall(SYS_getrusage, RUSAGE_SELF, 8), EFAULT);
    return 0;
}
