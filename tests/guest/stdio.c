/* SPDX-License-Identifier: Apache-2.0 */
/* The three descriptors that every program starts with. Calls: read write fstat */
#include <fcntl.h>
#include <sys/stat.h>

#include "check.h"

int main(void)
{
    char byte;
    struct stat st;
    for (int fd = 0; fd < 3; fd++)
        CHECK(fstat(fd, &st) == 0 && fcntl(fd, F_GETFD) == 0);
    CHECK_ERRNO(fcntl(3, F_GETFD), EBADF);
    CHECK(read(0, &byte, 1) == 0); /* the runner gives us /dev/null */
    CHECK(write(1, "one ", 4) == 4 && write(1, "line\n", 5) == 5);
    CHECK(write(2, "on stderr\n", 10) == 10);
    int copy = dup(1);
    CHECK(copy == 3 && close(1) == 0 && write(copy, "by a copy\n", 10) == 10);
    CHECK_ERRNO(write(1, "x", 1), EBADF);
    CHECK(open("/dev/null", O_WRONLY) == 1 && write(1, "lost", 4) == 4);
    CHECK(dup2(copy, 1) == 1);
    printf("and back\n");
    return 0;
}
