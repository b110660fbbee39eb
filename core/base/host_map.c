/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mappings of the sandbox process itself.
 */
#include <errno.h>
#include <sys/mman.h>

#include "core/base/host.h"
#include "core/base/host_inject.h"

int host_mmap(void **ret, void *at, size_t size, int prot, int flags, int fd, uint64_t offset)
{
    int err = host_inject();

    if (err < 0)
        return err;
    void *memory = mmap(at, size, prot, flags, fd, (off_t)offset);
    if (memory == MAP_FAILED)
        return -errno;
    *ret = memory;
    return 0;
}

int host_munmap(void *at, size_t size)
{
    return (int)host_result(munmap(at, size));
}

int host_mprotect(void *at, size_t size, int prot)
{
    int err = host_inject();

    return err < 0 ? err : (int)host_result(mprotect(at, size, prot));
}

int host_madvise(void *at, size_t size, int advice)
{
    int err = host_inject();

    return err < 0 ? err : (int)host_result(madvise(at, size, advice));
}

int host_memfd(const char *name, unsigned flags)
{
    int err = host_inject();

    return err < 0 ? err : (int)host_result(memfd_create(name, flags | MFD_CLOEXEC));
}
