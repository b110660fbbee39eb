/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program asks about the machine and itself: names, random numbers, limits, modes of a
 * process that are state only, CPUs, and the calls that answer without doing anything.
 */
#include <asm/prctl.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/random.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "core/base/host.h"
#include "core/kernel.h"
#include "core/membarrier.h"
#include "core/syscall/syscall_table.h"
#include "core/task.h"

enum { DESCRIPTORS_MAX = 1 << 20 };  /* nr_open */
enum { RANDOM_SIZE_MAX = 33554431 }; /* getrandom(2): so much at most from the urandom source */

int64_t sys_uname(struct task *task, guest_addr_t to)
{
    struct kernel *kernel = task_kernel(task);
    struct utsname name = {.sysname = "Linux",
                           .release = KERNEL_RELEASE,
                           .version = KERNEL_VERSION,
                           .machine = "x86_64"};

    mutex_lock(&kernel->tasks_lock);
    memcpy(name.nodename, kernel->machine->hostname, sizeof(name.nodename));
    memcpy(name.domainname, kernel->machine->domainname, sizeof(name.domainname));
    mutex_unlock(&kernel->tasks_lock);
    return user_copy_out(task->mm, to, &name, sizeof(name));
}

static int64_t set_machine_name(struct task *task, guest_addr_t from, int size, char *to)
{
    struct kernel *kernel = task_kernel(task);
    char name[MACHINE_NAME_SIZE] = "";

    if (task->cred.euid != 0)
        return -EPERM;
    if (size < 0 || size >= MACHINE_NAME_SIZE)
        return -EINVAL;
    int err = user_copy_in(task->mm, name, from, (size_t)size);
    if (err < 0)
        return err;
    mutex_lock(&kernel->tasks_lock);
    memcpy(to, name, sizeof(name));
    mutex_unlock(&kernel->tasks_lock);
    return 0;
}

int64_t sys_sethostname(struct task *task, guest_addr_t from, int size)
{
    return set_machine_name(task, from, size, task_kernel(task)->machine->hostname);
}

int64_t sys_setdomainname(struct task *task, guest_addr_t from, int size)
{
    return set_machine_name(task, from, size, task_kernel(task)->machine->domainname);
}

