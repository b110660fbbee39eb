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

static int show_hostname(const struct pseudo_place *place, struct bytes *ret)
{
    struct kernel *kernel = place_kernel(place);
    char name[sizeof(kernel->machine->hostname)];

    mutex_lock(&kernel->tasks_lock);
    memcpy(name, kernel->machine->hostname, sizeof(name));
    mutex_unlock(&kernel->tasks_lock);
    return bytes_printf(ret, "%s\n", name);
}

static int store_hostname(const struct pseudo_place *place, const char *text, size_t size)
{
    struct kernel *kernel = place_kernel(place);

    size = strcspn(text, "\n") < size ? strcspn(text, "\n") : size;
    if (size >= sizeof(kernel->machine->hostname))
        return -EINVAL;
    mutex_lock(&kernel->tasks_lock);
    memset(kernel->machine->hostname, 0, sizeof(kernel->machine->hostname));
    memcpy(kernel->machine->hostname, text, size);
    mutex_unlock(&kernel->tasks_lock);
    return 0;
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

static int show_pid_max(const struct pseudo_place *place, struct bytes *ret)
{
    (void)place;
    return bytes_printf(ret, "%d\n", KERNEL_PID_MAX);
}

static int show_ngroups_max(const struct pseudo_place *place, struct bytes *ret)
{
    (void)place;
    return bytes_printf(ret, "%d\n", CRED_GROUPS_MAX);
}

static int show_pipe_max_size(const struct pseudo_place *place, struct bytes *ret)
{
    (void)place;
    return bytes_printf(ret, "%d\n", PIPE_CAPACITY_MAX);
}

static int show_nr_open(const struct pseudo_place *place, struct bytes *ret)
{
    (void)place;
    return bytes_printf(ret, "%d\n", DESCRIPTORS_MAX);
}

static int show_zero(const struct pseudo_place *place, struct bytes *ret)
{
    (void)place;
    return bytes_printf(ret, "0\n");
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

static const struct pseudo_node random_nodes[] = {
    {.name = "uuid", .mode = S_IFREG | 0444, .show = show_uuid},
    {.name = "boot_id", .mode = S_IFREG | 0444, .show = show_boot_id},
    {.name = NULL},
};

static const struct pseudo_node kernel_nodes[] = {
    {.name = "hostname", .mode = S_IFREG | 0644, .show = show_hostname, .store = store_hostname},
    {.name = "ostype", .mode = S_IFREG | 0444, .show = show_ostype},
    {.name = "osrelease", .mode = S_IFREG | 0444, .show = show_osrelease},
    {.name = "version", .mode = S_IFREG | 0444, .show = show_osversion},
    {.name = "pid_max", .mode = S_IFREG | 0444, .show = show_pid_max},
    {.name = "ngroups_max", .mode = S_IFREG | 0444, .show = show_ngroups_max},
    {.name = "random", .mode = S_IFDIR | 0555, .children = random_nodes},
    {.name = NULL},
};

static const struct pseudo_node fs_nodes[] = {
    {.name = "pipe-max-size", .mode = S_IFREG | 0444, .show = show_pipe_max_size},
    {.name = "nr_open", .mode = S_IFREG | 0444, .show = show_nr_open},
    {.name = NULL},
};

static const struct pseudo_node vm_nodes[] = {
    {.name = "overcommit_memory", .mode = S_IFREG | 0444, .show = show_zero},
    {.name = NULL},
};

const struct pseudo_node sys_nodes[] = {
    {.name = "fs", .mode = S_IFDIR | 0555, .children = fs_nodes},
    {.name = "kernel", .mode = S_IFDIR | 0555, .children = kernel_nodes},
    {.name = "vm", .mode = S_IFDIR | 0555, .children = vm_nodes},
    {.name = NULL},
};

const struct pseudo_node sbx_nodes[] = {
    {.name = "generation", .mode = S_IFREG | 0444, .show = show_generation},
    {.name = NULL},
};
