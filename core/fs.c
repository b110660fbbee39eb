/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Root, working directory and umask of a task, shared by CLONE_FS. A call that resolves names works
 * on a view: references of its own, so that a sibling's chdir does not pull the tree from under it.
 */
#include "core/fs.h"

#include <errno.h>
#include <inttypes.h>

#include "vfs/mount.h"

DEFINE_OBJECT_TYPE(FS, fs, Fs, fs);

static struct path path_ref(const struct path *path)
{
    path_get(path);
    return *path;
}

int fs_create(const struct path *root, const struct path *cwd, uint32_t umask, struct fs **ret)
{
    struct fs *fs = object_alloc(&fs_type.object);

    if (fs == NULL)
        return -ENOMEM;
    fs->root = path_ref(root);
    fs->cwd = path_ref(cwd);
    fs->umask = umask;
    fs->is_linked = true;
    *ret = fs;
    return 0;
}

int fs_fork(struct fs *from, struct fs **ret)
{
    struct fs_view view;

    fs_view_get(from, NULL, NULL, &view);
    int err = fs_create(&view.root, &view.cwd, view.umask, ret);
    fs_view_put(&view);
    return err;
}

void fs_view_get(struct fs *fs, const struct cred *cred, void *task, struct fs_view *view)
{
    mutex_lock(&fs->lock);
    *view = (struct fs_view){.root = path_ref(&fs->root),
                             .cwd = path_ref(&fs->cwd),
                             .cred = cred,
                             .umask = fs->umask,
                             .task = task};
    mutex_unlock(&fs->lock);
}

void fs_view_put(struct fs_view *view)
{
    path_put(&view->root);
    path_put(&view->cwd);
}

static void set_path(struct fs *fs, struct path *at, const struct path *to)
{
    mutex_lock(&fs->lock);
    struct path old = *at;
    *at = path_ref(to);
    mutex_unlock(&fs->lock);
    path_put(&old);
}

void fs_set_cwd(struct fs *fs, const struct path *cwd)
{
    set_path(fs, &fs->cwd, cwd);
}

void fs_set_root(struct fs *fs, const struct path *root)
{
    set_path(fs, &fs->root, root);
}

uint32_t fs_set_umask(struct fs *fs, uint32_t umask)
{
    mutex_lock(&fs->lock);
    uint32_t old = fs->umask;
    fs->umask = umask & 0777;
    mutex_unlock(&fs->lock);
    return old;
}

static void fs_init(struct fs *fs)
{
    mutex_init(&fs->lock, LOCK_FS);
}

static void fs_fini(struct fs *fs)
{
    path_put(&fs->root);
    path_put(&fs->cwd);
    mutex_fini(&fs->lock);
}

static int fs_save(const struct fs *fs, struct saver *saver, Fs *m)
{
    m->root_mount = save_ref(saver, (const struct object *)fs->root.mount);
    m->root = save_ref(saver, (const struct object *)fs->root.dentry);
    m->cwd_mount = save_ref(saver, (const struct object *)fs->cwd.mount);
    m->cwd = save_ref(saver, (const struct object *)fs->cwd.dentry);
    m->umask = fs->umask;
    return 0;
}

static int fs_load(struct fs *fs, struct loader *loader, const Fs *m)
{
    fs->root.mount = load_ref(loader, "root_mount", m->root_mount, &mount_type);
    fs->root.dentry = load_ref(loader, "root", m->root, &dentry_type);
    fs->cwd.mount = load_ref(loader, "cwd_mount", m->cwd_mount, &mount_type);
    fs->cwd.dentry = load_ref(loader, "cwd", m->cwd, &dentry_type);
    if ((m->umask & ~UINT32_C(0777)) != 0)
        load_bad(loader, "umask", "%" PRIo32 " is not possible", m->umask);
    fs->umask = m->umask;
    return 0;
}

static void fs_relink(struct fs *fs, struct loader *loader)
{
    (void)loader;
    fs->is_linked = true;
}

static uint64_t fs_derived(const struct fs *fs)
{
    return fs->is_linked;
}
