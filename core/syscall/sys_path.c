/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names in directories: making, linking, renaming and removing them; root and working directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "core/base/host.h"
#include "core/syscall/path_argument.h"
#include "core/syscall/syscall_table.h"
#include "vfs/dentry.h"

int64_t sys_mkdirat(struct task *task, int fd, guest_addr_t name, uint32_t mode)
{
    struct path_argument argument;
    int err = path_argument_get(task, fd, name, &argument);

    if (err < 0)
        return err;
    err = vfs_mkdir(&argument.view, path_argument_at(&argument), argument.name, mode);
    path_argument_put(&argument);
    return err;
}

int64_t sys_mkdir(struct task *task, guest_addr_t name, uint32_t mode)
{
    return sys_mkdirat(task, AT_FDCWD, name, mode);
}

int64_t sys_mknodat(struct task *task, int fd, guest_addr_t name, uint32_t mode, uint32_t rdev)
{
    struct path_argument argument;
    int err = path_argument_get(task, fd, name, &argument);

    if (err < 0)
        return err;
    err = vfs_mknod(&argument.view, path_argument_at(&argument), argument.name, mode, rdev);
    path_argument_put(&argument);
    return err;
}

int64_t sys_mknod(struct task *task, guest_addr_t name, uint32_t mode, uint32_t rdev)
{
    return sys_mknodat(task, AT_FDCWD, name, mode, rdev);
}

int64_t sys_unlinkat(struct task *task, int fd, guest_addr_t name, uint32_t flags)
{
    struct path_argument argument;

    if ((flags & ~(uint32_t)AT_REMOVEDIR) != 0)
        return -EINVAL;
    int err = path_argument_get(task, fd, name, &argument);
    if (err < 0)
        return err;
    const struct path *at = path_argument_at(&argument);
    err = (flags & AT_REMOVEDIR) != 0 ? vfs_rmdir(&argument.view, at, argument.name)
                                      : vfs_unlink(&argument.view, at, argument.name);
    path_argument_put(&argument);
    return err;
}

int64_t sys_unlink(struct task *task, guest_addr_t name)
{
    return sys_unlinkat(task, AT_FDCWD, name, 0);
}

int64_t sys_rmdir(struct task *task, guest_addr_t name)
{
    return sys_unlinkat(task, AT_FDCWD, name, AT_REMOVEDIR);
}

int64_t sys_symlinkat(struct task *task, guest_addr_t target_at, int fd, guest_addr_t name)
{
    struct path_argument argument;
    char target[PATH_MAX];
    int err = user_copy_string(task->mm, target, target_at, sizeof(target));

    if (err < 0)
        return err;
    if (target[0] == '\0')
        return -ENOENT;
    err = path_argument_get(task, fd, name, &argument);
    if (err < 0)
        return err;
    err = vfs_symlink(&argument.view, target, path_argument_at(&argument), argument.name);
    path_argument_put(&argument);
    return err;
}

int64_t sys_symlink(struct task *task, guest_addr_t target, guest_addr_t name)
{
    return sys_symlinkat(task, target, AT_FDCWD, name);
}

/* --- calls with two names --- */

/* Both arguments of a call; they are 8 KB, too much for a thread's stack twice. */
struct two_paths {
    struct path_argument from, to;
};

static int two_paths_get(struct task *task, int from_fd, guest_addr_t from, int to_fd,
                         guest_addr_t to, struct two_paths **ret)
{
    struct two_paths *paths = host_alloc(1, sizeof(*paths));

    if (paths == NULL)
        return -ENOMEM;
    int err = path_argument_get(task, from_fd, from, &paths->from);
    if (err == 0) {
        err = path_argument_get(task, to_fd, to, &paths->to);
        if (err < 0)
            path_argument_put(&paths->from);
    }
    if (err < 0) {
        host_free(paths);
        return err;
    }
    *ret = paths;
    return 0;
}

static void two_paths_put(struct two_paths *paths)
{
    path_argument_put(&paths->from);
    path_argument_put(&paths->to);
    host_free(paths);
}

