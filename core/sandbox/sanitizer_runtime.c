/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds with sanitizers. Their runtimes read /proc (names for addresses, the threads that a search
 * for leaks stops) and clone the process that searches; so such a build keeps /proc and may open
 * files there: it is for tests, not for hostile guests. A report ends the process with a status
 * that its tool does not take for the guest's.
 */
#include <errno.h>
#include <linux/prctl.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>

#include "core/base/container.h"
#include "core/base/host.h"
#include "core/sandbox/sanitizer.h"

/* Called by the runtimes before main. What the environment says (ASAN_OPTIONS) goes further. */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);
const char *__tsan_default_options(void);
/* The sandbox process ends by _exit, so leaks are looked for when we say so. Only in libasan. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static bool has_proc;

const char *__asan_default_options(void)
{
    return "exitcode=66:leak_check_at_exit=0:detect_stack_use_after_return=1:"
           "strict_string_checks=1";
}

const char *__ubsan_default_options(void)
{
    return "exitcode=66:print_stacktrace=1";
}

const char *__tsan_default_options(void)
{
    return "exitcode=66:halt_on_error=1:second_deadlock_stack=1:history_size=4";
}

/* The /proc of our own pid namespace: in the host's, our pid is somebody else. */
int sanitizer_keep(void)
{
    if (mkdir("proc", 0555) < 0)
        return -errno;
    has_proc = mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0;
    if (!has_proc)
        host_log(LOG_WARNING, "no /proc (%s): leaks are not looked for", strerror(errno));
    return 0;
}

int sanitizer_allow(void *filter)
{
    static const int calls[] = {SCMP_SYS(openat), SCMP_SYS(open), SCMP_SYS(readlink),
                                SCMP_SYS(getppid), SCMP_SYS(getdents)};
    static const unsigned controls[] = {PR_GET_DUMPABLE, PR_SET_DUMPABLE, PR_SET_PTRACER,
                                        PR_SET_PDEATHSIG};
    const unsigned search = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_UNTRACED;
    int err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                               SCMP_A0(SCMP_CMP_EQ, search, 0));

    if (err == 0)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ptrace), 1,
                               SCMP_A0(SCMP_CMP_EQ, PTRACE_ATTACH, 0));
    for (size_t i = 0; i < ARRAY_COUNT(calls) && err == 0; i++)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
    for (size_t i = 0; i < ARRAY_COUNT(controls) && err == 0; i++)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                               SCMP_A0(SCMP_CMP_EQ, controls[i], 0));
    return err;
}

bool sanitizer_finds_leaks(void)
{
    return has_proc && __lsan_do_recoverable_leak_check != NULL &&
           __lsan_do_recoverable_leak_check() != 0;
}
