/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name of a place, as getcwd, /proc/pid/fd and /proc/pid/maps show it: put together from its
 * end upwards, under LOCK_NAMES, so that all of it is of one moment.
 */
#include <errno.h>
#include <string.h>

#include "core/base/host.h"
#include "vfs/dentry.h"
#include "vfs/mount.h"
#include "vfs/path.h"

/* A text that grows to the front. */
struct front {
    char *text;
    size_t start, size;
};

static int front_add(struct front *front, const char *text, size_t size)
{
    if (front->start < size) {
        size_t grown = front->size * 2 + size;
        char *larger = host_alloc(grown, 1);
        if (larger == NULL)
            return -ENOMEM;
        size_t used = front->size - front->start;
        if (used > 0)
            memcpy(larger + grown - used, front->text + front->start, used);
        host_free(front->text);
        *front = (struct front){.text = larger, .start = grown - used, .size = grown};
    }
    front->start -= size;
    memcpy(front->text + front->start, text, size);
    return 0;
}

static int front_add_component(struct front *front, const struct dentry *dentry)
{
    int err = front_add(front, dentry->name, strlen(dentry->name));

    return err < 0 ? err : front_add(front, "/", 1);
}

/* Under the lock. Where the way up ends is told by *end. */
static int climb(const struct path *root, const struct path *path, struct front *front,
                 struct path *end)
{
    struct path at = *path;
    int err = 0;

    while (err == 0 && (at.mount != root->mount || at.dentry != root->dentry)) {
        if (at.mount != NULL && at.dentry == at.mount->root) {
            if (at.mount->parent == NULL)
                break;
            at = (struct path){.mount = at.mount->parent, .dentry = at.mount->mountpoint};
        } else if (at.dentry->parent != NULL) {
            err = front_add_component(front, at.dentry);
            at.dentry = at.dentry->parent;
        } else {
            break;
        }
    }
    *end = at;
    return err;
}

static int build(const struct path *root, const struct path *path, struct front *front)
{
    struct path end;

    names_lock();
    bool is_unlinked = path->dentry->is_unlinked;
    int err = climb(root, path, front, &end);
    bool is_reached = end.mount == root->mount && end.dentry == root->dentry;
    if (err == 0 && front->start == front->size && (is_reached || end.mount != NULL))
        err = front_add(front, "/", 1);
    if (err == 0 && end.mount == NULL && !is_reached) /* without a place: a pipe */
        err = front_add(front, end.dentry->name, strlen(end.dentry->name));
    else if (err == 0 && !is_reached)
        err = front_add(front, "(unreachable)", strlen("(unreachable)"));
    names_unlock();
    return err < 0 ? err : is_unlinked;
}

int path_name(const struct path *root, const struct path *path, struct bytes *ret)
{
    struct front front = {0};

    int err = build(root, path, &front);
    if (err >= 0) {
        const char *end = err > 0 ? " (deleted)" : "";
        err = bytes_append(ret, front.text + front.start, front.size - front.start);
        if (err == 0)
            err = bytes_append(ret, end, strlen(end));
    }
    host_free(front.text);
    return err;
}
