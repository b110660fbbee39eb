/* SPDX-License-Identifier: Apache-2.0 */
/* Device nodes that the program makes, and /dev/shm. Calls: mknod readahead sync_file_range
 * futimesat */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>

#include "check.h"

static void test_nodes(void)
{
    char buffer[8] = "xxxxxxx";
    if (mknod("null", S_IFCHR | 0666, makedev(1, 3)) != 0) {
        CHECK(errno == EPERM); /* where the host does not let us */
        return;
    }
    int fd = open("null", O_RDWR);
    if (fd < 0 && errno == EACCES)
        return; /* mounted with nodev */
    CHECK(fd >= 0 && read(fd, buffer, 8) == 0 && write(fd, buffer, 8) == 8 && close(fd) == 0);
    CHECK(mknod("zero", S_IFCHR | 0666, makedev(1, 5)) == 0);
    fd = open("zero", O_RDWR);
    CHECK(fd >= 0 && read(fd, buffer, 8) == 8 && buffer[0] == 0 && close(fd) == 0);
    CHECK(mknod("full", S_IFCHR | 0666, makedev(1, 7)) == 0);
    fd = open("full", O_RDWR);
    CHECK(fd >= 0);
    CHECK_ERRNO(write(fd, buffer, 8), ENOSPC);
    close(fd);
}

static void test_shm(void)
{
    struct stat stat_of;
    CHECK(stat("/dev/shm", &stat_of) == 0 && stat_of.st_mode == (S_IFDIR | 01777));
    int fd = open("/dev/shm/device_nodes.tmp", O_RDWR | O_CREAT | O_EXCL, 0600);
    CHECK(fd >= 0 && write(fd, "x", 1) == 1 && unlink("/dev/shm/device_nodes.tmp") == 0);
    close(fd);
    printf("shm\n");
}

/* Calls that only advise, or are old forms of others. */
static void test_small(void)
{
    struct stat stat;
    int fd = open("file", O_RDWR | O_CREAT, 0644), ends[2];
    CHECK(fd >= 0 && write(fd, "0123456789", 10) == 10 && pipe(ends) == 0);
    CHECK(readahead(fd, 0, 10) == 0);
    CHECK_ERRNO(readahead(ends[0], 0, 10), EINVAL);
    CHECK_ERRNO(readahead(-1, 0, 10), EBADF);
    CHECK(sync_file_range(fd, 0, 10, SYNC_FILE_RANGE_WRITE) == 0);
    CHECK_ERRNO(sync_file_range(fd, -1, 10, 0), EINVAL);
    CHECK_ERRNO(sync_file_range(fd, 0, 10, 8), EINVAL);
    CHECK_ERRNO(sync_file_range(ends[0], 0, 10, 0), ESPIPE);
    struct timeval times[2] = {{100, 5}, {200, 6}};
    CHECK(syscall(SYS_futimesat, AT_FDCWD, "file", times) == 0 && fstat(fd, &stat) == 0);
    CHECK(stat.st_atim.tv_sec == 100 && stat.st_atim.tv_nsec == 5000 && stat.st_mtime == 200);
    CHECK(syscall(SYS_futimesat, fd, NULL, NULL) == 0 && fstat(fd, &stat) == 0);
    CHECK(stat.st_mtime > 1000000);
    times[0].tv_usec = 1000000;
    CHECK_ERRNO(syscall(SYS_futimesat, AT_FDCWD, "file", times), EINVAL);
    printf("small\n");
}

int main(void)
{
    test_nodes();
    test_shm();
    test_small();
    return 0;
}
