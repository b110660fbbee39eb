/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path arguments of system calls (path_resolution(7), openat(2)).
 */
#include "core/syscall/path_argument.h"

#include <errno.h>
#include <fcntl.h>

static int get_at(struct task *task, int fd, const char *name, struct path *ret)
{
    struct file *file;

    if (fd == AT_FDCWD || name[0] == '/')
        return 0;
    file = files_get(task->files, fd);
    if (file == NULL)
        return -EBADF;
    int err = 0;
    if (file->path.dentry == NULL || (name[0] != '\0' && !S_ISDIR(file->inode->attr.mode)))
        err = -ENOTDIR;
    else
        *ret = file->path;
    if (err == 0)
        path_get(ret);
    object_put(&file->object);
    return err;
}

int path_argument_get(struct task *task, int fd, guest_addr_t name, struct path_argument *ret)
{
    int size = user_copy_string(task->mm, ret->name, name, sizeof(ret->name));

    ret->at = (struct path){0};
    if (size < 0)
        return size;
    int err = get_at(task, fd, ret->name, &ret->at);
    if (err == 0)
        fs_view_get(task->fs, &task->cred, task, &ret->view);
    return err;
}

void path_argument_put(struct path_argument *argument)
{
    fs_view_put(&argument->view);
    path_put(&argument->at);
}

const struct path *path_argument_at(const struct path_argument *argument)
{
    return argument->at.dentry != NULL ? &argument->at : NULL;
}

int path_argument_lookup(struct task *task, int fd, guest_addr_t name, unsigned lookup,
                         struct path *ret)
{
    struct path_argument argument;
    int err = path_argument_get(task, fd, name, &argument);

    if (err < 0)
        return err;
    err = path_lookup(&argument.view, path_argument_at(&argument), argument.name, lookup, ret);
    path_argument_put(&argument);
    return err;
}
