/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What futexes see of the end of a task. Robust lists are the locks that a task holds, as a list in
 * its own memory, which is hostile: it may be a ring, lead anywhere and change meanwhile. Each lock
 * whose word names the task becomes FUTEX_OWNER_DIED when the task ends, and one of those who wait
 * for it is woken. Then the word that says that the task lives is cleared, if anybody else can see
 * it.
 */
#include <linux/futex.h>

#include "core/futex_table.h"
#include "core/task.h"

/* The list's head in the guest. */
struct robust_head {
    guest_addr_t first;
    int64_t offset; /* from an element to its word */
    guest_addr_t pending;
};

/* The lowest bit of a pointer: the lock is one with priority inheritance. */
#define ROBUST_PI UINT64_C(1)

/* Marks the pinned word; true: somebody waits. */
static bool mark_word(struct uio *uio, uint32_t tid, bool is_pending, bool is_pi)
{
    uint32_t old = 0;
    uint32_t seen;

    if (uio_exchange(uio, old, old, &seen) < 0)
        return false;
    do {
        old = seen;
        if (is_pending && !is_pi && (old & FUTEX_TID_MASK) == 0)
            return true; /* it was let go of, and the one who waits not told yet */
        if ((old & FUTEX_TID_MASK) != tid)
            return false;
        if (uio_exchange(uio, old, (old & FUTEX_WAITERS) | FUTEX_OWNER_DIED, &seen) < 0)
            return false;
    } while (seen != old);
    return !is_pi && (old & FUTEX_WAITERS) != 0;
}

/* False: there is no such word, the list ends here. */
static bool end_lock(struct task *task, guest_addr_t word, bool is_pending, bool is_pi)
{
    struct futex_key key;
    struct uio uio;

    if (futex_pin(task->mm, word, false, FAULT_READ | FAULT_WRITE, &key, &uio) < 0)
        return false;
    bool has_waiter = mark_word(&uio, (uint32_t)task->tid, is_pending, is_pi);
    user_unpin(task->mm, &uio);
    if (has_waiter)
        (void)futex_wake(task->mm, word, false, 1, FUTEX_BITSET_MATCH_ANY);
    return true;
}

static void walk_list(struct task *task, guest_addr_t list, const struct robust_head *head)
{
    guest_addr_t pending = head->pending & ~ROBUST_PI;
    guest_addr_t element = head->first;
    guest_addr_t next;

    for (int i = 0; i < ROBUST_LIST_LIMIT && (element & ~ROBUST_PI) != list; i++) {
        guest_addr_t address = element & ~ROBUST_PI;
        int err = user_copy_in(task->mm, &next, address, sizeof(next));
        if (address != pending &&
            !end_lock(task, address + (uint64_t)head->offset, false, element & ROBUST_PI))
            return;
        if (err < 0)
            return;
        element = next;
    }
    if (pending != 0)
        (void)end_lock(task, pending + (uint64_t)head->offset, true, head->pending & ROBUST_PI);
}

static void exit_robust(struct task *task)
{
    guest_addr_t list = task->robust_list;
    struct robust_head head;

    task->robust_list = 0;
    if (list != 0 && user_copy_in(task->mm, &head, list, sizeof(head)) == 0)
        walk_list(task, list, &head);
}

void futex_exit(struct task *task)
{
    const int zero = 0;
    guest_addr_t word = task->clear_child_tid;

    if (task->mm == NULL)
        return;
    exit_robust(task);
    task->clear_child_tid = 0;
    if (word == 0 || task->mm->object.count < 2)
        return;
    (void)user_copy_out(task->mm, word, &zero, sizeof(zero));
    (void)futex_wake(task->mm, word, false, 1, FUTEX_BITSET_MATCH_ANY);
}
