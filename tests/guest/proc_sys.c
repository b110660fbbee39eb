/* SPDX-License-Identifier: Apache-2.0 */
/* Names and limits below /proc/sys. Calls: openat read write sethostname setdomainname uname */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/utsname.h>

#include "check.h"

static char text[4096];

static void slurp(const char *path)
{
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        fprintf(stderr, "%s\n", path);
    CHECK(fd >= 0);
    ssize_t size = read(fd, text, sizeof(text) - 1);
    CHECK(size >= 0 && close(fd) == 0);
    text[size] = 0;
}

/* A file of one number. */
static void test_number(const char *name, long long least)
{
    char path[128], end;
    long long value;
    snprintf(path, sizeof(path), "/proc/sys/%s", name);
    slurp(path);
    CHECK(sscanf(text, "%lld%c", &value, &end) == 2 && end == '\n');
    if (value < least)
        fprintf(stderr, "%s\n", name);
    CHECK(value >= least);
}

static void test_numbers(void)
{
    test_number("kernel/pid_max", 300);
    test_number("kernel/threads-max", 20);
    test_number("kernel/ngroups_max", 32);
    test_number("kernel/cap_last_cap", 40);
    test_number("kernel/randomize_va_space", 0);
    test_number("kernel/random/entropy_avail", 1);
    test_number("kernel/overflowuid", 65534);
    test_number("kernel/sched_rt_runtime_us", 1);
    test_number("fs/file-max", 1024);
    test_number("fs/nr_open", 1024);
    test_number("fs/pipe-max-size", 65536);
    test_number("fs/inotify/max_user_watches", 1);
    test_number("vm/overcommit_memory", 0);
    test_number("vm/max_map_count", 65530);
    test_number("vm/mmap_min_addr", 0);
    test_number("vm/swappiness", 0);
    test_number("net/core/somaxconn", 128);
    printf("numbers\n");
}

static void test_strings(void)
{
    struct utsname name;
    char line[256], first[64];
    CHECK(uname(&name) == 0);
    slurp("/proc/sys/kernel/ostype");
    CHECK(strcmp(text, "Linux\n") == 0);
    slurp("/proc/sys/kernel/osrelease");
    snprintf(line, sizeof(line), "%s\n", name.release);
    CHECK(strcmp(text, line) == 0);
    slurp("/proc/sys/kernel/version");
    snprintf(line, sizeof(line), "%s\n", name.version);
    CHECK(strcmp(text, line) == 0);
    slurp("/proc/sys/kernel/random/uuid");
    CHECK(strlen(text) == 37 && text[8] == '-' && text[14] == '4' && text[36] == '\n');
    strcpy(first, text);
    slurp("/proc/sys/kernel/random/uuid");
    CHECK(strcmp(text, first) != 0);
    slurp("/proc/sys/kernel/random/boot_id");
    CHECK(strlen(text) == 37);
    slurp("/proc/sys/kernel/core_pattern");
    CHECK(strlen(text) > 1);
    printf("strings\n");
}

/* Only where the names of the machine are the test's own. */
static void test_hostname(void)
{
    struct utsname name;
    CHECK(uname(&name) == 0);
    CHECK_ERRNO(sethostname("x", 65), EINVAL);
    CHECK_ERRNO(sethostname("x", (size_t)-1), EINVAL);
    CHECK_ERRNO(sethostname((void *)1, 8), EFAULT);
    CHECK(setdomainname(name.domainname, strlen(name.domainname)) == 0);
    CHECK(sethostname(name.nodename, strlen(name.nodename)) == 0);
    int fd = open("/proc/sys/kernel/hostname", O_WRONLY);
    CHECK(fd >= 0 && write(fd, name.nodename, strlen(name.nodename)) > 0 && close(fd) == 0);
    slurp("/proc/sys/kernel/hostname");
    CHECK(strncmp(text, name.nodename, strlen(name.nodename)) == 0);
    slurp("/proc/sys/kernel/domainname");
    CHECK(strncmp(text, name.domainname, strlen(name.domainname)) == 0);
    printf("hostname\n");
}

static void test_rights(void)
{
    CHECK_ERRNO(open("/proc/sys/kernel/new", O_CREAT | O_WRONLY, 0600), ENOENT);
    CHECK(setuid(1000) == 0);
    CHECK_ERRNO(open("/proc/sys/kernel/hostname", O_WRONLY), EACCES);
    CHECK_ERRNO(sethostname("x", 1), EPERM);
    CHECK_ERRNO(setdomainname("x", 1), EPERM);
    CHECK_ERRNO(open("/proc/sys/kernel/nothing", O_RDONLY), ENOENT);
    printf("rights\n");
}

int main(void)
{
    test_numbers();
    test_strings();
    test_hostname();
    test_rights();
    return 0;
}
