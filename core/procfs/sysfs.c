/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /sys, as far as programs ask what machine they run on: CPUs, one memory node, huge pages, the
 * loopback link. Nothing can be changed. *Linux:* links from class/ to devices/ are directories.
 */
#include "core/procfs/sysfs.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/magic.h>

#include "core/base/host.h"
#include "core/procfs/target.h"

#define DIRECTORY(nodes) .mode = S_IFDIR | 0755, .children = (nodes)
#define FILE_OF(function) .mode = S_IFREG | 0444, .show = (function)
#define TEXT(content) .mode = S_IFREG | 0444, .text = (content)

/* --- CPUs --- */

static int show_range(unsigned count, struct bytes *ret)
{
    return count > 1 ? bytes_printf(ret, "0-%u\n", count - 1) : bytes_printf(ret, "0\n");
}

static int show_cpus(const struct pseudo_place *place, struct bytes *ret)
{
    return show_range(place_kernel(place)->cpu_count, ret);
}

/* In words of 32 bits, the highest one first. */
static int show_mask(unsigned first, unsigned count, struct bytes *ret)
{
    unsigned end = first + count;
    int err = 0;

    for (int word = (int)(end - 1) / 32; err == 0 && word >= 0; word--) {
        uint32_t mask = 0;
        for (unsigned bit = 0; bit < 32; bit++) {
            unsigned cpu = (unsigned)word * 32 + bit;
            mask |= cpu >= first && cpu < end ? UINT32_C(1) << bit : 0;
        }
        err = bytes_printf(ret, word == (int)(end - 1) / 32 ? "%" PRIx32 : ",%08" PRIx32, mask);
    }
    return err < 0 ? err : bytes_append(ret, "\n", 1);
}

static int show_all_mask(const struct pseudo_place *place, struct bytes *ret)
{
    return show_mask(0, place_kernel(place)->cpu_count, ret);
}

static int show_own_mask(const struct pseudo_place *place, struct bytes *ret)
{
    return show_mask((unsigned)place->numbers[0], 1, ret);
}

static int show_own_number(const struct pseudo_place *place, struct bytes *ret)
{
    return bytes_printf(ret, "%" PRId32 "\n", place->numbers[0]);
}

static int show_kernel_max(const struct pseudo_place *place, struct bytes *ret)
{
    return bytes_printf(ret, "%u\n", place_kernel(place)->cpu_count - 1);
}

static int cpu_check(struct pseudo_place *place)
{
    return (unsigned)place->numbers[0] < place_kernel(place)->cpu_count ? 0 : -ENOENT;
}

static int cpus_list(const struct pseudo_place *dir, pseudo_number_fn *fn, void *context)
{
    int err = 0;

    for (unsigned nr = 0; err == 0 && nr < place_kernel(dir)->cpu_count; nr++)
        err = fn(context, (int32_t)nr);
    return err;
}

static const struct pseudo_node topology_nodes[] = {
    {.name = "core_cpus", FILE_OF(show_own_mask)},
    {.name = "core_cpus_list", FILE_OF(show_own_number)},
    {.name = "core_id", FILE_OF(show_own_number)},
    {.name = "core_siblings", FILE_OF(show_all_mask)},
    {.name = "core_siblings_list", FILE_OF(show_cpus)},
    {.name = "die_id", TEXT("0\n")},
    {.name = "package_cpus", FILE_OF(show_all_mask)},
    {.name = "package_cpus_list", FILE_OF(show_cpus)},
    {.name = "physical_package_id", TEXT("0\n")},
    {.name = "thread_siblings", FILE_OF(show_own_mask)},
    {.name = "thread_siblings_list", FILE_OF(show_own_number)},
    {.name = NULL},
};

static const struct pseudo_node one_cpu_nodes[] = {
    {.name = "online", TEXT("1\n")},
    {.name = "topology", DIRECTORY(topology_nodes)},
    {.name = NULL},
};

static const struct pseudo_node cpu_node = {
    .name = "cpu#", DIRECTORY(one_cpu_nodes), .check = cpu_check};

static const struct pseudo_node cpu_nodes[] = {
    {.name = "isolated", TEXT("\n")},
    {.name = "kernel_max", FILE_OF(show_kernel_max)},
    {.name = "offline", TEXT("\n")},
    {.name = "online", FILE_OF(show_cpus)},
    {.name = "possible", FILE_OF(show_cpus)},
    {.name = "present", FILE_OF(show_cpus)},
    {.name = NULL},
};

