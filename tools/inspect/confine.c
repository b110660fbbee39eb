/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The confinement of a program that decodes an image: whatever the image makes it do, it can open,
 * send and start nothing. Calls fail rather than kill, because libraries try some that they can do
 * without.
 */
#include "tools/inspect/confine.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <seccomp.h>

#include "core/base/container.h"

static const int allowed[] = {
    SCMP_SYS(read),        SCMP_SYS(pread64),       SCMP_SYS(preadv),     SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),  SCMP_SYS(lseek),         SCMP_SYS(close),      SCMP_SYS(munmap),
    SCMP_SYS(mremap),      SCMP_SYS(madvise),       SCMP_SYS(brk),        SCMP_SYS(futex),
    SCMP_SYS(getrandom),   SCMP_SYS(rt_sigreturn),  SCMP_SYS(exit_group), SCMP_SYS(exit),
    SCMP_SYS(sigaltstack), SCMP_SYS(clock_gettime), /* of sanitizers */
};

static int add_helper(scmp_filter_ctx filter, int helper)
{
    const struct scmp_arg_cmp is_helper = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)helper, 0);
    int err =
        helper < 0 ? 0 : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendmsg), 1, is_helper);

    if (helper >= 0 && err == 0)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(recvmsg), 1, is_helper);
    return err;
}

static int add_rules(scmp_filter_ctx filter)
{
    int err = 0;

    for (size_t i = 0; err == 0 && i < ARRAY_COUNT(allowed); i++)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    if (err == 0)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1,
                               SCMP_A0(SCMP_CMP_LE, STDERR_FILENO, 0));
    if (err == 0)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(writev), 1,
                               SCMP_A0(SCMP_CMP_LE, STDERR_FILENO, 0));
    if (err == 0)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                               SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    return err;
}

/* Bytes of data that this process has; 0: not known. */
static uint64_t data_size(void)
{
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    if (file == NULL)
        return 0;
    int found = fscanf(file, "%*u %*u %*u %*u %*u %llu", &pages);
    (void)fclose(file);
    return found == 1 ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static void limit_memory(uint64_t memory)
{
    uint64_t size = data_size();
    struct rlimit limit = {.rlim_cur = size + memory, .rlim_max = size + memory};

    if (size > 0)
        (void)setrlimit(RLIMIT_DATA, &limit);
}

int confine_reader(int helper, uint64_t memory)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));

    if (filter == NULL)
        return -ENOMEM;
    limit_memory(memory);
    (void)prctl(PR_SET_DUMPABLE, 0); /* nobody may look into us, nor a core be written */
    int err = add_rules(filter);
    if (err == 0)
        err = add_helper(filter, helper);
    if (err == 0)
        err = seccomp_load(filter);
    seccomp_release(filter);
    return err;
}

int confine_opener(void)
{
    static const int calls[] = {SCMP_SYS(openat2),    SCMP_SYS(fstat),   SCMP_SYS(newfstatat),
                                SCMP_SYS(sendmsg),    SCMP_SYS(recvmsg), SCMP_SYS(close),
                                SCMP_SYS(exit_group), SCMP_SYS(exit),    SCMP_SYS(munmap),
                                SCMP_SYS(madvise),    SCMP_SYS(futex)};
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int err = filter == NULL ? -ENOMEM : 0;

    for (size_t i = 0; err == 0 && i < ARRAY_COUNT(calls); i++)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
    if (err == 0)
        err = seccomp_load(filter);
    if (filter != NULL)
        seccomp_release(filter);
    return err;
}
