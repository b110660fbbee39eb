/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll, ppoll, select, pselect6: their timeouts and masks; the rest is poll.c's.
 */
#include <errno.h>

#include "core/clocks.h"
#include "core/poll.h"
#include "core/syscall/syscall_table.h"

int64_t sys_poll(struct task *task, guest_addr_t array, uint32_t count, int timeout)
{
    nsec_t span = timeout < 0 ? NSEC_NEVER : timeout * NSEC_PER_MSEC;

    return poll_run_array(task, poll_begin(task, POLL_POLL, span, 0), array, count);
}

/* A timeout of the guest; address 0: none. */
static int get_timespec(struct task *task, guest_addr_t from, nsec_t *ret)
{
    *ret = NSEC_NEVER;
    return from == 0 ? 0 : user_copy_timespec(task->mm, from, ret);
}

int64_t sys_ppoll(struct task *task, guest_addr_t array, uint32_t count, guest_addr_t timeout,
                  guest_addr_t mask, uint64_t mask_size)
{
    nsec_t span;

    int err = get_timespec(task, timeout, &span);
    if (err < 0)
        return err;
    struct poll_wait *record = poll_begin(task, POLL_PPOLL, span, timeout);
    err = signal_mask_begin(task, &record->base, mask, mask_size);
    return err < 0 ? err : poll_run_array(task, record, array, count);
}

/* As get_timespec. Microseconds may be a second and more, as on Linux. */
static int get_timeval(struct task *task, guest_addr_t from, nsec_t *ret)
{
    struct timeval value;

    *ret = NSEC_NEVER;
    int err = from == 0 ? 0 : user_copy_in(task->mm, &value, from, sizeof(value));
    if (err < 0 || from == 0)
        return err;
    if (value.tv_sec < 0 || value.tv_usec < 0)
        return -EINVAL;
    if (__builtin_mul_overflow(value.tv_sec, NSEC_PER_SEC, ret) ||
        value.tv_usec > INT64_MAX / 1000 || __builtin_add_overflow(*ret, value.tv_usec * 1000, ret))
        *ret = NSEC_NEVER;
    return 0;
}

int64_t sys_select(struct task *task, int bits, guest_addr_t reading, guest_addr_t writing,
                   guest_addr_t others, guest_addr_t timeout)
{
    const guest_addr_t sets[] = {reading, writing, others};
    nsec_t span;

    int err = get_timeval(task, timeout, &span);
    if (err < 0)
        return err;
    return poll_run_sets(task, poll_begin(task, POLL_SELECT, span, timeout), bits, sets);
}

int64_t sys_pselect6(struct task *task, int bits, guest_addr_t reading, guest_addr_t writing,
                     guest_addr_t others, guest_addr_t timeout, guest_addr_t mask_argument)
{
    const guest_addr_t sets[] = {reading, writing, others};
    uint64_t mask[2] = {0}; /* address, size */
    nsec_t span;
    int err = 0;

    if (mask_argument != 0)
        err = user_copy_in(task->mm, mask, mask_argument, sizeof(mask));
    if (err == 0)
        err = get_timespec(task, timeout, &span);
    if (err < 0)
        return err;
    struct poll_wait *record = poll_begin(task, POLL_PSELECT, span, timeout);
    err = signal_mask_begin(task, &record->base, mask[0], mask[1]);
    return err < 0 ? err : poll_run_sets(task, record, bits, sets);
}
