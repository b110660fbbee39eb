/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount and umount2 (mount(2)): root mounts tmpfs, and takes mounts away that nobody uses. *Linux:*
 * other file systems, binds, moves and remounts are absent (there is one namespace, and nothing to
 * mount from); propagation is accepted and means nothing; a mount in use cannot be detached; of
 * tmpfs' options mode, uid and gid are heeded.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "core/syscall/path_argument.h"
#include "core/syscall/syscall_table.h"
#include "vfs/fs/tmpfs.h"
#include "vfs/mount.h"

enum { TYPE_MAX = 64, OPTIONS_MAX = 4096 };

static const unsigned long propagation = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;

struct tmpfs_options {
    uint32_t mode, uid, gid;
};

/* One NAME=VALUE. */
static int parse_option(char *option, struct tmpfs_options *ret)
{
    char *value = strchr(option, '=');
    char *end = NULL;

    if (value == NULL)
        return 0;
    *value++ = '\0';
    bool is_mode = strcmp(option, "mode") == 0, is_uid = strcmp(option, "uid") == 0;
    if (!is_mode && !is_uid && strcmp(option, "gid") != 0)
        return 0;
    unsigned long number = strtoul(value, &end, is_mode ? 8 : 10);
    if (*value == '\0' || *end != '\0' || number > UINT32_MAX)
        return -EINVAL;
    *(is_mode ? &ret->mode : is_uid ? &ret->uid : &ret->gid) = (uint32_t)number;
    return 0;
}

static int parse_options(char *text, struct tmpfs_options *ret)
{
    char *rest = text;
    char *option;
    int err = 0;

    *ret = (struct tmpfs_options){.mode = 01777};
    while (err == 0 && (option = strsep(&rest, ",")) != NULL)
        err = parse_option(option, ret);
    ret->mode &= 07777;
    return err;
}

static int mount_tmpfs(const struct path *at, const char *source, unsigned long flags,
                       char *options)
{
    struct tmpfs_options parsed;
    struct mount *mount;
    struct inode *root;

    int err = parse_options(options, &parsed);
    if (err < 0)
        return err;
    if (!S_ISDIR(inode_mode(path_inode(at))))
        return -ENOTDIR;
    err = tmpfs_create(parsed.mode, &root);
    if (err < 0)
        return err;
    const struct attr_change owner = {
        .set = ATTR_UID | ATTR_GID, .uid = parsed.uid, .gid = parsed.gid};
    inode_change_attr(root, &owner);
    err = mount_create(at, root, "tmpfs", source[0] == '\0' ? "none" : source,
                       (flags & MS_RDONLY) != 0 ? MOUNT_READONLY : 0, &mount);
    object_put(&root->object);
    return err;
}

/* Text that may be absent. */
static int copy_text(struct task *task, char *to, guest_addr_t from, size_t size)
{
    to[0] = '\0';
    if (from == 0)
        return 0;
    int length = user_copy_string(task->mm, to, from, size);
    if (length == -ENAMETOOLONG)
        return -EINVAL;
    return length < 0 ? length : 0;
}

int64_t sys_mount(struct task *task, guest_addr_t source_at, guest_addr_t target,
                  guest_addr_t type_at, uint64_t flags, guest_addr_t data)
{
    char source[OPTIONS_MAX], options[OPTIONS_MAX], type[TYPE_MAX];
    struct path path;
    int err = copy_text(task, type, type_at, sizeof(type));

    if (err == 0)
        err = copy_text(task, source, source_at, sizeof(source));
    if (err == 0)
        err = copy_text(task, options, data, sizeof(options));
    if (err == 0)
        err = path_argument_lookup(task, AT_FDCWD, target, 0, &path);
    if (err < 0)
        return err;
    if (task->cred.euid != 0)
        err = -EPERM;
    else if ((flags & propagation) != 0)
        err = 0;
    else if ((flags & (MS_REMOUNT | MS_BIND | MS_MOVE)) != 0)
        err = -EPERM;
    else if (type[0] == '\0')
        err = -EINVAL;
    else
        err = strcmp(type, "tmpfs") == 0 ? mount_tmpfs(&path, source, flags, options) : -ENODEV;
    path_put(&path);
    return err;
}

int64_t sys_umount2(struct task *task, guest_addr_t target, uint32_t flags)
{
    const uint32_t known = MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW;
    struct path path;

    if ((flags & ~known) != 0)
        return -EINVAL;
    int err = path_argument_lookup(task, AT_FDCWD, target,
                                   (flags & UMOUNT_NOFOLLOW) != 0 ? LOOKUP_NOFOLLOW : 0, &path);
    if (err < 0)
        return err;
    if (task->cred.euid != 0)
        err = -EPERM;
    else
        err = path.dentry != path.mount->root ? -EINVAL : mount_remove(path.mount);
    path_put(&path);
    return err;
}
