/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/sys and /proc/sbx: names and limits of the kernel, and the generation, which is new after
 * each restore.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "core/base/host.h"
#include "core/procfs/nodes.h"
#include "core/procfs/target.h"
#include "vfs/cred.h"
#include "vfs/pipe.h"

enum { ID_SIZE = 16, DESCRIPTORS_MAX = 1 << 20 };

/* Names of the machine: guarded by the tasks lock. */
static int show_name(const struct pseudo_place *place, const char *name, struct bytes *ret)
{
    struct kernel *kernel = place_kernel(place);
    char copy[MACHINE_NAME_SIZE];

    mutex_lock(&kernel->tasks_lock);
    memcpy(copy, name, sizeof(copy));
    mutex_unlock(&kernel->tasks_lock);
    return bytes_printf(ret, "%s\n", copy);
}

static int store_name(const struct pseudo_place *place, const char *text, size_t size, char *name)
{
    struct kernel *kernel = place_kernel(place);

    size = strcspn(text, "\n") < size ? strcspn(text, "\n") : size;
    if (size >= MACHINE_NAME_SIZE)
        return -EINVAL;
    mutex_lock(&kernel->tasks_lock);
    memset(name, 0, MACHINE_NAME_SIZE);
    memcpy(name, text, size);
    mutex_unlock(&kernel->tasks_lock);
    return 0;
}

static int show_hostname(const struct pseudo_place *place, struct bytes *ret)
{
    return show_name(place, place_kernel(place)->machine->hostname, ret);
}

static int store_hostname(const struct pseudo_place *place, const char *text, size_t size)
{
    return store_name(place, text, size, place_kernel(place)->machine->hostname);
}

static int show_domainname(const struct pseudo_place *place, struct bytes *ret)
{
    return show_name(place, place_kernel(place)->machine->domainname, ret);
}

static int store_domainname(const struct pseudo_place *place, const char *text, size_t size)
{
    return store_name(place, text, size, place_kernel(place)->machine->domainname);
}

static int show_ostype(const struct pseudo_place *place, struct bytes *ret)
{
    (void)place;
    return bytes_printf(ret, "Linux\n");
}

static int show_osrelease(const struct pseudo_place *place, struct bytes *ret)
{
    (void)place;
    return bytes_printf(ret, "%s\n", KERNEL_RELEASE);
}

static int show_osversion(const struct pseudo_place *place, struct bytes *ret)
{
    (void)place;
    return bytes_printf(ret, "%s\n", KERNEL_VERSION);
}

static int show_number(int number, struct bytes *ret)
{
    return bytes_printf(ret, "%d\n", number);
}

static int show_pid_max(const struct pseudo_place *place, struct bytes *ret)
{
    (void)place;
    return show_number(KERNEL_PID_MAX, ret);
}

static int show_ngroups_max(const struct pseudo_place *place, struct bytes *ret)
{
    (void)place;
    return show_number(CRED_GROUPS_MAX, ret);
}

static int show_pipe_max_size(const struct pseudo_place *place, struct bytes *ret)
{
    (void)place;
    return show_number(PIPE_CAPACITY_MAX, ret);
}

static int show_nr_open(const struct pseudo_place *place, struct bytes *ret)
{
    (void)place;
    return show_number(DESCRIPTORS_MAX, ret);
}

/* As RFC 9562 writes it. */
static int show_uuid_of(const uint8_t id[ID_SIZE], struct bytes *ret)
{
    int err = 0;

    for (int i = 0; err == 0 && i < ID_SIZE; i++) {
        bool is_group = i == 4 || i == 6 || i == 8 || i == 10;
        err = bytes_printf(ret, "%s%02x", is_group ? "-" : "", id[i]);
    }
    return err < 0 ? err : bytes_append(ret, "\n", 1);
}

/* Makes random bytes an id of version 4. */
static void mark_uuid(uint8_t id[ID_SIZE])
{
    id[6] = (id[6] & 0x0f) | 0x40;
    id[8] = (id[8] & 0x3f) | 0x80;
}

static int show_uuid(const struct pseudo_place *place, struct bytes *ret)
{
    uint8_t id[ID_SIZE];

    (void)place;
    host_random(id, sizeof(id));
    mark_uuid(id);
    return show_uuid_of(id, ret);
}

