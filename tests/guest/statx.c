/* SPDX-License-Identifier: Apache-2.0 */
/* statx says what stat says, and more. Calls: statx */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "check.h"

static void same(const struct stat *st, const struct statx *stx)
{
    CHECK((stx->stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
    CHECK(stx->stx_mode == st->st_mode && stx->stx_nlink == st->st_nlink);
    CHECK(stx->stx_uid == st->st_uid && stx->stx_gid == st->st_gid);
    CHECK(stx->stx_ino == st->st_ino && (off_t)stx->stx_size == st->st_size);
    CHECK((blkcnt_t)stx->stx_blocks == st->st_blocks);
    CHECK(stx->stx_blksize == (unsigned)st->st_blksize);
    CHECK(stx->stx_mtime.tv_sec == st->st_mtim.tv_sec);
    CHECK(stx->stx_mtime.tv_nsec == st->st_mtim.tv_nsec);
    CHECK(stx->stx_ctime.tv_nsec == st->st_ctim.tv_nsec);
    CHECK(makedev(stx->stx_dev_major, stx->stx_dev_minor) == st->st_dev);
    CHECK(makedev(stx->stx_rdev_major, stx->stx_rdev_minor) == st->st_rdev);
}

int main(void)
{
    struct stat st;
    struct statx stx;
    int fd = open("file", O_RDWR | O_CREAT, 0640);
    CHECK(fd >= 0 && write(fd, "12345", 5) == 5 && symlink("file", "link") == 0);

    memset(&stx, 0xff, sizeof(stx));
    CHECK(statx(AT_FDCWD, "file", 0, STATX_BASIC_STATS, &stx) == 0 && stat("file", &st) == 0);
    same(&st, &stx);
    CHECK(statx(AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &stx) == 0);
    CHECK(lstat("link", &st) == 0);
    same(&st, &stx);
    CHECK(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx) == 0 && fstat(fd, &st) == 0);
    same(&st, &stx);
    CHECK(statx(AT_FDCWD, "/dev/zero", 0, STATX_BASIC_STATS, &stx) == 0);
    CHECK(stat("/dev/zero", &st) == 0);
    same(&st, &stx);
    printf("as stat\n");

    const unsigned mask = STATX_ALL | STATX_MNT_ID;
    uint64_t mount = 0;
    CHECK(statx(fd, "", AT_EMPTY_PATH, mask, &stx) == 0 && (stx.stx_mask & STATX_BTIME));
    CHECK(stx.stx_btime.tv_sec > 1000000 && stx.stx_btime.tv_sec <= stx.stx_mtime.tv_sec);
    CHECK((stx.stx_mask & STATX_MNT_ID) && (mount = stx.stx_mnt_id) != 0);
    CHECK((stx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0);
    CHECK((stx.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0);
    CHECK(statx(AT_FDCWD, ".", AT_STATX_DONT_SYNC, mask, &stx) == 0 && stx.stx_mnt_id == mount);
    CHECK(statx(AT_FDCWD, "/proc", AT_STATX_FORCE_SYNC, mask, &stx) == 0);
    CHECK(stx.stx_mnt_id != mount && (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0);
    printf("more than stat\n");

    CHECK_ERRNO(statx(AT_FDCWD, "none", 0, STATX_BASIC_STATS, &stx), ENOENT);
    CHECK_ERRNO(statx(fd, "file", 0, STATX_BASIC_STATS, &stx), ENOTDIR);
    CHECK_ERRNO(statx(fd, "", 0, STATX_BASIC_STATS, &stx), ENOENT);
    CHECK_ERRNO(syscall(SYS_statx, fd, "file", 0x40000000, STATX_BASIC_STATS, &stx), EINVAL);
    CHECK_ERRNO(syscall(SYS_statx, fd, "file", 0, 0x80000000u, &stx), EINVAL);
    CHECK_ERRNO(statx(AT_FDCWD, "file", AT_STATX_SYNC_TYPE, 0, &stx), EINVAL);
    CHECK_ERRNO(syscall(SYS_statx, AT_FDCWD, "file", 0, STATX_BASIC_STATS, 8), EFAULT);
    printf("errors\n");
    return 0;
}
