/* SPDX-License-Identifier: Apache-2.0 */
/* Many maps in /proc: read in small pieces, and smaps and its sum next to them. Calls: openat read
 * pread64 mmap mprotect */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "check.h"

enum { MAPS = 60, PAGE = 4096 };

static char text[1 << 18], again[1 << 18];

static size_t slurp(const char *path, char *to, size_t part)
{
    size_t size = 0;
    ssize_t got;
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0);
    while ((got = read(fd, to + size, part)) > 0) {
        size += (size_t)got;
        CHECK(size + part < sizeof(text));
    }
    CHECK(got == 0 && close(fd) == 0);
    to[size] = 0;
    return size;
}

static int lines_of(const char *from)
{
    int count = 0;
    for (; *from != 0; from++)
        count += *from == '\n';
    return count;
}

static char *make_maps(void)
{
    char *start =
        mmap(NULL, 2 * MAPS * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(start != MAP_FAILED);
    for (int i = 0; i < MAPS; i++)
        CHECK(mprotect(start + 2 * i * PAGE, PAGE, PROT_READ) == 0);
    return start;
}

/* Lines are in order, whole, and do not overlap. */
static void test_maps(const char *start)
{
    unsigned long from, to, last = 0, offset, inode;
    char prot[5];
    int seen = 0, major, minor;
    slurp("/proc/self/maps", text, 65536);
    for (char *line = text; *line != 0; line = strchr(line, '\n') + 1) {
        CHECK(sscanf(line, "%lx-%lx %4s %lx %x:%x %lu ", &from, &to, prot, &offset, &major, &minor,
                     &inode) == 7);
        CHECK(from >= last && to > from && strlen(prot) == 4);
        last = to;
        seen += from >= (unsigned long)start && to <= (unsigned long)start + 2 * MAPS * PAGE;
    }
    CHECK(seen == 2 * MAPS);
    CHECK(strstr(text, "[stack]\n") && strstr(text, "[vdso]\n") && strstr(text, "proc_maps\n"));
    printf("maps\n");
}

static void test_pieces(void)
{
    size_t size = slurp("/proc/self/maps", text, 65536);
    CHECK(slurp("/proc/self/maps", again, 199) == size && strcmp(text, again) == 0);
    int fd = open("/proc/self/maps", O_RDONLY);
    CHECK(pread(fd, again, 64, 0) == 64 && memcmp(again, text, 64) == 0);
    CHECK(read(fd, again, 100) == 100 && memcmp(again, text, 100) == 0);
    CHECK(pread(fd, again, 30, (off_t)size - 10) == 10);
    CHECK(memcmp(again, text + size - 10, 10) == 0 && pread(fd, again, 1, (off_t)size) == 0);
    CHECK(close(fd) == 0);
    printf("pieces\n");
}

/* The number in the next line called so. */
static long value(char **at, const char *name)
{
    char start[32];
    snprintf(start, sizeof(start), "\n%s:", name);
    *at = strstr(*at, start);
    CHECK(*at != NULL);
    *at += strlen(start);
    return atol(*at);
}

static void test_smaps(char *start)
{
    char line[64];
    memset(start + PAGE, 1, PAGE);
    CHECK(mlock(start + PAGE, PAGE) == 0);
    slurp("/proc/self/smaps", text, 65536);
    snprintf(line, sizeof(line), "%lx-", (long)start + PAGE);
    char *at = strstr(text, line);
    CHECK(at != NULL);
    CHECK(value(&at, "Size") == 4 && value(&at, "KernelPageSize") == 4);
    CHECK(value(&at, "MMUPageSize") == 4 && value(&at, "Rss") == 4 && value(&at, "Pss") == 4);
    CHECK(value(&at, "Shared_Clean") == 0 && value(&at, "Shared_Dirty") == 0);
    CHECK(value(&at, "Private_Clean") == 0 && value(&at, "Private_Dirty") == 4);
    CHECK(value(&at, "Referenced") == 4 && value(&at, "Anonymous") == 4);
    CHECK(value(&at, "AnonHugePages") == 0 && value(&at, "Swap") == 0);
    CHECK(value(&at, "SwapPss") == 0 && value(&at, "Locked") == 4);
    CHECK((at = strstr(at, "\nVmFlags: rd wr ")) != NULL && strstr(at, " lo ") != NULL);
    slurp("/proc/self/maps", again, 65536);
    int count = 0;
    for (at = text; (at = strstr(at, "\nSize: ")) != NULL; at++)
        count++;
    CHECK(count == lines_of(again) || count + 1 == lines_of(again)); /* vsyscall has none */
    printf("smaps\n");
}

static void test_rollup(void)
{
    slurp("/proc/self/smaps_rollup", text, 65536);
    CHECK(strstr(text, " ---p 00000000 00:00 0 ") && strstr(text, "[rollup]\n"));
    char *at = text;
    long rss = value(&at, "Rss");
    CHECK(rss > 0 && value(&at, "Pss") <= rss && value(&at, "Pss_Anon") > 0);
    CHECK(value(&at, "Locked") == 4 && strstr(text, "VmFlags") == NULL);
    slurp("/proc/self/status", text, 65536);
    at = text;
    CHECK(value(&at, "VmLck") == 4);
    printf("rollup\n");
}

int main(void)
{
    char *start = make_maps();
    test_maps(start);
    test_pieces();
    test_smaps(start);
    test_rollup();
    return 0;
}
