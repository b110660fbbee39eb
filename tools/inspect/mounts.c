/* SPDX-License-Identifier: Apache-2.0 */
/* sbx-inspect mounts: what is mounted where in an image, as findmnt would say. */
#include <limits.h>
#include <stdlib.h>

#include "core/base/container.h"
#include "tools/inspect/views.h"

enum { DEPTH_MAX = 64, FLAG_READ_ONLY = 1 };

struct listing {
    const struct image *image;
    struct json_object *rows;
    bool *is_listed; /* by id */
};

static void add_row(struct listing *listing, uint64_t id, const Mount *mount, unsigned depth)
{
    struct json_object *row = json_object_new_object();
    char target[PATH_MAX];

    if (row == NULL)
        return;
    image_path(listing->image, id, mount->root, target, sizeof(target));
    json_object_object_add(row, "target", json_object_new_string(target));
    json_object_object_add(row, "source", json_object_new_string(mount->source));
    json_object_object_add(row, "type", json_object_new_string(mount->type));
    json_object_object_add(
        row, "options", json_object_new_string((mount->flags & FLAG_READ_ONLY) != 0 ? "ro" : "rw"));
    json_object_object_add(row, "depth", json_object_new_uint64(depth));
    json_object_array_add(listing->rows, row);
}

/* The mount and those on it. */
static void list_tree(struct listing *listing, uint64_t id, unsigned depth)
{
    const Mount *mount = image_body(listing->image, id, OBJECT__BODY_MOUNT);

    if (mount == NULL || listing->is_listed[id] || depth >= DEPTH_MAX)
        return;
    listing->is_listed[id] = true;
    add_row(listing, id, mount, depth);
    for (size_t i = 0; i < mount->n_children; i++)
        list_tree(listing, mount->children[i], depth + 1);
}

static struct json_object *make_rows(const struct image *image, const Process *unused,
                                     const struct inspect_request *request)
{
    struct listing listing = {.image = image,
                              .rows = json_object_new_array(),
                              .is_listed = calloc(image->count + 1, sizeof(bool))};

    (void)unused;
    (void)request;
    if (listing.is_listed == NULL) {
        json_object_put(listing.rows);
        return NULL;
    }
    for (uint64_t id = 1; listing.rows != NULL && id <= image->count; id++)
        if (image_parent_mount(image, id) == 0)
            list_tree(&listing, id, 0);
    free(listing.is_listed);
    return listing.rows;
}

static const struct table_column columns[] = {
    {"target", "TARGET", false},
    {"source", "SOURCE", false},
    {"type", "FSTYPE", false},
    {"options", "OPTIONS", false},
};

const struct view view_mounts = {
    .name = "mounts", .columns = columns, .column_count = ARRAY_COUNT(columns), .rows = make_rows};