/* --- memory --- */

static int show_node_memory(const struct pseudo_place *place, struct bytes *ret)
{
    const struct kernel *kernel = place_kernel(place);
    uint64_t total = kernel->memory_total / 1024;
    uint64_t used = memfile_memory_size(kernel->memfile) / 1024;
    uint64_t left = total > used ? total - used : 0;

    return bytes_printf(ret,
                        "Node 0 MemTotal:       %8" PRIu64 " kB\nNode 0 MemFree:        %8" PRIu64
                        " kB\nNode 0 MemUsed:        %8" PRIu64 " kB\n",
                        total, left, total - left);
}

static const struct pseudo_node node0_nodes[] = {
    {.name = "cpulist", FILE_OF(show_cpus)},
    {.name = "cpumap", FILE_OF(show_all_mask)},
    {.name = "distance", TEXT("10\n")},
    {.name = "meminfo", FILE_OF(show_node_memory)},
    {.name = NULL},
};

static const struct pseudo_node node_nodes[] = {
    {.name = "has_cpu", TEXT("0\n")},          {.name = "has_memory", TEXT("0\n")},
    {.name = "node0", DIRECTORY(node0_nodes)}, {.name = "online", TEXT("0\n")},
    {.name = "possible", TEXT("0\n")},         {.name = NULL},
};

static const struct pseudo_node huge_page_nodes[] = {
    {.name = "defrag", TEXT("always defer defer+madvise [madvise] never\n")},
    {.name = "enabled", TEXT("always [madvise] never\n")},
    {.name = "hpage_pmd_size", TEXT("2097152\n")},
    {.name = "shmem_enabled", TEXT("always within_size advise [never] deny force\n")},
    {.name = "use_zero_page", TEXT("1\n")},
    {.name = NULL},
};

static const struct pseudo_node mm_nodes[] = {
    {.name = "transparent_hugepage", DIRECTORY(huge_page_nodes)},
    {.name = NULL},
};

/* --- links and the rest --- */

static const struct pseudo_node lo_nodes[] = {
    {.name = "address", TEXT("00:00:00:00:00:00\n")},
    {.name = "flags", TEXT("0x9\n")},
    {.name = "ifindex", TEXT("1\n")},
    {.name = "mtu", TEXT("65536\n")},
    {.name = "operstate", TEXT("unknown\n")},
    {.name = "type", TEXT("772\n")},
    {.name = NULL},
};

static const struct pseudo_node net_nodes[] = {
    {.name = "lo", DIRECTORY(lo_nodes)},
    {.name = NULL},
};

static const struct pseudo_node no_nodes[] = {{.name = NULL}};

static const struct pseudo_node class_nodes[] = {
    {.name = "block", DIRECTORY(no_nodes)},
    {.name = "net", DIRECTORY(net_nodes)},
    {.name = NULL},
};

static const struct pseudo_node system_nodes[] = {
    {.name = "cpu", DIRECTORY(cpu_nodes), .numbered = &cpu_node, .list = cpus_list},
    {.name = "node", DIRECTORY(node_nodes)},
    {.name = NULL},
};

static const struct pseudo_node device_nodes[] = {
    {.name = "system", DIRECTORY(system_nodes)},
    {.name = NULL},
};

static const struct pseudo_node fs_nodes[] = {
    {.name = "cgroup", DIRECTORY(no_nodes)},
    {.name = NULL},
};

static const struct pseudo_node kernel_nodes[] = {
    {.name = "mm", DIRECTORY(mm_nodes)},
    {.name = NULL},
};

static const struct pseudo_node root_nodes[] = {
    {.name = "block", DIRECTORY(no_nodes)},
    {.name = "bus", DIRECTORY(no_nodes)},
    {.name = "class", DIRECTORY(class_nodes)},
    {.name = "devices", DIRECTORY(device_nodes)},
    {.name = "fs", DIRECTORY(fs_nodes)},
    {.name = "kernel", DIRECTORY(kernel_nodes)},
    {.name = NULL},
};

static const struct pseudo_node root_node = {
    .name = "", .mode = S_IFDIR | 0555, .children = root_nodes};

const struct pseudo_fs sysfs = {.root = &root_node, .magic = SYSFS_MAGIC};

int sysfs_create(struct kernel *kernel, struct inode **ret)
{
    return pseudofs_create(&kernel->vfs, &sysfs, ret);
}
