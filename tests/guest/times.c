/* SPDX-License-Identifier: Apache-2.0 */
/* CPU time of a process and its children. Calls: times getrusage */
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

static long cpu_us(int who)
{
    struct rusage usage;
    CHECK(getrusage(who, &usage) == 0);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
}

static void burn(long us)
{
    long start = cpu_us(RUSAGE_SELF);
    while (cpu_us(RUSAGE_SELF) - start < us) {
        for (volatile int i = 0; i < 20000000; i++)
            ;
    }
}

int main(void)
{
    struct tms before, after;
    struct timespec pause = {0, 50000000};
    clock_t start = times(&before), end;
    CHECK(start != (clock_t)-1 && before.tms_cutime == 0 && cpu_us(RUSAGE_CHILDREN) == 0);
    nanosleep(&pause, NULL);
    end = times(&after);
    CHECK(end - start >= 4 && after.tms_utime >= before.tms_utime);
    CHECK(times(NULL) >= end);
    printf("real time\n");

    burn(30000);
    CHECK(times(&after) != (clock_t)-1);
    CHECK(after.tms_utime + after.tms_stime >= before.tms_utime + before.tms_stime + 2);
    printf("own time\n");

    pid_t pid = fork();
    if (pid == 0) {
        CHECK(cpu_us(RUSAGE_SELF) < 20000000);
        burn(30000);
        _exit(0);
    }
    CHECK(waitpid(pid, NULL, 0) == pid);
    CHECK(cpu_us(RUSAGE_CHILDREN) >= 30000 && times(&after) != (clock_t)-1);
    CHECK(after.tms_cutime + after.tms_cstime >= 2);
    printf("children's time\n");
    CHECK_ERRNO(syscall(SYS_times, 8), EFAULT);
    return 0;
}
