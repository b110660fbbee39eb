/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls that the sandbox process may make, with what their arguments may be. The list is
 * what core/base/host_*.c, the platform and the C library's threads and memory need; all else kills
 * the process. Files are opened by openat2 only, which host_open_beneath uses with a directory
 * descriptor; a filter cannot see its resolve flags: confine_root sees to it that no name leads
 * out. New threads, but no processes: stubs are forked by stubs.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "core/base/container.h"
#include "core/sandbox/confine.h"
#include "core/sandbox/sanitizer.h"

#define CALL(name) SCMP_SYS(name)

/* Whatever their arguments. */
static const int plain[] = {
    /* memory, threads, time, signals of our own */
    CALL(brk),
    CALL(munmap),
    CALL(mremap),
    CALL(madvise),
    CALL(futex),
    CALL(sched_yield),
    CALL(sched_getaffinity),
    CALL(sched_setaffinity),
    CALL(set_robust_list),
    CALL(rseq),
    CALL(gettid),
    CALL(getpid),
    CALL(exit),
    CALL(exit_group),
    CALL(nanosleep),
    CALL(clock_nanosleep),
    CALL(clock_gettime),
    CALL(clock_getres),
    CALL(gettimeofday),
    CALL(getrandom),
    CALL(rt_sigaction),
    CALL(rt_sigprocmask),
    CALL(rt_sigreturn),
    CALL(sigaltstack),
    CALL(restart_syscall),
    CALL(membarrier),
    CALL(getrusage),
    /* descriptors we have */
    CALL(read),
    CALL(readv),
    CALL(pread64),
    CALL(preadv),
    CALL(preadv2),
    CALL(write),
    CALL(writev),
    CALL(pwrite64),
    CALL(pwritev),
    CALL(pwritev2),
    CALL(lseek),
    CALL(close),
    CALL(fstat),
    CALL(fstatfs),
    CALL(ftruncate),
    CALL(fallocate),
    CALL(fsync),
    CALL(fdatasync),
    CALL(poll),
    CALL(ppoll),
    CALL(epoll_create1),
    CALL(epoll_ctl),
    CALL(epoll_wait),
    CALL(epoll_pwait),
    CALL(epoll_pwait2),
    CALL(eventfd2),
    CALL(getdents64),
    CALL(fchmod),
    CALL(fchown),
    CALL(memfd_create),
    CALL(fadvise64),
    CALL(dup3),
    /* names below donated directories */
    CALL(openat2),
    CALL(newfstatat),
    CALL(readlinkat),
    CALL(mkdirat),
    CALL(unlinkat),
    CALL(linkat),
    CALL(symlinkat),
    CALL(renameat2),
    CALL(utimensat),
    CALL(fchownat),
    /* control */
    CALL(accept4),
    CALL(sendmsg),
    CALL(recvmsg),
    CALL(shutdown),
    CALL(getsockopt),
    CALL(setsockopt),
    /* stubs */
    CALL(wait4),
    CALL(waitid),
    CALL(kill),
    CALL(tgkill),
};

static int allow_plain(scmp_filter_ctx filter)
{
    int err = 0;

    for (size_t i = 0; i < ARRAY_COUNT(plain) && err == 0; i++)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, plain[i], 0);
    return err;
}

/* No executable memory is ever made. */
static int allow_memory(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp not_executable = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    int err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(mmap), 1, not_executable);

    if (err == 0)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(mprotect), 1, not_executable);
    return err;
}

/* Threads only, and a lower priority for the one that asks. clone3's flags are in memory, out of
 * sight: the C library falls back to clone. */
static int allow_threads(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp lower[] = {SCMP_A0(SCMP_CMP_EQ, PRIO_PROCESS, 0),
                                         SCMP_A1(SCMP_CMP_EQ, 0, 0), SCMP_A2(SCMP_CMP_EQ, 10, 0)};
    const unsigned flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
    int err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(clone), 1,
                               SCMP_A0(SCMP_CMP_MASKED_EQ, flags, flags));

    if (err == 0)
        err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), CALL(clone3), 0);
    if (err == 0)
        err = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, CALL(setpriority), ARRAY_COUNT(lower),
                                     lower);
    return err;
}

