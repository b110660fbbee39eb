/* SPDX-License-Identifier: Apache-2.0 */
/*
 * getdents64, and getdents with the entries of old.
 */
#include <errno.h>
#include <string.h>

#include "core/base/host.h"
#include "core/syscall/syscall_table.h"
#include "core/task.h"

enum { DENTS_SIZE_MAX = 64 << 10, ENTRY_SIZE_AT = 16, ENTRY_TYPE_AT = 18, ENTRY_NAME_AT = 19 };

/* Entries of getdents64 become those of getdents, which are of the same size: the type moves behind
 * the name. */
static void make_old(uint8_t *entries, size_t size)
{
    for (size_t at = 0; at < size;) {
        uint8_t *entry = &entries[at];
        uint16_t entry_size;
        memcpy(&entry_size, &entry[ENTRY_SIZE_AT], sizeof(entry_size));
        uint8_t type = entry[ENTRY_TYPE_AT];
        memmove(&entry[ENTRY_TYPE_AT], &entry[ENTRY_NAME_AT], entry_size - ENTRY_NAME_AT);
        entry[entry_size - 1] = type;
        at += entry_size;
    }
}

static int64_t get_entries(struct task *task, struct file *file, guest_addr_t to, uint64_t size,
                           bool is_old)
{
    uint8_t *entries;

    size = size < DENTS_SIZE_MAX ? size : DENTS_SIZE_MAX;
    entries = host_alloc(size + 1, 1);
    if (entries == NULL)
        return -ENOMEM;
    int64_t filled = file_getdents(file, entries, size);
    if (filled > 0 && is_old)
        make_old(entries, (size_t)filled);
    if (filled > 0) {
        int err = user_copy_out(task->mm, to, entries, (size_t)filled);
        filled = err < 0 ? err : filled;
    }
    host_free(entries);
    return filled;
}

static int64_t list(struct task *task, int fd, guest_addr_t to, uint32_t size, bool is_old)
{
    struct file *file = files_get_open(task->files, fd);
    int64_t result = -ENOTDIR;

    if (file == NULL)
        return -EBADF;
    if (S_ISDIR(file->inode->attr.mode))
        result = get_entries(task, file, to, size, is_old);
    object_put(&file->object);
    return result;
}

int64_t sys_getdents64(struct task *task, int fd, guest_addr_t to, uint32_t size)
{
    return list(task, fd, to, size, false);
}

int64_t sys_getdents(struct task *task, int fd, guest_addr_t to, uint32_t size)
{
    return list(task, fd, to, size, true);
}
