/* SPDX-License-Identifier: Apache-2.0 */
/*
 * getdents64.
 */
#include <errno.h>

#include "core/base/host.h"
#include "core/syscall/syscall_table.h"
#include "core/task.h"

enum { DENTS_SIZE_MAX = 64 << 10 };

static int64_t get_entries(struct task *task, struct file *file, guest_addr_t to, uint64_t size)
{
    uint8_t *entries;

    size = size < DENTS_SIZE_MAX ? size : DENTS_SIZE_MAX;
    entries = host_alloc(size + 1, 1);
    if (entries == NULL)
        return -ENOMEM;
    int64_t filled = file_getdents(file, entries, size);
    if (filled > 0) {
        int err = user_copy_out(task->mm, to, entries, (size_t)filled);
        filled = err < 0 ? err : filled;
    }
    host_free(entries);
    return filled;
}

int64_t sys_getdents64(struct task *task, int fd, guest_addr_t to, uint64_t size)
{
    struct file *file = files_get_open(task->files, fd);
    int64_t result = -ENOTDIR;

    if (file == NULL)
        return -EBADF;
    if (S_ISDIR(file->inode->attr.mode))
        result = get_entries(task, file, to, (uint32_t)size);
    object_put(&file->object);
    return result;
}
