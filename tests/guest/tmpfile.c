/* SPDX-License-Identifier: Apache-2.0 */
/* O_TMPFILE: a file without a name, that may get one. Calls: openat linkat */
#include <fcntl.h>
#include <sys/stat.h>

#include "check.h"

int main(void)
{
    struct stat st;
    char path[64], buffer[8];
    umask(022);
    int fd = open(".", O_TMPFILE | O_RDWR, 0666);
    if (fd < 0 && errno == EOPNOTSUPP)
        SKIP("this file system has no O_TMPFILE");
    CHECK(fd >= 0 && fstat(fd, &st) == 0);
    CHECK(st.st_nlink == 0 && st.st_mode == (S_IFREG | 0644) && st.st_size == 0);
    CHECK(write(fd, "content", 7) == 7 && pread(fd, buffer, 8, 0) == 7);
    printf("no name\n");

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    CHECK(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW) == 0);
    CHECK(stat("named", &st) == 0 && st.st_size == 7 && st.st_nlink == 1);
    close(fd);
    printf("named\n");

    fd = open(".", O_TMPFILE | O_RDWR, 0600);
    CHECK(fd >= 0 && linkat(fd, "", AT_FDCWD, "by fd", AT_EMPTY_PATH) == 0);
    CHECK(linkat(fd, "", AT_FDCWD, "twice", AT_EMPTY_PATH) == 0);
    CHECK(fstat(fd, &st) == 0 && st.st_nlink == 2 && unlink("twice") == 0 && unlink("by fd") == 0);
    CHECK_ERRNO(linkat(fd, "", AT_FDCWD, "late", AT_EMPTY_PATH), ENOENT); /* its names are gone */
    CHECK_ERRNO(linkat(fd, "", AT_FDCWD, "late", 0), ENOENT);
    close(fd);

    fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
    CHECK(fd >= 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    CHECK_ERRNO(linkat(AT_FDCWD, path, AT_FDCWD, "never", AT_SYMLINK_FOLLOW), ENOENT);
    CHECK_ERRNO(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
    CHECK_ERRNO(open("named", O_TMPFILE | O_RDWR, 0600), ENOTDIR);
    CHECK_ERRNO(open("none", O_TMPFILE | O_RDWR, 0600), ENOENT);
    printf("errors\n");
    return 0;
}
