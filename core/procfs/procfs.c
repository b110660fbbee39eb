/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root of /proc, and the tables of what the directories of processes and threads hold. What
 * belongs to a process is its effective user's, the rest root's.
 */
#include "core/procfs/procfs.h"

#include <linux/magic.h>

#include "core/procfs/nodes.h"
#include "core/procfs/target.h"

#define DIRECTORY(nodes) .mode = S_IFDIR | 0555, .children = (nodes)
#define FILE_OF(bits, function) .mode = S_IFREG | (bits), .show = (function)
#define TEXT(bits, content) .mode = S_IFREG | (bits), .text = (content)
#define LINK(function) .mode = S_IFLNK | 0777, .readlink = (function)

#define NAMESPACE(kind)                                                                            \
    {                                                                                              \
        .name = (kind), .is_private = true, LINK(read_namespace)                                   \
    }

#define NAMESPACES                                                                                 \
    {                                                                                              \
        NAMESPACE("cgroup"), NAMESPACE("ipc"), NAMESPACE("mnt"), NAMESPACE("net"),                 \
            NAMESPACE("pid"), NAMESPACE("pid_for_children"), NAMESPACE("time"),                    \
            NAMESPACE("time_for_children"), NAMESPACE("user"), NAMESPACE("uts"),                   \
        {                                                                                          \
            .name = NULL                                                                           \
        }                                                                                          \
    }

/* A node has one place: those of processes and of threads are two. */
static const struct pseudo_node namespace_nodes[] = NAMESPACES;
static const struct pseudo_node thread_namespace_nodes[] = NAMESPACES;

/* One of each for the descriptors of processes and of threads. */
#define FD_NODE(is_of_thread)                                                                      \
    {                                                                                              \
        .name = "#", .mode = S_IFLNK | 0700, .is_private = true, .of_thread = (is_of_thread),      \
        .check = fd_check, .bits = fd_bits, .readlink = read_fd, .follow = follow_fd               \
    }
#define FDINFO_NODE(is_of_thread)                                                                  \
    {                                                                                              \
        .name = "#", .of_thread = (is_of_thread), .is_private = true, .check = fd_check,           \
        FILE_OF(0444, show_fdinfo)                                                                 \
    }

static const struct pseudo_node fd_node = FD_NODE(false), thread_fd_node = FD_NODE(true);
static const struct pseudo_node fdinfo_node = FDINFO_NODE(false),
                                thread_fdinfo_node = FDINFO_NODE(true);

/* What both a process and a thread have. */
#define NODES_OF_BOTH(of, fd, fdinfo, namespaces)                                                  \
    {.name = "auxv", .of_thread = of, .is_private = true, FILE_OF(0400, show_auxv)},               \
        {.name = "cgroup", .of_thread = of, TEXT(0444, "0::/\n")},                                 \
        {.name = "clear_refs",                                                                     \
         .of_thread = of,                                                                          \
         .mode = S_IFREG | 0200,                                                                   \
         .store = store_clear_refs},                                                               \
        {.name = "cmdline", .of_thread = of, FILE_OF(0444, show_cmdline)},                         \
        {.name = "comm", .of_thread = of, FILE_OF(0644, show_comm), .store = store_comm},          \
        {.name = "cpuset", .of_thread = of, TEXT(0444, "/\n")},                                    \
        {.name = "cwd",                                                                            \
         .of_thread = of,                                                                          \
         .is_private = true,                                                                       \
         LINK(read_cwd),                                                                           \
         .follow = follow_cwd},                                                                    \
        {.name = "environ", .of_thread = of, .is_private = true, FILE_OF(0400, show_environ)},     \
        {.name = "exe",                                                                            \
         .of_thread = of,                                                                          \
         .is_private = true,                                                                       \
         LINK(read_exe),                                                                           \
         .follow = follow_exe},                                                                    \
        {.name = "fd", .of_thread = of, .mode = S_IFDIR | 0500, .numbered = fd, .list = fds_list}, \
        {.name = "fdinfo",                                                                         \
         .of_thread = of,                                                                          \
         .mode = S_IFDIR | 0555,                                                                   \
         .numbered = fdinfo,                                                                       \
         .list = fds_list},                                                                        \
        {.name = "gid_map", .of_thread = of, TEXT(0644, ID_MAP)},                                  \
        {.name = "io", .of_thread = of, FILE_OF(0400, show_io)},                                   \
        {.name = "limits", .of_thread = of, FILE_OF(0444, show_limits)},                           \
        {.name = "loginuid", .of_thread = of, TEXT(0644, NO_ID)},                                  \
        {.name = "maps", .of_thread = of, .is_private = true, FILE_OF(0444, show_maps)},           \
        {.name = "mem",                                                                            \
         .of_thread = of,                                                                          \
         .is_private = true,                                                                       \
         .mode = S_IFREG | 0600,                                                                   \
         .fetch = fetch_mem,                                                                       \
         .put = put_mem},                                                                          \
        {.name = "mountinfo", .of_thread = of, FILE_OF(0444, show_mountinfo)},                     \
        {.name = "mounts", .of_thread = of, FILE_OF(0444, show_mounts)},                           \
        {.name = "ns", .of_thread = of, .mode = S_IFDIR | 0511, .children = namespaces},           \
        {.name = "oom_score", .of_thread = of, FILE_OF(0444, show_oom_score)},                     \
        {.name = "oom_score_adj",                                                                  \
         .of_thread = of,                                                                          \
         FILE_OF(0644, show_oom_adjustment),                                                       \
         .store = store_oom_adjustment},                                                           \
        {.name = "pagemap",                                                                        \
         .of_thread = of,                                                                          \
         .is_private = true,                                                                       \
         .mode = S_IFREG | 0400,                                                                   \
         .fetch = fetch_pagemap},                                                                  \
        {.name = "personality", .of_thread = of, FILE_OF(0400, show_personality)},                 \
        {.name = "projid_map", .of_thread = of, TEXT(0644, ID_MAP)},                               \
        {.name = "root",                                                                           \
         .of_thread = of,                                                                          \
         .is_private = true,                                                                       \
         LINK(read_root),                                                                          \
         .follow = follow_root},                                                                   \
        {.name = "schedstat", .of_thread = of, FILE_OF(0444, show_schedstat)},                     \
        {.name = "sessionid", .of_thread = of, TEXT(0444, NO_ID)},                                 \
        {.name = "setgroups", .of_thread = of, TEXT(0644, "allow\n")},                             \
        {.name = "smaps", .of_thread = of, .is_private = true, FILE_OF(0444, show_smaps)},         \
        {.name = "smaps_rollup",                                                                   \
         .of_thread = of,                                                                          \
         .is_private = true,                                                                       \
         FILE_OF(0444, show_smaps_rollup)},                                                        \
        {.name = "stat", .of_thread = of, FILE_OF(0444, show_stat)},                               \
        {.name = "statm", .of_thread = of, FILE_OF(0444, show_statm)},                             \
        {.name = "status", .of_thread = of, FILE_OF(0444, show_status)},                           \
        {.name = "syscall", .of_thread = of, FILE_OF(0400, show_syscall)},                         \
        {.name = "uid_map", .of_thread = of, TEXT(0644, ID_MAP)},                                  \
    {                                                                                              \
        .name = "wchan", .of_thread = of, TEXT(0444, "0")                                          \
    }

