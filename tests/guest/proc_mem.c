/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of a process as a file. Calls: openat pread64 pwrite64 lseek read fork mmap */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "check.h"

enum { PAGE = 4096, PAGES = 40 };

static char *memory, copy[PAGES * PAGE];

static void test_own(void)
{
    int fd = open("/proc/self/mem", O_RDWR);
    CHECK(fd >= 0);
    for (int i = 0; i < PAGES * PAGE; i++)
        memory[i] = (char)(i * 7 + i / PAGE);
    CHECK(pread(fd, copy, 100, (intptr_t)memory + 17) == 100 && !memcmp(copy, memory + 17, 100));
    CHECK(lseek(fd, (intptr_t)memory, SEEK_SET) == (intptr_t)memory);
    CHECK(read(fd, copy, sizeof(copy)) == (ssize_t)sizeof(copy));
    CHECK(memcmp(copy, memory, sizeof(copy)) == 0);
    CHECK(lseek(fd, 0, SEEK_CUR) == (intptr_t)memory + PAGES * PAGE);
    CHECK(pwrite(fd, "written", 7, (intptr_t)memory + PAGE - 3) == 7);
    CHECK(memcmp(memory + PAGE - 3, "written", 7) == 0);
    CHECK_ERRNO(pread(fd, copy, 8, 0), EIO);
    CHECK_ERRNO(pwrite(fd, "x", 1, 4096), EIO);
    CHECK(munmap(memory + (PAGES - 1) * PAGE, PAGE) == 0); /* what is there is read */
    CHECK(pread(fd, copy, 2 * PAGE, (intptr_t)memory + (PAGES - 2) * PAGE) == PAGE);
    CHECK_ERRNO(pread(fd, copy, 8, (intptr_t)memory + (PAGES - 1) * PAGE), EIO);
    CHECK(close(fd) == 0);
    printf("own\n");
}

static void test_child(void)
{
    char path[64], byte = 0;
    int ends[2], back[2], status;
    CHECK(pipe(ends) == 0 && pipe(back) == 0);
    strcpy(memory, "parent");
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[1]);
        strcpy(memory, "child");
        CHECK(write(back[1], "r", 1) == 1 && read(ends[0], &byte, 1) == 0);
        _exit(strcmp(memory, "changed") == 0 ? 0 : 1);
    }
    snprintf(path, sizeof(path), "/proc/%d/mem", pid);
    int fd = open(path, O_RDWR);
    CHECK(fd >= 0 && read(back[0], &byte, 1) == 1);
    CHECK(pread(fd, copy, 6, (intptr_t)memory) == 6 && strcmp(copy, "child") == 0);
    CHECK(pwrite(fd, "changed", 8, (intptr_t)memory) == 8 && strcmp(memory, "parent") == 0);
    close(ends[1]);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(pread(fd, copy, 6, (intptr_t)memory) == 0); /* gone */
    CHECK(pwrite(fd, "x", 1, (intptr_t)memory) == 0);
    CHECK(close(fd) == 0);
    printf("child\n");
}

static void test_pagemap(void)
{
    uint64_t words[2];
    int fd = open("/proc/self/pagemap", O_RDONLY);
    CHECK(fd >= 0 && pread(fd, words, 16, (intptr_t)memory / PAGE * 8) == 16);
    CHECK((words[0] & ((UINT64_C(1) << 55) - 1)) == 0 || geteuid() == 0); /* no frame is told */
    CHECK_ERRNO(pread(fd, words, 8, 4), EINVAL);
    CHECK(close(fd) == 0);
    fd = open("/proc/self/clear_refs", O_WRONLY);
    CHECK(fd >= 0 && write(fd, "1", 1) == 1);
    CHECK_ERRNO(write(fd, "9", 1), EINVAL);
    CHECK_ERRNO(open("/proc/self/clear_refs", O_CREAT | O_EXCL, 0), EEXIST);
    CHECK(close(fd) == 0);
    printf("pagemap\n");
}

int main(void)
{
    memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    test_own();
    test_child();
    test_pagemap();
    return 0;
}
