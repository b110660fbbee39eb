/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_vm_readv(2) and process_vm_writev(2): bytes between two address spaces, by a piece of
 * kernel memory. What was moved before an error counts. The ranges are those of one moment: they
 * are not read again.
 */
#include <errno.h>

#include "core/base/host.h"
#include "core/inspect.h"
#include "core/kernel.h"
#include "core/mm/mm.h"
#include "core/ranges.h"
#include "core/syscall/syscall_table.h"
#include "core/task.h"

enum { PART_SIZE = 64 << 10 };

/* A place in a list of ranges. */
struct cursor {
    struct mm *mm;
    const struct iovec *ranges;
    unsigned count;
    size_t done; /* of the first range */
};

/* The bytes left in the range where it stands; 0: all are done. */
static size_t cursor_left(struct cursor *cursor)
{
    while (cursor->count > 0 && cursor->done == cursor->ranges->iov_len) {
        cursor->ranges++;
        cursor->count--;
        cursor->done = 0;
    }
    return cursor->count > 0 ? cursor->ranges->iov_len - cursor->done : 0;
}

static guest_addr_t cursor_address(const struct cursor *cursor)
{
    return (guest_addr_t)cursor->ranges->iov_base + cursor->done;
}

/* As much of a part as can be: what is past a page that is not there is left. */
static int move_page(struct cursor *from, struct cursor *to, char *part, size_t size)
{
    int err = user_copy_in(from->mm, part, cursor_address(from), size);

    return err < 0 ? err : user_copy_out(to->mm, cursor_address(to), part, size);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static int64_t move(struct cursor *from, struct cursor *to, char *part)
{
    int64_t moved = 0;
    size_t left;

    while ((left = smaller(cursor_left(from), cursor_left(to))) > 0) {
        size_t size = smaller(left, PART_SIZE);
        int err = move_page(from, to, part, size);

        if (err < 0 && size > MEM_PAGE) { /* page by page up to the one that is missing */
            size = smaller(left, MEM_PAGE - cursor_address(from) % MEM_PAGE);
            size = smaller(size, MEM_PAGE - cursor_address(to) % MEM_PAGE);
            err = move_page(from, to, part, size);
        }
        if (err < 0)
            return moved > 0 ? moved : err;
        from->done += size;
        to->done += size;
        moved += (int64_t)size;
    }
    return moved;
}

/* The address space of process pid: a reference. */
static int find_mm(struct task *task, int pid, struct mm **ret)
{
    struct kernel *kernel = task_kernel(task);
    struct process *process = NULL;
    struct mm *mm = NULL;

    mutex_lock(&kernel->tasks_lock);
    struct task *target = task_find(kernel, pid);
    if (target != NULL) {
        process = object_get(&target->process->object);
        mm = object_get((struct object *)target->mm);
    }
    mutex_unlock(&kernel->tasks_lock);
    int err = process == NULL || mm == NULL ? -ESRCH : task_may_inspect(task, process, false);
    object_put((struct object *)process);
    if (err < 0)
        object_put((struct object *)mm);
    else
        *ret = mm;
    return err;
}

static int64_t transfer(struct task *task, int pid, const struct user_ranges *local,
                        const struct user_ranges *remote, bool is_write)
{
    struct cursor here = {task->mm, ranges_get(local), local->count, 0}, there;
    struct mm *mm;
    char *part;
    int64_t result = find_mm(task, pid, &mm);

    if (result < 0)
        return result;
    there = (struct cursor){mm, ranges_get(remote), remote->count, 0};
    part = host_alloc(1, PART_SIZE);
    result =
        part == NULL ? -ENOMEM : move(is_write ? &here : &there, is_write ? &there : &here, part);
    host_free(part);
    object_put(&mm->object);
    return result;
}

static int64_t process_vm(struct task *task, int pid, const guest_addr_t lists[2],
                          const uint64_t counts[2], uint64_t flags, bool is_write)
{
    struct user_ranges local = {0}, remote = {0};

    if (flags != 0)
        return -EINVAL;
    int64_t result = ranges_copy_in(&local, task->mm, lists[0], counts[0]);
    if (result < 0)
        return result;
    result = ranges_copy_in(&remote, task->mm, lists[1], counts[1]);
    if (result >= 0) {
        result = local.count == 0 || remote.count == 0
                     ? 0
                     : transfer(task, pid, &local, &remote, is_write);
        ranges_fini(&remote);
    }
    ranges_fini(&local);
    return result;
}

int64_t sys_process_vm_readv(struct task *task, int pid, guest_addr_t local, uint64_t local_count,
                             guest_addr_t remote, uint64_t remote_count, uint64_t flags)
{
    return process_vm(task, pid, (guest_addr_t[]){local, remote},
                      (uint64_t[]){local_count, remote_count}, flags, false);
}

int64_t sys_process_vm_writev(struct task *task, int pid, guest_addr_t local, uint64_t local_count,
                              guest_addr_t remote, uint64_t remote_count, uint64_t flags)
{
    return process_vm(task, pid, (guest_addr_t[]){local, remote},
                      (uint64_t[]){local_count, remote_count}, flags, true);
}
