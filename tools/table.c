/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows as a table or as JSON; they are JSON objects in both cases, so that the two always agree.
 */
#include "tools/table.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { GAP = 2, COLUMNS_MAX = 16 };

/* ASCII that prints, and UTF-8 but for its control characters (U+0080 to U+009F). */
static bool is_plain(const char *text, const char *start)
{
    unsigned char byte = (unsigned char)*text;
    bool is_after_c2 = text > start && (unsigned char)text[-1] == 0xc2;

    return byte < 0x80 ? isprint(byte) != 0 : byte >= 0xa0 || !is_after_c2;
}

/* Prints the text of a cell, escaped (to NULL: not); its length. */
static size_t print_cell(struct json_object *row, const char *key, FILE *to)
{
    struct json_object *value = NULL;
    size_t length = 0;

    (void)json_object_object_get_ex(row, key, &value);
    const char *text = value == NULL ? "-" : json_object_get_string(value);
    for (const char *at = text; *at != '\0'; at++) {
        bool is_escaped = !is_plain(at, text);
        length += is_escaped ? 4 : 1;
        if (to != NULL && is_escaped)
            (void)fprintf(to, "\\x%02x", (unsigned char)*at);
        else if (to != NULL)
            (void)fputc(*at, to);
    }
    return length;
}

static size_t width_of(struct json_object *rows, const struct table_column *column)
{
    size_t width = strlen(column->title);

    for (size_t i = 0; i < json_object_array_length(rows); i++) {
        size_t length = print_cell(json_object_array_get_idx(rows, i), column->key, NULL);
        if (length > width)
            width = length;
    }
    return width;
}

static void pad(size_t size)
{
    for (; size > 0; size--)
        (void)putchar(' ');
}

/* row NULL: the titles. The last column of a line is not padded. */
static void print_row(struct json_object *row, const struct table_column *columns,
                      const size_t widths[COLUMNS_MAX], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct table_column *column = &columns[i];
        size_t length = row == NULL ? strlen(column->title) : print_cell(row, column->key, NULL);
        if (column->is_right)
            pad(widths[i] - length);
        if (row == NULL)
            (void)fputs(column->title, stdout);
        else
            (void)print_cell(row, column->key, stdout);
        if (i + 1 < count)
            pad((column->is_right ? 0 : widths[i] - length) + GAP);
    }
    (void)putchar('\n');
}

void table_print(struct json_object *rows, const struct table_column *columns, size_t count)
{
    size_t widths[COLUMNS_MAX];

    assert(count <= COLUMNS_MAX);
    for (size_t i = 0; i < count; i++)
        widths[i] = width_of(rows, &columns[i]);
    print_row(NULL, columns, widths, count);
    for (size_t i = 0; i < json_object_array_length(rows); i++)
        print_row(json_object_array_get_idx(rows, i), columns, widths, count);
}

void table_print_json(struct json_object *json)
{
    (void)puts(json_object_to_json_string_ext(
        json, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE));
}
