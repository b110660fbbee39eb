/* SPDX-License-Identifier: Apache-2.0 */
/* Maps change and processes fork while other threads store: no store is lost, none leaks into a
 * child. Calls: mmap mprotect mremap munmap madvise fork */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "check.h"

enum { PAGE = 4096, RW = PROT_READ | PROT_WRITE, PRIVATE = MAP_PRIVATE | MAP_ANONYMOUS };
enum { PAGES = 96, WRITERS = 2, FORKS = 8, CHANGES = 20 };

static char *arena; /* all writers count here, a word a page */
static atomic_int is_over;
static long stores[WRITERS];

static atomic_long *word(char *pages, int page)
{
    return (atomic_long *)(pages + (size_t)page * PAGE + 8 * (page % 500));
}

static void *write_all(void *argument)
{
    long *count = argument;

    while (!atomic_load(&is_over))
        for (int i = 0; i < PAGES; i++, ++*count)
            atomic_fetch_add(word(arena, (i * 37) % PAGES), 1);
    return NULL;
}

static long sum(void)
{
    long total = 0;

    for (int i = 0; i < PAGES; i++)
        total += atomic_load(word(arena, i));
    return total;
}

/* A child's copy stands still but for what it stores itself. */
static void check_copy(void)
{
    long before = sum();

    for (int round = 0; round < 20; round++)
        CHECK(sum() == before);
    for (int i = 0; i < PAGES; i += 3)
        atomic_fetch_add(word(arena, i), 1);
    CHECK(sum() == before + (PAGES + 2) / 3);
    _exit(0);
}

static void *fork_some(void *argument)
{
    (void)argument;
    for (int i = 0; i < FORKS; i++) {
        int status;
        pid_t pid = fork();

        CHECK(pid >= 0);
        if (pid == 0)
            check_copy();
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    }
    return NULL;
}

static void check_fill(const char *memory, size_t size, char fill)
{
    for (size_t i = 0; i < size; i += 61)
        CHECK(memory[i] == fill);
}

/* Maps, moves, protects and forgets memory of its own. */
static void *change_maps(void *argument)
{
    char fill = *(const char *)argument;

    for (int i = 0; i < CHANGES; i++) {
        size_t size = (size_t)(10 + i) * PAGE;
        char *memory = mmap(NULL, size, RW, PRIVATE, -1, 0);

        CHECK(memory != MAP_FAILED);
        check_fill(memory, size, 0);
        memset(memory, fill, size);
        memory = mremap(memory, size, 2 * size, MREMAP_MAYMOVE);
        CHECK(memory != MAP_FAILED);
        check_fill(memory, size, fill);
        check_fill(memory + size, size, 0);
        CHECK(mprotect(memory + PAGE, size, PROT_READ) == 0);
        check_fill(memory, size, fill);
        CHECK(mprotect(memory, size, RW) == 0);
        memset(memory, fill + 1, size);
        CHECK(madvise(memory + PAGE, 3 * PAGE, MADV_DONTNEED) == 0);
        check_fill(memory + PAGE, 3 * PAGE, 0);
        check_fill(memory + 4 * PAGE, size - 4 * PAGE, (char)(fill + 1));
        CHECK(munmap(memory, 2 * size) == 0);
    }
    return NULL;
}

/* The arena itself changes: what it says stays. */
static void *protect_arena(void *argument)
{
    (void)argument;
    for (int i = 0; i < CHANGES; i++) {
        CHECK(mprotect(arena + (size_t)i * PAGE, 8 * PAGE, RW | PROT_EXEC) == 0);
        CHECK(mprotect(arena, PAGES * PAGE, RW) == 0);
    }
    return NULL;
}

int main(void)
{
    pthread_t writers[WRITERS], others[4];
    long total = 0;

    arena = mmap(NULL, PAGES * PAGE, RW, PRIVATE, -1, 0);
    CHECK(arena != MAP_FAILED);
    for (int i = 0; i < WRITERS; i++)
        CHECK(pthread_create(&writers[i], NULL, write_all, &stores[i]) == 0);
    CHECK(pthread_create(&others[0], NULL, fork_some, NULL) == 0);
    CHECK(pthread_create(&others[1], NULL, change_maps, "a") == 0);
    CHECK(pthread_create(&others[2], NULL, change_maps, "m") == 0);
    CHECK(pthread_create(&others[3], NULL, protect_arena, NULL) == 0);
    for (int i = 0; i < 4; i++)
        CHECK(pthread_join(others[i], NULL) == 0);
    atomic_store(&is_over, 1);
    for (int i = 0; i < WRITERS; i++) {
        CHECK(pthread_join(writers[i], NULL) == 0);
        total += stores[i];
    }
    CHECK(sum() == total && total > 0);
    printf("no store was lost\n");
    return 0;
}
