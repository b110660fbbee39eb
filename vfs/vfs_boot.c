/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree that a sandbox starts with. Everything is done as the guest's root would do it, on the
 * guest's side of the names: a mountpoint may lie behind a symbolic link of the root.
 */
#include "vfs/vfs_boot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "core/base/host.h"
#include "vfs/file.h"
#include "vfs/fs/hostfs.h"
#include "vfs/fs/overlay.h"
#include "vfs/fs/tmpfs.h"

static const struct cred root_cred = {0};

static struct fs_view view_of(struct mount *root)
{
    const struct path path = {.mount = root, .dentry = root->root};

    return (struct fs_view){.root = path, .cwd = path, .cred = &root_cred};
}

/* Makes the directories above the last component of name, which is changed meanwhile. */
static int make_parents(const struct fs_view *view, char *name)
{
    int err = 0;

    for (char *slash = strchr(name + 1, '/'); slash != NULL && err == 0;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        err = vfs_mkdir(view, NULL, name, 0755);
        *slash = '/';
        err = err == -EEXIST ? 0 : err;
    }
    return err;
}

static int make_mountpoint(const struct fs_view *view, const char *dst, bool is_directory)
{
    struct file *file;
    char *name = host_strdup(dst);

    if (name == NULL)
        return -ENOMEM;
    int err = make_parents(view, name);
    host_free(name);
    if (err < 0)
        return err;
    if (is_directory)
        return vfs_mkdir(view, NULL, dst, 0755);
    err = vfs_open(view, NULL, dst, O_CREAT | O_EXCL | O_WRONLY, 0644, &file);
    if (err == 0)
        object_put(&file->object);
    return err;
}

static int find_mountpoint(const struct fs_view *view, const char *dst, bool is_directory,
                           struct path *ret)
{
    int err = path_lookup(view, NULL, dst, 0, ret);

    if (err == -ENOENT) {
        err = make_mountpoint(view, dst, is_directory);
        if (err == 0)
            err = path_lookup(view, NULL, dst, 0, ret);
    }
    return err;
}

int vfs_mount(struct mount *root, const char *dst, struct inode *fs_root, const char *type,
              const char *source, unsigned flags)
{
    const struct fs_view view = view_of(root);
    bool is_directory = S_ISDIR(inode_mode(fs_root));
    struct mount *mount;
    struct path path;

    if (dst[0] != '/')
        return -EINVAL;
    int err = find_mountpoint(&view, dst, is_directory, &path);
    if (err < 0)
        return err;
    if (S_ISDIR(inode_mode(path_inode(&path))) != is_directory)
        err = is_directory ? -ENOTDIR : -EISDIR;
    else
        err = mount_create(&path, fs_root, type, source, flags, &mount);
    path_put(&path);
    return err;
}

int vfs_mount_tmpfs(struct mount *root, const char *dst, uint32_t mode)
{
    struct inode *fs_root;

    int err = tmpfs_create(mode, &fs_root);
    if (err < 0)
        return err;
    err = vfs_mount(root, dst, fs_root, "tmpfs", "tmpfs", 0);
    object_put(&fs_root->object);
    return err;
}

int vfs_mount_bind(struct mount *root, const struct host_root *host, const char *dst)
{
    struct inode *fs_root;

    int err = hostfs_create(host, &fs_root);
    if (err < 0)
        return err;
    err =
        vfs_mount(root, dst, fs_root, "hostfs", host->path, host->is_writable ? 0 : MOUNT_READONLY);
    object_put(&fs_root->object);
    return err;
}

static int create_root(const struct host_root *host, bool overlay, struct mount **ret)
{
    struct inode *lower, *upper;
    unsigned flags = host->is_writable ? 0 : MOUNT_READONLY;

    int err = hostfs_create(host, &lower);
    if (err < 0)
        return err;
    if (!S_ISDIR(inode_mode(lower))) {
        err = -ENOTDIR;
    } else if (!overlay) {
        err = mount_create(NULL, lower, "hostfs", host->path, flags, ret);
    } else {
        err = overlay_create(lower, &upper);
        if (err == 0) {
            err = mount_create(NULL, upper, "overlay", "overlay", 0, ret);
            object_put(&upper->object);
        }
    }
    object_put(&lower->object);
    return err;
}

int vfs_mount_root(struct vfs_context *context, bool overlay, struct mount **ret)
{
    const struct host_root *host = vfs_host_root(context, "/");
    struct mount *root;

    if (host == NULL)
        return -ENOENT;
    int err = create_root(host, overlay, &root);
    if (err < 0)
        return err;
    err = vfs_mount_tmpfs(root, "/run", 0755);
    if (err < 0)
        object_put(&root->object);
    else
        *ret = root;
    return err;
}
