/* SPDX-License-Identifier: Apache-2.0 */
/* Holds a file of the host open, twice, and mapped; the driver deletes it there. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "check.h"

int main(int argc, char **argv)
{
    struct stat a, b;
    char byte, text[8];
    CHECK(argc == 2);
    int first = open(argv[1], O_RDWR), second = open(argv[1], O_RDONLY);
    CHECK(first >= 0 && second >= 0 && fstat(first, &a) == 0);
    char *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, second, 0);
    CHECK(map != MAP_FAILED && memcmp(map, "content", 7) == 0 && lseek(second, 3, SEEK_SET) == 3);
    printf("ready\n");
    CHECK(read(0, &byte, 1) == 1); /* deleted, checkpointed and restored here */
    CHECK(access(argv[1], F_OK) == -1 && errno == ENOENT);
    CHECK(fstat(first, &b) == 0 && fstat(second, &a) == 0 && a.st_ino == b.st_ino);
    CHECK(b.st_nlink == 0 && b.st_size == a.st_size);
    CHECK(pread(first, text, 7, 0) == 7 && memcmp(text, "content", 7) == 0);
    CHECK(read(second, text, 4) == 4 && memcmp(text, "tent", 4) == 0);
    CHECK(memcmp(map, "content", 7) == 0);
    CHECK(pwrite(first, "CON", 3, 0) == 3 && pread(second, text, 7, 0) == 7);
    CHECK(memcmp(text, "CONtent", 7) == 0); /* one object for both */
    printf("%lld bytes, still there\n", (long long)b.st_size);
    return 0;
}
