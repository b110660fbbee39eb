/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What /proc tells of the whole machine. Memory is the sandbox's: its limit, and what its memfile
 * takes of it. CPU times are those of the processes that are there, as user time; the rest is idle.
 * *Linux:* load, interrupts and context switches are not counted.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/base/host.h"
#include "core/procfs/facts.h"
#include "core/procfs/nodes.h"

enum { KILO = 1024, PAGE = 4096, HUNDREDTHS = 100 };

struct memory {
    uint64_t total, used, left; /* bytes */
};

static struct memory memory_of(const struct kernel *kernel)
{
    struct memory memory = {.total = kernel->memory_total,
                            .used = memfile_memory_size(kernel->memfile)};

    if (memory.used > memory.total)
        memory.used = memory.total;
    memory.left = memory.total - memory.used;
    return memory;
}

int show_meminfo(const struct pseudo_place *place, struct bytes *ret)
{
    struct memory memory = memory_of(place_kernel(place));
    const struct {
        const char *name;
        uint64_t size;
    } lines[] = {
        {"MemTotal:", memory.total},
        {"MemFree:", memory.left},
        {"MemAvailable:", memory.left},
        {"Buffers:", 0},
        {"Cached:", 0},
        {"SwapCached:", 0},
        {"Active:", memory.used},
        {"Inactive:", 0},
        {"Active(anon):", memory.used},
        {"Inactive(anon):", 0},
        {"Active(file):", 0},
        {"Inactive(file):", 0},
        {"Unevictable:", 0},
        {"Mlocked:", 0},
        {"SwapTotal:", 0},
        {"SwapFree:", 0},
        {"Dirty:", 0},
        {"Writeback:", 0},
        {"AnonPages:", memory.used},
        {"Mapped:", 0},
        {"Shmem:", 0},
        {"KReclaimable:", 0},
        {"Slab:", 0},
        {"SReclaimable:", 0},
        {"SUnreclaim:", 0},
        {"KernelStack:", 0},
        {"PageTables:", 0},
        {"CommitLimit:", memory.total},
        {"Committed_AS:", memory.used},
        {"VmallocTotal:", UINT64_C(0x200000000000)},
        {"VmallocUsed:", 0},
        {"VmallocChunk:", 0},
        {"AnonHugePages:", 0},
        {"ShmemHugePages:", 0},
    };
    int err = 0;

    for (size_t i = 0; err == 0 && i < sizeof(lines) / sizeof(*lines); i++)
        err = bytes_printf(ret, "%-15s %8" PRIu64 " kB\n", lines[i].name, lines[i].size / KILO);
    if (err < 0)
        return err;
    return bytes_printf(ret, "HugePages_Total:       0\nHugePages_Free:        0\n"
                             "HugePages_Rsvd:        0\nHugePages_Surp:        0\n"
                             "Hugepagesize:       2048 kB\nHugetlb:               0 kB\n");
}

int show_vmstat(const struct pseudo_place *place, struct bytes *ret)
{
    struct memory memory = memory_of(place_kernel(place));

    return bytes_printf(ret,
                        "nr_free_pages %" PRIu64 "\nnr_anon_pages %" PRIu64
                        "\nnr_mapped 0\nnr_file_pages 0\nnr_dirty 0\nnr_writeback 0\nnr_shmem 0\n"
                        "pgpgin 0\npgpgout 0\npswpin 0\npswpout 0\npgfree 0\npgfault 0\n"
                        "pgmajfault 0\noom_kill 0\n",
                        memory.left / PAGE, memory.used / PAGE);
}

/* Of all processes. */
struct counts {
    unsigned tasks, running, blocked;
    int64_t cpu_time;
    int last_pid;
};

static int count_process(struct process *process, void *context)
{
    struct counts *counts = context;
    struct usage usage;
    struct task *task;

    TAILQ_FOREACH(task, &process->tasks, link) {
        counts->tasks++;
        counts->running += gate_place_of(&task->waiter.pass) != GATE_ASLEEP;
    }
    usage_of_process(process, &usage);
    counts->cpu_time += usage.user + usage.system;
    return 0;
}

