/* SPDX-License-Identifier: Apache-2.0 */
/* Positions, holes and their errors. Calls: lseek */
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "check.h"

static void test_whence(int fd)
{
    CHECK(lseek(fd, 0, SEEK_CUR) == 10);
    CHECK(lseek(fd, -4, SEEK_CUR) == 6);
    CHECK(lseek(fd, -1, SEEK_END) == 9);
    CHECK(lseek(fd, 5, SEEK_END) == 15);
    CHECK(lseek(fd, 2, SEEK_SET) == 2);
    CHECK_ERRNO(lseek(fd, -3, SEEK_CUR), EINVAL);
    CHECK_ERRNO(lseek(fd, -1, SEEK_SET), EINVAL);
    CHECK_ERRNO(lseek(fd, -11, SEEK_END), EINVAL);
    CHECK_ERRNO(lseek(fd, 0, 99), EINVAL);
    CHECK_ERRNO(lseek(fd, LONG_MAX, SEEK_CUR), EINVAL);
    CHECK(lseek(fd, 0, SEEK_CUR) == 2); /* errors move nothing */
    CHECK_ERRNO(lseek(-1, 0, SEEK_SET), EBADF);
    printf("whence\n");
}

static void test_hole(int fd)
{
    char buffer[4096];
    CHECK(lseek(fd, 100000, SEEK_SET) == 100000);
    CHECK(read(fd, buffer, 1) == 0);
    CHECK(write(fd, "end", 3) == 3);
    CHECK(lseek(fd, 50000, SEEK_SET) == 50000 && read(fd, buffer, sizeof(buffer)) == 4096);
    for (size_t i = 0; i < sizeof(buffer); i++)
        CHECK(buffer[i] == 0);
    CHECK(lseek(fd, 0, SEEK_END) == 100003);
    printf("a hole of zeros\n");
}

static void test_data(int fd)
{
    CHECK(lseek(fd, 0, SEEK_DATA) == 0);
    CHECK(lseek(fd, 100001, SEEK_HOLE) == 100003); /* the end is a hole */
    CHECK_ERRNO(lseek(fd, 100003, SEEK_DATA), ENXIO);
    CHECK_ERRNO(lseek(fd, 200000, SEEK_HOLE), ENXIO);
    CHECK_ERRNO(lseek(fd, -1, SEEK_DATA), ENXIO);
    printf("data and holes\n");
}

int main(void)
{
    int ends[2];
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
    CHECK(fd >= 0 && write(fd, "0123456789", 10) == 10);
    test_whence(fd);
    test_hole(fd);
    test_data(fd);
    CHECK(pipe(ends) == 0);
    CHECK_ERRNO(lseek(ends[0], 0, SEEK_SET), ESPIPE);
    CHECK_ERRNO(lseek(ends[0], 0, SEEK_CUR), ESPIPE);
    int path = open("file", O_PATH);
    CHECK_ERRNO(lseek(path, 0, SEEK_SET), EBADF);
    return 0;
}
