/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbx-inspect show: the manifest, and the objects as they are saved, by their message descriptors;
 * as a table their number only.
 */
#include <errno.h>
#include <stdio.h>

#include "core/base/bytes.h"
#include "core/base/container.h"
#include "snapshot/json_message.h"
#include "tools/inspect/views.h"

enum { ARM_MAX = 1024, PATH_SIZE = 200 };

static struct json_object *show_json(const struct image *image)
{
    struct json_object *json = json_object_new_object();
    struct json_object *objects = json_object_new_array();

    if (json == NULL || objects == NULL) {
        json_object_put(json);
        json_object_put(objects);
        return NULL;
    }
    json_object_object_add(json, "manifest", json_of_message(&image->manifest->base));
    json_object_object_add(json, "objects", objects);
    for (size_t i = 0; i < image->count; i++)
        json_object_array_add(objects, json_of_message(&image->objects[i]->base));
    return json;
}

/* --- tables --- */

static void add_field(struct json_object *rows, const char *field, struct json_object *value)
{
    struct json_object *row = json_object_new_object();

    json_object_object_add(row, "field", json_object_new_string(field));
    json_object_object_add(row, "value", json_object_get(value));
    json_object_array_add(rows, row);
}

/* The strings of an array in one, with spaces; NULL: it is no array of strings. */
static struct json_object *join_strings(struct json_object *array)
{
    struct bytes text = {0};
    int err = bytes_printf(&text, "%s", "");

    for (size_t i = 0; err == 0 && i < json_object_array_length(array); i++) {
        struct json_object *element = json_object_array_get_idx(array, i);
        if (!json_object_is_type(element, json_type_string))
            err = -EINVAL;
        else
            err = bytes_printf(&text, "%s%s", i == 0 ? "" : " ", json_object_get_string(element));
    }
    struct json_object *joined =
        err < 0 ? NULL : json_object_new_string_len((const char *)text.data, (int)text.size);
    bytes_fini(&text);
    return joined;
}

/* A row for each scalar in json, named by its way. */
static void flatten(struct json_object *rows, const char *path, struct json_object *json)
{
    char nested[PATH_SIZE];
    struct json_object *joined =
        json_object_is_type(json, json_type_array) ? join_strings(json) : NULL;

    if (joined != NULL) {
        add_field(rows, path, joined);
        json_object_put(joined);
    } else if (json_object_is_type(json, json_type_object)) {
        json_object_object_foreach(json, key, value)
        {
            (void)snprintf(nested, sizeof(nested), "%s%s%s", path, path[0] == '\0' ? "" : ".", key);
            flatten(rows, nested, value);
        }
    } else if (json_object_is_type(json, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(json); i++) {
            (void)snprintf(nested, sizeof(nested), "%s[%zu]", path, i);
            flatten(rows, nested, json_object_array_get_idx(json, i));
        }
    } else {
        add_field(rows, path, json);
    }
}

static struct json_object *count_types(const struct image *image)
{
    struct json_object *rows = json_object_new_array();
    uint64_t counts[ARM_MAX] = {0};
    uint64_t examples[ARM_MAX] = {0};

    for (uint64_t id = 1; id <= image->count; id++) {
        unsigned arm = (unsigned)image->objects[id - 1]->body_case % ARM_MAX;
        counts[arm]++;
        examples[arm] = id;
    }
    for (unsigned arm = 0; rows != NULL && arm < ARM_MAX; arm++) {
        if (counts[arm] == 0)
            continue;
        struct json_object *row = json_object_new_object();
        json_object_object_add(row, "type",
                               json_object_new_string(image_type_name(image, examples[arm])));
        json_object_object_add(row, "count", json_object_new_uint64(counts[arm]));
        json_object_array_add(rows, row);
    }
    return rows;
}

static bool print_tables(const struct image *image)
{
    static const struct table_column fields[] = {{"field", "FIELD", false},
                                                 {"value", "VALUE", false}};
    static const struct table_column types[] = {{"type", "OBJECTS", false},
                                                {"count", "COUNT", true}};
    struct json_object *manifest = json_of_message(&image->manifest->base);
    struct json_object *rows = json_object_new_array();
    struct json_object *counts = count_types(image);
    bool has_all = manifest != NULL && rows != NULL && counts != NULL;

    if (has_all) {
        flatten(rows, "", manifest);
        table_print(rows, fields, ARRAY_COUNT(fields));
        (void)putchar('\n');
        table_print(counts, types, ARRAY_COUNT(types));
    }
    json_object_put(manifest);
    json_object_put(rows);
    json_object_put(counts);
    return has_all;
}

static int print(struct image *image, const Process *process, const struct inspect_request *request)
{
    (void)process;
    if (request->format == INSPECT_TABLE)
        return print_tables(image) ? 0 : -ENOMEM;
    struct json_object *json = show_json(image);
    if (json == NULL)
        return -ENOMEM;
    table_print_json(json);
    json_object_put(json);
    return 0;
}

const struct view view_show = {.name = "show", .print = print};