static void copy_generation(const struct pseudo_place *place, uint8_t id[ID_SIZE])
{
    struct kernel *kernel = place_kernel(place);

    mutex_lock(&kernel->tasks_lock);
    memcpy(id, kernel->machine->generation, ID_SIZE);
    mutex_unlock(&kernel->tasks_lock);
}

/* *Linux:* a restored sandbox has another one. */
static int show_boot_id(const struct pseudo_place *place, struct bytes *ret)
{
    uint8_t id[ID_SIZE];

    copy_generation(place, id);
    mark_uuid(id);
    return show_uuid_of(id, ret);
}

static int show_generation(const struct pseudo_place *place, struct bytes *ret)
{
    uint8_t id[ID_SIZE];
    int err = 0;

    copy_generation(place, id);
    for (int i = 0; err == 0 && i < ID_SIZE; i++)
        err = bytes_printf(ret, "%02x", id[i]);
    return err < 0 ? err : bytes_append(ret, "\n", 1);
}

#define DIRECTORY(nodes) .mode = S_IFDIR | 0555, .children = (nodes)
#define FILE_OF(function) .mode = S_IFREG | 0444, .show = (function)
#define TEXT(content) .mode = S_IFREG | 0444, .text = (content)

static const struct pseudo_node random_nodes[] = {
    {.name = "boot_id", FILE_OF(show_boot_id)},
    {.name = "entropy_avail", TEXT("256\n")},
    {.name = "poolsize", TEXT("256\n")},
    {.name = "uuid", FILE_OF(show_uuid)},
    {.name = NULL},
};

static const struct pseudo_node yama_nodes[] = {
    {.name = "ptrace_scope", TEXT("0\n")},
    {.name = NULL},
};

static const struct pseudo_node kernel_nodes[] = {
    {.name = "cap_last_cap", TEXT("40\n")},
    {.name = "core_pattern", TEXT("core\n")},
    {.name = "core_uses_pid", TEXT("0\n")},
    {.name = "domainname",
     .mode = S_IFREG | 0644,
     .show = show_domainname,
     .store = store_domainname},
    {.name = "dmesg_restrict", TEXT("1\n")},
    {.name = "hostname", .mode = S_IFREG | 0644, .show = show_hostname, .store = store_hostname},
    {.name = "keys", DIRECTORY(NULL)},
    {.name = "kptr_restrict", TEXT("2\n")},
    {.name = "msgmax", TEXT("8192\n")},
    {.name = "msgmnb", TEXT("16384\n")},
    {.name = "msgmni", TEXT("32000\n")},
    {.name = "ngroups_max", FILE_OF(show_ngroups_max)},
    {.name = "osrelease", FILE_OF(show_osrelease)},
    {.name = "ostype", FILE_OF(show_ostype)},
    {.name = "overflowgid", TEXT("65534\n")},
    {.name = "overflowuid", TEXT("65534\n")},
    {.name = "perf_event_paranoid", TEXT("2\n")},
    {.name = "pid_max", FILE_OF(show_pid_max)},
    {.name = "printk", TEXT("4\t4\t1\t7\n")},
    {.name = "random", DIRECTORY(random_nodes)},
    {.name = "randomize_va_space", TEXT("2\n")},
    {.name = "sched_autogroup_enabled", TEXT("0\n")},
    {.name = "sched_rt_period_us", TEXT("1000000\n")},
    {.name = "sched_rt_runtime_us", TEXT("950000\n")},
    {.name = "sem", TEXT("32000\t1024000000\t500\t32000\n")},
    {.name = "shmall", TEXT("18446744073692774399\n")},
    {.name = "shmmax", TEXT("18446744073692774399\n")},
    {.name = "shmmni", TEXT("4096\n")},
    {.name = "threads-max", FILE_OF(show_pid_max)},
    {.name = "unprivileged_userns_clone", TEXT("0\n")},
    {.name = "version", FILE_OF(show_osversion)},
    {.name = "yama", DIRECTORY(yama_nodes)},
    {.name = NULL},
};

static const struct pseudo_node epoll_nodes[] = {
    {.name = "max_user_watches", TEXT("1048576\n")},
    {.name = NULL},
};

static const struct pseudo_node inotify_nodes[] = {
    {.name = "max_queued_events", TEXT("16384\n")},
    {.name = "max_user_instances", TEXT("128\n")},
    {.name = "max_user_watches", TEXT("65536\n")},
    {.name = NULL},
};

