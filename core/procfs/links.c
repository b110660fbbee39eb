/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Symbolic links of /proc. self depends on who asks. exe, cwd, root and fd/N are magic: following
 * them leads to the place itself, whatever its name is now; what has no place (a pipe, a stream)
 * gets one without a mount. Names are shown as seen from the root of who asks.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/procfs/nodes.h"
#include "core/procfs/target.h"
#include "netstack/socket/socket.h"
#include "vfs/dentry.h"
#include "vfs/host_stream.h"
#include "vfs/pipe.h"

enum { PLACELESS_NAME_MAX = 64 };

int read_self(const struct pseudo_place *place, void *task, struct bytes *ret)
{
    (void)place;
    if (task == NULL)
        return -ENOENT;
    return bytes_printf(ret, "%d", ((struct task *)task)->process->pid);
}

int read_thread_self(const struct pseudo_place *place, void *task, struct bytes *ret)
{
    const struct task *self = task;

    (void)place;
    if (task == NULL)
        return -ENOENT;
    return bytes_printf(ret, "%d/task/%d", self->process->pid, self->tid);
}

int read_mounts(const struct pseudo_place *place, void *task, struct bytes *ret)
{
    (void)place;
    (void)task;
    return bytes_append(ret, "self/mounts", strlen("self/mounts"));
}

int read_net(const struct pseudo_place *place, void *task, struct bytes *ret)
{
    (void)place;
    (void)task;
    return bytes_append(ret, "self/net", strlen("self/net"));
}

/* *Linux:* there is one namespace of each kind, and it cannot be opened. */
int read_namespace(const struct pseudo_place *place, void *task, struct bytes *ret)
{
    static const char later[] = "_for_children";
    static const uint32_t first = 4026531834;
    static const char *const kinds[] = {"time", "cgroup", "pid", "user",
                                        "uts",  "ipc",    "mnt", "net"};
    const char *name = place->node->name;
    size_t size = strlen(name);

    (void)task;
    if (size > strlen(later) && strcmp(name + size - strlen(later), later) == 0)
        size -= strlen(later);
    for (uint32_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (strlen(kinds[i]) == size && strncmp(kinds[i], name, size) == 0)
            return bytes_printf(ret, "%s:[%" PRIu32 "]", kinds[i], first + i);
    }
    return -ENOENT;
}

/* --- places: each get function returns references --- */

typedef int get_place_fn(const struct pseudo_place *place, struct path *ret);

static int get_exe(const struct pseudo_place *place, struct path *ret)
{
    struct target target;

    int err = target_get(place, &target);
    if (err < 0)
        return err;
    err = -ENOENT;
    if (target.mm != NULL && target.mm->exe != NULL && target.mm->exe->path.dentry != NULL) {
        *ret = target.mm->exe->path;
        path_get(ret);
        err = 0;
    }
    target_put(&target);
    return err;
}

static int get_of_fs(const struct pseudo_place *place, bool wants_root, struct path *ret)
{
    struct target target;
    struct fs_view view;

    int err = target_get(place, &target);
    if (err < 0)
        return err;
    if (target.fs == NULL) {
        target_put(&target);
        return -ENOENT;
    }
    fs_view_get(target.fs, &target.task->cred, target.task, &view);
    *ret = wants_root ? view.root : view.cwd;
    path_get(ret);
    fs_view_put(&view);
    target_put(&target);
    return 0;
}

static int get_cwd(const struct pseudo_place *place, struct path *ret)
{
    return get_of_fs(place, false, ret);
}

static int get_root(const struct pseudo_place *place, struct path *ret)
{
    return get_of_fs(place, true, ret);
}

/* A place for a file that has none, with the name that its link shows. */
static int get_placeless(const struct file *file, struct path *ret)
{
    char name[PLACELESS_NAME_MAX];
    int stream = host_stream_index(file->inode);

    if (file->inode->ops->anonymous != NULL)
        (void)snprintf(name, sizeof(name), "anon_inode:%s", file->inode->ops->anonymous);
    else if (stream >= 0)
        (void)snprintf(name, sizeof(name), "host:[%d]", stream);
    else if (file_is_socket(file))
        (void)snprintf(name, sizeof(name), "socket:[%" PRIu64 "]", file->inode->attr.nr);
    else
        (void)snprintf(name, sizeof(name), "%s:[%" PRIu64 "]", file->inode->object.type->name,
                       file->inode->attr.nr);
    ret->mount = NULL;
    return dentry_create_root(file->inode, name, &ret->dentry);
}

static int get_fd(const struct pseudo_place *place, struct path *ret)
{
    struct file *file = NULL;
    struct target target;

    int err = target_get(place, &target);
    if (err < 0)
        return err;
    if (target.files != NULL)
        file = files_get(target.files, target_number(place));
    target_put(&target);
    if (file == NULL)
        return -ENOENT;
    if (file->path.dentry != NULL) {
        *ret = file->path;
        path_get(ret);
    } else {
        err = get_placeless(file, ret);
    }
    object_put(&file->object);
    return err;
}

/* --- links --- */

static int read_place(const struct pseudo_place *place, get_place_fn *get, void *task,
                      struct bytes *ret)
{
    struct task *reader = task;
    struct fs_view view;
    struct path path;

    if (task == NULL)
        return -ENOENT;
    int err = get(place, &path);
    if (err < 0)
        return err;
    fs_view_get(reader->fs, &reader->cred, task, &view);
    err = path_name(&view.root, &path, ret);
    fs_view_put(&view);
    path_put(&path);
    return err;
}

int read_exe(const struct pseudo_place *place, void *task, struct bytes *ret)
{
    return read_place(place, get_exe, task, ret);
}

int read_cwd(const struct pseudo_place *place, void *task, struct bytes *ret)
{
    return read_place(place, get_cwd, task, ret);
}

int read_root(const struct pseudo_place *place, void *task, struct bytes *ret)
{
    return read_place(place, get_root, task, ret);
}

int read_fd(const struct pseudo_place *place, void *task, struct bytes *ret)
{
    return read_place(place, get_fd, task, ret);
}

int follow_exe(const struct pseudo_place *place, void *task, struct path *ret)
{
    (void)task;
    return get_exe(place, ret);
}

int follow_cwd(const struct pseudo_place *place, void *task, struct path *ret)
{
    (void)task;
    return get_cwd(place, ret);
}

int follow_root(const struct pseudo_place *place, void *task, struct path *ret)
{
    (void)task;
    return get_root(place, ret);
}

int follow_fd(const struct pseudo_place *place, void *task, struct path *ret)
{
    (void)task;
    return get_fd(place, ret);
}
