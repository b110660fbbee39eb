/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From names to places. Errors come in Linux's order: what stands first in the name is complained
 * about first; of one directory, that it is none (ENOTDIR), that it may not be searched (EACCES),
 * then the length of the next component (ENAMETOOLONG).
 *
 * A name means the same in the dentries as in the file system because both are changed under the
 * file system's names_lock, and a name that is not in memory is looked up and entered under it.
 */
#include "vfs/namei.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <unistd.h>

#include "core/base/host.h"

void namei_lock(struct inode *dir)
{
    if (dir->ops->names_lock != NULL)
        mutex_lock(dir->ops->names_lock);
}

void namei_unlock(struct inode *dir)
{
    if (dir->ops->names_lock != NULL)
        mutex_unlock(dir->ops->names_lock);
}

int namei_child_locked(struct dentry *dir, const char *name, struct dentry **ret)
{
    struct inode *inode = dir->inode, *child;
    struct dentry *dentry = dentry_find(dir, name);

    if (dentry != NULL && (!inode->is_shared || dentry_is_mountpoint(dentry))) {
        *ret = dentry;
        return 0;
    }
    if (inode->ops->lookup == NULL) {
        object_put((struct object *)dentry);
        return -ENOTDIR;
    }
    int err = inode->ops->lookup(inode, name, &child);
    if (err == 0) {
        err = dentry_add(dir, name, child, ret);
        object_put(&child->object);
    } else if (err == -ENOENT && dentry != NULL) {
        dentry_unlink(dentry);
    }
    object_put((struct object *)dentry);
    return err;
}

int namei_child(const struct path *dir, const char *name, struct path *ret)
{
    struct inode *inode = path_inode(dir);
    struct dentry *dentry = inode->is_shared ? NULL : dentry_find(dir->dentry, name);

    if (dentry == NULL) {
        namei_lock(inode);
        int err = namei_child_locked(dir->dentry, name, &dentry);
        namei_unlock(inode);
        if (err < 0)
            return err;
    }
    *ret = (struct path){.mount = object_get((struct object *)dir->mount), .dentry = dentry};
    mount_cross_down(ret);
    return 0;
}

static bool is_same_path(const struct path *a, const struct path *b)
{
    return a->mount == b->mount && a->dentry == b->dentry;
}

void namei_up(const struct fs_view *view, struct path *path)
{
    while (!is_same_path(path, &view->root) && mount_cross_up(path))
        ;
    if (is_same_path(path, &view->root))
        return;
    struct dentry *parent = dentry_parent(path->dentry);
    if (parent == NULL)
        return;
    object_put(&path->dentry->object);
    path->dentry = parent;
    mount_cross_down(path);
}

/* Pops what is finished off the stack, slashes being nothing. True: no component is left. */
static bool is_finished(struct walk *walk)
{
    for (;;) {
        const char **rest = &walk->rests[walk->depth];
        if (**rest == '/')
            walk->must_be_directory = true;
        *rest += strspn(*rest, "/");
        if (**rest != '\0')
            return false;
        if (walk->depth == 0)
            return true;
        host_free(walk->texts[walk->depth]);
        walk->texts[walk->depth--] = NULL;
    }
}

/* May here be searched for names? */
static int check_search(const struct walk *walk)
{
    struct inode *inode = path_inode(&walk->here);

    if (!S_ISDIR(inode_mode(inode)))
        return -ENOTDIR;
    return inode_check(inode, walk->view->cred, X_OK);
}

/* Takes the next component of the name, which there is, into walk->name. */
static int take_component(struct walk *walk)
{
    const char **rest = &walk->rests[walk->depth];
    size_t size = strcspn(*rest, "/");

    if (size > NAME_MAX)
        return -ENAMETOOLONG;
    memcpy(walk->name, *rest, size);
    walk->name[size] = '\0';
    *rest += size;
    if (strcmp(walk->name, ".") == 0)
        walk->last = WALK_DOT;
    else
        walk->last = strcmp(walk->name, "..") == 0 ? WALK_DOTDOT : WALK_NAME;
    return 0;
}

static void go_to(struct walk *walk, const struct path *path)
{
    path_get(path);
    path_put(&walk->here);
    walk->here = *path;
}

