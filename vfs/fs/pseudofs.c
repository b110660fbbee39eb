/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generated files. An inode is a place: a node of the tables and the numbers on the way to it. It
 * is made anew by each lookup, holds nothing of what it tells about, and is saved as the names of
 * its nodes and the numbers. Content is made when a file is read at its start and kept with the
 * open file, so that a reader sees one state; who seeks back to the start sees a new one.
 */
#include "vfs/fs/pseudofs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/sys/queue.h>

#include "core/base/host.h"
#include "vfs/file.h"

enum {
    PSEUDO_DEPTH = 8,      /* of the tables */
    PSEUDO_NAME_MAX = 256, /* of a node's whole name */
    PSEUDO_STORE_MAX = 4096,
};

struct proc_inode {
    union {
        struct object object;
        struct inode inode;
    };
    struct pseudo_place place;
    /* not saved, derived */
    bool is_listed; /* and inode has the operations of its type */
    LIST_ENTRY(proc_inode) link;
};

DEFINE_OBJECT_TYPE(PROC_INODE, proc_inode, ProcInode, proc_inode, .family = OBJECT_INODE);

static struct mutex list_lock = MUTEX_INITIALIZER(LOCK_PROC);
static LIST_HEAD(, proc_inode) list = LIST_HEAD_INITIALIZER(list); /* weak */

static const struct inode_ops dir_inode_ops, file_inode_ops, link_inode_ops, jump_inode_ops;
static const struct file_ops pseudo_file_ops;

static struct proc_inode *proc_of(struct inode *inode)
{
    return (struct proc_inode *)inode;
}

/* --- the tables --- */

static unsigned child_count(const struct pseudo_node *node)
{
    unsigned count = 0;

    while (node->children != NULL && node->children[count].name != NULL)
        count++;
    return count;
}

/* The i-th child, the node of numbers being the last; NULL: there is none. */
static const struct pseudo_node *node_child(const struct pseudo_node *node, unsigned i)
{
    unsigned count = child_count(node);

    if (i < count)
        return &node->children[i];
    return i == count ? node->numbered : NULL;
}

/* The way from root down to node: indices of children; its length, or -1. ordinal is the number of
 * nodes that come before. */
static int node_find(const struct pseudo_node *root, const struct pseudo_node *node,
                     unsigned way[PSEUDO_DEPTH], int depth, uint64_t *ordinal)
{
    const struct pseudo_node *child;

    assert(depth < PSEUDO_DEPTH);
    if (root == node)
        return depth;
    *ordinal += 1;
    for (way[depth] = 0; (child = node_child(root, way[depth])) != NULL; way[depth]++) {
        int length = node_find(child, node, way, depth + 1, ordinal);
        if (length >= 0)
            return length;
    }
    return -1;
}

/* A number no other place of the file system has. */
static uint64_t place_nr(const struct pseudo_place *place)
{
    unsigned way[PSEUDO_DEPTH];
    uint64_t ordinal = 1;
    int length = node_find(place->fs->root, place->node, way, 0, &ordinal);

    assert(length >= 0 && ordinal < 4096);
    return ordinal ^ (uint64_t)(uint32_t)place->numbers[0] << 12 ^
           (uint64_t)(uint32_t)place->numbers[1] << 28 ^
           (uint64_t)(uint32_t)place->numbers[2] << 44;
}

/* The names on the way to node, each behind a slash. */
static void node_name(const struct pseudo_node *root, const struct pseudo_node *node,
                      char to[PSEUDO_NAME_MAX])
{
    unsigned way[PSEUDO_DEPTH];
    uint64_t ordinal = 0;
    int length = node_find(root, node, way, 0, &ordinal);
    size_t size = 0;

    assert(length >= 0);
    for (int i = 0; i < length; i++) {
        root = node_child(root, way[i]);
        size_t part = strlen(root->name);
        assert(size + part + 2 <= PSEUDO_NAME_MAX);
        to[size++] = '/';
        memcpy(to + size, root->name, part);
        size += part;
    }
    to[size] = '\0';
}

/* The node whose node_name is name, or NULL. */
static const struct pseudo_node *node_of_name(const struct pseudo_node *root, const char *name)
{
    const struct pseudo_node *child;

    if (*name == '\0')
        return root;
    for (unsigned i = 0; *name == '/' && (child = node_child(root, i)) != NULL; i++) {
        size_t size = strlen(child->name);
        if (strncmp(name + 1, child->name, size) == 0 &&
            (name[1 + size] == '/' || name[1 + size] == '\0'))
            return node_of_name(child, name + 1 + size);
    }
    return NULL;
}

