/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <json-c/json.h>

/* A column of a table: the member of each row that it shows. */
struct table_column {
    const char *key;
    const char *title;
    bool is_right; /* numbers */
};

/* Prints an array of objects on stdout as an aligned table. Values come from images and sandboxes:
 * what is not printable is escaped. */
void table_print(struct json_object *rows, const struct table_column *columns, size_t count);
/* Prints any JSON on stdout. */
void table_print_json(struct json_object *json);