#define ID_MAP "         0          0 4294967295\n"
#define NO_ID "4294967295"

static const struct pseudo_node thread_nodes[] = {
    NODES_OF_BOTH(true, &thread_fd_node, &thread_fdinfo_node, thread_namespace_nodes),
    {.name = "children", .of_thread = true, FILE_OF(0444, show_children)},
    {.name = NULL},
};

static const struct pseudo_node thread_node = {
    .name = "#", .of_thread = true, DIRECTORY(thread_nodes), .check = thread_check};

static const struct pseudo_node process_nodes[] = {
    NODES_OF_BOTH(false, &fd_node, &fdinfo_node, namespace_nodes),
    {.name = "coredump_filter", TEXT(0644, "00000033\n")},
    {.name = "mountstats", .is_private = true, FILE_OF(0400, show_mountstats)},
    {.name = "net", DIRECTORY(net_nodes)},
    {.name = "task", DIRECTORY(NULL), .numbered = &thread_node, .list = threads_list},
    {.name = "timers", TEXT(0444, "")},
    {.name = "timerslack_ns", TEXT(0644, "50000\n")},
    {.name = NULL},
};

static const struct pseudo_node process_node = {
    .name = "#", DIRECTORY(process_nodes), .check = process_check};

static const struct pseudo_node root_nodes[] = {
    {.name = "self", LINK(read_self)},
    {.name = "thread-self", LINK(read_thread_self)},
    {.name = "cmdline", TEXT(0444, "\n")},
    {.name = "cpuinfo", FILE_OF(0444, show_cpuinfo)},
    {.name = "devices", FILE_OF(0444, show_devices)},
    {.name = "diskstats", TEXT(0444, "")},
    {.name = "filesystems", FILE_OF(0444, show_filesystems)},
    {.name = "interrupts", FILE_OF(0444, show_interrupts)},
    {.name = "loadavg", FILE_OF(0444, show_loadavg)},
    {.name = "locks", FILE_OF(0444, show_locks)},
    {.name = "meminfo", FILE_OF(0444, show_meminfo)},
    {.name = "modules", TEXT(0444, "")},
    {.name = "mounts", LINK(read_mounts)},
    {.name = "net", LINK(read_net)},
    {.name = "partitions", TEXT(0444, "major minor  #blocks  name\n\n")},
    {.name = "sbx", DIRECTORY(sbx_nodes)},
    {.name = "stat", FILE_OF(0444, show_system_stat)},
    {.name = "swaps", TEXT(0444, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n")},
    {.name = "sys", DIRECTORY(sys_nodes)},
    {.name = "uptime", FILE_OF(0444, show_uptime)},
    {.name = "version", FILE_OF(0444, show_version)},
    {.name = "vmstat", FILE_OF(0444, show_vmstat)},
    {.name = NULL},
};

static const struct pseudo_node root_node = {
    .name = "", DIRECTORY(root_nodes), .numbered = &process_node, .list = processes_list};

const struct pseudo_fs procfs = {
    .root = &root_node, .magic = PROC_SUPER_MAGIC, .owner = place_owner, .permit = place_permit};

int procfs_create(struct kernel *kernel, struct inode **ret)
{
    return pseudofs_create(&kernel->vfs, &procfs, ret);
}
