/* SPDX-License-Identifier: Apache-2.0 */
/* Opening relative to a directory, and with limits on the way. Calls: openat openat2 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "check.h"

static long openat2(int dir, const char *path, uint64_t flags, uint64_t resolve)
{
    struct open_how how = {.flags = flags, .resolve = resolve};
    return syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

static void test_openat(int dir)
{
    int fd = openat(dir, "file", O_RDWR | O_CREAT, 0600);
    CHECK(fd >= 0 && close(fd) == 0 && access("dir/file", F_OK) == 0);
    fd = openat(AT_FDCWD, "dir/file", O_RDONLY);
    CHECK(fd >= 0);
    CHECK_ERRNO(openat(fd, "file", O_RDONLY), ENOTDIR);
    close(fd);
    fd = openat(-1, "/", O_RDONLY); /* an absolute path needs no directory */
    CHECK(fd >= 0 && close(fd) == 0);
    CHECK_ERRNO(openat(-1, "file", O_RDONLY), EBADF);
    int path = open("dir", O_PATH | O_DIRECTORY);
    fd = openat(path, "file", O_RDONLY);
    CHECK(fd >= 0 && close(fd) == 0 && close(path) == 0);
    fd = openat(dir, "../dir/file", O_RDONLY);
    CHECK(fd >= 0 && close(fd) == 0);
    printf("openat\n");
}

static void test_renamed_directory(int dir)
{
    CHECK(rename("dir", "moved") == 0);
    int fd = openat(dir, "file", O_RDONLY);
    CHECK(fd >= 0 && close(fd) == 0);
    CHECK(rename("moved", "dir") == 0);
    printf("a directory that moved\n");
}

/* Who does not know a way of resolving says EINVAL, and programs do without it. */
static void test_resolve(int dir)
{
    if (openat2(dir, "file", O_RDONLY, RESOLVE_BENEATH) == -1 && errno == EINVAL)
        return;
    CHECK(symlinkat("file", dir, "link") == 0 && symlinkat("/", dir, "root") == 0);
    long fd = openat2(dir, "file", O_RDONLY, RESOLVE_BENEATH);
    CHECK(fd >= 0 && close((int)fd) == 0);
    CHECK_ERRNO(openat2(dir, "../dir/file", O_RDONLY, RESOLVE_BENEATH), EXDEV);
    CHECK_ERRNO(openat2(dir, "root", O_RDONLY, RESOLVE_BENEATH), EXDEV);
    CHECK_ERRNO(openat2(dir, "/", O_RDONLY, RESOLVE_BENEATH), EXDEV);
    CHECK_ERRNO(openat2(dir, "link", O_RDONLY, RESOLVE_NO_SYMLINKS), ELOOP);
    fd = openat2(dir, "link", O_RDONLY, RESOLVE_BENEATH);
    CHECK(fd >= 0 && close((int)fd) == 0);
}

static void test_how(int dir)
{
    struct {
        struct open_how how;
        uint64_t more;
    } longer = {.how = {.flags = O_RDONLY}};
    long fd = syscall(SYS_openat2, dir, "file", &longer, sizeof(longer));
    CHECK(fd >= 0 && close((int)fd) == 0); /* unknown fields that are zero are no harm */
    longer.more = 1;
    CHECK_ERRNO(syscall(SYS_openat2, dir, "file", &longer, sizeof(longer)), E2BIG);
    CHECK_ERRNO(syscall(SYS_openat2, dir, "file", &longer, 8), EINVAL);
    CHECK_ERRNO(openat2(dir, "file", 1ULL << 40, 0), EINVAL);
    CHECK_ERRNO(openat2(dir, "file", O_RDONLY, 1ULL << 40), EINVAL);
    longer.how.mode = 0600; /* a mode without O_CREAT */
    CHECK_ERRNO(syscall(SYS_openat2, dir, "file", &longer.how, sizeof(longer.how)), EINVAL);
    printf("how\n");
}

int main(void)
{
    CHECK(mkdir("dir", 0755) == 0);
    int dir = open("dir", O_RDONLY | O_DIRECTORY);
    CHECK(dir >= 0);
    test_openat(dir);
    test_renamed_directory(dir);
    test_resolve(dir);
    test_how(dir);
    return 0;
}
