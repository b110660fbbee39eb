/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of names in memory. Invariants, under LOCK_NAMES:
 * 1. A hashed dentry is among the children of its parent; no two there have the same name, but for
 *    one whose last reference is gone and whose fini has not come to take it out.
 * 2. A child holds its parent, a parent does not hold its children: the tree is what is in use.
 * 3. Parents form no cycle: only rename changes them, under LOCK_RENAME, after it has looked.
 * That a name means the same here and in the file system is namei's to see to, under the
 * file system's lock of directories.
 */
#include "vfs/dentry.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "core/base/host.h"

DEFINE_OBJECT_TYPE(DENTRY, dentry, Dentry, dentry);

static struct mutex tree_lock = MUTEX_INITIALIZER(LOCK_NAMES);

bool name_is_possible(const char *name)
{
    size_t size = strlen(name);

    return size > 0 && size <= NAME_MAX && strchr(name, '/') == NULL && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

static int dentry_compare(const struct dentry *a, const struct dentry *b)
{
    return strcmp(a->name, b->name);
}

RB_GENERATE_INTERNAL(dentry_tree, dentry, link, dentry_compare, __attribute__((unused)) static)

void names_lock(void)
{
    mutex_lock(&tree_lock);
}

void names_unlock(void)
{
    mutex_unlock(&tree_lock);
}

static void unhash(struct dentry *dentry)
{
    if (!dentry->is_hashed)
        return;
    RB_REMOVE(dentry_tree, &dentry->parent->children, dentry);
    dentry->parent->child_count--;
    dentry->is_hashed = false;
}

/* The child called so, alive or not; a borrowed pointer. */
static struct dentry *find_hashed(struct dentry *dir, const char *name)
{
    struct dentry key = {.name = (char *)name};

    return RB_FIND(dentry_tree, &dir->children, &key);
}

/* Puts it among the children; one that is there under this name is unlinked. */
static void hash(struct dentry *dentry)
{
    struct dentry *other = find_hashed(dentry->parent, dentry->name);

    if (other != NULL) {
        unhash(other);
        other->is_unlinked = true;
    }
    RB_INSERT(dentry_tree, &dentry->parent->children, dentry);
    dentry->parent->child_count++;
    dentry->is_hashed = true;
}

int dentry_create_root(struct inode *inode, const char *name, struct dentry **ret)
{
    struct dentry *dentry = object_alloc(&dentry_type.object);

    if (dentry == NULL)
        return -ENOMEM;
    dentry->inode = object_get(&inode->object);
    dentry->name = host_strdup(name);
    if (dentry->name == NULL) {
        object_put(&dentry->object);
        return -ENOMEM;
    }
    *ret = dentry;
    return 0;
}

int dentry_create_unlinked(struct dentry *dir, struct inode *inode, const char *name,
                           struct dentry **ret)
{
    int err = dentry_create_root(inode, name, ret);

    if (err < 0)
        return err;
    names_lock();
    (*ret)->parent = object_get(&dir->object);
    (*ret)->is_unlinked = true;
    names_unlock();
    return 0;
}

struct dentry *dentry_find(struct dentry *dir, const char *name)
{
    names_lock();
    struct dentry *dentry = find_hashed(dir, name);
    if (dentry != NULL)
        dentry = object_get_live(&dentry->object);
    names_unlock();
    return dentry;
}

/* Under the lock: the child that stands for inode, a reference, or NULL. */
static struct dentry *find_same(struct dentry *dir, const char *name, const struct inode *inode)
{
    struct dentry *dentry = find_hashed(dir, name);

    return dentry != NULL && dentry->inode == inode ? object_get_live(&dentry->object) : NULL;
}

int dentry_add(struct dentry *dir, const char *name, struct inode *inode, struct dentry **ret)
{
    struct dentry *dentry;

    int err = dentry_create_root(inode, name, &dentry);
    if (err < 0)
        return err;
    names_lock();
    struct dentry *same = find_same(dir, name, inode);
    if (same == NULL) {
        dentry->parent = object_get(&dir->object);
        hash(dentry);
    }
    names_unlock();
    if (same != NULL)
        object_put(&dentry->object);
    *ret = same != NULL ? same : dentry;
    return 0;
}

void dentry_unlink(struct dentry *dentry)
{
    names_lock();
    unhash(dentry);
    dentry->is_unlinked = true;
    names_unlock();
}

void dentry_move(struct dentry *dentry, struct dentry *dir, char *name)
{
    names_lock();
    struct dentry *old_dir = dentry->parent;
    char *old_name = dentry->name;
    unhash(dentry);
    dentry->parent = object_get(&dir->object);
    dentry->name = name;
    dentry->is_unlinked = false;
    hash(dentry);
    names_unlock();
    object_put(&old_dir->object);
    host_free(old_name);
}

struct dentry *dentry_parent(struct dentry *dentry)
{
    names_lock();
    struct dentry *parent = dentry->parent == NULL ? NULL : object_get(&dentry->parent->object);
    names_unlock();
    return parent;
}

bool dentry_is_below(struct dentry *dentry, const struct dentry *ancestor)
{
    names_lock();
    while (dentry != NULL && dentry != ancestor)
        dentry = dentry->parent;
    names_unlock();
    return dentry != NULL;
}

bool dentry_is_mountpoint(struct dentry *dentry)
{
    names_lock();
    bool is_mountpoint = dentry->mount_count > 0;
    names_unlock();
    return is_mountpoint;
}

static void dentry_init(struct dentry *dentry)
{
    RB_INIT(&dentry->children);
}

static void dentry_fini(struct dentry *dentry)
{
    names_lock();
    unhash(dentry);
    struct dentry *parent = dentry->parent;
    dentry->parent = NULL;
    /* Only a load that failed finishes a parent before its children. */
    while (!RB_EMPTY(&dentry->children))
        unhash(RB_ROOT(&dentry->children));
    names_unlock();
    object_put((struct object *)parent);
    object_put((struct object *)dentry->inode);
    dentry->inode = NULL;
    host_free(dentry->name);
    dentry->name = NULL;
}

static int dentry_save(const struct dentry *dentry, struct saver *saver, Dentry *message)
{
    message->parent = save_ref(saver, (const struct object *)dentry->parent);
    message->name = save_string(saver, dentry->name);
    message->inode = save_ref(saver, &dentry->inode->object);
    message->is_unlinked = dentry->is_unlinked;
    return 0;
}

static int dentry_load(struct dentry *dentry, struct loader *loader, const Dentry *message)
{
    dentry->parent = load_ref_opt(loader, "parent", message->parent, &dentry_type);
    dentry->inode = load_ref_family(loader, "inode", message->inode, OBJECT_INODE);
    dentry->is_unlinked = message->is_unlinked;
    dentry->name = host_strdup(message->name);
    if (dentry->name == NULL)
        return -ENOMEM;
    if (dentry->parent != NULL && !name_is_possible(message->name))
        load_bad(loader, "name", "is no name");
    return 0;
}

/* A hostile image may have cycles: the hare meets the tortoise. */
static bool is_in_cycle(const struct dentry *dentry)
{
    const struct dentry *hare = dentry;

    while (hare != NULL && hare->parent != NULL) {
        hare = hare->parent->parent;
        dentry = dentry->parent;
        if (hare == dentry)
            return hare != NULL;
    }
    return false;
}

static void dentry_relink(struct dentry *dentry, struct loader *loader)
{
    if (is_in_cycle(dentry)) {
        load_bad(loader, "parent", "the parents form a cycle");
        return;
    }
    if (dentry->parent == NULL || dentry->is_unlinked)
        return;
    if (find_hashed(dentry->parent, dentry->name) != NULL) {
        load_bad(loader, "name", "another one is called %s", dentry->name);
        return;
    }
    hash(dentry);
}

static uint64_t dentry_derived(const struct dentry *dentry)
{
    return (uint64_t)dentry->child_count << 32 | dentry->mount_count << 1 | dentry->is_hashed;
}
