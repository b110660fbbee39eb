/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What /proc tells of the whole machine. Memory is the sandbox's: its limit, and what its memfile
 * takes of it. CPU times are those of the processes that are there, as user time.
 */
#include <cpuid.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/base/host.h"
#include "core/procfs/nodes.h"
#include "core/procfs/target.h"
#include "vfs/mount.h"

enum { KILO = 1024, TICKS_PER_SEC = 100 };

int show_meminfo(const struct pseudo_place *place, struct bytes *ret)
{
    const struct kernel *kernel = place_kernel(place);
    uint64_t total = kernel->memory_total / KILO;
    uint64_t used = memfile_memory_size(kernel->memfile) / KILO;
    uint64_t left = total > used ? total - used : 0;

    return bytes_printf(ret,
                        "MemTotal:       %8" PRIu64 " kB\nMemFree:        %8" PRIu64 " kB\n"
                        "MemAvailable:   %8" PRIu64 " kB\nBuffers:        %8d kB\n"
                        "Cached:         %8d kB\nSwapTotal:      %8d kB\n"
                        "SwapFree:       %8d kB\n",
                        total, left, left, 0, 0, 0, 0);
}

/* The name the CPU gives itself. */
static void cpu_name(char name[49])
{
    unsigned *to = (unsigned *)(void *)name;

    memset(name, 0, 49);
    for (unsigned i = 0; i < 3; i++) {
        if (!__get_cpuid(0x80000002 + i, &to[4 * i], &to[4 * i + 1], &to[4 * i + 2],
                         &to[4 * i + 3]))
            (void)strcpy(name, "unknown");
    }
}

static void cpu_vendor(char vendor[13])
{
    unsigned eax, ebx = 0, ecx = 0, edx = 0;

    (void)__get_cpuid(0, &eax, &ebx, &ecx, &edx);
    memcpy(vendor, &ebx, 4);
    memcpy(vendor + 4, &edx, 4);
    memcpy(vendor + 8, &ecx, 4);
    vendor[12] = '\0';
}

int show_cpuinfo(const struct pseudo_place *place, struct bytes *ret)
{
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    char vendor[13];
    _Alignas(unsigned) char name[49];
    int err = 0;

    (void)place;
    cpu_name(name);
    cpu_vendor(vendor);
    (void)__get_cpuid(1, &eax, &ebx, &ecx, &edx);
    for (unsigned i = 0; err == 0 && i < host_cpu_count(); i++)
        err = bytes_printf(ret,
                           "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n"
                           "model name\t: %s\nstepping\t: %u\n\n",
                           i, vendor, (eax >> 8 & 15) + (eax >> 20 & 255),
                           (eax >> 4 & 15) | (eax >> 12 & 0xf0), name, eax & 15);
    return err;
}

int show_uptime(const struct pseudo_place *place, struct bytes *ret)
{
    nsec_t now = clock_now(&place_kernel(place)->clock);
    int64_t hundredths = now / (NSEC_PER_SEC / 100);

    return bytes_printf(ret, "%" PRId64 ".%02d %" PRId64 ".%02d\n", hundredths / 100,
                        (int)(hundredths % 100), INT64_C(0), 0);
}

struct counts {
    unsigned tasks, running;
    int64_t cpu_time;
};

static int count_process(struct process *process, void *context)
{
    struct counts *counts = context;
    const struct task *task;

    TAILQ_FOREACH(task, &process->tasks, link) {
        counts->tasks++;
    }
    counts->cpu_time += atomic_load(&process->cpu_time);
    return 0;
}

static struct counts count_all(struct kernel *kernel, int *last_pid)
{
    struct counts counts = {.running = 1}; /* who reads this */

    mutex_lock(&kernel->tasks_lock);
    (void)process_list_all(kernel, count_process, &counts);
    *last_pid = kernel->machine->last_pid;
    mutex_unlock(&kernel->tasks_lock);
    return counts;
}

int show_loadavg(const struct pseudo_place *place, struct bytes *ret)
{
    int last_pid;
    struct counts counts = count_all(place_kernel(place), &last_pid);

    return bytes_printf(ret, "0.00 0.00 0.00 %u/%u %d\n", counts.running, counts.tasks, last_pid);
}

int show_system_stat(const struct pseudo_place *place, struct bytes *ret)
{
    struct kernel *kernel = place_kernel(place);
    int last_pid;
    struct counts counts = count_all(kernel, &last_pid);
    int64_t ticks = counts.cpu_time / (NSEC_PER_SEC / TICKS_PER_SEC);
    int64_t boot = (host_clock_realtime() - clock_now(&kernel->clock)) / NSEC_PER_SEC;

    int err = bytes_printf(ret, "cpu  %" PRId64 " 0 0 0 0 0 0 0 0 0\n", ticks);
    for (unsigned i = 0; err == 0 && i < host_cpu_count(); i++)
        err =
            bytes_printf(ret, "cpu%u %" PRId64 " 0 0 0 0 0 0 0 0 0\n", i, ticks / host_cpu_count());
    if (err < 0)
        return err;
    return bytes_printf(
        ret, "intr 0\nctxt 0\nbtime %" PRId64 "\nprocesses %d\nprocs_running %u\nprocs_blocked 0\n",
        boot, last_pid, counts.running);
}

int show_version(const struct pseudo_place *place, struct bytes *ret)
{
    (void)place;
    return bytes_printf(ret, "Linux version %s (sbx) %s\n", KERNEL_RELEASE, KERNEL_VERSION);
}

int show_filesystems(const struct pseudo_place *place, struct bytes *ret)
{
    (void)place;
    return bytes_printf(ret, "nodev\toverlay\nnodev\ttmpfs\nnodev\tproc\nnodev\tdevtmpfs\n");
}

int show_mounts(const struct pseudo_place *place, struct bytes *ret)
{
    struct mount *mount = place_kernel(place)->machine->root_mount;
    struct target target;
    struct fs_view view;

    int err = target_get(place, &target);
    if (err < 0)
        return err;
    if (target.fs != NULL) {
        fs_view_get(target.fs, &target.task->cred, target.task, &view);
        err = mount_show(mount, &view.root, ret);
        fs_view_put(&view);
    }
    target_put(&target);
    return err;
}