/* How many directories of numbers are on the way to node, itself included. */
static unsigned node_numbers(const struct pseudo_node *root, const struct pseudo_node *node)
{
    unsigned way[PSEUDO_DEPTH];
    uint64_t ordinal = 0;
    int length = node_find(root, node, way, 0, &ordinal);
    unsigned count = 0;

    for (int i = 0; i < length; i++) {
        const struct pseudo_node *child = node_child(root, way[i]);
        count += child == root->numbered;
        root = child;
    }
    return count;
}

/* --- names --- */

static void set_operations(struct proc_inode *proc)
{
    const struct pseudo_node *node = proc->place.node;
    struct inode *inode = &proc->inode;

    inode->file_ops = &pseudo_file_ops;
    inode->ops = &file_inode_ops;
    if (S_ISLNK(node->mode))
        inode->ops = node->follow != NULL ? &jump_inode_ops : &link_inode_ops;
    if (S_ISDIR(node->mode)) {
        inode->ops = &dir_inode_ops;
        inode->file_ops = &directory_file_ops;
        inode->is_shared = node->numbered != NULL;
    }
}

static bool is_same_place(const struct pseudo_place *a, const struct pseudo_place *b)
{
    return a->context == b->context && a->node == b->node && a->birth == b->birth &&
           memcmp(a->numbers, b->numbers, sizeof(a->numbers)) == 0;
}

/* A reference to the inode of that place, or NULL. Under the list's lock. */
static struct proc_inode *list_find(const struct proc_inode *wanted)
{
    struct proc_inode *proc;

    LIST_FOREACH(proc, &list, link) {
        if (proc->inode.dev == wanted->inode.dev && is_same_place(&proc->place, &wanted->place) &&
            object_get_live(&proc->object) != NULL)
            return proc;
    }
    return NULL;
}

static void list_add(struct proc_inode *proc)
{
    LIST_INSERT_HEAD(&list, proc, link);
    proc->is_listed = true;
}

/* Takes a new inode; returns a reference to the one of its place, which now is as the new one. */
static struct proc_inode *list_unify(struct proc_inode *proc)
{
    mutex_lock(&list_lock);
    struct proc_inode *other = list_find(proc);
    if (other == NULL)
        list_add(proc);
    mutex_unlock(&list_lock);
    if (other == NULL)
        return proc;
    mutex_lock(&other->inode.lock);
    other->inode.attr.uid = proc->inode.attr.uid;
    other->inode.attr.gid = proc->inode.attr.gid;
    other->inode.attr.mode = proc->inode.attr.mode;
    mutex_unlock(&other->inode.lock);
    object_put(&proc->object);
    return other;
}

int pseudofs_create_at(const struct pseudo_place *place, uint64_t dev, struct inode **ret)
{
    struct proc_inode *proc = object_alloc(&proc_inode_type.object);
    const struct pseudo_fs *fs = place->fs;
    struct cred owner = {0};

    if (proc == NULL)
        return -ENOMEM;
    proc->place = *place;
    proc->inode.dev = dev;
    if (fs->owner != NULL)
        fs->owner(place, &owner.fsuid, &owner.fsgid);
    uint32_t mode = place->node->mode;
    if (place->node->bits != NULL)
        mode = (mode & S_IFMT) | place->node->bits(place);
    inode_set_owner(&proc->inode, NULL, mode, &owner);
    proc->inode.attr.nr = place_nr(place);
    set_operations(proc);
    *ret = &list_unify(proc)->inode;
    return 0;
}

int pseudofs_create(struct vfs_context *context, const struct pseudo_fs *fs, struct inode **root)
{
    const struct pseudo_place place = {.context = context, .fs = fs, .node = fs->root};

    return pseudofs_create_at(&place, inode_next_dev(), root);
}

const struct pseudo_place *pseudofs_place(const struct inode *inode)
{
    if (inode->object.type != &proc_inode_type.object)
        return NULL;
    return &((const struct proc_inode *)inode)->place;
}

/* The number in name, which is written as that of node, or -1. */
static int32_t parse_number(const struct pseudo_node *node, const char *name)
{
    size_t prefix = strlen(node->name) - 1;
    char *end;

    if (strncmp(name, node->name, prefix) != 0)
        return -1;
    name += prefix;
    if (!isdigit((unsigned char)name[0]) || (name[0] == '0' && name[1] != '\0'))
        return -1;
    errno = 0;
    long number = strtol(name, &end, 10);
    return *end != '\0' || errno != 0 || number > INT32_MAX ? -1 : (int32_t)number;
}

/* The place of number in dir. */
static struct pseudo_place numbered_place(const struct pseudo_place *dir, int32_t number)
{
    struct pseudo_place place = *dir;
    unsigned level = node_numbers(dir->fs->root, dir->node);

    assert(level < PSEUDO_NUMBERS);
    place.node = dir->node->numbered;
    place.numbers[level] = number;
    return place;
}