static struct counts count_all(struct kernel *kernel)
{
    struct counts counts = {0};

    mutex_lock(&kernel->tasks_lock);
    (void)process_list_all(kernel, count_process, &counts);
    counts.last_pid = kernel->machine->last_pid;
    mutex_unlock(&kernel->tasks_lock);
    return counts;
}

/* What all CPUs could have done and did not. */
static int64_t idle_time(struct kernel *kernel, const struct counts *counts)
{
    int64_t all = clock_now(&kernel->clock) * (int64_t)kernel->cpu_count;

    return all > counts->cpu_time ? all - counts->cpu_time : 0;
}

int show_uptime(const struct pseudo_place *place, struct bytes *ret)
{
    struct kernel *kernel = place_kernel(place);
    const struct counts counts = count_all(kernel);
    int64_t up = facts_ticks(clock_now(&kernel->clock));
    int64_t idle = facts_ticks(idle_time(kernel, &counts));

    return bytes_printf(ret, "%" PRId64 ".%02d %" PRId64 ".%02d\n", up / HUNDREDTHS,
                        (int)(up % HUNDREDTHS), idle / HUNDREDTHS, (int)(idle % HUNDREDTHS));
}

int show_loadavg(const struct pseudo_place *place, struct bytes *ret)
{
    const struct counts counts = count_all(place_kernel(place));

    return bytes_printf(ret, "0.00 0.00 0.00 %u/%u %d\n", counts.running, counts.tasks,
                        counts.last_pid);
}

int show_system_stat(const struct pseudo_place *place, struct bytes *ret)
{
    struct kernel *kernel = place_kernel(place);
    const struct counts counts = count_all(kernel);
    int64_t busy = facts_ticks(counts.cpu_time);
    int64_t idle = facts_ticks(idle_time(kernel, &counts));
    int64_t boot = (host_clock_realtime() - clock_now(&kernel->clock)) / NSEC_PER_SEC;

    int err = bytes_printf(ret, "cpu  %" PRId64 " 0 0 %" PRId64 " 0 0 0 0 0 0\n", busy, idle);
    for (unsigned i = 0; err == 0 && i < kernel->cpu_count; i++)
        err = bytes_printf(ret, "cpu%u %" PRId64 " 0 0 %" PRId64 " 0 0 0 0 0 0\n", i,
                           busy / kernel->cpu_count, idle / kernel->cpu_count);
    if (err < 0)
        return err;
    return bytes_printf(ret,
                        "intr 0\nctxt 0\nbtime %" PRId64 "\nprocesses %d\nprocs_running %u\n"
                        "procs_blocked %u\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n",
                        boot, counts.last_pid, counts.running, counts.blocked);
}

int show_version(const struct pseudo_place *place, struct bytes *ret)
{
    (void)place;
    return bytes_printf(ret, "Linux version %s (sbx) %s\n", KERNEL_RELEASE, KERNEL_VERSION);
}

int show_filesystems(const struct pseudo_place *place, struct bytes *ret)
{
    (void)place;
    return bytes_printf(ret, "nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tdevtmpfs\n"
                             "nodev\tpipefs\nnodev\tdevpts\nnodev\toverlay\nnodev\thostfs\n");
}

int show_devices(const struct pseudo_place *place, struct bytes *ret)
{
    (void)place;
    return bytes_printf(ret, "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n"
                             "  5 /dev/ptmx\n136 pts\n\nBlock devices:\n");
}

int show_interrupts(const struct pseudo_place *place, struct bytes *ret)
{
    unsigned count = place_kernel(place)->cpu_count;
    int err = bytes_printf(ret, "     ");

    for (unsigned i = 0; err == 0 && i < count; i++)
        err = bytes_printf(ret, "       CPU%-3u", i);
    return err < 0 ? err : bytes_append(ret, "\n", 1);
}
