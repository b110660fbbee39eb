/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/locks: the locks of files, and below each who waits for it.
 */
#include <inttypes.h>
#include <sys/sysmacros.h>

#include "core/procfs/nodes.h"
#include "vfs/file_lock.h"

/* What has been listed so far. */
struct list {
    struct bytes *text;
    int nr;
};

static int show_lock(void *context, const struct file_lock_info *info)
{
    static const char *const kinds[] = {
        [FILE_LOCK_WHOLE] = "FLOCK ", [FILE_LOCK_TABLE] = "POSIX ", [FILE_LOCK_OPEN] = "OFDLCK"};
    struct list *list = context;

    list->nr += !info->is_waiting;
    int err = bytes_printf(
        list->text, "%d: %s%s ADVISORY  %s %d %02x:%02x:%" PRIu64 " %" PRIu64 " ", list->nr,
        info->is_waiting ? "-> " : "", kinds[info->kind], info->is_exclusive ? "WRITE" : "READ ",
        info->kind == FILE_LOCK_OPEN ? -1 : info->pid, major(info->dev), minor(info->dev), info->nr,
        info->start);
    if (err < 0)
        return err;
    if (info->end == INT64_MAX)
        return bytes_printf(list->text, "EOF\n");
    return bytes_printf(list->text, "%" PRIu64 "\n", info->end);
}

int show_locks(const struct pseudo_place *place, struct bytes *ret)
{
    struct list list = {.text = ret};

    (void)place;
    return file_lock_list(show_lock, &list);
}
