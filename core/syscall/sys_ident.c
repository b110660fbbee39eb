/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User and group ids (credentials(7)). A task starts as root; one that gives its ids up is held to
 * the rules for others. *Linux:* capabilities follow euid 0.
 */
#include <errno.h>
#include <string.h>

#include "core/kernel.h"
#include "core/syscall/syscall_table.h"
#include "core/task.h"

enum { UNCHANGED = -1 };

int64_t sys_getuid(struct task *task)
{
    return task->cred.uid;
}

int64_t sys_geteuid(struct task *task)
{
    return task->cred.euid;
}

int64_t sys_getgid(struct task *task)
{
    return task->cred.gid;
}

int64_t sys_getegid(struct task *task)
{
    return task->cred.egid;
}

/* Real, effective and saved id, of a user or a group. */
struct ids {
    uint32_t *real, *effective, *saved, *fs;
};

static struct ids user_ids(struct cred *cred)
{
    return (struct ids){&cred->uid, &cred->euid, &cred->suid, &cred->fsuid};
}

static struct ids group_ids(struct cred *cred)
{
    return (struct ids){&cred->gid, &cred->egid, &cred->sgid, &cred->fsgid};
}

static bool is_one_of(const struct ids *ids, uint32_t id)
{
    return id == *ids->real || id == *ids->effective || id == *ids->saved;
}

static bool is_privileged(const struct cred *cred)
{
    return cred->euid == 0;
}

/* A call changes a copy; others see the whole of it under the tasks lock. */
static int64_t put_cred(struct task *task, const struct cred *cred, int64_t result)
{
    struct kernel *kernel = task_kernel(task);

    if (result < 0)
        return result;
    mutex_lock(&kernel->tasks_lock);
    task->cred = *cred;
    mutex_unlock(&kernel->tasks_lock);
    return result;
}

static int64_t set_id(const struct cred *cred, struct ids ids, uint32_t id)
{
    if (id == (uint32_t)UNCHANGED)
        return -EINVAL;
    if (is_privileged(cred))
        *ids.real = *ids.saved = id;
    else if (id != *ids.real && id != *ids.saved)
        return -EPERM;
    *ids.effective = *ids.fs = id;
    return 0;
}

int64_t sys_setuid(struct task *task, uint32_t uid)
{
    struct cred cred = task->cred;

    return put_cred(task, &cred, set_id(&cred, user_ids(&cred), uid));
}

int64_t sys_setgid(struct task *task, uint32_t gid)
{
    struct cred cred = task->cred;

    return put_cred(task, &cred, set_id(&cred, group_ids(&cred), gid));
}

static int64_t set_re(const struct cred *cred, struct ids ids, uint32_t real, uint32_t effective)
{
    uint32_t old_real = *ids.real;
    bool has_real = real != (uint32_t)UNCHANGED;
    bool has_effective = effective != (uint32_t)UNCHANGED;

    if (!is_privileged(cred) && ((has_real && real != *ids.real && real != *ids.effective) ||
                                 (has_effective && !is_one_of(&ids, effective))))
        return -EPERM;
    if (has_real)
        *ids.real = real;
    if (has_effective)
        *ids.effective = *ids.fs = effective;
    if (has_real || (has_effective && effective != old_real))
        *ids.saved = *ids.effective;
    return 0;
}

int64_t sys_setreuid(struct task *task, uint32_t real, uint32_t effective)
{
    struct cred cred = task->cred;

    return put_cred(task, &cred, set_re(&cred, user_ids(&cred), real, effective));
}

int64_t sys_setregid(struct task *task, uint32_t real, uint32_t effective)
{
    struct cred cred = task->cred;

    return put_cred(task, &cred, set_re(&cred, group_ids(&cred), real, effective));
}

static int64_t set_res(const struct cred *cred, struct ids ids, const uint32_t to[3])
{
    uint32_t *const at[3] = {ids.real, ids.effective, ids.saved};

    for (int i = 0; i < 3; i++) {
        if (to[i] != (uint32_t)UNCHANGED && !is_privileged(cred) && !is_one_of(&ids, to[i]))
            return -EPERM;
    }
    for (int i = 0; i < 3; i++) {
        if (to[i] != (uint32_t)UNCHANGED)
            *at[i] = to[i];
    }
    *ids.fs = *ids.effective;
    return 0;
}

int64_t sys_setresuid(struct task *task, uint32_t real, uint32_t effective, uint32_t saved)
{
    struct cred cred = task->cred;

    return put_cred(task, &cred,
                    set_res(&cred, user_ids(&cred), (const uint32_t[]){real, effective, saved}));
}

int64_t sys_setresgid(struct task *task, uint32_t real, uint32_t effective, uint32_t saved)
{
    struct cred cred = task->cred;

    return put_cred(task, &cred,
                    set_res(&cred, group_ids(&cred), (const uint32_t[]){real, effective, saved}));
}

static int64_t get_res(struct task *task, struct ids ids, const guest_addr_t to[3])
{
    const uint32_t *const at[3] = {ids.real, ids.effective, ids.saved};
    int err = 0;

    for (int i = 0; i < 3 && err == 0; i++)
        err = user_copy_out(task->mm, to[i], at[i], sizeof(*at[i]));
    return err;
}

int64_t sys_getresuid(struct task *task, guest_addr_t real, guest_addr_t effective,
                      guest_addr_t saved)
{
    return get_res(task, user_ids(&task->cred), (const guest_addr_t[]){real, effective, saved});
}

int64_t sys_getresgid(struct task *task, guest_addr_t real, guest_addr_t effective,
                      guest_addr_t saved)
{
    return get_res(task, group_ids(&task->cred), (const guest_addr_t[]){real, effective, saved});
}

/* Returns the old one, whether it changes or not. */
static int64_t set_fs(const struct cred *cred, struct ids ids, uint32_t id)
{
    uint32_t old = *ids.fs;

    if (id != (uint32_t)UNCHANGED && (is_privileged(cred) || is_one_of(&ids, id)))
        *ids.fs = id;
    return old;
}

int64_t sys_setfsuid(struct task *task, uint32_t uid)
{
    struct cred cred = task->cred;

    return put_cred(task, &cred, set_fs(&cred, user_ids(&cred), uid));
}

int64_t sys_setfsgid(struct task *task, uint32_t gid)
{
    struct cred cred = task->cred;

    return put_cred(task, &cred, set_fs(&cred, group_ids(&cred), gid));
}

int64_t sys_getgroups(struct task *task, int size, guest_addr_t to)
{
    const struct cred *cred = &task->cred;

    if (size < 0 || (size > 0 && (uint32_t)size < cred->group_count))
        return -EINVAL;
    if (size > 0 && cred->group_count > 0) {
        int err =
            user_copy_out(task->mm, to, cred->groups, cred->group_count * sizeof(cred->groups[0]));
        if (err < 0)
            return err;
    }
    return cred->group_count;
}

int64_t sys_setgroups(struct task *task, int size, guest_addr_t from)
{
    struct cred cred = task->cred;

    if (!is_privileged(&task->cred))
        return -EPERM;
    if (size < 0 || size > CRED_GROUPS_MAX)
        return -EINVAL;
    int err = size == 0 ? 0
                        : user_copy_in(task->mm, cred.groups, from,
                                       (size_t)size * sizeof(cred.groups[0]));
    cred.group_count = (uint32_t)size;
    return put_cred(task, &cred, err);
}