/* An absolute name starts at the root. */
static int start_name(struct walk *walk)
{
    uint64_t resolve = walk->view->resolve;

    if (walk->rests[walk->depth][0] != '/')
        return 0;
    if ((resolve & RESOLVE_BENEATH) != 0)
        return -EXDEV;
    const struct path *root = (resolve & RESOLVE_IN_ROOT) != 0 ? &walk->start : &walk->view->root;
    if ((resolve & RESOLVE_NO_XDEV) != 0 && root->mount != walk->here.mount)
        return -EXDEV;
    go_to(walk, root);
    return 0;
}

/* here becomes its parent, as far as the walk may go up. */
static int walk_up(struct walk *walk)
{
    uint64_t resolve = walk->view->resolve;
    struct mount *mount = walk->here.mount;

    if (is_same_path(&walk->here, &walk->start) && (resolve & RESOLVE_BENEATH) != 0)
        return -EXDEV;
    if (is_same_path(&walk->here, &walk->start) && (resolve & RESOLVE_IN_ROOT) != 0)
        return 0;
    namei_up(walk->view, &walk->here);
    return (resolve & RESOLVE_NO_XDEV) != 0 && walk->here.mount != mount ? -EXDEV : 0;
}

/* A component below here; mounts may be out of bounds. */
static int walk_child(struct walk *walk, struct path *ret)
{
    int err = namei_child(&walk->here, walk->name, ret);

    if (err < 0)
        return err;
    if ((walk->view->resolve & RESOLVE_NO_XDEV) != 0 && ret->mount != walk->here.mount) {
        path_put(ret);
        return -EXDEV;
    }
    return 0;
}

/* May a link be followed? is_magic: one that jumps. */
static int check_link(const struct walk *walk, bool is_magic)
{
    uint64_t resolve = walk->view->resolve;

    if ((resolve & RESOLVE_NO_SYMLINKS) != 0)
        return -ELOOP;
    if (is_magic && (resolve & RESOLVE_NO_MAGICLINKS) != 0)
        return -ELOOP;
    if (is_magic && (resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) != 0)
        return -EXDEV;
    return 0;
}

int walk_begin(struct walk *walk, const struct fs_view *view, const struct path *at,
               const char *name)
{
    *walk = (struct walk){.view = view, .rests = {name}, .last = WALK_HERE};
    if (name[0] == '\0')
        return -ENOENT;
    if (strnlen(name, PATH_MAX) == PATH_MAX)
        return -ENAMETOOLONG;
    walk->start = at != NULL ? *at : view->cwd;
    walk->here = walk->start;
    path_get(&walk->here);
    return start_name(walk);
}

void walk_end(struct walk *walk)
{
    for (unsigned i = 1; i <= walk->depth; i++)
        host_free(walk->texts[i]);
    walk->depth = 0;
    path_put(&walk->here);
}

/* Puts the name that the link holds on the stack. */
static int push_link(struct walk *walk, struct inode *link)
{
    struct bytes target = {0};

    int err = inode_readlink(link, walk->view->task, &target);
    if (err == 0)
        err = bytes_append(&target, "", 1);
    if (err == 0 && target.data[0] == '\0')
        err = -ENOENT;
    if (err == 0 && target.size > PATH_MAX)
        err = -ENAMETOOLONG;
    if (err < 0) {
        bytes_fini(&target);
        return err;
    }
    walk->depth++;
    walk->texts[walk->depth] = (char *)target.data;
    walk->rests[walk->depth] = walk->texts[walk->depth];
    return start_name(walk);
}

int walk_follow(struct walk *walk, const struct path *link)
{
    struct inode *inode = path_inode(link);
    struct path to;

    if (++walk->link_count > WALK_LINKS_MAX)
        return -ELOOP;
    int err = check_link(walk, inode->ops->follow != NULL);
    if (err < 0)
        return err;
    if (inode->ops->follow == NULL)
        return push_link(walk, inode);
    err = inode->ops->follow(inode, walk->view->cred, walk->view->task, &to);
    if (err < 0)
        return err;
    path_put(&walk->here);
    walk->here = to;
    return 0;
}

/* One component that is not the last: here becomes what it names. */
static int step(struct walk *walk)
{
    struct path next;

    if (walk->last == WALK_DOT)
        return 0;
    if (walk->last == WALK_DOTDOT)
        return walk_up(walk);
    int err = walk_child(walk, &next);
    if (err < 0)
        return err;
    if (S_ISLNK(inode_mode(path_inode(&next)))) {
        err = walk_follow(walk, &next);
        path_put(&next);
        return err;
    }
    path_put(&walk->here);
    walk->here = next;
    return 0;
}