/* What platform/ptrace asks of its tracees, and no access to their memory. */
static int allow_ptrace(scmp_filter_ctx filter)
{
    static const unsigned requests[] = {
        PTRACE_SEIZE,     PTRACE_CONT,       PTRACE_DETACH,     PTRACE_SYSEMU,
        PTRACE_GETREGS,   PTRACE_SETREGS,    PTRACE_POKEUSER,   PTRACE_GETREGSET,
        PTRACE_SETREGSET, PTRACE_GETSIGINFO, PTRACE_SETSIGMASK, PTRACE_GET_SYSCALL_INFO};
    int err = 0;

    for (size_t i = 0; i < ARRAY_COUNT(requests) && err == 0; i++)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(ptrace), 1,
                               SCMP_A0(SCMP_CMP_EQ, requests[i], 0));
    return err;
}

/* What asks and what sets the name of a thread, our own flags or a terminal's modes, or begins to
 * write a file to its disk, no more. */
static int allow_controls(scmp_filter_ctx filter)
{
    static const unsigned fcntls[] = {F_GETFL,     F_GETFD,     F_SETFD,     F_DUPFD_CLOEXEC,
                                      F_ADD_SEALS, F_GET_SEALS, F_GETPIPE_SZ};
    static const unsigned ioctls[] = {0x5401 /* TCGETS */, 0x5402 /* TCSETS */,
                                      0x5413 /* TIOCGWINSZ */, 0x540f /* TIOCGPGRP */,
                                      0x541b /* FIONREAD */};
    int err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(ioctl), 2,
                               SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, 0x540b /* TCFLSH */),
                               SCMP_A2(SCMP_CMP_EQ, 0 /* TCIFLUSH */, 0));

    for (size_t i = 0; i < ARRAY_COUNT(fcntls) && err == 0; i++)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(fcntl), 1,
                               SCMP_A1(SCMP_CMP_EQ, fcntls[i], 0));
    for (size_t i = 0; i < ARRAY_COUNT(ioctls) && err == 0; i++)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(ioctl), 1,
                               SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, ioctls[i]));
    if (err == 0)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(prctl), 1,
                               SCMP_A0(SCMP_CMP_EQ, 15 /* PR_SET_NAME */, 0));
    if (err == 0)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(sync_file_range), 1,
                               SCMP_A3(SCMP_CMP_EQ, SYNC_FILE_RANGE_WRITE, 0));
    return err;
}

/* The C library asks for these and goes on without. A call that is allowed already stays so; one
 * that is allowed with some arguments would lose that. */
static int refuse_politely(scmp_filter_ctx filter)
{
    static const int calls[] = {CALL(open),       CALL(openat),    CALL(readlink), CALL(access),
                                CALL(faccessat2), CALL(prlimit64), CALL(sysinfo),  CALL(uname)};
    int err = 0;

    for (size_t i = 0; i < ARRAY_COUNT(calls) && err == 0; i++)
        err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), calls[i], 0);
    return err;
}

int confine_filter(struct confinement *confinement)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);

    confinement->step = "seccomp";
    if (filter == NULL)
        return -ENOMEM;
    int err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (err == 0)
        err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree: few comparisons */
    if (err == 0)
        err = allow_plain(filter);
    if (err == 0)
        err = allow_memory(filter);
    if (err == 0)
        err = allow_threads(filter);
    if (err == 0)
        err = allow_controls(filter);
    if (err == 0)
        err = allow_ptrace(filter);
    if (err == 0)
        err = sanitizer_allow(filter);
    if (err == 0)
        err = refuse_politely(filter);
    if (err == 0)
        err = seccomp_load(filter);
    seccomp_release(filter);
    return err;
}
