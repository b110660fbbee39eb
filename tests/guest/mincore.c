/* SPDX-License-Identifier: Apache-2.0 */
/* Which pages are there. Calls: mincore madvise mmap */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "check.h"

enum { PAGE = 4096, PAGES = 40, RW = PROT_READ | PROT_WRITE };

static void show(const char *what, char *memory)
{
    unsigned char resident[PAGES];
    char text[PAGES + 1] = "";

    CHECK(mincore(memory, PAGES * PAGE, resident) == 0);
    for (int i = 0; i < PAGES; i++)
        text[i] = resident[i] & 1 ? '1' : '.';
    printf("%-10s %s\n", what, text);
}

static long resident_kb(void)
{
    char line[256];
    long size = -1;
    FILE *status = fopen("/proc/self/status", "r");

    CHECK(status);
    while (fgets(line, sizeof line, status))
        (void)sscanf(line, "VmRSS: %ld kB", &size);
    fclose(status);
    return size;
}

int main(void)
{
    char *memory = mmap(NULL, PAGES * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = memfd_create("pages", 0);

    show("nothing", memory);
    memory[3 * PAGE] = memory[17 * PAGE] = memory[39 * PAGE] = 1;
    show("written", memory);
    CHECK(madvise(memory + 17 * PAGE, 20 * PAGE, MADV_DONTNEED) == 0);
    show("forgotten", memory);
    CHECK(madvise(memory, 6 * PAGE, MADV_POPULATE_WRITE) == 0);
    for (int i = 0; i < 6; i++) /* a page of zeros may be forgotten by a checkpoint */
        memory[i * PAGE] = 'p';
    show("populated", memory);

    CHECK(ftruncate(fd, PAGES * PAGE) == 0 && pwrite(fd, "x", 1, 30 * PAGE) == 1);
    char *shared = mmap(NULL, PAGES * PAGE, RW, MAP_SHARED, fd, 0);
    shared[PAGE] = 's';
    show("shared", shared);
    CHECK(madvise(shared, PAGES * PAGE, MADV_DONTNEED) == 0);
    show("still", shared);
    CHECK(munmap(memory + 10 * PAGE, PAGE) == 0);
    unsigned char resident[PAGES];
    CHECK_ERRNO(mincore(memory, PAGES * PAGE, resident), ENOMEM);
    CHECK(mincore(memory, 10 * PAGE, resident) == 0);

    const size_t size = 8 << 20;
    long before = resident_kb();
    char *large = mmap(NULL, 4 * size, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(madvise(large, 4 * size, MADV_NOHUGEPAGE) == 0);
    CHECK(resident_kb() < before + 4096);
    memset(large, 1, size);
    CHECK(resident_kb() >= before + 8192 - 64); /* pages of zeros that a checkpoint forgot */
    CHECK(resident_kb() < before + 16384);
    CHECK(munmap(large, 4 * size) == 0 && resident_kb() < before + 4096);
    printf("the sum\n");
    return 0;
}
