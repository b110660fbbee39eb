/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of host files: their numbers in the stubs, and windows, by which the kernel reaches them. A
 * window maps more address space than the file has bytes, so that it is seldom too small when the
 * file grows; what is past the end is SIGBUS, which every access through a pin fixes up. A window
 * that has become too small gets a larger one beside it: all stay until their mapping goes.
 */
#include <errno.h>
#include <fcntl.h>

#include "core/base/host.h"
#include "core/mm/space.h"

#define WINDOW_SIZE_MIN (UINT64_C(16) << 20)

static struct platform *file_platform;

static void remove_file(int file)
{
    platform_remove_file(file_platform, file);
}

void mm_start(struct kernel *kernel)
{
    vdso_begin(kernel);
    file_platform = kernel->platform;
    mapping_set_release(remove_file);
}

int mm_host_file(struct mm *mm, struct mapping *mapping, int *ret)
{
    int err = 0;

    mutex_lock(&mapping->lock);
    if (mapping->host.platform < 0)
        err = platform_add_file(mm->kernel->platform, mapping->host.fd, &mapping->host.platform);
    if (err == 0)
        *ret = mapping->host.platform;
    mutex_unlock(&mapping->lock);
    return err;
}

bool mm_host_is_writable(const struct mapping *mapping)
{
    int flags = host_fcntl_getfl(mapping->host.fd);

    return flags >= 0 && (flags & O_ACCMODE) == O_RDWR;
}

/* Sets a window aside that is too small. */
static int retire_window(struct mapping *mapping)
{
    struct host_window *old = host_alloc(1, sizeof *old);

    if (!old)
        return -ENOMEM;
    *old = (struct host_window){.start = mapping->host.window,
                                .size = mapping->host.window_size,
                                .next = mapping->host.old};
    mapping->host.old = old;
    mapping->host.window = NULL;
    return 0;
}

/* (Re)maps the window, which is to have offset; one that becomes writable stays where it is. */
static int open_window(struct mapping *mapping, uint64_t offset, int prot)
{
    uint64_t size = max_u64(max_u64(2 * mapping->size, 2 * offset), WINDOW_SIZE_MIN);
    int flags = MAP_SHARED | MAP_NORESERVE, err;

    size = FOLIO_UP(size);
    if (mapping->host.window) {
        size = mapping->host.window_size;
        flags |= MAP_FIXED;
    }
    err = host_mmap(&mapping->host.window, mapping->host.window, size, prot, flags,
                    mapping->host.fd, 0);
    if (err == 0) {
        mapping->host.window_size = size;
        mapping->host.is_window_writable = prot & PROT_WRITE;
    }
    return err;
}

int mm_host_window(struct mapping *mapping, uint64_t offset, bool writing, char **ret, size_t *size)
{
    struct host_pages *host = &mapping->host;
    bool is_writable;
    int err = 0;

    mutex_lock(&mapping->lock);
    is_writable = writing || (host->window && host->is_window_writable);
    if (host->window && offset >= host->window_size)
        err = retire_window(mapping);
    if (err == 0 && (!host->window || (writing && !host->is_window_writable)))
        err = open_window(mapping, offset, is_writable ? PROT_READ | PROT_WRITE : PROT_READ);
    if (err < 0) {
        err = -EFAULT;
    } else {
        *ret = (char *)mapping->host.window + offset;
        *size = min_u64(*size, mapping->host.window_size - offset);
    }
    mutex_unlock(&mapping->lock);
    return err;
}
