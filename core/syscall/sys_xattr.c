/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes (setxattr(2), getxattr(2), listxattr(2), removexattr(2)), each in three
 * forms: by name, by name without following a link at its end, by descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>

#include "core/base/host.h"
#include "core/syscall/path_argument.h"
#include "core/syscall/syscall_table.h"
#include "vfs/xattr.h"

/* What a call is about: references. */
struct xattr_target {
    struct path path; /* may be empty */
    struct inode *inode;
};

static int target_of_fd(struct task *task, int fd, struct xattr_target *ret)
{
    struct file *file = files_get_open(task->files, fd);

    if (file == NULL)
        return -EBADF;
    ret->path = file->path;
    path_get(&ret->path);
    ret->inode = object_get(&file->inode->object);
    object_put(&file->object);
    return 0;
}

static int target_of_name(struct task *task, guest_addr_t name, unsigned lookup,
                          struct xattr_target *ret)
{
    int err = path_argument_lookup(task, AT_FDCWD, name, lookup, &ret->path);

    if (err < 0)
        return err;
    ret->inode = object_get(&path_inode(&ret->path)->object);
    return 0;
}

static void target_put(struct xattr_target *target)
{
    object_put(&target->inode->object);
    path_put(&target->path);
}

/* The name of an attribute. -ERANGE: none, or too long. */
static int copy_name(struct task *task, guest_addr_t from, char ret[XATTR_NAME_LIMIT + 1])
{
    int size = user_copy_string(task->mm, ret, from, XATTR_NAME_LIMIT + 1);

    if (size == -ENAMETOOLONG || size == 0)
        return -ERANGE;
    return size < 0 ? size : 0;
}

/* --- setting --- */

/* What is to be set. */
struct xattr_value {
    char name[XATTR_NAME_LIMIT + 1];
    void *value;
    size_t size;
    int flags;
};

static int value_get(struct task *task, guest_addr_t name, guest_addr_t from, uint64_t size,
                     int flags, struct xattr_value *ret)
{
    *ret = (struct xattr_value){.size = size, .flags = flags};
    if ((flags & ~(XATTR_CREATE | XATTR_REPLACE)) != 0)
        return -EINVAL;
    int err = copy_name(task, name, ret->name);
    if (err < 0)
        return err;
    if (size > XATTR_VALUE_LIMIT)
        return -E2BIG;
    if (size == 0)
        return 0;
    ret->value = host_alloc(size, 1);
    if (ret->value == NULL)
        return -ENOMEM;
    return user_copy_in(task->mm, ret->value, from, size);
}

/* Takes the target, if err is 0. */
static int64_t set(struct task *task, int err, struct xattr_target *target,
                   const struct xattr_value *value)
{
    if (err < 0)
        return err;
    err = vfs_setxattr(&task->cred, target->path.mount, target->inode, value->name, value->value,
                       value->size, value->flags);
    target_put(target);
    return err;
}

static int64_t set_by_name(struct task *task, guest_addr_t path, unsigned lookup, guest_addr_t name,
                           guest_addr_t from, uint64_t size, int flags)
{
    struct xattr_target target;
    struct xattr_value value;
    int64_t result = value_get(task, name, from, size, flags, &value);

    if (result == 0)
        result = set(task, target_of_name(task, path, lookup, &target), &target, &value);
    host_free(value.value);
    return result;
}

int64_t sys_setxattr(struct task *task, guest_addr_t path, guest_addr_t name, guest_addr_t from,
                     uint64_t size, int flags)
{
    return set_by_name(task, path, 0, name, from, size, flags);
}

int64_t sys_lsetxattr(struct task *task, guest_addr_t path, guest_addr_t name, guest_addr_t from,
                      uint64_t size, int flags)
{
    return set_by_name(task, path, LOOKUP_NOFOLLOW, name, from, size, flags);
}

int64_t sys_fsetxattr(struct task *task, int fd, guest_addr_t name, guest_addr_t from,
                      uint64_t size, int flags)
{
    struct xattr_target target;
    struct xattr_value value;
    int64_t result = value_get(task, name, from, size, flags, &value);

    if (result == 0)
        result = set(task, target_of_fd(task, fd, &target), &target, &value);
    host_free(value.value);
    return result;
}

/* --- getting and listing --- */

