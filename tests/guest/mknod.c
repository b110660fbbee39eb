/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes: files and FIFOs made by mknod. Calls: mknod mknodat */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "check.h"

int main(void)
{
    struct stat st;
    umask(022);
    CHECK(syscall(SYS_mknod, "file", S_IFREG | 0666, 0) == 0);
    CHECK(stat("file", &st) == 0 && st.st_mode == (S_IFREG | 0644));
    CHECK(syscall(SYS_mknod, "plain", 0600, 0) == 0); /* no type: a regular file */
    CHECK(stat("plain", &st) == 0 && st.st_mode == (S_IFREG | 0600));
    CHECK(syscall(SYS_mknodat, AT_FDCWD, "fifo", S_IFIFO | 0622, 0) == 0);
    CHECK(stat("fifo", &st) == 0 && st.st_mode == (S_IFIFO | 0600));
    printf("made\n");

    CHECK_ERRNO(syscall(SYS_mknod, "file", S_IFREG | 0600, 0), EEXIST);
    CHECK_ERRNO(syscall(SYS_mknod, "none/file", S_IFREG | 0600, 0), ENOENT);
    CHECK_ERRNO(syscall(SYS_mknod, "dir", S_IFDIR | 0700, 0), EPERM);
    CHECK_ERRNO(syscall(SYS_mknod, "odd", 0170000 | 0600, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_mknodat, -1, "new", S_IFREG | 0600, 0), EBADF);
    CHECK_ERRNO(open("fifo", O_RDONLY | O_DIRECTORY), ENOTDIR);
    CHECK_ERRNO(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO); /* nobody reads */
    CHECK(unlink("fifo") == 0 && unlink("file") == 0 && unlink("plain") == 0);
    printf("errors\n");
    return 0;
}
