/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root of /proc. What belongs to a process is its effective user's, the rest root's.
 */
#include "core/procfs/procfs.h"

#include "core/procfs/nodes.h"
#include "core/procfs/target.h"

static const struct pseudo_node root_nodes[] = {
    {.name = "self", .mode = S_IFLNK | 0777, .readlink = read_self},
    {.name = "thread-self", .mode = S_IFLNK | 0777, .readlink = read_thread_self},
    {.name = "mounts", .mode = S_IFLNK | 0777, .readlink = read_mounts},
    {.name = "filesystems", .mode = S_IFREG | 0444, .show = show_filesystems},
    {.name = "meminfo", .mode = S_IFREG | 0444, .show = show_meminfo},
    {.name = "cpuinfo", .mode = S_IFREG | 0444, .show = show_cpuinfo},
    {.name = "uptime", .mode = S_IFREG | 0444, .show = show_uptime},
    {.name = "loadavg", .mode = S_IFREG | 0444, .show = show_loadavg},
    {.name = "stat", .mode = S_IFREG | 0444, .show = show_system_stat},
    {.name = "version", .mode = S_IFREG | 0444, .show = show_version},
    {.name = "sys", .mode = S_IFDIR | 0555, .children = sys_nodes},
    {.name = "sbx", .mode = S_IFDIR | 0555, .children = sbx_nodes},
    {.name = NULL},
};

static const struct pseudo_node root_node = {.name = "",
                                             .mode = S_IFDIR | 0555,
                                             .children = root_nodes,
                                             .numbered = &process_node,
                                             .list = processes_list};

static void place_owner(const struct pseudo_place *place, uint32_t *uid, uint32_t *gid)
{
    struct target target;

    if (place->numbers[0] == 0 || target_get(place, &target) < 0)
        return;
    if (target.task != NULL) {
        mutex_lock(&place_kernel(place)->tasks_lock);
        *uid = target.task->cred.euid;
        *gid = target.task->cred.egid;
        mutex_unlock(&place_kernel(place)->tasks_lock);
    }
    target_put(&target);
}

const struct pseudo_fs procfs = {.root = &root_node, .owner = place_owner};

int procfs_create(struct kernel *kernel, struct inode **ret)
{
    return pseudofs_create(&kernel->vfs, ret);
}
