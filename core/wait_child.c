/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for children: wait4 and waitid as one record. The queue belongs to the parent process;
 * the tasks lock guards it and the states that are told. A result is written to the guest after the
 * lock is dropped, from the record alone.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

#include "core/kernel.h"
#include "core/pidfd.h"
#include "core/syscall/syscall_table.h"
#include "core/waits.h"

DEFINE_WAIT_TYPE(CHILD, child, ChildWait, child);

/* What is told of a child, and the child if it has been reaped. */
struct child_event {
    struct process *reaped; /* its parent's reference, ours to put */
    int pid, code, status;  /* CLD_*; wait4's status */
    uint32_t uid;
    struct usage usage; /* of it and its children */
};

static bool is_meant(const struct child_wait *record, const struct process *parent,
                     const struct process *child)
{
    bool is_clone = child->exit_signal != SIGCHLD;

    if ((record->options & __WALL) == 0 && is_clone != ((record->options & __WCLONE) != 0))
        return false;
    if (record->is_group)
        return child->pgid == record->pid;
    if (record->pid > 0)
        return child->pid == record->pid;
    if (record->pid == -1)
        return true;
    return child->pgid == (record->pid == 0 ? parent->pgid : -record->pid);
}

/* Is there something to tell of the child? Consumes it, unless WNOWAIT. */
static bool take_event(const struct child_wait *record, struct process *child,
                       struct child_event *ret)
{
    bool is_peek = (record->options & WNOWAIT) != 0;

    *ret = (struct child_event){.pid = child->pid, .uid = process_uid(child)};
    usage_of_process(child, &ret->usage);
    usage_add(&ret->usage, &child->child_usage);
    if (child->is_zombie && (record->options & WEXITED) != 0) {
        ret->code = exit_status_code(child->exit_status);
        ret->status = child->exit_status;
        if (!is_peek) {
            usage_reap(child->parent, child);
            process_unlink(child);
            ret->reaped = child;
        }
        return true;
    }
    if (child->has_stop_event && (record->options & WUNTRACED) != 0) {
        ret->code = CLD_STOPPED;
        ret->status = atomic_load(&child->stop_signal) << 8 | 0x7f;
        child->has_stop_event = is_peek;
        return true;
    }
    if (child->has_continue_event && (record->options & WCONTINUED) != 0) {
        ret->code = CLD_CONTINUED;
        ret->status = 0xffff;
        child->has_continue_event = is_peek;
        return true;
    }
    return false;
}

/* 1: an event; 0: none yet; -ECHILD. */
static int look(const struct child_wait *record, struct process *parent, struct child_event *ret)
{
    struct process *child;
    int result = -ECHILD;

    TAILQ_FOREACH(child, &parent->children, sibling) {
        if (!is_meant(record, parent, child))
            continue;
        if (take_event(record, child, ret))
            return 1;
        result = 0;
    }
    return result;
}

static int write_rusage(struct task *task, guest_addr_t to, const struct usage *used)
{
    const struct rusage usage = usage_encode(used);

    return to == 0 ? 0 : user_copy_out(task->mm, to, &usage, sizeof(usage));
}

static int write_info(struct task *task, guest_addr_t to, const struct child_event *event)
{
    struct signal_info info = {.code = event->code, .pid = event->pid, .uid = event->uid};
    uint8_t encoded[128];

    if (to == 0)
        return 0;
    info.signal = event->pid != 0 ? SIGCHLD : 0;
    switch (event->code) {
    case CLD_EXITED:
        info.status = event->status >> 8 & 0xff;
        break;
    case CLD_STOPPED:
        info.status = event->status >> 8;
        break;
    case CLD_CONTINUED:
        info.status = SIGCONT;
        break;
    default:
        info.status = event->status & 0x7f;
    }
    signal_info_encode(&info, encoded);
    return user_copy_out(task->mm, to, encoded, sizeof(encoded));
}

static int64_t tell(struct task *task, const struct child_wait *record,
                    const struct child_event *event)
{
    int err = 0;

    if (record->status != 0)
        err = user_copy_out(task->mm, record->status, &event->status, sizeof(int));
    if (err == 0)
        err = write_info(task, record->info, event);
    if (err == 0 && event->pid != 0)
        err = write_rusage(task, record->rusage, &event->usage);
    if (err < 0)
        return err;
    return record->is_waitid ? 0 : event->pid;
}

