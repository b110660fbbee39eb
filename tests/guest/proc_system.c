/* SPDX-License-Identifier: Apache-2.0 */
/* The machine as /proc and /sys tell it: forms of the files, and numbers that must agree.
 * Calls: openat read sched_getaffinity sysinfo uname statfs */
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "check.h"

static char text[65536];

static size_t slurp(const char *path)
{
    size_t size = 0;
    ssize_t got;
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        fprintf(stderr, "%s\n", path);
    CHECK(fd >= 0);
    while ((got = read(fd, text + size, sizeof(text) - 1 - size)) > 0)
        size += (size_t)got;
    CHECK(got == 0 && close(fd) == 0);
    text[size] = 0;
    return size;
}

static int count(const char *what)
{
    int found = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what))
        found++;
    return found;
}

/* The number in a line that begins so. */
static long number(const char *name)
{
    const char *at = strncmp(text, name, strlen(name)) == 0 ? text : NULL;
    char line[64];
    snprintf(line, sizeof(line), "\n%s", name);
    if (at == NULL && (at = strstr(text, line)) != NULL)
        at++;
    CHECK(at != NULL);
    return atol(at + strlen(name));
}

static void test_memory(void)
{
    struct sysinfo info;
    CHECK(sysinfo(&info) == 0);
    slurp("/proc/meminfo");
    CHECK((unsigned long)number("MemTotal:") == info.totalram / 1024 * info.mem_unit);
    CHECK(number("MemFree:") <= number("MemTotal:") && number("MemAvailable:") > 0);
    CHECK(number("SwapTotal:") == (long)(info.totalswap / 1024 * info.mem_unit));
    CHECK(number("Buffers:") >= 0 && number("Cached:") >= 0 && number("Hugepagesize:") == 2048);
    slurp("/proc/vmstat");
    CHECK(number("nr_free_pages ") > 0 && number("pgfault ") >= 0);
    printf("memory\n");
}

static void test_cpus(void)
{
    cpu_set_t set;
    CHECK(sched_getaffinity(0, sizeof(set), &set) == 0);
    int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
    CHECK(CPU_COUNT(&set) >= 1 && CPU_COUNT(&set) <= cpus);
    slurp("/proc/cpuinfo");
    CHECK(count("processor\t: ") == cpus && count("\nflags\t\t: ") == cpus);
    CHECK(strstr(text, " sse2 ") != NULL && strstr(text, "\nmodel name\t: ") != NULL);
    CHECK(strstr(text, "\naddress sizes\t: ") != NULL && strstr(text, "\nbogomips\t: ") != NULL);
    slurp("/proc/stat");
    CHECK(strncmp(text, "cpu  ", 5) == 0 && count("\ncpu") == cpus);
    CHECK(number("btime ") > 0 && number("processes ") > 0 && number("procs_running ") >= 1);
    CHECK(strstr(text, "\nintr ") && strstr(text, "\nctxt ") && strstr(text, "\nsoftirq "));
    long long fields[10];
    CHECK(sscanf(text, "cpu %lld %lld %lld %lld %lld %lld %lld %lld %lld %lld\n", fields,
                 fields + 1, fields + 2, fields + 3, fields + 4, fields + 5, fields + 6, fields + 7,
                 fields + 8, fields + 9) == 10);
    slurp("/sys/devices/system/cpu/online");
    CHECK(text[0] == '0' &&
          atoi(strchr(text, '-') != NULL ? strchr(text, '-') + 1 : text) == cpus - 1);
    printf("cpus\n");
}

static void test_times(void)
{
    double up, idle;
    int running, tasks, last;
    double loads[3];
    slurp("/proc/uptime");
    CHECK(sscanf(text, "%lf %lf\n", &up, &idle) == 2 && up >= 0 && idle >= 0);
    slurp("/proc/loadavg");
    CHECK(sscanf(text, "%lf %lf %lf %d/%d %d\n", loads, loads + 1, loads + 2, &running, &tasks,
                 &last) == 6);
    CHECK(running >= 1 && tasks >= running && last >= 1);
    printf("times\n");
}

static void test_names(void)
{
    struct utsname name;
    CHECK(uname(&name) == 0);
    slurp("/proc/version");
    CHECK(strncmp(text, "Linux version ", 14) == 0);
    CHECK(strncmp(text + 14, name.release, strlen(name.release)) == 0);
    CHECK(strstr(text, name.version) != NULL);
    slurp("/proc/filesystems");
    CHECK(strstr(text, "nodev\tproc\n") && strstr(text, "nodev\ttmpfs\n"));
    slurp("/proc/devices");
    CHECK(strncmp(text, "Character devices:\n", 19) == 0 && strstr(text, "\nBlock devices:\n"));
    slurp("/proc/swaps");
    CHECK(strncmp(text, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n", 40) == 0);
    slurp("/proc/net/tcp");
    CHECK(strncmp(text, "  sl  local_address rem_address ", 32) == 0);
    slurp("/proc/net/unix");
    CHECK(strncmp(text, "Num       RefCount Protocol", 27) == 0);
    slurp("/proc/net/dev");
    CHECK(count("\n") >= 2 && strncmp(text, "Inter-|   Receive", 17) == 0);
    printf("names\n");
}

static void test_mounts(void)
{
    int id, parent, major, minor;
    char mountpoint[256];
    struct statfs info;
    slurp("/proc/mounts");
    CHECK(strstr(text, " /proc proc rw"));
    slurp("/proc/self/mountinfo");
    CHECK(sscanf(text, "%d %d %d:%d %*s %255s ", &id, &parent, &major, &minor, mountpoint) == 5);
    CHECK(strstr(text, " /proc rw") && count(" - ") == count("\n"));
    CHECK(statfs("/proc/self", &info) == 0 && info.f_type == PROC_SUPER_MAGIC);
    CHECK(statfs("/sys/devices", &info) == 0 && info.f_type == SYSFS_MAGIC);
    printf("mounts\n");
}

int main(void)
{
    test_memory();
    test_cpus();
    test_times();
    test_names();
    test_mounts();
    return 0;
}
