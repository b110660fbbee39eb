/* SPDX-License-Identifier: Apache-2.0 */
/*
 * futex(2) and robust lists: arguments. Locks with priority inheritance answer ENOSYS, as a kernel
 * without them does: the C library then says ENOTSUP.
 */
#include <errno.h>
#include <linux/futex.h>

#include "core/clocks.h"
#include "core/futex.h"
#include "core/kernel.h"
#include "core/syscall/syscall_table.h"

enum { ROBUST_HEAD_SIZE = 24 };

/* The arguments of one call. */
struct request {
    int command;
    bool is_private, is_realtime;
    guest_addr_t word, word2;
    uint32_t value, value2, value3;
    nsec_t deadline; /* absolute, of the clock that is meant; NSEC_NEVER */
};

static int64_t wait_on(struct task *task, const struct request *request, uint32_t bitset)
{
    bool is_timed = request->deadline != NSEC_NEVER;

    return futex_wait(task, request->word, request->is_private, request->value, bitset,
                      request->is_realtime && is_timed, request->deadline);
}

static struct futex_pair pair_of(struct task *task, const struct request *request)
{
    return (struct futex_pair){.mm = task->mm,
                               .from = request->word,
                               .to = request->word2,
                               .is_from_private = request->is_private,
                               .is_to_private = request->is_private,
                               .wake = (int)request->value,
                               .other = (int)request->value2};
}

static int64_t run(struct task *task, const struct request *request)
{
    struct futex_pair pair = pair_of(task, request);

    if (request->is_realtime && request->command != FUTEX_WAIT_BITSET)
        return -ENOSYS;
    switch (request->command) {
    case FUTEX_WAIT:
        return wait_on(task, request, FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAIT_BITSET:
        return wait_on(task, request, request->value3);
    case FUTEX_WAKE:
        return futex_wake(task->mm, request->word, request->is_private, (int)request->value,
                          FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAKE_BITSET:
        return futex_wake(task->mm, request->word, request->is_private, (int)request->value,
                          request->value3);
    case FUTEX_REQUEUE:
        return futex_requeue(&pair, NULL);
    case FUTEX_CMP_REQUEUE:
        return futex_requeue(&pair, &request->value3);
    case FUTEX_WAKE_OP:
        return futex_wake_op(&pair, request->value3);
    default:
        return -ENOSYS;
    }
}

/* The time at which a wait ends. */
static int decode_timeout(struct task *task, guest_addr_t from, struct request *request)
{
    nsec_t time;

    if (from == 0)
        return 0;
    int err = user_copy_timespec(task->mm, from, &time);
    if (err < 0)
        return err;
    if (request->command != FUTEX_WAIT)
        request->deadline = time;
    else if (__builtin_add_overflow(clock_now(task->waiter.clock), time, &request->deadline))
        request->deadline = NSEC_NEVER;
    return 0;
}

/* Its fourth argument is a timeout or a number. */
int64_t sys_futex(struct task *task, guest_addr_t word, int operation, uint32_t value,
                  guest_addr_t timeout, guest_addr_t word2, uint32_t value3)
{
    struct request request = {.command = operation & FUTEX_CMD_MASK,
                              .is_private = (operation & FUTEX_PRIVATE_FLAG) != 0,
                              .is_realtime = (operation & FUTEX_CLOCK_REALTIME) != 0,
                              .word = word,
                              .word2 = word2,
                              .value = value,
                              .value2 = (uint32_t)timeout,
                              .value3 = value3,
                              .deadline = NSEC_NEVER};
    int err = 0;

    if (request.command == FUTEX_WAIT || request.command == FUTEX_WAIT_BITSET)
        err = decode_timeout(task, timeout, &request);
    return err < 0 ? err : run(task, &request);
}

int64_t sys_set_robust_list(struct task *task, guest_addr_t head, uint64_t size)
{
    if (size != ROBUST_HEAD_SIZE)
        return -EINVAL;
    task->robust_list = head;
    return 0;
}

int64_t sys_get_robust_list(struct task *task, int tid, guest_addr_t head_to, guest_addr_t size_to)
{
    struct kernel *kernel = task_kernel(task);
    guest_addr_t head = 0;

    mutex_lock(&kernel->tasks_lock);
    const struct task *target = tid == 0 ? task : task_find(kernel, tid);
    if (target != NULL)
        head = target->robust_list;
    mutex_unlock(&kernel->tasks_lock);
    if (target == NULL)
        return -ESRCH;
    const uint64_t head_size = ROBUST_HEAD_SIZE;
    int err = user_copy_out(task->mm, size_to, &head_size, sizeof(head_size));
    return err < 0 ? err : user_copy_out(task->mm, head_to, &head, sizeof(head));
}
