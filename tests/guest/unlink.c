/* SPDX-License-Identifier: Apache-2.0 */
/* Removing names; a file lives on while it is open or mapped. Calls: unlink */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static void test_open_file(void)
{
    struct stat st;
    char buffer[16] = "";
    int fd = open("file", O_RDWR | O_CREAT, 0600);
    CHECK(write(fd, "still here", 10) == 10);
    char *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    CHECK(map != MAP_FAILED);
    CHECK(syscall(SYS_unlink, "file") == 0);
    CHECK_ERRNO(open("file", O_RDONLY), ENOENT);
    CHECK(fstat(fd, &st) == 0 && st.st_nlink == 0 && st.st_size == 10);
    CHECK(pread(fd, buffer, 10, 0) == 10);
    CHECK(pwrite(fd, "HERE", 4, 6) == 4);
    printf("by descriptor: %s\n", buffer);

    int other = open("file", O_RDWR | O_CREAT | O_EXCL, 0600); /* the name is free again */
    CHECK(other >= 0 && fstat(other, &st) == 0 && st.st_size == 0 && st.st_nlink == 1);
    CHECK(close(other) == 0 && close(fd) == 0);
    printf("by map: %.10s\n", map);
    CHECK(munmap(map, 4096) == 0);
}

static void test_inherited(void)
{
    char byte;
    int status, fd = open("child", O_RDWR | O_CREAT, 0600);
    CHECK(write(fd, "c", 1) == 1 && unlink("child") == 0);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(pread(fd, &byte, 1, 0) == 1 && byte == 'c');
        CHECK(pwrite(fd, "d", 1, 0) == 1);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(pread(fd, &byte, 1, 0) == 1 && byte == 'd');
    close(fd);
    printf("inherited\n");
}

static void test_errors(void)
{
    CHECK(mkdir("dir", 0700) == 0 && symlink("dir", "link") == 0 && symlink("x", "dangling") == 0);
    CHECK_ERRNO(unlink("dir"), EISDIR);
    CHECK_ERRNO(unlink("none"), ENOENT);
    CHECK_ERRNO(unlink("file/x"), ENOTDIR);
    CHECK_ERRNO(unlink("file/"), ENOTDIR);
    CHECK_ERRNO(unlink(""), ENOENT);
    CHECK_ERRNO(syscall(SYS_unlink, 8), EFAULT);
    CHECK(unlink("link") == 0 && access("dir", F_OK) == 0); /* the link, not what it names */
    CHECK(unlink("dangling") == 0);
    printf("errors\n");
}

int main(void)
{
    test_open_file();
    test_inherited();
    test_errors();
    return 0;
}
