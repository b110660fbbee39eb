/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names in host directories. Names are one component, so they cannot leave their directory; that
 * none of them is a symbolic link to be followed is in the flags.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/host.h"
#include "core/base/host_inject.h"

int host_fstatat(int dirfd, const char *name, struct stat *ret)
{
    int err = host_inject();

    return err < 0 ? err : (int)host_result(fstatat(dirfd, name, ret, AT_SYMLINK_NOFOLLOW));
}

ptrdiff_t host_readlinkat(int dirfd, const char *name, char *to, size_t size)
{
    int err = host_inject();

    return err < 0 ? err : host_result(readlinkat(dirfd, name, to, size));
}

ptrdiff_t host_getdents(int fd, void *to, size_t size)
{
    int err = host_inject();

    return err < 0 ? err : host_result(getdents64(fd, to, size));
}

int host_mkdirat(int dirfd, const char *name, unsigned mode)
{
    int err = host_inject();

    return err < 0 ? err : (int)host_result(mkdirat(dirfd, name, mode));
}

int host_unlinkat(int dirfd, const char *name, int flags)
{
    int err = host_inject();

    return err < 0 ? err : (int)host_result(unlinkat(dirfd, name, flags));
}

int host_linkat(int from_dirfd, const char *from, int to_dirfd, const char *to)
{
    int err = host_inject();

    return err < 0 ? err : (int)host_result(linkat(from_dirfd, from, to_dirfd, to, 0));
}

int host_symlinkat(const char *target, int dirfd, const char *name)
{
    int err = host_inject();

    return err < 0 ? err : (int)host_result(symlinkat(target, dirfd, name));
}

int host_renameat2(int from_dirfd, const char *from, int to_dirfd, const char *to, unsigned flags)
{
    int err = host_inject();

    return err < 0 ? err : (int)host_result(renameat2(from_dirfd, from, to_dirfd, to, flags));
}
