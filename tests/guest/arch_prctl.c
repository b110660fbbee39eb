/* SPDX-License-Identifier: Apache-2.0 */
/* Segment bases. Calls: arch_prctl */
#include <asm/prctl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static __thread int own = 5;

static long get(int what)
{
    long value = 0;
    CHECK(syscall(SYS_arch_prctl, what, &value) == 0);
    return value;
}

static long read_gs(void)
{
    long value;
    __asm__ volatile("mov %%gs:8, %0" : "=r"(value));
    return value;
}

int main(void)
{
    static long block[2] = {11, 22}, other[2] = {33, 44};
    int status;
    CHECK(get(ARCH_GET_FS) != 0 && *(long *)get(ARCH_GET_FS) == get(ARCH_GET_FS) && own == 5);
    printf("FS holds the thread pointer\n");

    CHECK(syscall(SYS_arch_prctl, ARCH_SET_GS, block) == 0);
    CHECK(get(ARCH_GET_GS) == (long)block && read_gs() == 22);
    sched_yield();
    CHECK(read_gs() == 22);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(read_gs() == 22 && own == 5);
        CHECK(syscall(SYS_arch_prctl, ARCH_SET_GS, other) == 0 && read_gs() == 44);
        own = 6;
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(read_gs() == 22 && own == 5);
    printf("GS is kept, and a child's own\n");

    /* For a moment without thread pointer: no library function may be called. */
    long saved = get(ARCH_GET_FS), result, value;
    __asm__ volatile("syscall\n mov %%fs:8, %1\n"
                     "mov %5, %%rsi\n mov $158, %%eax\n syscall\n"
                     : "=&a"(result), "=&r"(value)
                     : "0"(158L), "D"((long)ARCH_SET_FS), "S"(other), "r"(saved)
                     : "rcx", "r11", "memory");
    CHECK(result == 0 && value == 44 && get(ARCH_GET_FS) == saved);
    printf("FS is set and set back\n");

    CHECK_ERRNO(syscall(SYS_arch_prctl, 0x9999, block), EINVAL);
    CHECK_ERRNO(syscall(SYS_arch_prctl, ARCH_SET_GS, 0x800000000000), EPERM);
    CHECK_ERRNO(syscall(SYS_arch_prctl, ARCH_SET_FS, -4096L), EPERM);
    CHECK_ERRNO(syscall(SYS_arch_prctl, ARCH_GET_GS, 8), EFAULT);
    CHECK(read_gs() == 22);
    return 0;
}
