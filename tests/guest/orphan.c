/* SPDX-License-Identifier: Apache-2.0 */
/* A process whose parent ends gets another one. Calls: getppid exit_group */
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "check.h"

int main(void)
{
    int report[2], status;
    char byte;
    CHECK(pipe(report) == 0);
    pid_t middle = fork();
    if (middle == 0) {
        pid_t parent = getpid();
        if (fork() == 0) {
            while (getppid() == parent)
                sched_yield();
            CHECK(getppid() > 0 && getppid() != parent);
            CHECK(write(report[1], "o", 1) == 1);
            _exit(21);
        }
        _exit(20);
    }
    close(report[1]);
    CHECK(waitpid(middle, &status, 0) == middle && WEXITSTATUS(status) == 20);
    CHECK(read(report[0], &byte, 1) == 1 && byte == 'o');
    printf("a new parent\n");
    CHECK(read(report[0], &byte, 1) == 0); /* the orphan has ended */

    /* Children of a child that is killed go on, too. */
    CHECK(pipe(report) == 0);
    middle = fork();
    if (middle == 0) {
        pid_t parent = getpid();
        if (fork() == 0) {
            CHECK(write(report[1], "s", 1) == 1);
            while (getppid() == parent)
                sched_yield();
            CHECK(write(report[1], "e", 1) == 1);
            _exit(0);
        }
        for (;;)
            pause();
    }
    close(report[1]);
    CHECK(read(report[0], &byte, 1) == 1 && byte == 's');
    CHECK(kill(middle, SIGKILL) == 0 && waitpid(middle, &status, 0) == middle);
    CHECK(WIFSIGNALED(status) && read(report[0], &byte, 1) == 1 && byte == 'e');
    CHECK(read(report[0], &byte, 1) == 0);
    printf("of a killed one\n");
    return 0;
}