int64_t sys_getrandom(struct task *task, guest_addr_t to, uint64_t size, uint32_t flags)
{
    uint8_t bytes[4096];
    uint64_t done = 0;

    if ((flags & ~(uint32_t)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) != 0 ||
        (flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    if (size > RANDOM_SIZE_MAX)
        size = RANDOM_SIZE_MAX;
    while (done < size && !atomic_load(&task->waiter.is_killed)) {
        uint64_t part = size - done < sizeof(bytes) ? size - done : sizeof(bytes);
        host_random(bytes, part);
        if (user_copy_out(task->mm, to + done, bytes, part) < 0)
            return done > 0 ? (int64_t)done : -EFAULT;
        done += part;
        if (atomic_load(&task->waiter.has_signal))
            break;
    }
    return (int64_t)done;
}

int64_t sys_sysinfo(struct task *task, guest_addr_t to)
{
    struct kernel *kernel = task_kernel(task);
    struct sysinfo info = {.uptime = clock_now(&kernel->clock) / NSEC_PER_SEC, .mem_unit = 1};

    info.totalram = kernel->memory_total;
    uint64_t used = memfile_memory_size(kernel->memfile);
    info.freeram = info.totalram > used ? info.totalram - used : 0;
    info.procs = (unsigned short)atomic_load(&kernel->live_tasks);
    return user_copy_out(task->mm, to, &info, sizeof(info));
}

int64_t sys_arch_prctl(struct task *task, uint32_t code, guest_addr_t address)
{
    uint64_t *base =
        code == ARCH_SET_FS || code == ARCH_GET_FS ? &task->regs.fs_base : &task->regs.gs_base;

    switch (code) {
    case ARCH_SET_FS:
    case ARCH_SET_GS:
        if (address >= GUEST_ADDRESS_END)
            return -EPERM;
        *base = address;
        return 0;
    case ARCH_GET_FS:
    case ARCH_GET_GS:
        return user_copy_out(task->mm, address, base, sizeof(*base));
    default:
        return -EINVAL;
    }
}

/* *Linux:* what changes how programs are laid out or named (ADDR_*, UNAME26) is state only. */
int64_t sys_personality(struct task *task, uint32_t persona)
{
    const uint32_t query = UINT32_MAX;
    struct kernel *kernel = task_kernel(task);

    mutex_lock(&kernel->tasks_lock);
    uint32_t old = task->sched.personality;
    if (persona != query)
        task->sched.personality = persona;
    mutex_unlock(&kernel->tasks_lock);
    return old;
}

/* An empty log of the size that Linux has by default, for root. */
int64_t sys_syslog(struct task *task, int action, guest_addr_t to, int size)
{
    enum {
        READ = 2,
        READ_ALL = 3,
        READ_CLEAR = 4,
        LEVEL = 8,
        BUFFER_SIZE = 10,
        LOG_SIZE = 1 << 18
    };

    if (task->cred.euid != 0)
        return -EPERM;
    if (action < 0 || action > BUFFER_SIZE)
        return -EINVAL;
    if (action >= READ && action <= READ_CLEAR && (to == 0 || size < 0))
        return -EINVAL;
    if (action == LEVEL && (size < 1 || size > 8))
        return -EINVAL;
    return action == BUFFER_SIZE ? LOG_SIZE : 0;
}

/* --- limits --- */

static int limit_exchange(struct process *process, int resource, const struct rlimit *new,
                          bool is_privileged, struct rlimit *old)
{
    int err = 0;

    mutex_lock(&process->sighand->lock);
    struct rlimit *limit = &process->limits[resource];
    *old = *limit;
    if (new != NULL &&new->rlim_cur > new->rlim_max)
        err = -EINVAL;
    else if (new != NULL && resource == RLIMIT_NOFILE &&new->rlim_max > DESCRIPTORS_MAX)
        err = -EPERM;
    else if (new != NULL &&new->rlim_max > limit->rlim_max && !is_privileged)
        err = -EPERM;
    else if (new != NULL)
        *limit = *new;
    mutex_unlock(&process->sighand->lock);
    return err;
}

/* Others' limits are for root and for their own user. */
static bool may_limit(const struct task *task, const struct process *process)
{
    const struct task *target = TAILQ_FIRST(&process->tasks);
    const struct cred *from = &task->cred;

    if (process == task->process || from->euid == 0 || target == NULL)
        return true;
    const struct cred *to = &target->cred;
    return from->uid == to->uid && from->uid == to->euid && from->uid == to->suid &&
           from->gid == to->gid && from->gid == to->egid && from->gid == to->sgid;
}

int64_t sys_prlimit64(struct task *task, int pid, int resource, guest_addr_t from,
                      guest_addr_t old_to)
{
    struct kernel *kernel = task_kernel(task);
    struct rlimit new;
    struct rlimit old;

    if (resource < 0 || resource >= RLIM_NLIMITS)
        return -EINVAL;
    int err = from == 0 ? 0 : user_copy_in(task->mm, &new, from, sizeof(new));
    if (err < 0)
        return err;
    mutex_lock(&kernel->tasks_lock);
    struct process *process = pid == 0 ? task->process : process_find_any(kernel, pid);
    if (process == NULL)
        err = -ESRCH;
    else if (!may_limit(task, process))
        err = -EPERM;
    else
        err =
            limit_exchange(process, resource, from == 0 ? NULL : &new, task->cred.euid == 0, &old);
    if (err == 0 && resource == RLIMIT_CPU)
        cpu_timer_start(process);
    mutex_unlock(&kernel->tasks_lock);
    if (err < 0)
        return err;
    return old_to == 0 ? 0 : user_copy_out(task->mm, old_to, &old, sizeof(old));
}

int64_t sys_getrlimit(struct task *task, int resource, guest_addr_t to)
{
    return to == 0 ? -EFAULT : sys_prlimit64(task, 0, resource, 0, to);
}

int64_t sys_setrlimit(struct task *task, int resource, guest_addr_t from)
{
    return from == 0 ? -EFAULT : sys_prlimit64(task, 0, resource, from, 0);
}

int64_t sys_membarrier(struct task *task, int command, uint32_t flags, int cpu)
{
    (void)cpu; /* of a flag for restartable sequences */
    if (flags != 0)
        return -EINVAL;
    if (command == MEMBARRIER_CMD_QUERY)
        return membarrier_commands();
    bool is_one = command > 0 && (command & (command - 1)) == 0;
    if (!is_one || ((uint32_t)command & membarrier_commands()) == 0)
        return -EINVAL;
    return membarrier_run(task, (uint32_t)command);
}
