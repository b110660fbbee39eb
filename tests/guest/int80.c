/* SPDX-License-Identifier: Apache-2.0 */
/* The 32-bit entry: the host may have it or not, a sandbox answers ENOSYS; it goes on in any case.
 * Calls: getpid */
#include <signal.h>
#include <sys/wait.h>

#include "check.h"

static int call_32(int nr)
{
    int result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(nr), "b"(0), "c"(0), "d"(0) : "memory");
    return result;
}

int main(void)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        int result = call_32(20); /* getpid of the 32-bit table */
        _exit(result == -ENOSYS || result == getpid() ? 0 : 1);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV));
    printf("went on\n");
    return 0;
}
