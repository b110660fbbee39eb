/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of files in an image: from a dentry up to the root of its mount, then on from the place it
 * is mounted at. The image may have cycles, so the way has a limit.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/inspect/image.h"

enum { STEPS_MAX = 1024, STREAM_COUNT = 3 };

int image_index_mounts(struct image *image)
{
    uint64_t *parents = calloc(image->count + 1, sizeof(*parents));

    if (parents == NULL)
        return -ENOMEM;
    for (uint64_t id = 1; id <= image->count; id++) {
        const Mount *mount = image_body(image, id, OBJECT__BODY_MOUNT);
        for (size_t i = 0; mount != NULL && i < mount->n_children; i++)
            if (mount->children[i] <= image->count && parents[mount->children[i]] == 0)
                parents[mount->children[i]] = id;
    }
    free(image->mount_parents);
    image->mount_parents = parents;
    return 0;
}

uint64_t image_parent_mount(const struct image *image, uint64_t id)
{
    return id > image->count ? 0 : image->mount_parents[id];
}

/* Writes a name before what is in ret already, which starts at *start. False: no room. */
static bool prepend(char *ret, size_t *start, const char *name)
{
    size_t size = strlen(name);

    if (*start < size + 1)
        return false;
    *start -= size;
    memcpy(ret + *start, name, size);
    ret[--*start] = '/';
    return true;
}

/* From the root of a mount to where it is mounted; false: it is the root of all, or makes no sense.
 */
static bool leave_mount(const struct image *image, uint64_t *mount, uint64_t *dentry)
{
    const Mount *here = image_body(image, *mount, OBJECT__BODY_MOUNT);

    if (here == NULL || here->mountpoint == 0)
        return false;
    *dentry = here->mountpoint;
    *mount = image_parent_mount(image, *mount);
    return true;
}

void image_path(const struct image *image, uint64_t mount, uint64_t dentry, char *ret, size_t size)
{
    size_t start = size - 1;

    ret[start] = '\0';
    for (unsigned step = 0; step < STEPS_MAX; step++) {
        const Dentry *here = image_body(image, dentry, OBJECT__BODY_DENTRY);
        const Mount *around = image_body(image, mount, OBJECT__BODY_MOUNT);
        if (here == NULL)
            break;
        if (here->parent == 0 || (around != NULL && around->root == dentry)) {
            if (leave_mount(image, &mount, &dentry))
                continue;
            if (start == size - 1)
                (void)prepend(ret, &start, "");
            memmove(ret, ret + start, size - start);
            return;
        }
        if (!prepend(ret, &start, here->name))
            break;
        dentry = here->parent;
    }
    (void)snprintf(ret, size, "?");
}

static void name_stream(const HostStream *stream, char *ret, size_t size)
{
    static const char *const names[STREAM_COUNT] = {"input", "output", "errors"};

    (void)snprintf(ret, size, "host:%s", stream->index < STREAM_COUNT ? names[stream->index] : "?");
}

void image_file_name(const struct image *image, uint64_t id, char *ret, size_t size)
{
    const File *file = image_body(image, id, OBJECT__BODY_FILE);

    (void)snprintf(ret, size, "?");
    if (file == NULL)
        return;
    const Dentry *dentry = image_body(image, file->dentry, OBJECT__BODY_DENTRY);
    const HostStream *stream = image_body(image, file->inode, OBJECT__BODY_HOST_STREAM);
    const InodeAttr *attr = image_inode_attr(image, file->inode);
    if (dentry != NULL) {
        image_path(image, file->mount, file->dentry, ret, size);
        size_t length = strlen(ret);
        if (dentry->is_unlinked)
            (void)snprintf(ret + length, size - length, " (deleted)");
    } else if (stream != NULL) {
        name_stream(stream, ret, size);
    } else {
        (void)snprintf(ret, size, "%s:[%llu]", image_type_name(image, file->inode),
                       attr == NULL ? 0ULL : (unsigned long long)attr->nr);
    }
}
