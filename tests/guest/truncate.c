/* SPDX-License-Identifier: Apache-2.0 */
/* Changing a file's size. Calls: truncate ftruncate fallocate */
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "check.h"

static off_t size_of(const char *name)
{
    struct stat st;
    CHECK(stat(name, &st) == 0);
    return st.st_size;
}

static void test_shrink_and_grow(int fd)
{
    char buffer[16];
    CHECK(write(fd, "0123456789", 10) == 10);
    CHECK(syscall(SYS_truncate, "file", 4) == 0 && size_of("file") == 4);
    CHECK(ftruncate(fd, 12) == 0 && size_of("file") == 12);
    CHECK(pread(fd, buffer, 16, 0) == 12 && memcmp(buffer, "0123\0\0\0\0\0\0\0\0", 12) == 0);
    CHECK(lseek(fd, 0, SEEK_CUR) == 10); /* positions stay */
    CHECK(ftruncate(fd, 1000000) == 0 && pread(fd, buffer, 1, 999999) == 1 && buffer[0] == 0);
    CHECK(ftruncate(fd, 0) == 0 && size_of("file") == 0);
    printf("shrink and grow\n");
}

static void test_mapped(int fd)
{
    CHECK(ftruncate(fd, 4096) == 0 && pwrite(fd, "tail", 4, 100) == 4);
    char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(map != MAP_FAILED && memcmp(map + 100, "tail", 4) == 0);
    CHECK(ftruncate(fd, 50) == 0 && ftruncate(fd, 4096) == 0);
    CHECK(map[100] == 0); /* what was cut off does not come back */
    map[200] = 'm';
    char byte;
    CHECK(pread(fd, &byte, 1, 200) == 1 && byte == 'm');
    CHECK(munmap(map, 4096) == 0);
    printf("mapped\n");
}

static void test_fallocate(int fd)
{
    CHECK(ftruncate(fd, 0) == 0);
    CHECK(fallocate(fd, 0, 0, 8192) == 0 && size_of("file") == 8192);
    CHECK(fallocate(fd, 0, 0, 100) == 0 && size_of("file") == 8192);
    CHECK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 8192, 8192) == 0 && size_of("file") == 8192);
    CHECK_ERRNO(fallocate(fd, 0, -1, 10), EINVAL);
    CHECK_ERRNO(fallocate(fd, 0, 0, 0), EINVAL);
    CHECK_ERRNO(fallocate(-1, 0, 0, 10), EBADF);
    printf("fallocate\n");
}

static void test_errors(int fd)
{
    int ends[2];
    CHECK_ERRNO(truncate("file", -1), EINVAL);
    CHECK_ERRNO(ftruncate(fd, -1), EINVAL);
    CHECK_ERRNO(truncate("none", 0), ENOENT);
    CHECK_ERRNO(truncate(".", 0), EISDIR);
    CHECK_ERRNO(truncate("file/x", 0), ENOTDIR);
    CHECK_ERRNO(ftruncate(-1, 0), EBADF);
    int readonly = open("file", O_RDONLY);
    CHECK_ERRNO(ftruncate(readonly, 0), EINVAL);
    CHECK_ERRNO(fallocate(readonly, 0, 0, 10), EBADF);
    CHECK(pipe(ends) == 0);
    CHECK_ERRNO(ftruncate(ends[1], 0), EINVAL);
    printf("errors\n");
}

int main(void)
{
    int fd = open("file", O_RDWR | O_CREAT, 0600);
    CHECK(fd >= 0);
    test_shrink_and_grow(fd);
    test_mapped(fd);
    test_fallocate(fd);
    test_errors(fd);
    return 0;
}