/* Gives what was found, or its size if there is no room at all; frees it. */
static int64_t give(struct task *task, int err, struct bytes *found, guest_addr_t to, uint64_t size)
{
    int64_t result = err < 0 ? err : (int64_t)found->size;

    if (result > 0 && size > 0 && found->size > size)
        result = -ERANGE;
    if (result > 0 && size > 0) {
        err = user_copy_out(task->mm, to, found->data, found->size);
        result = err < 0 ? err : result;
    }
    bytes_fini(found);
    return result;
}

/* Takes the target, if result is 0. */
static int64_t get(struct task *task, int64_t result, struct xattr_target *target, const char *name,
                   guest_addr_t to, uint64_t size)
{
    struct bytes value = {0};

    if (result < 0)
        return result;
    int err = vfs_getxattr(&task->cred, target->inode, name, &value);
    target_put(target);
    return give(task, err, &value, to, size);
}

static int64_t get_by_name(struct task *task, guest_addr_t path, unsigned lookup,
                           guest_addr_t name_at, guest_addr_t to, uint64_t size)
{
    struct xattr_target target;
    char name[XATTR_NAME_LIMIT + 1];
    int err = copy_name(task, name_at, name);

    if (err == 0)
        err = target_of_name(task, path, lookup, &target);
    return get(task, err, &target, name, to, size);
}

int64_t sys_getxattr(struct task *task, guest_addr_t path, guest_addr_t name, guest_addr_t to,
                     uint64_t size)
{
    return get_by_name(task, path, 0, name, to, size);
}

int64_t sys_lgetxattr(struct task *task, guest_addr_t path, guest_addr_t name, guest_addr_t to,
                      uint64_t size)
{
    return get_by_name(task, path, LOOKUP_NOFOLLOW, name, to, size);
}

int64_t sys_fgetxattr(struct task *task, int fd, guest_addr_t name_at, guest_addr_t to,
                      uint64_t size)
{
    struct xattr_target target;
    char name[XATTR_NAME_LIMIT + 1];
    int err = copy_name(task, name_at, name);

    if (err == 0)
        err = target_of_fd(task, fd, &target);
    return get(task, err, &target, name, to, size);
}

/* Takes the target, if err is 0. */
static int64_t list(struct task *task, int err, struct xattr_target *target, guest_addr_t to,
                    uint64_t size)
{
    struct bytes names = {0};

    if (err < 0)
        return err;
    err = vfs_listxattr(&task->cred, target->inode, &names);
    target_put(target);
    if (err == 0 && names.size > XATTR_LIST_LIMIT)
        err = -E2BIG;
    return give(task, err, &names, to, size);
}

int64_t sys_listxattr(struct task *task, guest_addr_t path, guest_addr_t to, uint64_t size)
{
    struct xattr_target target;

    return list(task, target_of_name(task, path, 0, &target), &target, to, size);
}

int64_t sys_llistxattr(struct task *task, guest_addr_t path, guest_addr_t to, uint64_t size)
{
    struct xattr_target target;

    return list(task, target_of_name(task, path, LOOKUP_NOFOLLOW, &target), &target, to, size);
}

int64_t sys_flistxattr(struct task *task, int fd, guest_addr_t to, uint64_t size)
{
    struct xattr_target target;

    return list(task, target_of_fd(task, fd, &target), &target, to, size);
}

/* --- removing --- */

/* Takes the target, if err is 0. */
static int64_t remove_from(struct task *task, int err, struct xattr_target *target,
                           const char *name)
{
    if (err < 0)
        return err;
    err = vfs_removexattr(&task->cred, target->path.mount, target->inode, name);
    target_put(target);
    return err;
}

static int64_t remove_by_name(struct task *task, guest_addr_t path, unsigned lookup,
                              guest_addr_t name_at)
{
    struct xattr_target target;
    char name[XATTR_NAME_LIMIT + 1];
    int err = copy_name(task, name_at, name);

    if (err == 0)
        err = target_of_name(task, path, lookup, &target);
    return remove_from(task, err, &target, name);
}

int64_t sys_removexattr(struct task *task, guest_addr_t path, guest_addr_t name)
{
    return remove_by_name(task, path, 0, name);
}

int64_t sys_lremovexattr(struct task *task, guest_addr_t path, guest_addr_t name)
{
    return remove_by_name(task, path, LOOKUP_NOFOLLOW, name);
}

int64_t sys_fremovexattr(struct task *task, int fd, guest_addr_t name_at)
{
    struct xattr_target target;
    char name[XATTR_NAME_LIMIT + 1];
    int err = copy_name(task, name_at, name);

    if (err == 0)
        err = target_of_fd(task, fd, &target);
    return remove_from(task, err, &target, name);
}
