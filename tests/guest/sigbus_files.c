/* SPDX-License-Identifier: Apache-2.0 */
/* A mapped file that shrinks and grows: what is past the end is SIGBUS for the program and EFAULT
 * for its calls; write and maps agree. Calls: mmap ftruncate pwrite64 pread64 write */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "check.h"

enum { PAGE = 4096, PAGES = 40, RW = PROT_READ | PROT_WRITE };

static sigjmp_buf back;

static void on_bus(int signal)
{
    (void)signal;
    siglongjmp(back, 1);
}

static int is_bus(volatile char *at)
{
    if (sigsetjmp(back, 1))
        return 1;
    *at = *at;
    return 0;
}

static void fill(int fd, char byte)
{
    static char pages[PAGES * PAGE];

    memset(pages, byte, sizeof pages);
    CHECK(pwrite(fd, pages, sizeof pages, 0) == sizeof pages);
}

static void test_shared(const char *what, int fd)
{
    int pipes[2];
    char byte;
    char *map = mmap(NULL, PAGES * PAGE, RW, MAP_SHARED, fd, 0);

    CHECK(map != MAP_FAILED && pipe(pipes) == 0);
    fill(fd, 'a');
    CHECK(map[0] == 'a' && map[39 * PAGE] == 'a');
    map[20 * PAGE + 10] = 'x';
    CHECK(pread(fd, &byte, 1, 20 * PAGE + 10) == 1 && byte == 'x');
    CHECK(ftruncate(fd, 20 * PAGE + 5) == 0);
    CHECK(!is_bus(map + 20 * PAGE + 10) && map[20 * PAGE + 10] == 0 && map[20 * PAGE + 4] == 'a');
    CHECK(is_bus(map + 21 * PAGE) && is_bus(map + 39 * PAGE));
    CHECK_ERRNO(write(pipes[1], map + 21 * PAGE, 1), EFAULT);
    CHECK_ERRNO(pread(fd, map + 30 * PAGE, 1, 0), EFAULT);

    CHECK(ftruncate(fd, PAGES * PAGE) == 0);
    CHECK(!is_bus(map + 21 * PAGE) && map[21 * PAGE] == 0);
    map[39 * PAGE] = 'z';
    CHECK(pread(fd, &byte, 1, 39 * PAGE) == 1 && byte == 'z');
    CHECK(ftruncate(fd, 0) == 0 && is_bus(map));
    CHECK(pwrite(fd, "new", 3, 5) == 3 && !is_bus(map) && strcmp(map + 5, "new") == 0);
    CHECK(munmap(map, PAGES * PAGE) == 0 && close(pipes[0]) == 0 && close(pipes[1]) == 0);
    printf("%s, shared\n", what);
}

static void test_private(const char *what, int fd)
{
    char *map = mmap(NULL, PAGES * PAGE, RW, MAP_PRIVATE, fd, 0);
    int status;

    CHECK(map != MAP_FAILED);
    fill(fd, 'a');
    CHECK(map[5 * PAGE] == 'a');
    map[5 * PAGE] = 'o'; /* an own copy of this page, which truncating takes, too */
    CHECK(pwrite(fd, "b", 1, 30 * PAGE) == 1 && map[30 * PAGE] == 'b');
    CHECK(ftruncate(fd, 10 * PAGE) == 0 && is_bus(map + 10 * PAGE) && map[5 * PAGE] == 'o');
    CHECK(ftruncate(fd, 3 * PAGE) == 0 && is_bus(map + 5 * PAGE) && !is_bus(map + 2 * PAGE));
    CHECK(ftruncate(fd, PAGES * PAGE) == 0 && map[5 * PAGE] == 0);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(ftruncate(fd, PAGE) == 0 && is_bus(map + PAGE));
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(is_bus(map + PAGE) && !is_bus(map) && munmap(map, PAGES * PAGE) == 0);
    printf("%s, private\n", what);
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_bus};

    CHECK(sigaction(SIGBUS, &action, NULL) == 0);
    int memory = memfd_create("memory", 0), file = open("file", O_RDWR | O_CREAT, 0600);
    CHECK(memory >= 0 && file >= 0);
    CHECK(ftruncate(memory, PAGES * PAGE) == 0 && ftruncate(file, PAGES * PAGE) == 0);
    test_shared("memory", memory);
    test_shared("a file", file);
    test_private("memory", memory);
    test_private("a file", file);
    return 0;
}
