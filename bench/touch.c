/* SPDX-License-Identifier: Apache-2.0 */
/* Fills MEGABYTES of memory with what does not compress to nothing, says "ready", and then prints a
 * tick every 10 ms, each after reading some of that memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { PAGE = 4096 };

/* Half of a page is noise, half is not: about what programs have. */
static void fill(char *page, unsigned long seed)
{
    unsigned long *words = (unsigned long *)page;
    memset(page, (int)seed, PAGE);
    for (int i = 0; i < PAGE / 16; i++) {
        seed = seed * 6364136223846793005UL + 1442695040888963407UL;
        words[i] = seed;
    }
}

int main(int argc, char **argv)
{
    size_t size = (size_t)(argc > 1 ? atol(argv[1]) : 1024) << 20;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return 1;
    for (size_t at = 0; at < size; at += PAGE)
        fill(memory + at, at + 1);
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("ready\n");
    for (unsigned long tick = 1;; tick++) {
        struct timespec pause = {0, 10000000};
        size_t at = tick * 7919 * PAGE % size;
        if (memory[at + PAGE - 1] != (char)(at + 1))
            return 1;
        printf("tick %lu\n", tick);
        nanosleep(&pause, NULL);
    }
}
