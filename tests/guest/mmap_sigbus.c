/* SPDX-License-Identifier: Apache-2.0 */
/* Behind the end of a mapped file there is a SIGBUS. Calls: mmap ftruncate */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "check.h"

enum { PAGE = 4096 };

static sigjmp_buf back;
static char *volatile fault_address;
static volatile int fault_code, fault_signal;
static volatile char sink;

static void on_fault(int sig, siginfo_t *info, void *context)
{
    (void)context;
    fault_signal = sig;
    fault_address = info->si_addr;
    fault_code = info->si_code;
    siglongjmp(back, 1);
}

static void read_faults(char *address)
{
    if (sigsetjmp(back, 1) == 0) {
        sink = *(volatile char *)address;
        CHECK(0);
    }
    CHECK(fault_signal == SIGBUS && fault_address == address && fault_code == BUS_ADRERR);
}

static void write_faults(char *address)
{
    if (sigsetjmp(back, 1) == 0) {
        *(volatile char *)address = 1;
        CHECK(0);
    }
    CHECK(fault_signal == SIGBUS && fault_address == address && fault_code == BUS_ADRERR);
}

static void test_map(int flags)
{
    char byte;
    int ends[2];
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(ftruncate(fd, PAGE + 10) == 0 && pwrite(fd, "ab", 2, PAGE) == 2);
    char *map = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);
    CHECK(map != MAP_FAILED && map[PAGE] == 'a' && map[PAGE + 11] == 0);
    read_faults(map + 2 * PAGE);
    write_faults(map + 3 * PAGE + 7);

    CHECK(pipe(ends) == 0);
    CHECK_ERRNO(write(ends[1], map + 2 * PAGE, 1), EFAULT); /* a call says EFAULT instead */
    CHECK(write(ends[1], "x", 1) == 1);
    CHECK_ERRNO(read(ends[0], map + 2 * PAGE, 1), EFAULT);
    CHECK(read(ends[0], &byte, 1) == 1);
    close(ends[0]);
    close(ends[1]);

    CHECK(ftruncate(fd, 3 * PAGE) == 0 && map[2 * PAGE] == 0); /* grown: now it is there */
    read_faults(map + 3 * PAGE);
    map[0] = 'm';
    CHECK(ftruncate(fd, 0) == 0);
    read_faults(map); /* shrunk: gone, written or not */
    read_faults(map + 2 * PAGE);
    CHECK(munmap(map, 4 * PAGE) == 0 && close(fd) == 0);
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGBUS, &action, NULL) == 0 && sigaction(SIGSEGV, &action, NULL) == 0);
    test_map(MAP_SHARED);
    printf("shared\n");
    test_map(MAP_PRIVATE);
    printf("private\n");
    return 0;
}
