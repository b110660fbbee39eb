/* SPDX-License-Identifier: Apache-2.0 */
/* Protection, and what a handler is told when it is violated. Calls: mprotect */
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "check.h"

enum { PAGE = 4096, RW = PROT_READ | PROT_WRITE };

static char *volatile repair;
static char *volatile fault_address;
static volatile int fault_code, faults;
static sigjmp_buf back;

static void on_fault(int sig, siginfo_t *info, void *context)
{
    (void)context;
    CHECK(sig == SIGSEGV);
    fault_address = info->si_addr;
    fault_code = info->si_code;
    faults++;
    if (repair == NULL)
        siglongjmp(back, 1);
    CHECK(mprotect(repair, PAGE, RW) == 0); /* and the access is made again */
    repair = NULL;
}

#define FAULT(access, address, code)                                                               \
    do {                                                                                           \
        fault_address = NULL;                                                                      \
        if (sigsetjmp(back, 1) == 0) {                                                             \
            access;                                                                                \
            CHECK(0);                                                                              \
        }                                                                                          \
        CHECK(fault_address == (char *)(address) && fault_code == (code));                         \
    } while (0)

static volatile char sink;

static void test_faults(char *area)
{
    CHECK(mprotect(area + PAGE, PAGE, PROT_READ) == 0);
    sink = area[PAGE + 5];
    FAULT(area[PAGE + 5] = 1, area + PAGE + 5, SEGV_ACCERR);
    CHECK(mprotect(area + PAGE, PAGE, PROT_NONE) == 0);
    FAULT(sink = area[PAGE + 77], area + PAGE + 77, SEGV_ACCERR);
    CHECK(munmap(area + PAGE, PAGE) == 0);
    FAULT(sink = area[PAGE], area + PAGE, SEGV_MAPERR);
    FAULT(area[PAGE] = 1, area + PAGE, SEGV_MAPERR);
    FAULT(*(volatile char *)16 = 1, 16, SEGV_MAPERR);
    CHECK(area[PAGE - 1] == 'p' && area[2 * PAGE] == 'p');
    printf("faults\n");
}

static void test_repair(char *area)
{
    faults = 0;
    CHECK(mprotect(area, PAGE, PROT_READ) == 0);
    repair = area;
    area[17] = 'r';
    CHECK(faults == 1 && area[17] == 'r' && area[18] == 'p');
    CHECK(mprotect(area, PAGE, PROT_NONE) == 0);
    repair = area;
    CHECK(area[17] == 'r' && faults == 2 && fault_address == area + 17);
    printf("repaired\n");
}

static void test_execute(void)
{
    static const unsigned char answer[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* return 42 */
    char *code = mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int (*function)(void) = (int (*)(void))code;
    memcpy(code, answer, sizeof(answer));
    FAULT(function(), code, SEGV_ACCERR);
    CHECK(mprotect(code, PAGE, PROT_READ | PROT_EXEC) == 0 && function() == 42);
    FAULT(code[1] = 43, code + 1, SEGV_ACCERR);
    CHECK(mprotect(code, PAGE, RW) == 0);
    code[1] = 43;
    CHECK(mprotect(code, PAGE, PROT_READ | PROT_EXEC) == 0 && function() == 43);
    FAULT(((int (*)(void))0x123000)(), 0x123000, SEGV_MAPERR);
    printf("execute\n");
}

static void test_errors(char *area)
{
    CHECK_ERRNO(mprotect(area + 1, PAGE, RW), EINVAL);
    CHECK_ERRNO(mprotect(area, PAGE, 0x1000), EINVAL);
    CHECK(mprotect(area, 0, PROT_NONE) == 0 && area[0] == 'p');
    CHECK(munmap(area + PAGE, PAGE) == 0);
    CHECK_ERRNO(mprotect(area, 3 * PAGE, RW), ENOMEM); /* there is a hole */
    CHECK_ERRNO(mprotect((void *)0xffff800000000000, PAGE, RW), ENOMEM);
    printf("errors\n");
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
    char *area = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(area, 'p', 4 * PAGE);
    test_faults(area);
    test_repair(area);
    test_execute();
    test_errors(area);
    return 0;
}
