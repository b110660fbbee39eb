/* SPDX-License-Identifier: Apache-2.0 */
/* The machine in /sys: CPUs, the memory node, huge pages, the loopback link. Calls: openat read
 * getdents64 sched_getaffinity */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"

static char text[4096];

static const char *slurp(const char *path)
{
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        fprintf(stderr, "%s\n", path);
    CHECK(fd >= 0);
    ssize_t size = read(fd, text, sizeof(text) - 1);
    CHECK(size >= 0 && close(fd) == 0);
    text[size] = 0;
    return text;
}

/* The last number of a list like 0-3. */
static int last_of(const char *list)
{
    const char *dash = strrchr(list, '-');
    CHECK(list[strlen(list) - 1] == '\n');
    return atoi(dash != NULL ? dash + 1 : list);
}

static void test_cpus(void)
{
    int listed = 0, last = last_of(slurp("/sys/devices/system/cpu/online"));
    char path[128];
    CHECK(last == (int)sysconf(_SC_NPROCESSORS_ONLN) - 1);
    CHECK(last_of(slurp("/sys/devices/system/cpu/possible")) >= last);
    CHECK(last_of(slurp("/sys/devices/system/cpu/present")) >= last);
    CHECK(last_of(slurp("/sys/devices/system/cpu/kernel_max")) >= last);
    DIR *dir = opendir("/sys/devices/system/cpu");
    CHECK(dir != NULL);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        int nr, end = 0;
        if (sscanf(entry->d_name, "cpu%d%n", &nr, &end) == 1 && entry->d_name[end] == 0)
            listed += nr <= last;
    }
    CHECK(closedir(dir) == 0 && listed == last + 1);
    snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/core_id", last);
    CHECK(last_of(slurp(path)) >= 0);
    snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/thread_siblings", last);
    CHECK(strtoul(slurp(path), NULL, 16) >> last & 1);
    snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d", last + 1000);
    CHECK_ERRNO(open(path, O_RDONLY), ENOENT);
    CHECK_ERRNO(open("/sys/devices/system/cpu/cpu", O_RDONLY), ENOENT);
    CHECK_ERRNO(open("/sys/devices/system/cpu/cpu00", O_RDONLY), ENOENT);
    printf("cpus\n");
}

static void test_memory(void)
{
    long total;
    CHECK(sscanf(slurp("/sys/devices/system/node/node0/meminfo"), "%*[^0]0 MemTotal: %ld kB",
                 &total) == 1 &&
          total > 0);
    CHECK(last_of(slurp("/sys/devices/system/node/node0/cpulist")) >= 0);
    CHECK(atoi(slurp("/sys/devices/system/node/online")) == 0);
    slurp("/sys/kernel/mm/transparent_hugepage/enabled");
    CHECK(strchr(text, '[') != NULL && strstr(text, "madvise") != NULL);
    CHECK(atoi(slurp("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size")) == 2 << 20);
    printf("memory\n");
}

static void test_rest(void)
{
    struct stat stat_of;
    CHECK(atoi(slurp("/sys/class/net/lo/mtu")) > 0 && atoi(slurp("/sys/class/net/lo/type")) == 772);
    CHECK(stat("/sys", &stat_of) == 0 && stat_of.st_mode == (S_IFDIR | 0555));
    CHECK(stat("/sys/devices/system/cpu/online", &stat_of) == 0);
    CHECK(stat_of.st_mode == (S_IFREG | 0444) && stat_of.st_uid == 0);
    CHECK(stat("/sys/fs/cgroup", &stat_of) == 0 && S_ISDIR(stat_of.st_mode));
    CHECK(mkdir("/sys/new", 0700) == -1);
    printf("rest\n");
}

int main(void)
{
    test_cpus();
    test_memory();
    test_rest();
    return 0;
}
