/* SPDX-License-Identifier: Apache-2.0 */
/* Exit codes, and what ends with a process. Calls: exit exit_group */
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static void test_codes(void)
{
    int codes[] = {0, 1, 127, 128, 255, 256, 259, -1}, status;
    for (int i = 0; i < 8; i++) {
        pid_t pid = fork();
        if (pid == 0)
            syscall(i % 2 ? SYS_exit : SYS_exit_group, codes[i]);
        CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
        printf("%d gives %d\n", codes[i], WEXITSTATUS(status));
    }
}

static void bye(void)
{
    write(1, "at exit\n", 8);
}

static void test_atexit(void)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        atexit(bye);
        exit(5);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 5);
}

/* Descriptors are closed when the process ends, before its parent hears of it. */
static void test_closes(void)
{
    int ends[2], copy[2];
    char byte;
    CHECK(pipe(ends) == 0 && pipe(copy) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(read(copy[0], &byte, 1) == 1);
        _exit(0);
    }
    close(ends[1]);
    CHECK(write(copy[1], "x", 1) == 1);
    CHECK(waitpid(pid, NULL, 0) == pid && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    CHECK(read(ends[0], &byte, 1) == 0);
    printf("descriptors are closed\n");
}

int main(void)
{
    test_codes();
    test_atexit();
    test_closes();
    return 0;
}
