/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <json-c/json.h>

#include "tools/inspect/image.h"
#include "tools/table.h"

/* One way to look at an image: rows, and the columns that a table shows of them. */
struct view {
    const char *name;
    bool needs_pid;
    const struct table_column *columns;
    size_t column_count;
    /* Returns a reference to an array of objects; NULL: no memory. process: NULL unless needs_pid.
     */
    struct json_object *(*rows)(const struct image *image, const Process *process);
};

extern const struct view view_ps, view_maps, view_fds;

/* The manifest and every object. Returns a reference; NULL: no memory. */
struct json_object *show_json(const struct image *image);
/* The same in short, as tables on stdout. False: no memory. */
bool show_print(const struct image *image);
