/* SPDX-License-Identifier: Apache-2.0 */
/* Fills memory of all kinds; for each byte of input looks at some of it and writes there; at the
 * end looks at all of it. A child shares one part and has its own copy of another. */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "check.h"

enum { PAGE = 4096, WORDS = PAGE / 8, PAGES = 6000, PARTS = 3 };

static uint64_t *parts[PARTS]; /* private, shared, a file in memory */
static uint8_t rounds[PARTS][PAGES];

/* Half of the words hardly shrink, so that a page is some work for who loads it. */
static uint64_t pattern(unsigned part, unsigned page, unsigned word)
{
    uint64_t value = (uint64_t)part << 40 | (uint64_t)page << 12 | word;

    return word % 2 ? value * 0x9e3779b97f4a7c15u : value;
}

static uint64_t *page_at(unsigned part, unsigned page)
{
    return parts[part] + (size_t)page * WORDS;
}

static void expect_page(unsigned part, unsigned page)
{
    const uint64_t *words = page_at(part, page);

    CHECK(words[0] == pattern(part, page, 0) + rounds[part][page]);
    for (unsigned i = 1; i < WORDS; i++)
        CHECK(words[i] == pattern(part, page, i));
}

static void make_parts(void)
{
    int fd = open("large", O_RDWR | O_CREAT, 0600);

    CHECK(fd >= 0 && ftruncate(fd, (off_t)PAGES * PAGE) == 0);
    for (int i = 0; i < PARTS; i++) {
        parts[i] = mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE,
                        i == 0   ? MAP_PRIVATE | MAP_ANONYMOUS
                        : i == 1 ? MAP_SHARED | MAP_ANONYMOUS
                                 : MAP_SHARED,
                        i == 2 ? fd : -1, 0);
        CHECK(parts[i] != MAP_FAILED);
        for (unsigned page = 0; page < PAGES; page++)
            for (unsigned word = 0; word < WORDS; word++)
                page_at((unsigned)i, page)[word] = pattern((unsigned)i, page, word);
    }
}

static void look(unsigned start)
{
    for (unsigned page = start % 97; page < PAGES; page += 97)
        for (unsigned part = 0; part < PARTS; part++) {
            expect_page(part, page);
            page_at(part, page)[0]++;
            rounds[part][page]++;
        }
}

int main(void)
{
    int go[2], status;
    unsigned count = 0;
    char byte;

    make_parts();
    CHECK(pipe(go) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(close(go[1]) == 0 && read(go[0], &byte, 1) == 0);
        for (unsigned page = 0; page < PAGES; page++)
            expect_page(0, page);
        memset(parts[0], 'c', (size_t)PAGES * PAGE);
        _exit(0);
    }
    printf("ready\n");
    for (; read(0, &byte, 1) == 1; count++) {
        look(count * 31);
        printf("round %u\n", count);
    }
    CHECK(close(go[1]) == 0 && waitpid(pid, &status, 0) == pid && status == 0);
    for (unsigned part = 0; part < PARTS; part++)
        for (unsigned page = 0; page < PAGES; page++)
            expect_page(part, page);
    CHECK(munmap(parts[1], (size_t)PAGES * PAGE) == 0);
    printf("all is there\n");
    return 0;
}
