/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capget and capset (capabilities(7)). *Linux:* what a task gives up is told and saved, and comes
 * back with exec, but rights follow its user: euid 0 may do everything.
 */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>

#include "core/capability.h"
#include "core/kernel.h"
#include "core/syscall/syscall_table.h"
#include "core/task.h"

/* Two words of each set at most: effective, permitted, inheritable. */
struct cap_words {
    struct __user_cap_data_struct low, high;
};

/* The words of a version; 0: it is unknown, the guest was told the newest, and ret is the answer.
 */
static int check_version(struct task *task, guest_addr_t header_at, bool is_asking, int64_t *ret,
                         struct __user_cap_header_struct *header)
{
    const uint32_t newest = _LINUX_CAPABILITY_VERSION_3;
    int err = user_copy_in(task->mm, header, header_at, sizeof(*header));

    *ret = err;
    if (err < 0)
        return 0;
    switch (header->version) {
    case _LINUX_CAPABILITY_VERSION_1:
        return _LINUX_CAPABILITY_U32S_1;
    case _LINUX_CAPABILITY_VERSION_2:
    case _LINUX_CAPABILITY_VERSION_3:
        return _LINUX_CAPABILITY_U32S_3;
    default:
        err = user_copy_out(task->mm, header_at, &newest, sizeof(newest));
        *ret = err < 0 ? err : is_asking ? 0 : -EINVAL;
        return 0;
    }
}

int64_t sys_capget(struct task *task, guest_addr_t header_at, guest_addr_t to)
{
    struct kernel *kernel = task_kernel(task);
    struct __user_cap_header_struct header;
    struct cap_sets sets = {0};
    int64_t result;

    int words = check_version(task, header_at, to == 0, &result, &header);
    if (words == 0)
        return result;
    if (header.pid < 0)
        return -EINVAL;
    mutex_lock(&kernel->tasks_lock);
    const struct task *target = header.pid == 0 ? task : task_find(kernel, header.pid);
    if (target != NULL)
        sets = cap_sets_of(&target->cred);
    mutex_unlock(&kernel->tasks_lock);
    if (target == NULL)
        return -ESRCH;
    const struct cap_words answer = {
        .low = {(uint32_t)sets.effective, (uint32_t)sets.permitted, (uint32_t)sets.inheritable},
        .high = {(uint32_t)(sets.effective >> 32), (uint32_t)(sets.permitted >> 32),
                 (uint32_t)(sets.inheritable >> 32)},
    };
    if (to == 0)
        return 0;
    return user_copy_out(task->mm, to, &answer, (size_t)words * sizeof(answer.low));
}

int64_t sys_capset(struct task *task, guest_addr_t header_at, guest_addr_t from)
{
    struct kernel *kernel = task_kernel(task);
    struct __user_cap_header_struct header;
    struct cap_words words = {0};
    int64_t result;

    int count = check_version(task, header_at, false, &result, &header);
    if (count == 0)
        return result;
    if (header.pid != 0 && header.pid != task->tid)
        return -EPERM;
    int err = user_copy_in(task->mm, &words, from, (size_t)count * sizeof(words.low));
    if (err < 0)
        return err;
    const struct cap_sets sets = {
        .effective = words.low.effective | (uint64_t)words.high.effective << 32,
        .permitted = words.low.permitted | (uint64_t)words.high.permitted << 32,
        .inheritable = words.low.inheritable | (uint64_t)words.high.inheritable << 32,
    };
    mutex_lock(&kernel->tasks_lock);
    err = cap_sets_change(&task->cred, &sets);
    mutex_unlock(&kernel->tasks_lock);
    return err;
}
