/* SPDX-License-Identifier: Apache-2.0 */
/* Memory shared between processes, without a file and with one. Calls: mmap msync */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "check.h"

enum { PAGE = 4096, PAGES = 40, RW = PROT_READ | PROT_WRITE };

static int to_child[2], to_parent[2];

static void tell(int *ends)
{
    CHECK(write(ends[1], "x", 1) == 1);
}

static void hear(int *ends)
{
    char byte;
    CHECK(read(ends[0], &byte, 1) == 1);
}

/* Both write in turn, and each sees the other's bytes. */
static void exchange(char *shared)
{
    int status;
    shared[0] = 'p';
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(shared[0] == 'p');
        for (int i = 0; i < PAGES; i += 2)
            shared[i * PAGE + 1] = (char)i;
        tell(to_parent);
        hear(to_child);
        for (int i = 1; i < PAGES; i += 2)
            CHECK(shared[i * PAGE + 2] == i + 1);
        _exit(0);
    }
    hear(to_parent);
    for (int i = 0; i < PAGES; i += 2)
        CHECK(shared[i * PAGE + 1] == i);
    for (int i = 1; i < PAGES; i += 2)
        shared[i * PAGE + 2] = (char)(i + 1);
    tell(to_child);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void test_file(void)
{
    char byte;
    int fd = open("file", O_RDWR | O_CREAT, 0600);
    CHECK(ftruncate(fd, PAGES * PAGE) == 0);
    char *shared = mmap(NULL, PAGES * PAGE, RW, MAP_SHARED, fd, 0);
    CHECK(shared != MAP_FAILED);
    exchange(shared);
    CHECK(pread(fd, &byte, 1, 2 * PAGE + 1) == 1 && byte == 2); /* and in the file */
    CHECK(pwrite(fd, "w", 1, 7) == 1 && shared[7] == 'w');
    char *second = mmap(NULL, PAGE, RW, MAP_SHARED, fd, PAGE);
    second[9] = 's';
    CHECK(shared[PAGE + 9] == 's');
    char *private = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
    shared[100] = 'n';
    CHECK(private[100] == 'n'); /* not written yet, so it follows */
    private[101] = 'q';
    CHECK(shared[101] == 0);
    CHECK(msync(shared, PAGES * PAGE, MS_SYNC) == 0 && msync(shared, PAGE, MS_ASYNC) == 0);
    CHECK_ERRNO(msync(shared + 1, PAGE, MS_SYNC), EINVAL);
    CHECK_ERRNO(msync(shared, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
    CHECK(close(fd) == 0 && unlink("file") == 0 && shared[7] == 'w');
    printf("a file\n");
}

/* Grandchildren share it too, also after the one who made it let go. */
static void test_inherited(void)
{
    int status;
    char *shared = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid = fork();
    if (pid == 0) {
        pid_t inner = fork();
        if (inner == 0) {
            hear(to_child);
            shared[0] = 'g';
            _exit(0);
        }
        CHECK(waitpid(inner, &status, 0) == inner && status == 0 && shared[0] == 'g');
        _exit(0);
    }
    CHECK(munmap(shared, PAGE) == 0);
    tell(to_child);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    printf("inherited\n");
}

int main(void)
{
    CHECK(pipe(to_child) == 0 && pipe(to_parent) == 0);
    char *shared = mmap(NULL, PAGES * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED && shared[12345] == 0);
    exchange(shared);
    printf("no file\n");
    test_file();
    test_inherited();
    return 0;
}