static int64_t child_step(struct waiter *waiter, struct child_wait *record)
{
    struct task *task = task_of(waiter);
    struct process *parent = task->process;
    struct child_event event = {0};

    mutex_lock(&parent->kernel->tasks_lock);
    int result = look(record, parent, &event);
    bool is_sleeping = result == 0 && (record->options & WNOHANG) == 0 && !record->is_nonblocking;
    if (is_sleeping)
        wait_add(&parent->child_wait, &record->entry, waiter);
    else
        wait_remove(&parent->child_wait, &record->entry);
    mutex_unlock(&parent->kernel->tasks_lock);
    if (is_sleeping)
        return WAIT_AGAIN;
    if (result == 0 && record->is_nonblocking)
        return -EAGAIN;
    if (result == 0)
        return record->is_waitid ? tell(task, record, &(struct child_event){0}) : 0;
    int64_t told = result < 0 ? result : tell(task, record, &event);
    if (event.reaped != NULL)
        object_put(&event.reaped->object);
    return told;
}

static int64_t child_cancel(struct waiter *waiter, struct child_wait *record, int why)
{
    (void)waiter;
    wait_leave(&record->entry);
    return why;
}

static void child_release(struct child_wait *record)
{
    wait_leave(&record->entry);
}

static void child_relink(struct waiter *waiter, struct child_wait *record)
{
    wait_relink(&task_of(waiter)->process->child_wait, &record->entry, waiter);
}

static int child_wait_save(const struct child_wait *record, struct saver *saver, ChildWait *m)
{
    m->pid = record->pid;
    m->is_group = record->is_group;
    m->options = record->options;
    m->status = record->status;
    m->rusage = record->rusage;
    m->info = record->info;
    m->is_waitid = record->is_waitid;
    return save_wait_entry(saver, &record->entry, &m->entry);
}

static int child_wait_load(struct child_wait *record, struct loader *loader, const ChildWait *m)
{
    if (m->pid == INT32_MIN)
        load_bad(loader, "wait.child.pid", "%" PRId32 " is not possible", m->pid);
    record->pid = m->pid;
    record->is_group = m->is_group;
    record->options = m->options;
    record->status = m->status;
    record->rusage = m->rusage;
    record->info = m->info;
    record->is_waitid = m->is_waitid;
    load_wait_entry(loader, "wait.child.entry", &record->entry, m->entry);
    return 0;
}

static struct child_wait *begin(struct task *task, int pid, uint32_t options)
{
    struct child_wait *record = wait_begin(&task->waiter, &child_wait_type.ops);

    record->pid = pid;
    record->options = options;
    return record;
}

int64_t sys_wait4(struct task *task, int pid, guest_addr_t status, uint32_t options,
                  guest_addr_t rusage)
{
    const uint32_t known = WNOHANG | WUNTRACED | WCONTINUED | __WALL | __WCLONE | __WNOTHREAD;

    if ((options & ~known) != 0)
        return -EINVAL;
    if (pid == INT32_MIN)
        return -ESRCH;
    struct child_wait *record = begin(task, pid, options | WEXITED);
    record->status = status;
    record->rusage = rusage;
    return wait_run(&task->waiter);
}

/* Whom waitid means. A pidfd is looked up once. */
static int set_target(struct task *task, struct child_wait *record, int which, int id)
{
    switch (which) {
    case P_ALL:
        record->pid = -1;
        return 0;
    case P_PID:
        record->pid = id;
        return id > 0 ? 0 : -EINVAL;
    case P_PGID:
        record->pid = id;
        record->is_group = id > 0;
        return id >= 0 ? 0 : -EINVAL;
    case P_PIDFD:
        break;
    default:
        return -EINVAL;
    }
    if (id < 0)
        return -EINVAL;
    struct file *file = files_get_open(task->files, id);
    if (file == NULL)
        return -EBADF;
    const struct process *process = pidfd_process(file);
    if (process != NULL)
        record->pid = process->pid;
    record->is_nonblocking = file_is_nonblocking(file);
    object_put(&file->object);
    return process != NULL ? 0 : -EBADF;
}

int64_t sys_waitid(struct task *task, int which, int id, guest_addr_t info, uint32_t options,
                   guest_addr_t rusage)
{
    const uint32_t events = WEXITED | WSTOPPED | WCONTINUED;
    const uint32_t known = events | WNOHANG | WNOWAIT | __WALL | __WCLONE | __WNOTHREAD;

    if ((options & ~known) != 0 || (options & events) == 0)
        return -EINVAL;
    struct child_wait *record = begin(task, 0, options);
    int err = set_target(task, record, which, id);
    if (err < 0)
        return err;
    record->is_nonblocking = record->is_nonblocking && (options & WNOHANG) == 0;
    record->is_waitid = true;
    record->rusage = rusage;
    record->info = info;
    return wait_run(&task->waiter);
}
