/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork, vfork, clone and clone3: their arguments, checked in the order of Linux's. *Linux:* there
 * are no namespaces (EPERM) and no cgroups; who makes a thread by CLONE_VFORK does not wait for its
 * end.
 */
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>

#include "core/clone.h"
#include "core/kernel.h"
#include "core/syscall/syscall_table.h"

enum { TID_SETS_MAX = 32, ARGUMENTS_MAX = 4096 };

/* The flags that every caller may get wrong. */
static int check_flags(const struct task *task, uint64_t flags)
{
    const uint64_t namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME;

    if ((flags & CLONE_FS) != 0 && (flags & (CLONE_NEWNS | CLONE_NEWUSER)) != 0)
        return -EINVAL;
    if ((flags & CLONE_THREAD) != 0 && (flags & CLONE_SIGHAND) == 0)
        return -EINVAL;
    if ((flags & CLONE_SIGHAND) != 0 && (flags & CLONE_VM) == 0)
        return -EINVAL;
    if ((flags & CLONE_PARENT) != 0 && task->process == task_kernel(task)->machine->init)
        return -EINVAL;
    if ((flags & CLONE_THREAD) != 0 && (flags & (CLONE_NEWUSER | CLONE_NEWPID)) != 0)
        return -EINVAL;
    if ((flags & CLONE_PIDFD) != 0 && (flags & (CLONE_DETACHED | CLONE_THREAD)) != 0)
        return -EINVAL;
    return (flags & namespaces) != 0 ? -EPERM : 0;
}

static int64_t run(struct task *task, const struct clone_request *request)
{
    int err = check_flags(task, request->flags);

    return err < 0 ? err : task_clone(task, request);
}

int64_t sys_fork(struct task *task)
{
    return run(task, &(struct clone_request){.exit_signal = SIGCHLD});
}

int64_t sys_vfork(struct task *task)
{
    return run(task,
               &(struct clone_request){.flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD});
}

int64_t sys_clone(struct task *task, uint32_t flags, guest_addr_t stack, guest_addr_t parent_tid,
                  guest_addr_t child_tid, guest_addr_t tls)
{
    int signal = (int)(flags & CSIGNAL);

    if ((flags & CLONE_PIDFD) != 0 && (flags & CLONE_PARENT_SETTID) != 0)
        return -EINVAL; /* both have one address */
    return run(task, &(struct clone_request){.flags = flags & ~(uint32_t)CSIGNAL,
                                             .exit_signal = signal <= SIGNAL_COUNT ? signal : 0,
                                             .stack = stack,
                                             .parent_tid = parent_tid,
                                             .pidfd = parent_tid,
                                             .child_tid = child_tid,
                                             .tls = tls});
}

/* Arguments that only clone3 has. */
static int check_arguments(const struct clone_args *args, uint64_t size)
{
    const uint64_t known = UINT32_MAX | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP;
    const uint64_t refused = CLONE_DETACHED | (CSIGNAL & ~CLONE_NEWTIME);

    if (args->set_tid_size > TID_SETS_MAX || (args->set_tid == 0) != (args->set_tid_size == 0))
        return -EINVAL;
    if (args->exit_signal > SIGNAL_COUNT)
        return -EINVAL;
    if ((args->flags & CLONE_INTO_CGROUP) != 0 &&
        (args->cgroup > INT32_MAX || size < CLONE_ARGS_SIZE_VER2))
        return -EINVAL;
    if ((args->flags & ~known) != 0 || (args->flags & refused) != 0)
        return -EINVAL;
    if ((args->flags & CLONE_SIGHAND) != 0 && (args->flags & CLONE_CLEAR_SIGHAND) != 0)
        return -EINVAL;
    if ((args->flags & (CLONE_THREAD | CLONE_PARENT)) != 0 && args->exit_signal != 0)
        return -EINVAL;
    if ((args->stack == 0) != (args->stack_size == 0))
        return -EINVAL;
    if (args->stack_size > GUEST_ADDRESS_END || args->stack > GUEST_ADDRESS_END - args->stack_size)
        return -EINVAL;
    return 0;
}

/* Later versions of the structure are longer: what we do not know must be zero. */
static int copy_arguments(struct task *task, guest_addr_t from, uint64_t size,
                          struct clone_args *ret)
{
    uint8_t bytes[ARGUMENTS_MAX] = {0};

    if (size > sizeof(bytes))
        return -E2BIG;
    if (size < CLONE_ARGS_SIZE_VER0)
        return -EINVAL;
    int err = user_copy_in(task->mm, bytes, from, size);
    if (err < 0)
        return err;
    for (size_t i = sizeof(*ret); i < size; i++) {
        if (bytes[i] != 0)
            return -E2BIG;
    }
    memcpy(ret, bytes, sizeof(*ret));
    return 0;
}

int64_t sys_clone3(struct task *task, guest_addr_t from, uint64_t size)
{
    struct clone_args args;
    int err = copy_arguments(task, from, size, &args);

    if (err == 0)
        err = check_arguments(&args, size);
    if (err == 0)
        err = check_flags(task, args.flags);
    if (err == 0 && args.set_tid_size != 0)
        err = -EPERM;
    if (err == 0 && (args.flags & CLONE_INTO_CGROUP) != 0)
        err = -EBADF; /* no descriptor is a cgroup's */
    if (err < 0)
        return err;
    return task_clone(task, &(struct clone_request){.flags = args.flags,
                                                    .exit_signal = (int)args.exit_signal,
                                                    .stack = args.stack + args.stack_size,
                                                    .parent_tid = args.parent_tid,
                                                    .pidfd = args.pidfd,
                                                    .child_tid = args.child_tid,
                                                    .tls = args.tls});
}