int walk_to_last(struct walk *walk)
{
    for (;;) {
        walk->last = WALK_HERE;
        if (is_finished(walk))
            return 0;
        int err = check_search(walk);
        if (err == 0)
            err = take_component(walk);
        if (err < 0)
            return err;
        walk->must_be_directory = false;
        if (is_finished(walk))
            return 0;
        walk->must_be_directory = false;
        err = step(walk);
        if (err < 0)
            return err;
    }
}

/* The last component as it stands. */
static int find_last(struct walk *walk, struct path *ret)
{
    if (walk->last == WALK_NAME)
        return walk_child(walk, ret);
    if (walk->last == WALK_DOTDOT) {
        int err = walk_up(walk);
        if (err < 0)
            return err;
    }
    *ret = walk->here;
    path_get(ret);
    return 0;
}

int walk_finish(struct walk *walk, bool is_following, struct path *ret)
{
    bool must_be_directory = false;
    struct path path;

    for (;;) {
        int err = find_last(walk, &path);
        if (err < 0)
            return err;
        must_be_directory |= walk->must_be_directory;
        uint32_t mode = inode_mode(path_inode(&path));
        bool is_link = S_ISLNK(mode) && walk->last == WALK_NAME;
        if (is_link && (is_following || must_be_directory)) {
            err = walk_follow(walk, &path);
            path_put(&path);
            if (err == 0)
                err = walk_to_last(walk);
            if (err < 0)
                return err;
            continue;
        }
        if (must_be_directory && !S_ISDIR(mode)) {
            path_put(&path);
            return -ENOTDIR;
        }
        *ret = path;
        return 0;
    }
}

int namei_parent(struct walk *walk, const struct fs_view *view, const struct path *at,
                 const char *name)
{
    int err = walk_begin(walk, view, at, name);

    return err < 0 ? err : walk_to_last(walk);
}

static int lookup(const struct fs_view *view, const struct path *at, const char *name,
                  unsigned flags, struct path *ret)
{
    struct walk walk;

    int err = namei_parent(&walk, view, at, name);
    if (err == 0)
        err = walk_finish(&walk, (flags & LOOKUP_NOFOLLOW) == 0, ret);
    walk_end(&walk);
    return err;
}

int path_lookup(const struct fs_view *view, const struct path *at, const char *name, unsigned flags,
                struct path *ret)
{
    struct path path;
    int err = 0;

    if (name[0] == '\0' && (flags & LOOKUP_EMPTY) != 0) {
        path = at != NULL ? *at : view->cwd;
        path_get(&path);
    } else {
        err = lookup(view, at, name, flags, &path);
    }
    if (err < 0)
        return err;
    if ((flags & LOOKUP_DIRECTORY) != 0 && !S_ISDIR(inode_mode(path_inode(&path)))) {
        path_put(&path);
        return -ENOTDIR;
    }
    *ret = path;
    return 0;
}

int namei_may_change(const struct fs_view *view, const struct path *dir)
{
    int err = inode_check(path_inode(dir), view->cred, W_OK | X_OK);

    if (err < 0)
        return err;
    return mount_is_readonly(dir->mount) ? -EROFS : 0;
}

/* In a sticky directory only its owner and a file's owner take the file's name away. */
static bool is_kept_by_sticky(const struct cred *cred, struct inode *dir, struct inode *victim)
{
    struct stat stat, victim_stat;

    inode_stat_attr(dir, &stat);
    inode_stat_attr(victim, &victim_stat);
    return (stat.st_mode & S_ISVTX) != 0 && !cred_is_privileged(cred) &&
           cred->fsuid != stat.st_uid && cred->fsuid != victim_stat.st_uid;
}

int namei_may_remove(const struct fs_view *view, const struct path *dir, struct dentry *victim,
                     bool is_directory)
{
    int err = namei_may_change(view, dir);

    if (err < 0)
        return err;
    if (is_kept_by_sticky(view->cred, path_inode(dir), victim->inode))
        return -EPERM;
    if (is_directory != S_ISDIR(inode_mode(victim->inode)))
        return is_directory ? -ENOTDIR : -EISDIR;
    return dentry_is_mountpoint(victim) ? -EBUSY : 0;
}
