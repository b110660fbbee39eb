/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of mounts. A mount is found by its parent and the dentry it covers; the last one mounted
 * there is on top, that is, on the root of the one below. All of it is guarded by LOCK_NAMES. The
 * tree is walked by recursion, so that there are MOUNTS_MAX at most.
 */
#include "vfs/mount.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "core/base/host.h"

DEFINE_OBJECT_TYPE(MOUNT, mount, Mount, mount);

enum { TYPE_MAX = 64, MOUNTS_MAX = 500 };

static atomic_size_t mount_count;

void path_get(const struct path *path)
{
    object_get((struct object *)path->mount);
    object_get((struct object *)path->dentry);
}

void path_put(struct path *path)
{
    struct path old = *path;

    *path = (struct path){0};
    object_put((struct object *)old.dentry);
    object_put((struct object *)old.mount);
}

struct inode *path_inode(const struct path *path)
{
    return path->dentry->inode;
}

/* Under the lock. */
static void cover(struct mount *mount)
{
    mount->mountpoint->mount_count++;
    mount->is_covering = true;
}

static void uncover(struct mount *mount)
{
    if (mount->is_covering)
        mount->mountpoint->mount_count--;
    mount->is_covering = false;
}

/* Under the lock: becomes the last child; takes the reference to mount. */
static void add_child(struct mount *parent, struct mount *mount)
{
    mount->parent = parent;
    TAILQ_INSERT_TAIL(&parent->children, mount, link);
    parent->child_count++;
}

/* Under the lock: gives the reference to mount back. */
static void remove_child(struct mount *parent, struct mount *mount)
{
    uncover(mount);
    TAILQ_REMOVE(&parent->children, mount, link);
    parent->child_count--;
    mount->parent = NULL;
}

static int mount_alloc(struct inode *fs_root, const char *type, const char *source, unsigned flags,
                       struct mount **ret)
{
    struct mount *mount = object_alloc(&mount_type.object);

    if (mount == NULL)
        return -ENOMEM;
    mount->flags = flags;
    mount->type = host_strdup(type);
    mount->source = host_strdup(source);
    int err = mount->type == NULL || mount->source == NULL ? -ENOMEM : 0;
    if (atomic_load(&mount_count) > MOUNTS_MAX)
        err = -ENOSPC;
    if (err == 0)
        err = dentry_create_root(fs_root, "/", &mount->root);
    if (err < 0) {
        object_put(&mount->object);
        return err;
    }
    *ret = mount;
    return 0;
}

int mount_create(const struct path *at, struct inode *fs_root, const char *type, const char *source,
                 unsigned flags, struct mount **ret)
{
    struct mount *mount;

    int err = mount_alloc(fs_root, type, source, flags, &mount);
    if (err < 0)
        return err;
    if (at != NULL) {
        mount->mountpoint = object_get(&at->dentry->object);
        names_lock();
        add_child(at->mount, mount);
        cover(mount);
        names_unlock();
    }
    *ret = mount;
    return 0;
}

/* Under the lock: what is mounted on path, or NULL. */
static struct mount *find_child(const struct path *path)
{
    struct mount *child;

    if (path->dentry->mount_count == 0 || path->mount == NULL)
        return NULL;
    TAILQ_FOREACH(child, &path->mount->children, link) {
        if (child->mountpoint == path->dentry)
            return child;
    }
    return NULL;
}

void mount_cross_down(struct path *path)
{
    struct mount *child;

    for (;;) {
        names_lock();
        child = find_child(path);
        struct path below = {.mount = child, .dentry = child == NULL ? NULL : child->root};
        path_get(&below);
        names_unlock();
        if (child == NULL)
            return;
        path_put(path);
        *path = below;
    }
}

bool mount_cross_up(struct path *path)
{
    if (path->mount == NULL || path->dentry != path->mount->root)
        return false;
    names_lock();
    struct path above = {.mount = path->mount->parent, .dentry = path->mount->mountpoint};
    if (above.mount != NULL)
        path_get(&above);
    names_unlock();
    if (above.mount == NULL)
        return false;
    path_put(path);
    *path = above;
    return true;
}

int mount_remove(struct mount *mount)
{
    const unsigned idle = 2; /* references: its parent's and the caller's */
    int err = -EINVAL;

    names_lock(); /* who finds it takes a reference under it */
    if (mount->parent != NULL)
        err = mount->child_count > 0 || atomic_load(&mount->object.count) > idle ? -EBUSY : 0;
    if (err == 0)
        remove_child(mount->parent, mount);
    names_unlock();
    if (err == 0)
        object_put(&mount->object);
    return err;
}