static int dir_lookup(struct inode *dir, const char *name, struct inode **ret)
{
    struct pseudo_place place = proc_of(dir)->place;
    const struct pseudo_node *node = place.node;

    for (unsigned i = 0, count = child_count(node); i < count; i++) {
        if (strcmp(node->children[i].name, name) == 0) {
            place.node = &node->children[i];
            return pseudofs_create_at(&place, dir->dev, ret);
        }
    }
    int32_t number = node->numbered == NULL ? -1 : parse_number(node->numbered, name);
    if (number < 0)
        return -ENOENT;
    place = numbered_place(&place, number);
    int err = place.node->check(&place);
    return err < 0 ? err : pseudofs_create_at(&place, dir->dev, ret);
}

/* Names come by themselves only. */
static int dir_create(struct inode *dir, const char *name, uint32_t mode, uint64_t rdev,
                      const struct cred *cred, struct inode **ret)
{
    (void)dir;
    (void)name;
    (void)mode;
    (void)rdev;
    (void)cred;
    (void)ret;
    return -ENOENT;
}

struct listing {
    const struct pseudo_place *dir;
    inode_list_fn *fn;
    void *context;
};

static int list_number(void *context, int32_t number)
{
    const struct listing *listing = context;
    const struct pseudo_place place = numbered_place(listing->dir, number);
    char name[32];

    (void)snprintf(name, sizeof(name), "%.*s%" PRId32, (int)strlen(place.node->name) - 1,
                   place.node->name, number);
    return listing->fn(listing->context, name, place_nr(&place), IFTODT(place.node->mode));
}

static int dir_list(struct inode *dir, inode_list_fn *fn, void *context)
{
    const struct pseudo_place *place = &proc_of(dir)->place;
    const struct pseudo_node *node = place->node;
    struct listing listing = {.dir = place, .fn = fn, .context = context};
    struct pseudo_place child = *place;
    int result = 0;

    for (unsigned i = 0, count = child_count(node); result == 0 && i < count; i++) {
        child.node = &node->children[i];
        result = fn(context, child.node->name, place_nr(&child), IFTODT(child.node->mode));
    }
    if (result == 0 && node->list != NULL)
        result = node->list(place, list_number, &listing);
    return result;
}

/* --- rights --- */

static int check_private(const struct pseudo_place *place, void *task)
{
    return place->node->is_private && place->fs->permit != NULL ? place->fs->permit(place, task)
                                                                : 0;
}

static int file_permit(struct inode *inode, void *task)
{
    return check_private(&proc_of(inode)->place, task);
}

/* --- links --- */

static int link_readlink_by(struct inode *inode, void *task, struct bytes *ret)
{
    const struct pseudo_place *place = &proc_of(inode)->place;
    int err = check_private(place, task);

    return err < 0 ? err : place->node->readlink(place, task, ret);
}

static int link_follow(struct inode *inode, const struct cred *cred, void *task, struct path *ret)
{
    const struct pseudo_place *place = &proc_of(inode)->place;

    (void)cred;
    int err = check_private(place, task);
    return err < 0 ? err : place->node->follow(place, task, ret);
}

static int place_statfs(struct inode *inode, struct statfs *ret)
{
    ret->f_type = proc_of(inode)->place.fs->magic;
    return 0;
}

static const struct inode_ops dir_inode_ops = {
    .lookup = dir_lookup, .create = dir_create, .list = dir_list, .statfs = place_statfs};
static const struct inode_ops file_inode_ops = {.permit = file_permit, .statfs = place_statfs};
static const struct inode_ops link_inode_ops = {.readlink_by = link_readlink_by,
                                                .statfs = place_statfs};
static const struct inode_ops jump_inode_ops = {
    .readlink_by = link_readlink_by, .follow = link_follow, .statfs = place_statfs};

/* --- content --- */

/* Is content to be made before a read at *position (NULL: the file's own)? Tells which it is. */
static bool wants_content(struct file *file, const uint64_t *position, uint64_t *ret)
{
    mutex_lock(&file->lock);
    *ret = position != NULL ? *position : file->position;
    bool is_wanted = *ret == 0 || file->content.data == NULL;
    mutex_unlock(&file->lock);
    return is_wanted;
}

static int make_content(const struct pseudo_place *place, uint64_t position, struct bytes *ret)
{
    const struct pseudo_node *node = place->node;

    if (node->fetch != NULL)
        return node->fetch(place, position, ret);
    return node->show != NULL ? node->show(place, ret)
                              : bytes_append(ret, node->text, strlen(node->text));
}

