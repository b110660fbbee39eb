/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities given up and told. Calls: capget capset prctl fork */
#include <fcntl.h>
#include <linux/capability.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
static struct __user_cap_data_struct sets[2];

static long get(int pid)
{
    header.pid = pid;
    return syscall(SYS_capget, &header, sets);
}

static long set(void)
{
    header.pid = 0;
    return syscall(SYS_capset, &header, sets);
}

static uint64_t status_of(const char *name)
{
    char text[4096], line[32];
    unsigned long long value;
    int fd = open("/proc/self/status", O_RDONLY);
    ssize_t size = read(fd, text, sizeof(text) - 1);
    CHECK(size > 0 && close(fd) == 0);
    text[size] = 0;
    snprintf(line, sizeof(line), "\n%s:\t", name);
    char *at = strstr(text, line);
    CHECK(at != NULL && sscanf(at + strlen(line), "%llx", &value) == 1);
    return value;
}

static void test_drop(void)
{
    CHECK(get(0) == 0 && (sets[0].permitted & 1 << CAP_CHOWN) != 0);
    sets[0].effective &= ~(1u << CAP_CHOWN);
    CHECK(set() == 0 && get(getpid()) == 0);
    CHECK((sets[0].effective & 1 << CAP_CHOWN) == 0 && (sets[0].permitted & 1 << CAP_CHOWN) != 0);
    CHECK((status_of("CapEff") & 1) == 0 && (status_of("CapPrm") & 1) == 1);
    sets[0].effective |= 1 << CAP_CHOWN; /* raised again */
    CHECK(set() == 0 && get(0) == 0 && (sets[0].effective & 1 << CAP_CHOWN) != 0);
    sets[0].effective &= ~(1u << CAP_CHOWN);
    sets[0].permitted &= ~(1u << CAP_CHOWN);
    sets[0].inheritable |= 1 << CAP_KILL;
    CHECK(set() == 0 && get(0) == 0);
    CHECK((sets[0].permitted & 1 << CAP_CHOWN) == 0 && sets[0].inheritable == 1 << CAP_KILL);
    CHECK((status_of("CapPrm") & 1) == 0 && status_of("CapInh") == 1 << CAP_KILL);
    sets[0].permitted |= 1 << CAP_CHOWN;
    CHECK_ERRNO(set(), EPERM);
    CHECK(get(0) == 0);
    sets[0].effective |= 1 << CAP_CHOWN;
    CHECK_ERRNO(set(), EPERM);
    printf("dropped\n");
}

static void test_user(void)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) { /* inherited */
        CHECK(get(0) == 0 && (sets[0].permitted & 1 << CAP_CHOWN) == 0);
        CHECK(setuid(1000) == 0 && get(0) == 0);
        CHECK(sets[0].permitted == 0 && sets[0].effective == 0 && sets[1].permitted == 0);
        sets[0].effective = sets[0].permitted = 1;
        CHECK_ERRNO(set(), EPERM);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    printf("user\n");
}

static void test_errors(void)
{
    CHECK_ERRNO(get(-1), EINVAL);
    CHECK_ERRNO(get(4000000), ESRCH);
    header.pid = 4000000;
    CHECK_ERRNO(syscall(SYS_capset, &header, sets), EPERM);
    header = (struct __user_cap_header_struct){.version = 7};
    CHECK_ERRNO(syscall(SYS_capget, &header, sets), EINVAL);
    CHECK(header.version == _LINUX_CAPABILITY_VERSION_3);
    header.version = 7;
    CHECK(syscall(SYS_capget, &header, NULL) == 0);
    CHECK_ERRNO(syscall(SYS_capget, NULL, sets), EFAULT);
    CHECK_ERRNO(syscall(SYS_capset, &header, 8L), EFAULT);
    printf("errors\n");
}

static void test_ambient(void)
{
    CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0) == 0);
    CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0);
    CHECK_ERRNO(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 99, 0, 0), EINVAL);
    CHECK_ERRNO(prctl(PR_CAP_AMBIENT, 77, 0, 0, 0), EINVAL);
    CHECK_ERRNO(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0), EPERM); /* dropped */
    CHECK(prctl(PR_GET_SECUREBITS) == 0);
    printf("ambient\n");
}

int main(void)
{
    test_drop();
    test_ambient();
    test_user();
    test_errors();
    return 0;
}
