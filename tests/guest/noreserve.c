/* SPDX-License-Identifier: Apache-2.0 */
/* Address space by the terabyte, of which little is used. Calls: mmap mprotect munmap madvise */
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "check.h"

enum { PAGE = 4096, RW = PROT_READ | PROT_WRITE };
enum { RESERVE = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE };

static const size_t MB = 1 << 20, GB = 1 << 30, TB = (size_t)1 << 40;

static void use(char *memory, size_t size)
{
    CHECK(memory[0] == 0 && memory[size - 1] == 0);
    memset(memory, 'u', 3 * PAGE);
    memory[size - 1] = 'e';
}

static void check_used(const char *memory, size_t size)
{
    CHECK(memory[0] == 'u' && memory[3 * PAGE - 1] == 'u' && memory[3 * PAGE] == 0);
    CHECK(memory[size - 1] == 'e');
}

/* As V8, Go and Java: reserve without access, then open pieces. */
static void test_pieces(void)
{
    char *cage = mmap(NULL, 8 * TB, PROT_NONE, RESERVE, -1, 0);
    int status;

    CHECK(cage != MAP_FAILED);
    for (int i = 0; i < 20; i++) {
        char *piece = cage + (size_t)i * 300 * GB + (size_t)i * PAGE;

        CHECK(mprotect(piece, (size_t)(i + 1) * MB, RW) == 0);
        use(piece, (size_t)(i + 1) * MB);
    }
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 20; i++) {
            char *piece = cage + (size_t)i * 300 * GB + (size_t)i * PAGE;

            check_used(piece, (size_t)(i + 1) * MB);
            piece[MB / 2] = 'c';
        }
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    for (int i = 0; i < 20; i++) {
        char *piece = cage + (size_t)i * 300 * GB + (size_t)i * PAGE;

        check_used(piece, (size_t)(i + 1) * MB);
        CHECK(piece[MB / 2] == 0);
        CHECK(mmap(piece, (size_t)(i + 1) * MB, PROT_NONE, RESERVE | MAP_FIXED, -1, 0) == piece);
        CHECK(mprotect(piece, MB, RW) == 0);
        use(piece, MB);
    }
    /* A hole in the middle, and a map there again. */
    CHECK(munmap(cage + TB, 2 * TB) == 0);
    CHECK(mmap(cage + 2 * TB, MB, RW, RESERVE | MAP_FIXED_NOREPLACE, -1, 0) == cage + 2 * TB);
    use(cage + 2 * TB, MB);
    CHECK_ERRNO(
        mmap(cage + 2 * TB, PAGE, RW, RESERVE | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED ? -1 : 0,
        EEXIST);
    CHECK(munmap(cage, 8 * TB) == 0);
    printf("pieces\n");
}

/* As the shadows of sanitizers: all of it may be used. */
static void test_shadow(void)
{
    char *shadow = mmap(NULL, 4 * TB, RW, RESERVE, -1, 0);

    CHECK(shadow != MAP_FAILED);
    for (size_t i = 0; i < 30; i++)
        use(shadow + i * 130 * GB, PAGE * 64);
    for (size_t i = 0; i < 30; i++)
        check_used(shadow + i * 130 * GB, PAGE * 64);
    CHECK(madvise(shadow, 4 * TB, MADV_DONTDUMP) == 0);
    CHECK(madvise(shadow + 130 * GB, 260 * GB, MADV_DONTNEED) == 0);
    CHECK(shadow[130 * GB] == 0 && shadow[260 * GB] == 0 && shadow[390 * GB] == 'u');
    CHECK(mprotect(shadow + TB, TB, PROT_NONE) == 0 && mprotect(shadow + TB, TB, RW) == 0);
    CHECK(shadow[8 * 130 * GB] == 'u');
    CHECK(munmap(shadow, 4 * TB) == 0);
    printf("a shadow\n");
}

static void test_too_large(void)
{
    CHECK_ERRNO(mmap(NULL, 200 * TB, PROT_NONE, RESERVE, -1, 0) == MAP_FAILED ? -1 : 0, ENOMEM);
    CHECK_ERRNO(mmap(NULL, (size_t)-PAGE, RW, RESERVE, -1, 0) == MAP_FAILED ? -1 : 0, ENOMEM);
    CHECK_ERRNO(mmap(NULL, 0, RW, RESERVE, -1, 0) == MAP_FAILED ? -1 : 0, EINVAL);
    printf("too large\n");
}

int main(void)
{
    test_pieces();
    test_shadow();
    test_too_large();
    return 0;
}
