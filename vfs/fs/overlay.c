/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The overlay: a read-only tree of the host below, memory above. Invariants, under the lock of
 * directories:
 * 1. A directory holds by name what differs from below: new inodes, and those of below once
 *    something about them has changed. A name without an inode is a whiteout. Every other name is
 *    looked up below.
 * 2. An inode of below that is not held knows its parent and name, so that it can be held when
 *    something changes (overlay_hold); its parent is then held first. One that is held, or has
 *    lost its name, has no parent.
 * 3. attr is taken from below once, and ours from then on: number and device stay when content is
 *    copied or the name moves. Moving a directory of below moves its inode and copies nothing.
 * 4. A regular file's content comes from below until is_copied, which is final.
 * *Linux:* hard links of below are separate files here once one of them has changed, as in
 * overlayfs without an index; but a file opened before its copy-up sees the copy, and directories
 * can be renamed.
 */
#include "vfs/fs/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <string.h>

#include "core/base/host.h"
#include "vfs/dentry.h"
#include "vfs/fs/hostfs.h"
#include "vfs/fs/tmpfs.h"

DEFINE_OBJECT_TYPE(OVERLAY_INODE, overlay_inode, OverlayInode, overlay_inode,
                   .family = OBJECT_INODE);

struct mutex overlay_names_lock = MUTEX_INITIALIZER(LOCK_DIR);

struct overlay_inode *overlay_of(struct inode *inode)
{
    return inode->object.type == &overlay_inode_type.object ? (struct overlay_inode *)inode : NULL;
}

static void set_ops(struct overlay_inode *overlay)
{
    uint32_t mode = overlay->inode.attr.mode;

    overlay->inode.ops = S_ISDIR(mode) ? &overlay_dir_ops : &overlay_inode_ops;
    overlay->inode.file_ops = NULL;
    if (S_ISDIR(mode))
        overlay->inode.file_ops = &directory_file_ops;
    else if (S_ISREG(mode))
        overlay->inode.file_ops = &overlay_file_ops;
}

static void take_attr(struct overlay_inode *overlay, struct inode *lower)
{
    struct inode_attr *attr = &overlay->inode.attr;

    mutex_lock(&lower->lock);
    *attr = lower->attr;
    mutex_unlock(&lower->lock);
    if (S_ISDIR(attr->mode))
        attr->nlink = 1; /* as overlayfs: whoever counts subdirectories by it had better not */
    overlay->inode.dev = lower->dev;
}

int overlay_wrap(struct inode *lower, struct overlay_inode *parent, const char *name,
                 struct overlay_inode **ret)
{
    struct overlay_inode *overlay = object_alloc(&overlay_inode_type.object);

    if (overlay == NULL)
        return -ENOMEM;
    overlay->lower = object_get(&lower->object);
    take_attr(overlay, lower);
    set_ops(overlay);
    if (parent != NULL) {
        overlay->parent = object_get(&parent->object);
        overlay->name = host_strdup(name);
        if (overlay->name == NULL) {
            object_put(&overlay->object);
            return -ENOMEM;
        }
    }
    *ret = overlay;
    return 0;
}

int overlay_create(struct inode *lower, struct inode **ret)
{
    struct overlay_inode *overlay;

    int err = overlay_wrap(lower, NULL, NULL, &overlay);
    if (err == 0)
        *ret = &overlay->inode;
    return err;
}

int overlay_create_directory(struct inode *dir, uint32_t mode, const struct cred *cred,
                             struct overlay_inode **ret)
{
    struct overlay_inode *overlay = object_alloc(&overlay_inode_type.object);

    if (overlay == NULL)
        return -ENOMEM;
    inode_set_owner(&overlay->inode, dir, mode, cred);
    overlay->inode.attr.nr = inode_next_nr();
    overlay->inode.dev = dir->dev;
    set_ops(overlay);
    *ret = overlay;
    return 0;
}

void overlay_forget_name(struct overlay_inode *overlay)
{
    struct overlay_inode *parent = overlay->parent;

    mutex_assert_held(&overlay_names_lock);
    overlay->parent = NULL;
    host_free(overlay->name);
    overlay->name = NULL;
    object_put((struct object *)parent);
}