void mount_free_children(struct mount *mount)
{
    for (;;) {
        names_lock();
        struct mount *child = TAILQ_FIRST(&mount->children);
        if (child != NULL)
            remove_child(mount, child);
        names_unlock();
        if (child == NULL)
            return;
        object_put(&child->object);
    }
}

/* Appends text; blanks and the like as \ooo. */
static int show_escaped(const char *text, struct bytes *ret)
{
    int err = 0;

    for (; *text != '\0' && err == 0; text++) {
        if (strchr(" \t\n\\", *text) != NULL)
            err = bytes_printf(ret, "\\%03o", (unsigned)(unsigned char)*text);
        else
            err = bytes_append(ret, text, 1);
    }
    return err;
}

/* The mount after child (NULL: the first), a reference. */
static struct mount *next_child(struct mount *mount, struct mount *child)
{
    names_lock();
    struct mount *next = child == NULL ? TAILQ_FIRST(&mount->children) : TAILQ_NEXT(child, link);
    object_get((struct object *)next);
    names_unlock();
    return next;
}

/* Mounts are numbered as they are listed, depth first. */
static bool count_to(struct mount *mount, const struct mount *wanted, int *nr)
{
    *nr += 1;
    if (mount == wanted)
        return true;
    bool is_found = false;
    for (struct mount *child = next_child(mount, NULL); child != NULL;) {
        is_found = is_found || count_to(child, wanted, nr);
        struct mount *next = next_child(mount, child);
        object_put(&child->object);
        child = next;
    }
    return is_found;
}

int mount_nr(struct mount *root, const struct mount *mount)
{
    int nr = 20; /* the first ones are the kernel's own on Linux */

    return count_to(root, mount, &nr) ? nr : 0;
}

/* A line: source and name escaped where the format wants it. */
struct mount_line {
    const char *source, *name;
    int nr, parent_nr;
};

static int show_info(const struct mount *mount, const struct mount_line *line, struct bytes *ret)
{
    const char *access = mount_is_readonly(mount) ? "ro" : "rw";
    uint64_t dev = mount->root->inode->dev;

    return bytes_printf(ret, "%d %d %u:%u / %s %s,relatime - %s %s %s\n", line->nr, line->parent_nr,
                        major(dev), minor(dev), line->name, access, mount->type, line->source,
                        access);
}

static int show_line(const struct mount *mount, const struct mount_line *line,
                     enum mount_format format, struct bytes *ret)
{
    switch (format) {
    case MOUNT_MOUNTINFO:
        return show_info(mount, line, ret);
    case MOUNT_MOUNTSTATS:
        return bytes_printf(ret, "device %s mounted on %s with fstype %s\n", line->source,
                            line->name, mount->type);
    case MOUNT_MOUNTS:
        break;
    }
    return bytes_printf(ret, "%s %s %s %s,relatime 0 0\n", line->source, line->name, mount->type,
                        mount_is_readonly(mount) ? "ro" : "rw");
}

static int show_one(const struct mount *mount, const char *name, const struct mount_line *numbers,
                    enum mount_format format, struct bytes *ret)
{
    struct bytes escaped = {0}, source = {0};
    struct mount_line line = *numbers;

    int err = show_escaped(name, &escaped);
    if (err == 0)
        err = bytes_append(&escaped, "", 1);
    if (err == 0)
        err = show_escaped(mount->source, &source);
    if (err == 0)
        err = bytes_append(&source, "", 1);
    if (err == 0) {
        line.name = (const char *)escaped.data;
        line.source = (const char *)source.data;
        err = show_line(mount, &line, format, ret);
    }
    bytes_fini(&escaped);
    bytes_fini(&source);
    return err;
}

/* Who shows: root is where names start. */
struct mount_view {
    const struct path *root;
    enum mount_format format;
    int last_nr;
};

