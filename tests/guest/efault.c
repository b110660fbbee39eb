/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers that end where memory ends: what fits is done, else EFAULT. Calls: read write getcwd */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "check.h"

enum { PAGE = 4096 };

static char *edge; /* mapped below, nothing above */

static void test_files(void)
{
    static char block[3 * PAGE];
    int fd = open("file", O_RDWR | O_CREAT, 0600);
    memset(block, 'b', sizeof(block));
    CHECK(write(fd, block, sizeof(block)) == sizeof(block));
    CHECK(pread(fd, edge - PAGE, 2 * PAGE, 0) == PAGE && edge[-1] == 'b');
    CHECK(pread(fd, edge - 100, 200, 0) == 100);
    CHECK_ERRNO(pread(fd, edge, 1, 0), EFAULT);
    CHECK(lseek(fd, 0, SEEK_SET) == 0 && read(fd, edge - PAGE, 2 * PAGE) == PAGE);
    CHECK(lseek(fd, 0, SEEK_CUR) == PAGE);
    CHECK(pwrite(fd, edge - PAGE, 2 * PAGE, 0) == PAGE);
    CHECK_ERRNO(pwrite(fd, edge, 1, 0), EFAULT);
    close(fd);
    printf("files\n");
}

static void test_pipes(void)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    CHECK_ERRNO(write(ends[1], edge, 10), EFAULT);
    CHECK(write(ends[1], "0123456789", 10) == 10);
    CHECK_ERRNO(read(ends[0], edge, 10), EFAULT);
    CHECK(read(ends[0], edge - 10, 20) == 10 && memcmp(edge - 10, "0123456789", 10) == 0);
    struct iovec parts[2] = {{edge - 4, 4}, {edge, 4}};
    CHECK(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    CHECK(write(ends[1], "abcd", 4) == 4 && readv(ends[0], parts, 2) == 4);
    CHECK_ERRNO(read(ends[0], edge - 1, 1), EAGAIN);
    printf("pipes\n");
}

static void test_results(void)
{
    struct stat st;
    CHECK(syscall(SYS_stat, ".", edge - sizeof(st)) == 0);
    CHECK_ERRNO(syscall(SYS_stat, ".", edge - sizeof(st) + 1), EFAULT);
    CHECK_ERRNO(syscall(SYS_getcwd, edge - 1, 4096), EFAULT);
    CHECK_ERRNO(syscall(SYS_pipe2, edge - 4, 0), EFAULT);
    CHECK(syscall(SYS_pipe2, edge - 8, 0) == 0);
    CHECK_ERRNO(syscall(SYS_uname, edge - 100), EFAULT);
    CHECK_ERRNO(syscall(SYS_clock_gettime, 1, edge - 8), EFAULT);
    CHECK_ERRNO(syscall(SYS_rt_sigprocmask, 0, NULL, edge - 4, 8), EFAULT);
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(3);
    CHECK(syscall(SYS_wait4, pid, edge - 4, 0, NULL) == pid);
    memcpy(&status, edge - 4, 4);
    CHECK(WEXITSTATUS(status) == 3);
    printf("results\n");
}

static void test_paths(void)
{
    memcpy(edge - 5, "file", 5); /* ends exactly there */
    CHECK(syscall(SYS_access, edge - 5, F_OK) == 0);
    memcpy(edge - 4, "file", 4); /* does not end */
    CHECK_ERRNO(syscall(SYS_access, edge - 4, F_OK), EFAULT);
    char **argv = (char **)(edge - 16);
    argv[0] = "x";
    argv[1] = "y"; /* and no NULL behind it */
    CHECK_ERRNO(syscall(SYS_execve, "/proc/self/exe", argv, NULL), EFAULT);
    printf("paths\n");
}

/* Read-only memory takes no results. */
static void test_readonly(void)
{
    int zero = open("/dev/zero", O_RDONLY);
    CHECK(read(zero, edge - PAGE, PAGE) == PAGE);
    CHECK(mprotect(edge - PAGE, PAGE, PROT_READ) == 0);
    CHECK_ERRNO(read(zero, edge - PAGE, PAGE), EFAULT);
    CHECK(write(open("/dev/null", O_WRONLY), edge - PAGE, PAGE) == PAGE);
    CHECK(mprotect(edge - PAGE, PAGE, PROT_NONE) == 0);
    int fd = open("file", O_RDWR);
    CHECK_ERRNO(write(fd, edge - PAGE, PAGE), EFAULT);
    printf("protected\n");
}

int main(void)
{
    char *area = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    edge = area + 2 * PAGE;
    CHECK(munmap(edge, 2 * PAGE) == 0);
    test_files();
    test_pipes();
    test_results();
    test_paths();
    test_readonly();
    return 0;
}
