/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the nanoseconds from a fork to the end of /bin/true that the child executed: the median of
 * COUNT. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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
    int count = argc > 1 ? atoi(argv[1]) : 50;
    double *spans = calloc((size_t)count, sizeof(*spans));
    if (spans == NULL || count < 1)
        return 1;
    for (int i = 0; i < count; i++) {
        int status;
        double start = now();
        pid_t pid = fork();
        if (pid == 0) {
            execl("/bin/true", "true", (char *)NULL);
            _exit(1);
        }
        if (waitpid(pid, &status, 0) != pid || status != 0)
            return 1;
        spans[i] = now() - start;
    }
    qsort(spans, (size_t)count, sizeof(*spans), compare);
    printf("%.0f\n", spans[count / 2]);
    return 0;
}
