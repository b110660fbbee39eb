/* SPDX-License-Identifier: Apache-2.0 */
/* Where files have data and where they have none. Calls: lseek */
#include <fcntl.h>
#include <string.h>

#include "check.h"

enum { CHUNK = 65536 };

int main(void)
{
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
    CHECK(fd >= 0);
    CHECK_ERRNO(lseek(fd, 0, SEEK_DATA), ENXIO);
    CHECK_ERRNO(lseek(fd, 0, SEEK_HOLE), ENXIO);
    CHECK(ftruncate(fd, 20 * CHUNK) == 0);
    CHECK_ERRNO(lseek(fd, 0, SEEK_DATA), ENXIO);
    CHECK(lseek(fd, 5, SEEK_HOLE) == 5);
    CHECK(pwrite(fd, "data", 4, 4 * CHUNK) == 4 && pwrite(fd, "data", 4, 10 * CHUNK) == 4);
    CHECK(lseek(fd, 0, SEEK_DATA) == 4 * CHUNK && lseek(fd, 0, SEEK_CUR) == 4 * CHUNK);
    CHECK(lseek(fd, 4 * CHUNK + 2, SEEK_DATA) == 4 * CHUNK + 2);
    off_t hole = lseek(fd, 4 * CHUNK, SEEK_HOLE);
    CHECK(hole > 4 * CHUNK && hole <= 5 * CHUNK && lseek(fd, hole, SEEK_DATA) == 10 * CHUNK);
    CHECK_ERRNO(lseek(fd, 12 * CHUNK, SEEK_DATA), ENXIO);
    CHECK(lseek(fd, 12 * CHUNK, SEEK_HOLE) == 12 * CHUNK);
    CHECK_ERRNO(lseek(fd, 20 * CHUNK, SEEK_HOLE), ENXIO);
    CHECK_ERRNO(lseek(fd, -1, SEEK_DATA), ENXIO);
    CHECK_ERRNO(lseek(fd, -1, SEEK_HOLE), ENXIO);
    printf("sparse\n");

    CHECK(ftruncate(fd, 0) == 0 && pwrite(fd, "0123456789", 10, 0) == 10);
    CHECK(lseek(fd, 0, SEEK_DATA) == 0 && lseek(fd, 3, SEEK_DATA) == 3);
    CHECK(lseek(fd, 0, SEEK_HOLE) == 10 && lseek(fd, 9, SEEK_HOLE) == 10);
    CHECK_ERRNO(lseek(fd, 10, SEEK_HOLE), ENXIO);
    printf("dense\n");

    int ends[2];
    CHECK(pipe(ends) == 0);
    CHECK_ERRNO(lseek(ends[0], 0, SEEK_DATA), ESPIPE);
    CHECK_ERRNO(lseek(fd, 0, 5), EINVAL);
    printf("errors\n");
    return 0;
}