static const struct pseudo_node mqueue_nodes[] = {
    {.name = "msg_max", TEXT("10\n")},
    {.name = "msgsize_max", TEXT("8192\n")},
    {.name = "queues_max", TEXT("256\n")},
    {.name = NULL},
};

static const struct pseudo_node fs_nodes[] = {
    {.name = "aio-max-nr", TEXT("65536\n")},
    {.name = "aio-nr", TEXT("0\n")},
    {.name = "epoll", DIRECTORY(epoll_nodes)},
    {.name = "file-max", TEXT("9223372036854775807\n")},
    {.name = "file-nr", TEXT("0\t0\t9223372036854775807\n")},
    {.name = "inotify", DIRECTORY(inotify_nodes)},
    {.name = "lease-break-time", TEXT("45\n")},
    {.name = "leases-enable", TEXT("0\n")},
    {.name = "mqueue", DIRECTORY(mqueue_nodes)},
    {.name = "nr_open", FILE_OF(show_nr_open)},
    {.name = "overflowgid", TEXT("65534\n")},
    {.name = "overflowuid", TEXT("65534\n")},
    {.name = "pipe-max-size", FILE_OF(show_pipe_max_size)},
    {.name = "pipe-user-pages-hard", TEXT("0\n")},
    {.name = "pipe-user-pages-soft", TEXT("16384\n")},
    {.name = "protected_hardlinks", TEXT("0\n")},
    {.name = "protected_symlinks", TEXT("0\n")},
    {.name = "suid_dumpable", TEXT("0\n")},
    {.name = NULL},
};

static const struct pseudo_node vm_nodes[] = {
    {.name = "dirty_background_ratio", TEXT("10\n")},
    {.name = "dirty_ratio", TEXT("20\n")},
    {.name = "max_map_count", TEXT("65530\n")},
    {.name = "mmap_min_addr", TEXT("65536\n")},
    {.name = "nr_hugepages", TEXT("0\n")},
    {.name = "overcommit_kbytes", TEXT("0\n")},
    {.name = "overcommit_memory", TEXT("0\n")},
    {.name = "overcommit_ratio", TEXT("50\n")},
    {.name = "panic_on_oom", TEXT("0\n")},
    {.name = "swappiness", TEXT("60\n")},
    {.name = "vfs_cache_pressure", TEXT("100\n")},
    {.name = NULL},
};

static const struct pseudo_node core_nodes[] = {
    {.name = "optmem_max", TEXT("131072\n")},
    {.name = "rmem_default", TEXT("212992\n")},
    {.name = "rmem_max", TEXT("212992\n")},
    {.name = "somaxconn", TEXT("4096\n")},
    {.name = "wmem_default", TEXT("212992\n")},
    {.name = "wmem_max", TEXT("212992\n")},
    {.name = NULL},
};

static const struct pseudo_node ipv4_nodes[] = {
    {.name = "ip_forward", TEXT("0\n")},
    {.name = "ip_local_port_range", TEXT("32768\t60999\n")},
    {.name = "ip_unprivileged_port_start", TEXT("1024\n")},
    {.name = "tcp_rmem", TEXT("4096\t131072\t6291456\n")},
    {.name = "tcp_wmem", TEXT("4096\t16384\t4194304\n")},
    {.name = NULL},
};

static const struct pseudo_node unix_nodes[] = {
    {.name = "max_dgram_qlen", TEXT("512\n")},
    {.name = NULL},
};

static const struct pseudo_node net_sys_nodes[] = {
    {.name = "core", DIRECTORY(core_nodes)},
    {.name = "ipv4", DIRECTORY(ipv4_nodes)},
    {.name = "unix", DIRECTORY(unix_nodes)},
    {.name = NULL},
};

const struct pseudo_node sys_nodes[] = {
    {.name = "fs", DIRECTORY(fs_nodes)},
    {.name = "kernel", DIRECTORY(kernel_nodes)},
    {.name = "net", DIRECTORY(net_sys_nodes)},
    {.name = "vm", DIRECTORY(vm_nodes)},
    {.name = NULL},
};

const struct pseudo_node sbx_nodes[] = {
    {.name = "generation", FILE_OF(show_generation)},
    {.name = NULL},
};
