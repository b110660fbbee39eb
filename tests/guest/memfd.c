/* SPDX-License-Identifier: Apache-2.0 */
/* Files without a name, and seals. Calls: memfd_create fcntl */
#include <fcntl.h>
#include <linux/memfd.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "check.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#define MFD_EXEC 16U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20
#endif

enum { PAGE = 4096, RW = PROT_READ | PROT_WRITE };

static int sealable(void)
{
    int fd = memfd_create("sealed", MFD_ALLOW_SEALING);

    CHECK(fd >= 0 && fcntl(fd, F_GET_SEALS) == 0 && ftruncate(fd, 2 * PAGE) == 0);
    return fd;
}

static void test_plain(void)
{
    char link[64], name[300], bytes[4] = "";
    struct stat stat;
    int fd = memfd_create("some name", MFD_CLOEXEC);

    CHECK(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, name, sizeof name);
    CHECK(size > 0);
    printf("%.*s\n", (int)size, name);
    CHECK(fstat(fd, &stat) == 0 && stat.st_size == 0);
    printf("mode %o, %d links\n", stat.st_mode, (int)stat.st_nlink);
    CHECK(write(fd, "abc", 3) == 3 && lseek(fd, 0, SEEK_END) == 3);
    int other = open(link, O_RDONLY);
    CHECK(other >= 0 && read(other, bytes, 3) == 3 && strcmp(bytes, "abc") == 0);
    CHECK_ERRNO(write(other, "x", 1), EBADF);
    CHECK_ERRNO(fcntl(other, F_ADD_SEALS, F_SEAL_GROW), EPERM);
    char *map = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
    CHECK(map != MAP_FAILED && map[1] == 'b');
    map[0] = 'A';
    CHECK(pread(fd, bytes, 1, 0) == 1 && bytes[0] == 'A');
    CHECK(fcntl(fd, F_GET_SEALS) == F_SEAL_SEAL);
    CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM);
    CHECK(close(fd) == 0 && close(other) == 0 && map[0] == 'A' && munmap(map, PAGE) == 0);
}

static void test_sizes(void)
{
    char bytes[PAGE] = "";
    int fd = sealable();

    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW) == 0);
    CHECK_ERRNO(ftruncate(fd, 3 * PAGE), EPERM);
    CHECK_ERRNO(pwrite(fd, "x", 1, 2 * PAGE), EPERM);
    CHECK(pwrite(fd, bytes, PAGE, 2 * PAGE - 100) == 100);
    CHECK(pwrite(fd, bytes, PAGE, PAGE) == PAGE && ftruncate(fd, PAGE) == 0);
    CHECK_ERRNO(fallocate(fd, 0, 0, 2 * PAGE), EPERM);
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    CHECK_ERRNO(ftruncate(fd, 0), EPERM);
    CHECK(fcntl(fd, F_GET_SEALS) == (F_SEAL_SHRINK | F_SEAL_GROW));
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL) == 0);
    CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
    CHECK(close(fd) == 0);
    printf("sizes\n");
}

static void test_writing(void)
{
    int fd = sealable(), future = sealable();
    char *map = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);

    CHECK(map != MAP_FAILED);
    CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
    CHECK(munmap(map, PAGE) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0);
    CHECK_ERRNO(pwrite(fd, "x", 1, 0), EPERM);
    CHECK_ERRNO(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), EPERM);
    CHECK_ERRNO(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0, EPERM);
    map = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
    CHECK(map != MAP_FAILED && (map[0] = 'p') == 'p' && munmap(map, PAGE) == 0);

    map = mmap(NULL, PAGE, RW, MAP_SHARED, future, 0);
    CHECK(fcntl(future, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) == 0);
    map[7] = 'f'; /* what is mapped already may write on */
    CHECK_ERRNO(pwrite(future, "x", 1, 0), EPERM);
    CHECK_ERRNO(mmap(NULL, PAGE, RW, MAP_SHARED, future, 0) == MAP_FAILED ? -1 : 0, EPERM);
    char *reader = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, future, 0);
    CHECK(reader != MAP_FAILED && reader[7] == 'f');
    CHECK_ERRNO(mprotect(reader, PAGE, RW), EACCES);
    CHECK(munmap(map, PAGE) == 0 && munmap(reader, PAGE) == 0);
    CHECK(close(fd) == 0 && close(future) == 0);
    printf("writing\n");
}

static void test_refused(void)
{
    char name[260];
    int pipes[2];

    memset(name, 'n', sizeof name);
    name[250] = 0;
    CHECK_ERRNO(memfd_create(name, 0), EINVAL);
    name[249] = 0;
    int fd = memfd_create(name, MFD_NOEXEC_SEAL);
    struct stat stat;
    CHECK(fd >= 0 && fstat(fd, &stat) == 0 && (stat.st_mode & 0777) == 0666);
    CHECK(fcntl(fd, F_GET_SEALS) == F_SEAL_EXEC);
    CHECK_ERRNO(fchmod(fd, 0777), EPERM);
    CHECK(fchmod(fd, 0600) == 0);
    CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, 0x40), EINVAL);
    CHECK_ERRNO(memfd_create("x", 0x20), EINVAL);
    CHECK_ERRNO(memfd_create("x", MFD_EXEC | MFD_NOEXEC_SEAL), EINVAL);
    CHECK_ERRNO(memfd_create((char *)8, 0), EFAULT);
    CHECK(pipe(pipes) == 0);
    CHECK_ERRNO(fcntl(pipes[1], F_ADD_SEALS, F_SEAL_GROW), EINVAL);
    CHECK_ERRNO(fcntl(pipes[0], F_GET_SEALS), EINVAL);
    printf("refused\n");
}

int main(void)
{
    test_plain();
    test_sizes();
    test_writing();
    test_refused();
    return 0;
}
