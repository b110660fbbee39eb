/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of /proc/self/status. Calls: openat read umask */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"

static char text[16384];

static size_t slurp(const char *path)
{
    size_t size = 0;
    ssize_t got;
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0);
    while ((got = read(fd, text + size, sizeof(text) - 1 - size)) > 0)
        size += (size_t)got;
    CHECK(got == 0 && close(fd) == 0);
    text[size] = 0;
    return size;
}

/* The value of a line, or NULL. */
static const char *value_of(const char *name)
{
    static char line[256];
    char start[64];
    snprintf(start, sizeof(start), "\n%s:\t", name);
    const char *at = strstr(text, start);
    if (at == NULL)
        return NULL;
    at += strlen(start);
    size_t size = strcspn(at, "\n");
    CHECK(size < sizeof(line));
    memcpy(line, at, size);
    line[size] = 0;
    return line;
}

/* Each of these is there, in this order. */
static void test_lines(void)
{
    static const char *const names[] = {"Umask",
                                        "State",
                                        "Tgid",
                                        "Ngid",
                                        "Pid",
                                        "PPid",
                                        "TracerPid",
                                        "Uid",
                                        "Gid",
                                        "FDSize",
                                        "Groups",
                                        "NStgid",
                                        "NSpid",
                                        "NSpgid",
                                        "NSsid",
                                        "VmPeak",
                                        "VmSize",
                                        "VmLck",
                                        "VmPin",
                                        "VmHWM",
                                        "VmRSS",
                                        "RssAnon",
                                        "RssFile",
                                        "RssShmem",
                                        "VmData",
                                        "VmStk",
                                        "VmExe",
                                        "VmLib",
                                        "VmPTE",
                                        "VmSwap",
                                        "Threads",
                                        "SigQ",
                                        "SigPnd",
                                        "ShdPnd",
                                        "SigBlk",
                                        "SigIgn",
                                        "SigCgt",
                                        "CapInh",
                                        "CapPrm",
                                        "CapEff",
                                        "CapBnd",
                                        "CapAmb",
                                        "NoNewPrivs",
                                        "Seccomp",
                                        "Cpus_allowed",
                                        "Cpus_allowed_list",
                                        "Mems_allowed",
                                        "Mems_allowed_list",
                                        "voluntary_ctxt_switches",
                                        "nonvoluntary_ctxt_switches"};
    umask(027);
    slurp("/proc/self/status");
    CHECK(strncmp(text, "Name:\t", 6) == 0);
    const char *last = text;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char start[64];
        snprintf(start, sizeof(start), "\n%s:\t", names[i]);
        const char *at = strstr(text, start);
        if (at == NULL || at <= last)
            fprintf(stderr, "%s\n", names[i]);
        CHECK(at != NULL && at > last);
        last = at;
    }
    CHECK(strcmp(value_of("Umask"), "0027") == 0);
    CHECK(strcmp(value_of("Threads"), "1") == 0);
    CHECK(strcmp(value_of("State"), "R (running)") == 0);
    CHECK(atoi(value_of("NSpid")) == getpid() && atoi(value_of("Tgid")) == getpid());
    CHECK(atoi(value_of("FDSize")) >= 3 && strstr(value_of("VmRSS"), " kB") != NULL);
    printf("lines\n");
}

int main(void)
{
    test_lines();
    return 0;
}
