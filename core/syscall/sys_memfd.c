/* SPDX-License-Identifier: Apache-2.0 */
/* memfd_create(2). Linux: there are no huge pages to have (MFD_HUGETLB). */
#include <errno.h>
#include <string.h>

#include "core/limit.h"
#include "core/syscall/syscall_table.h"
#include "core/task.h"
#include "vfs/fs/shmem.h"
#include "vfs/mapping.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#define MFD_EXEC 0x0010U
#endif

enum { MEMFD_NAME_MAX = 249 };
static const char prefix[] = "/memfd:";

static int create(struct task *task, const char *name, uint32_t flags, struct file **ret)
{
    uint32_t mode = 0777;
    unsigned seals = flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL) ? 0 : F_SEAL_SEAL;

    if (flags & MFD_NOEXEC_SEAL) {
        mode = 0666;
        seals |= F_SEAL_EXEC;
    }
    return shmem_create(name, 0, mode, seals, &task->cred, ret);
}

int64_t sys_memfd_create(struct task *task, guest_addr_t name, uint32_t flags)
{
    char text[sizeof prefix + MEMFD_NAME_MAX + 1];
    struct file *file;
    int err;

    if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB | MFD_NOEXEC_SEAL | MFD_EXEC) ||
        (flags & MFD_EXEC && flags & MFD_NOEXEC_SEAL))
        return -EINVAL;
    if (flags & MFD_HUGETLB)
        return -ENOSYS;
    memcpy(text, prefix, sizeof prefix);
    err = user_copy_string(task->mm, text + sizeof prefix - 1, name, MEMFD_NAME_MAX + 1);
    if (err < 0)
        return err == -ENAMETOOLONG ? -EINVAL : err;
    err = create(task, text, flags, &file);
    if (err < 0)
        return err;
    return files_add(task->files, file, 0, (flags & MFD_CLOEXEC) != 0,
                     task_limit(task, RLIMIT_NOFILE));
}