static int show_tree(struct mount_view *view, struct mount *mount, int parent_nr, struct bytes *ret)
{
    const struct path path = {.mount = mount, .dentry = mount->root};
    const struct mount_line numbers = {.nr = ++view->last_nr, .parent_nr = parent_nr};
    struct bytes name = {0};

    int err = path_name(view->root, &path, &name);
    if (err == 0)
        err = bytes_append(&name, "", 1);
    if (err == 0 && name.data[0] == '/') /* else it is not visible from there */
        err = show_one(mount, (const char *)name.data, &numbers, view->format, ret);
    bytes_fini(&name);
    for (struct mount *child = next_child(mount, NULL); child != NULL;) {
        if (err == 0)
            err = show_tree(view, child, numbers.nr, ret);
        struct mount *next = next_child(mount, child);
        object_put(&child->object);
        child = next;
    }
    return err;
}

int mount_show(struct mount *mount, const struct path *root, enum mount_format format,
               struct bytes *ret)
{
    struct mount_view view = {.root = root, .format = format, .last_nr = 20};

    return show_tree(&view, mount, 1, ret);
}

static void mount_init(struct mount *mount)
{
    TAILQ_INIT(&mount->children);
    atomic_fetch_add(&mount_count, 1);
    mount->is_counted = true;
}

static void mount_fini(struct mount *mount)
{
    mount_free_children(mount);
    names_lock();
    uncover(mount); /* a load that failed may finish it before its parent */
    names_unlock();
    if (mount->is_counted)
        atomic_fetch_sub(&mount_count, 1);
    mount->is_counted = false;
    object_put((struct object *)mount->root);
    object_put((struct object *)mount->mountpoint);
    mount->root = mount->mountpoint = NULL;
    host_free(mount->type);
    host_free(mount->source);
    mount->type = mount->source = NULL;
}

static int mount_save(const struct mount *mount, struct saver *saver, Mount *message)
{
    const struct mount *child;

    message->root = save_ref(saver, &mount->root->object);
    message->mountpoint = save_ref(saver, (const struct object *)mount->mountpoint);
    message->type = save_string(saver, mount->type);
    message->source = save_string(saver, mount->source);
    message->flags = mount->flags;
    message->children = save_alloc(saver, mount->child_count, sizeof(*message->children));
    if (message->children == NULL && mount->child_count > 0)
        return -ENOMEM;
    TAILQ_FOREACH(child, &mount->children, link)
        message->children[message->n_children++] = save_ref(saver, &child->object);
    return 0;
}

/* Each mount has one parent at most, or the lists would not hold. */
static void child_load(struct mount *mount, struct loader *loader, uint64_t id)
{
    struct mount *child = load_ref(loader, "children", id, &mount_type);

    if (child == NULL)
        return;
    if (child == mount || child->parent != NULL) {
        load_bad(loader, "children", "%" PRIu64 " is mounted twice", id);
        object_put(&child->object);
        return;
    }
    add_child(mount, child);
}

static int mount_load(struct mount *mount, struct loader *loader, const Mount *message)
{
    mount->root = load_ref(loader, "root", message->root, &dentry_type);
    mount->mountpoint = load_ref_opt(loader, "mountpoint", message->mountpoint, &dentry_type);
    mount->type = load_string(loader, "type", message->type, TYPE_MAX);
    mount->source = load_string(loader, "source", message->source, PATH_MAX);
    if ((message->flags & ~(uint32_t)MOUNT_FLAGS) != 0)
        load_bad(loader, "flags", "%" PRIx32 " is unknown", message->flags);
    mount->flags = message->flags;
    if (atomic_load(&mount_count) > MOUNTS_MAX) {
        load_bad(loader, "children", "there are more than %d mounts", MOUNTS_MAX);
        return 0;
    }
    for (size_t i = 0; i < message->n_children; i++)
        child_load(mount, loader, message->children[i]);
    return 0;
}

/* A hostile image may have cycles: the hare meets the tortoise. */
static bool is_in_cycle(const struct mount *mount)
{
    const struct mount *hare = mount;

    while (hare != NULL && hare->parent != NULL) {
        hare = hare->parent->parent;
        mount = mount->parent;
        if (hare == mount)
            return hare != NULL;
    }
    return false;
}

static void mount_relink(struct mount *mount, struct loader *loader)
{
    if ((mount->parent == NULL) != (mount->mountpoint == NULL))
        load_bad(loader, "mountpoint", "it and the parent do not fit");
    else if (is_in_cycle(mount))
        load_bad(loader, "children", "the mounts form a cycle");
    else if (mount->parent != NULL)
        cover(mount);
}

static uint64_t mount_derived(const struct mount *mount)
{
    return (uint64_t)mount->child_count << 2 | (mount->parent != NULL) << 1 | mount->is_covering;
}
