/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host files: opening beneath a directory, content, attributes. Names are one or more components
 * that never leave dirfd and never go through a symbolic link. Names in directories are changed in
 * host_dir.c.
 *
 * A file that is only held O_PATH cannot be opened by its descriptor without /proc, which the
 * sandbox does not have; a directory can ("."). So name "" works for directories; for another file
 * the caller opens it by directory and name and compares what fstat says.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/host.h"
#include "core/base/host_inject.h"

enum { OPEN_TRIES = 32 };

static int open_beneath(int dirfd, const char *name, int flags, unsigned mode)
{
    struct open_how how = {
        .flags = (unsigned)flags | O_CLOEXEC,
        .mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };

    return (int)host_result(
        TEMP_FAILURE_RETRY(syscall(SYS_openat2, dirfd, name, &how, sizeof(how))));
}

int host_open_beneath(int dirfd, const char *name, int flags, unsigned mode)
{
    struct stat stat;
    int err = host_inject();

    if (err < 0)
        return err;
    if (name[0] == '\0') {
        if (fstat(dirfd, &stat) < 0)
            return -errno;
        if (!S_ISDIR(stat.st_mode))
            return -EOPNOTSUPP;
        name = ".";
    }
    /* -EAGAIN: a rename somewhere on the host met the walk. */
    for (int i = 0; i < OPEN_TRIES; i++) {
        err = open_beneath(dirfd, name, flags, mode);
        if (err != -EAGAIN)
            break;
    }
    return err;
}

int host_close(int fd)
{
    return (int)host_result(close(fd));
}

int host_dup(int fd)
{
    int err = host_inject();

    return err < 0 ? err : (int)host_result(fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

int host_move(int fd, int over)
{
    int err = (int)host_result(dup3(fd, over, O_CLOEXEC));

    (void)close(fd);
    return err < 0 ? err : 0;
}

ptrdiff_t host_preadv(int fd, const struct iovec *iov, int count, uint64_t offset)
{
    int err = host_inject();

    return err < 0 ? err : host_result(TEMP_FAILURE_RETRY(preadv(fd, iov, count, (off_t)offset)));
}

ptrdiff_t host_pwritev(int fd, const struct iovec *iov, int count, uint64_t offset)
{
    int err = host_inject();

    return err < 0 ? err : host_result(TEMP_FAILURE_RETRY(pwritev(fd, iov, count, (off_t)offset)));
}

ptrdiff_t host_append(int fd, const struct iovec *iov, int count)
{
    int err = host_inject();

    return err < 0 ? err : host_result(TEMP_FAILURE_RETRY(pwritev2(fd, iov, count, 0, RWF_APPEND)));
}

ptrdiff_t host_readv(int fd, const struct iovec *iov, int count)
{
    int err = host_inject();

    return err < 0 ? err : host_result(TEMP_FAILURE_RETRY(readv(fd, iov, count)));
}

ptrdiff_t host_writev(int fd, const struct iovec *iov, int count)
{
    int err = host_inject();

    return err < 0 ? err : host_result(TEMP_FAILURE_RETRY(writev(fd, iov, count)));
}

ptrdiff_t host_readv_nowait(int fd, const struct iovec *iov, int count)
{
    int err = host_inject();

    return err < 0 ? err : host_result(TEMP_FAILURE_RETRY(preadv2(fd, iov, count, -1, RWF_NOWAIT)));
}

ptrdiff_t host_writev_nowait(int fd, const struct iovec *iov, int count)
{
    int err = host_inject();

    return err < 0 ? err
                   : host_result(TEMP_FAILURE_RETRY(pwritev2(fd, iov, count, -1, RWF_NOWAIT)));
}

int host_pread_all(int fd, void *to, size_t size, uint64_t offset)
{
    size_t done = 0;

    while (done < size) {
        struct iovec iov = {.iov_base = (char *)to + done, .iov_len = size - done};
        ptrdiff_t count = host_preadv(fd, &iov, 1, offset + done);
        if (count <= 0)
            return count < 0 ? (int)count : -EIO;
        done += (size_t)count;
    }
    return 0;
}

int host_pwrite_all(int fd, const void *from, size_t size, uint64_t offset)
{
    size_t done = 0;

    while (done < size) {
        struct iovec iov = {.iov_base = (char *)from + done, .iov_len = size - done};
        ptrdiff_t count = host_pwritev(fd, &iov, 1, offset + done);
        if (count <= 0)
            return count < 0 ? (int)count : -EIO;
        done += (size_t)count;
    }
    return 0;
}

int host_ftruncate(int fd, uint64_t size)
{
    int err = host_inject();

    return err < 0 ? err : (int)host_result(TEMP_FAILURE_RETRY(ftruncate(fd, (off_t)size)));
}

int host_fallocate(int fd, int mode, uint64_t offset, uint64_t size)
{
    int err = host_inject();

    return err < 0 ? err
                   : (int)host_result(
                         TEMP_FAILURE_RETRY(fallocate(fd, mode, (off_t)offset, (off_t)size)));
}

int64_t host_lseek(int fd, int64_t offset, int whence)
{
    int err = host_inject();

    return err < 0 ? err : host_result(lseek(fd, offset, whence));
}

int host_fstat(int fd, struct stat *ret)
{
    int err = host_inject();

    return err < 0 ? err : (int)host_result(fstatat(fd, "", ret, AT_EMPTY_PATH));
}

int host_fstatfs(int fd, struct statfs *ret)
{
    int err = host_inject();

    return err < 0 ? err : (int)host_result(TEMP_FAILURE_RETRY(fstatfs(fd, ret)));
}

int host_fchmod(int fd, unsigned mode)
{
    int err = host_inject();

    return err < 0 ? err : (int)host_result(fchmod(fd, mode));
}

int host_fchown(int fd, uid_t uid, gid_t gid)
{
    int err = host_inject();

    return err < 0 ? err : (int)host_result(fchownat(fd, "", uid, gid, AT_EMPTY_PATH));
}

int host_futimens(int fd, const struct timespec times[2])
{
    int err = host_inject();

    return err < 0 ? err : (int)host_result(utimensat(fd, "", times, AT_EMPTY_PATH));
}

void host_sync_begin(int fd, uint64_t offset, uint64_t size)
{
    (void)sync_file_range(fd, (off_t)offset, (off_t)size, SYNC_FILE_RANGE_WRITE);
}

int host_fsync(int fd)
{
    int err = host_inject();

    return err < 0 ? err : (int)host_result(TEMP_FAILURE_RETRY(fsync(fd)));
}

int host_fcntl_getfl(int fd)
{
    int err = host_inject();

    return err < 0 ? err : (int)host_result(fcntl(fd, F_GETFL));
}

int host_ioctl(int fd, unsigned long request, void *argument)
{
    int err = host_inject();

    return err < 0 ? err : (int)host_result(ioctl(fd, request, argument));
}