int64_t sys_linkat(struct task *task, int from_fd, guest_addr_t from, int to_fd, guest_addr_t to,
                   uint32_t flags)
{
    struct two_paths *paths;

    if ((flags & ~(uint32_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) != 0)
        return -EINVAL;
    int err = two_paths_get(task, from_fd, from, to_fd, to, &paths);
    if (err < 0)
        return err;
    err = vfs_link(&paths->from.view, path_argument_at(&paths->from), paths->from.name,
                   path_argument_at(&paths->to), paths->to.name, (int)flags);
    two_paths_put(paths);
    return err;
}

int64_t sys_link(struct task *task, guest_addr_t from, guest_addr_t to)
{
    return sys_linkat(task, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int64_t sys_renameat2(struct task *task, int from_fd, guest_addr_t from, int to_fd, guest_addr_t to,
                      uint32_t flags)
{
    const uint32_t known = RENAME_NOREPLACE | RENAME_EXCHANGE;
    struct two_paths *paths;

    if ((flags & ~known) != 0 || (flags & known) == known)
        return -EINVAL;
    int err = two_paths_get(task, from_fd, from, to_fd, to, &paths);
    if (err < 0)
        return err;
    err = vfs_rename(&paths->from.view, path_argument_at(&paths->from), paths->from.name,
                     path_argument_at(&paths->to), paths->to.name, flags);
    two_paths_put(paths);
    return err;
}

int64_t sys_renameat(struct task *task, int from_fd, guest_addr_t from, int to_fd, guest_addr_t to)
{
    return sys_renameat2(task, from_fd, from, to_fd, to, 0);
}

int64_t sys_rename(struct task *task, guest_addr_t from, guest_addr_t to)
{
    return sys_renameat2(task, AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* --- root and working directory --- */

static int check_searchable(struct task *task, const struct path *path)
{
    struct inode *inode = path_inode(path);

    if (!S_ISDIR(inode->attr.mode))
        return -ENOTDIR;
    return inode_check(inode, &task->cred, X_OK);
}

int64_t sys_chdir(struct task *task, guest_addr_t name)
{
    struct path path;
    int err = path_argument_lookup(task, AT_FDCWD, name, LOOKUP_DIRECTORY, &path);

    if (err < 0)
        return err;
    err = check_searchable(task, &path);
    if (err == 0)
        fs_set_cwd(task->fs, &path);
    path_put(&path);
    return err;
}

int64_t sys_fchdir(struct task *task, int fd)
{
    struct file *file = files_get(task->files, fd);

    if (file == NULL)
        return -EBADF;
    int err = file->path.dentry == NULL ? -ENOTDIR : check_searchable(task, &file->path);
    if (err == 0)
        fs_set_cwd(task->fs, &file->path);
    object_put(&file->object);
    return err;
}

int64_t sys_chroot(struct task *task, guest_addr_t name)
{
    struct path path;
    int err = path_argument_lookup(task, AT_FDCWD, name, LOOKUP_DIRECTORY, &path);

    if (err < 0)
        return err;
    err = check_searchable(task, &path);
    if (err == 0 && task->cred.euid != 0)
        err = -EPERM;
    if (err == 0)
        fs_set_root(task->fs, &path);
    path_put(&path);
    return err;
}

int64_t sys_getcwd(struct task *task, guest_addr_t to, uint64_t size)
{
    struct bytes name = {0};
    struct fs_view view;

    fs_view_get(task->fs, &task->cred, task, &view);
    int64_t result =
        view.cwd.dentry->is_unlinked ? -ENOENT : path_name(&view.root, &view.cwd, &name);
    fs_view_put(&view);
    if (result == 0)
        result = bytes_append(&name, "", 1);
    if (result == 0 && name.size > size)
        result = -ERANGE;
    if (result == 0)
        result = user_copy_out(task->mm, to, name.data, name.size);
    if (result == 0)
        result = (int64_t)name.size;
    bytes_fini(&name);
    return result;
}

int64_t sys_umask(struct task *task, uint32_t mask)
{
    return fs_set_umask(task->fs, mask);
}
