/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the nanoseconds of one getppid, the median of several rounds of COUNT calls. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 9 };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    long count = argc > 1 ? atol(argv[1]) : 10000;
    double spans[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        double start = now();
        for (long i = 0; i < count; i++)
            syscall(SYS_getppid);
        spans[round] = (now() - start) / (double)count;
    }
    qsort(spans, ROUNDS, sizeof(spans[0]), compare);
    printf("%.0f\n", spans[ROUNDS / 2]);
    return 0;
}
