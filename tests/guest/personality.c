/* SPDX-License-Identifier: Apache-2.0 */
/* The execution domain: set, asked, inherited. Calls: personality fork execve openat */
#include <fcntl.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/wait.h>

#include "check.h"

enum { QUERY = -1 };

static void test_proc(const char *value)
{
    char text[16];
    int fd = open("/proc/self/personality", O_RDONLY);
    CHECK(fd >= 0 && read(fd, text, sizeof(text)) == 9 && close(fd) == 0);
    CHECK(memcmp(text, value, 9) == 0);
}

int main(int argc, char **argv)
{
    int status;
    if (argc > 1) { /* after exec: all but that what is read may be executed */
        CHECK(personality(QUERY) == ADDR_NO_RANDOMIZE);
        test_proc("00040000\n");
        return 0;
    }
    CHECK(personality(QUERY) == 0);
    test_proc("00000000\n");
    CHECK(personality(ADDR_NO_RANDOMIZE) == 0);
    CHECK(personality(QUERY) == ADDR_NO_RANDOMIZE);
    test_proc("00040000\n");
    CHECK(personality(ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC) == ADDR_NO_RANDOMIZE);
    printf("set\n");
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(personality(QUERY) == (ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC));
        execl("/proc/self/exe", argv[0], "again", NULL);
        _exit(1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(personality(PER_LINUX) == (ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC));
    CHECK(personality(QUERY) == PER_LINUX);
    printf("inherited\n");
    return 0;
}