int overlay_hold(struct overlay_inode *overlay)
{
    mutex_assert_held(&overlay_names_lock);
    while (overlay->parent != NULL) {
        struct overlay_inode *top = overlay;
        while (top->parent->parent != NULL)
            top = top->parent;
        int err = dir_names_add(&top->parent->names, top->name, &top->inode);
        if (err < 0)
            return err;
        overlay_forget_name(top);
    }
    return 0;
}

static int hold(struct overlay_inode *overlay)
{
    mutex_lock(&overlay_names_lock);
    int err = overlay_hold(overlay);
    mutex_unlock(&overlay_names_lock);
    return err;
}

bool overlay_is_copied(struct overlay_inode *overlay)
{
    mutex_lock(&overlay->inode.lock);
    bool is_copied = overlay->is_copied;
    mutex_unlock(&overlay->inode.lock);
    return is_copied;
}

static int overlay_readlink(struct inode *inode, struct bytes *ret)
{
    struct inode *lower = overlay_of(inode)->lower;

    return lower->ops->readlink == NULL ? -EINVAL : lower->ops->readlink(lower, ret);
}

static int overlay_getattr(struct inode *inode, struct stat *ret)
{
    struct overlay_inode *overlay = overlay_of(inode);
    struct stat lower = {0};
    int err = 0;

    inode_stat_attr(inode, ret);
    if (overlay_is_copied(overlay)) {
        memory_stat(&overlay->mapping, ret);
        return 0;
    }
    if (overlay->lower != NULL)
        err = inode_getattr(overlay->lower, &lower);
    ret->st_size = lower.st_size;
    ret->st_blocks = lower.st_blocks;
    return err;
}

static int overlay_setattr(struct inode *inode, const struct attr_change *change)
{
    struct overlay_inode *overlay = overlay_of(inode);

    if ((change->set & ATTR_SIZE) != 0) {
        int err = overlay_copy_up(overlay, change->size);
        return err < 0 ? err : memory_setattr(inode, &overlay->mapping, change);
    }
    int err = hold(overlay);
    if (err == 0)
        inode_change_attr(inode, change);
    return err;
}

static int open_regular(struct overlay_inode *overlay, int flags)
{
    bool is_write = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0;
    struct inode *lower = overlay->lower;
    const struct attr_change cut = {.set = ATTR_SIZE};

    if (!is_write)
        return overlay_is_copied(overlay) ? 0 : inode_open(&lower, flags);
    int err = overlay_copy_up(overlay, (flags & O_TRUNC) != 0 ? 0 : UINT64_MAX);
    if (err == 0 && (flags & O_TRUNC) != 0)
        err = memory_setattr(&overlay->inode, &overlay->mapping, &cut);
    return err;
}

static int overlay_open(struct inode **inode, int flags)
{
    return S_ISREG(inode_mode(*inode)) ? open_regular(overlay_of(*inode), flags) : -ENXIO;
}

static int overlay_statfs(struct inode *inode, struct statfs *ret)
{
    struct overlay_inode *overlay = overlay_of(inode);
    int err = overlay->lower == NULL ? 0 : inode_statfs(overlay->lower, ret);

    ret->f_type = OVERLAYFS_SUPER_MAGIC;
    return err;
}

static struct mapping *overlay_mapping(struct inode *inode)
{
    struct overlay_inode *overlay = overlay_of(inode);

    if (!S_ISREG(inode_mode(inode)))
        return NULL;
    if (overlay_is_copied(overlay))
        return &overlay->mapping;
    return overlay->lower->ops->mapping(overlay->lower);
}

/* Also that of directories. */
int overlay_change_xattr(struct inode *inode)
{
    return hold(overlay_of(inode));
}

const struct inode_ops overlay_inode_ops = {
    .change_xattr = overlay_change_xattr,
    .readlink = overlay_readlink,
    .getattr = overlay_getattr,
    .setattr = overlay_setattr,
    .open = overlay_open,
    .statfs = overlay_statfs,
    .mapping = overlay_mapping,
};

static void overlay_inode_init(struct overlay_inode *overlay)
{
    inode_init(&overlay->inode, &overlay_inode_ops, NULL);
    mutex_init(&overlay->copy_lock, LOCK_COPY_UP);
    dir_names_init(&overlay->names);
    mapping_init(&overlay->mapping);
}