static int pseudo_prepare(struct file *file, const uint64_t *position, struct waiter *reader)
{
    struct pseudo_place place = proc_of(file->inode)->place;
    bool is_fetched = place.node->fetch != NULL;
    struct bytes content = {0}, old;
    uint64_t at;

    place.asker = reader;
    if (place.node->show == NULL && place.node->text == NULL && !is_fetched)
        return -EINVAL;
    if (!wants_content(file, position, &at) && !is_fetched)
        return 0;
    int err = make_content(&place, at, &content);
    if (err < 0) {
        bytes_fini(&content);
        return err;
    }
    mutex_lock(&file->lock);
    old = file->content;
    file->content = content;
    file->content_start = is_fetched ? at : 0;
    mutex_unlock(&file->lock);
    bytes_fini(&old);
    return 0;
}

static int64_t pseudo_read(struct file *file, struct uio *uio, uint64_t *position,
                           const struct file_wait *wait)
{
    (void)wait;
    return file_read_content(file, uio, position);
}

/* What is written in one call is one value; but where it is put, a part of it. */
static int64_t pseudo_write(struct file *file, struct uio *uio, uint64_t *position, size_t more,
                            const struct file_wait *wait)
{
    struct pseudo_place place = proc_of(file->inode)->place;
    char text[PSEUDO_STORE_MAX + 1];

    if (place.node->put == NULL && (place.node->store == NULL || more > PSEUDO_STORE_MAX))
        return -EINVAL;
    ptrdiff_t size = uio_copy_from(uio, text, PSEUDO_STORE_MAX);
    if (size < 0)
        return size;
    text[size] = '\0';
    place.asker = wait != NULL ? wait->waiter : NULL;
    if (place.node->put != NULL) {
        size = place.node->put(&place, *position, text, (size_t)size);
    } else {
        int err = place.node->store(&place, text, (size_t)size);
        size = err < 0 ? err : size;
    }
    if (size < 0)
        return size;
    *position += (uint64_t)size;
    return size;
}

static const struct file_ops pseudo_file_ops = {
    .prepare = pseudo_prepare,
    .read = pseudo_read,
    .write = pseudo_write,
    .seek = file_seek_regular,
};

/* --- the object --- */

static void proc_inode_init(struct proc_inode *proc)
{
    inode_init(&proc->inode, &file_inode_ops, &pseudo_file_ops);
}

static void proc_inode_fini(struct proc_inode *proc)
{
    mutex_lock(&list_lock);
    if (proc->is_listed)
        LIST_REMOVE(proc, link);
    proc->is_listed = false;
    mutex_unlock(&list_lock);
    inode_fini(&proc->inode);
}

static int proc_inode_save(const struct proc_inode *proc, struct saver *saver, ProcInode *m)
{
    const struct pseudo_place *place = &proc->place;
    char name[PSEUDO_NAME_MAX];

    node_name(place->fs->root, place->node, name);
    m->node = save_string(saver, name);
    m->number = place->numbers[0];
    m->second_number = place->numbers[1];
    m->third_number = place->numbers[2];
    m->birth = save_time(saver, place->birth);
    m->is_sys = place->fs == place->context->sys;
    return inode_save_attr(&proc->inode, saver, &m->attr);
}

static int proc_inode_load(struct proc_inode *proc, struct loader *loader, const ProcInode *m)
{
    struct vfs_context *context = loader_context(loader);
    const struct pseudo_fs *fs = m->is_sys ? context->sys : context->proc;
    const struct pseudo_node *root = fs->root;

    inode_load_attr(&proc->inode, loader, m->attr);
    proc->place = (struct pseudo_place){
        .context = context,
        .fs = fs,
        .node = node_of_name(root, m->node),
        .numbers = {m->number, m->second_number, m->third_number},
        .birth = load_time(loader, "birth", m->birth),
    };
    if (proc->place.node == NULL) {
        load_bad(loader, "node", "there is no \"%.80s\"", m->node);
        proc->place.node = root;
    } else if (((proc->inode.attr.mode ^ proc->place.node->mode) & S_IFMT) != 0) {
        load_bad(loader, "attr.mode", "is another type than that of \"%s\"", m->node);
    }
    if (m->number < 0 || m->second_number < 0 || m->third_number < 0)
        load_bad(loader, "number", "is negative");
    return 0;
}

static void proc_inode_relink(struct proc_inode *proc, struct loader *loader)
{
    struct proc_inode *other;

    set_operations(proc);
    mutex_lock(&list_lock);
    other = list_find(proc);
    if (other == NULL)
        list_add(proc);
    mutex_unlock(&list_lock);
    if (other == NULL)
        return;
    load_bad(loader, "node", "there are two inodes for this");
    object_put(&other->object);
}

static uint64_t proc_inode_derived(const struct proc_inode *proc)
{
    return proc->is_listed;
}
