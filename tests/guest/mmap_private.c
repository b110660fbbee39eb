/* SPDX-License-Identifier: Apache-2.0 */
/* Private maps of a file: writes stay here. Calls: mmap mprotect */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "check.h"

enum { PAGE = 4096, RW = PROT_READ | PROT_WRITE };

static int fd;

static void test_write(void)
{
    char byte;
    char *map = mmap(NULL, 3 * PAGE, RW, MAP_PRIVATE, fd, 0);
    char *other = mmap(NULL, 3 * PAGE, RW, MAP_PRIVATE, fd, 0);
    CHECK(map != MAP_FAILED && map[0] == 'a' && map[PAGE] == 'b' && map[2 * PAGE] == 'c');
    map[10] = 'X';
    CHECK(map[10] == 'X' && map[11] == 'a' && other[10] == 'a');
    CHECK(pread(fd, &byte, 1, 10) == 1 && byte == 'a');
    CHECK(pwrite(fd, "N", 1, 11) == 1 && map[11] == 'a'); /* the page is ours by now */
    CHECK(munmap(map, 3 * PAGE) == 0 && munmap(other, 3 * PAGE) == 0);
    CHECK(pwrite(fd, "a", 1, 11) == 1);
    printf("written\n");
}

static void test_end(void)
{
    CHECK(ftruncate(fd, 2 * PAGE + 100) == 0);
    char *map = mmap(NULL, 3 * PAGE, RW, MAP_PRIVATE, fd, 0);
    CHECK(map[2 * PAGE + 99] == 'c' && map[2 * PAGE + 100] == 0 && map[3 * PAGE - 1] == 0);
    map[3 * PAGE - 1] = 'z';
    CHECK(map[3 * PAGE - 1] == 'z' && munmap(map, 3 * PAGE) == 0);
    map = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 2 * PAGE);
    CHECK(map[0] == 'c' && map[100] == 0 && munmap(map, PAGE) == 0);
    printf("the end of the file\n");
}

static void test_fork(void)
{
    int status;
    char *map = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, 0);
    map[0] = '1';
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(map[0] == '1' && map[1] == 'a' && map[PAGE] == 'b');
        map[1] = '2';
        map[PAGE] = '3';
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(map[0] == '1' && map[1] == 'a' && map[PAGE] == 'b' && munmap(map, 2 * PAGE) == 0);
    printf("fork\n");
}

/* A map outlives the descriptor, and the name. */
static void test_closed(void)
{
    int file = open("other", O_RDWR | O_CREAT, 0600);
    CHECK(write(file, "other", 5) == 5);
    char *map = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 0);
    CHECK(close(file) == 0 && unlink("other") == 0 && memcmp(map, "other", 5) == 0);
    CHECK(mprotect(map, PAGE, RW) == 0); /* a private map may be made writable */
    map[0] = 'O';
    CHECK(memcmp(map, "Other", 5) == 0 && munmap(map, PAGE) == 0);
    printf("closed\n");
}

/* This very program, from where it is. */
static void test_program(const char *path)
{
    int file = open(path, O_RDONLY);
    char *map = mmap(NULL, PAGE, RW, MAP_PRIVATE, file, 0);
    CHECK(map != MAP_FAILED && memcmp(map, "\177ELF", 4) == 0);
    map[1] = 'e';
    char bytes[4];
    CHECK(pread(file, bytes, 4, 0) == 4 && memcmp(bytes, "\177ELF", 4) == 0);
    CHECK(munmap(map, PAGE) == 0 && close(file) == 0);
    printf("the program's file\n");
}

int main(int argc, char **argv)
{
    char page[PAGE];
    (void)argc;
    fd = open("file", O_RDWR | O_CREAT, 0600);
    for (int i = 0; i < 3; i++) {
        memset(page, 'a' + i, PAGE);
        CHECK(write(fd, page, PAGE) == PAGE);
    }
    test_write();
    test_end();
    test_fork();
    test_closed();
    test_program(argv[0]);
    return 0;
}
