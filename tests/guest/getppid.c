/* SPDX-License-Identifier: Apache-2.0 */
/* Who one is. Calls: getpid getppid gettid set_tid_address getpgrp */
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

int main(void)
{
    int status;
    pid_t self = getpid();
    CHECK(self > 0 && syscall(SYS_getpid) == self && syscall(SYS_gettid) == self);
    CHECK(syscall(SYS_getppid) == getppid() && getppid() != self);
    for (int i = 0; i < 20; i++)
        CHECK(getppid() == getppid());
    printf("the same each time\n");

    pid_t pid = fork();
    if (pid == 0) {
        CHECK(getppid() == self && getpid() == syscall(SYS_gettid));
        pid_t inner = fork();
        if (inner == 0) {
            CHECK(getppid() != self && getppid() > 0);
            _exit(0);
        }
        CHECK(waitpid(inner, &status, 0) == inner && status == 0);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    printf("parents and children\n");

    /* The word is cleared when the process ends, if others share the memory. */
    int *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *word = 1;
    CHECK(syscall(SYS_set_tid_address, word) == self);
    CHECK(*word == 1);
    pid = fork();
    if (pid == 0)
        _exit(0);
    CHECK(waitpid(pid, &status, 0) == pid && *word == 1); /* a fork does not take it along */
    printf("set_tid_address\n");
    return 0;
}