static void overlay_inode_fini(struct overlay_inode *overlay)
{
    dir_names_fini(&overlay->names);
    mapping_fini(&overlay->mapping);
    object_put((struct object *)overlay->parent);
    object_put((struct object *)overlay->lower);
    overlay->parent = NULL;
    overlay->lower = NULL;
    host_free(overlay->name);
    overlay->name = NULL;
    inode_fini(&overlay->inode);
}

/* What is copied no longer needs the file below. */
static int overlay_inode_save(const struct overlay_inode *overlay, struct saver *saver,
                              OverlayInode *message)
{
    int err = inode_save_attr(&overlay->inode, saver, &message->attr);

    if (err < 0)
        return err;
    if (!overlay->is_copied)
        message->lower = save_ref(saver, (const struct object *)overlay->lower);
    message->parent = save_ref(saver, (const struct object *)overlay->parent);
    message->name = save_string(saver, overlay->name);
    message->is_copied = overlay->is_copied;
    if (overlay->is_copied)
        err = mapping_save(&overlay->mapping, saver, &message->mapping);
    if (err == 0)
        err = xattrs_save(&overlay->inode.xattrs, saver, &message->xattrs, &message->n_xattrs);
    if (err == 0)
        err = dir_names_save(&overlay->names, saver, &message->names, &message->n_names);
    return err;
}

static void check_content(const struct overlay_inode *overlay, struct loader *loader)
{
    uint32_t mode = overlay->inode.attr.mode;

    if (overlay->is_copied && !S_ISREG(mode))
        load_bad(loader, "is_copied", "is set, but it is no regular file");
    if (overlay->lower == NULL && !overlay->is_copied && !S_ISDIR(mode))
        load_bad(loader, "lower", "is missing");
}

static int overlay_inode_load(struct overlay_inode *overlay, struct loader *loader,
                              const OverlayInode *message)
{
    inode_load_attr(&overlay->inode, loader, message->attr);
    overlay->lower = load_ref_opt(loader, "lower", message->lower, &hostfs_inode_type);
    overlay->parent = load_ref_opt(loader, "parent", message->parent, &overlay_inode_type);
    overlay->is_copied = message->is_copied;
    set_ops(overlay);
    check_content(overlay, loader);
    if (message->parent != 0) {
        overlay->name = load_string(loader, "name", message->name, NAME_MAX);
        if (!name_is_possible(message->name))
            load_bad(loader, "name", "is no name");
    }
    if (message->n_names > 0 && !S_ISDIR(overlay->inode.attr.mode))
        load_bad(loader, "names", "are there, but it is no directory");
    int err = mapping_load(&overlay->mapping, loader, message->mapping);
    if (err == 0)
        err = xattrs_load(&overlay->inode.xattrs, loader, message->xattrs, message->n_xattrs);
    if (err < 0)
        return err;
    return dir_names_load(&overlay->names, loader, message->names, message->n_names, true);
}

/* A hostile image may have cycles: the hare meets the tortoise. */
static bool is_in_cycle(const struct overlay_inode *overlay)
{
    const struct overlay_inode *hare = overlay;

    while (hare != NULL && hare->parent != NULL) {
        hare = hare->parent->parent;
        overlay = overlay->parent;
        if (hare == overlay)
            return hare != NULL;
    }
    return false;
}

/* Files count themselves; what only both inodes can tell is looked at here. */
static void overlay_inode_relink(struct overlay_inode *overlay, struct loader *loader)
{
    const struct overlay_inode *parent = overlay->parent;
    uint32_t mode = overlay->inode.attr.mode;

    if (is_in_cycle(overlay))
        load_bad(loader, "parent", "the parents form a cycle");
    if (parent != NULL && !S_ISDIR(parent->inode.attr.mode))
        load_bad(loader, "parent", "is no directory");
    else if (parent != NULL && dir_names_find(&parent->names, overlay->name) != NULL)
        load_bad(loader, "name", "%s is held by the parent as another one", overlay->name);
    if (overlay->lower != NULL && ((overlay->lower->attr.mode ^ mode) & S_IFMT) != 0)
        load_bad(loader, "lower", "is of another type");
}

static uint64_t overlay_inode_derived(const struct overlay_inode *overlay)
{
    return overlay->open_count;
}
