/* SPDX-License-Identifier: Apache-2.0 */
/* The list of what sbx-inspect verify has found. */
#include "tools/inspect/problems.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "snapshot/image_dir.h"

enum { TEXT_SIZE = 512 };

static void add_row(struct problems *problems, const char *file, const char *where,
                    const char *text)
{
    problems->count++;
    if (problems->count > PROBLEMS_MAX)
        return;
    struct json_object *row = json_object_new_object();
    if (row == NULL)
        return;
    json_object_object_add(row, "file", json_object_new_string(file));
    json_object_object_add(row, "where", json_object_new_string(where));
    json_object_object_add(row, "problem", json_object_new_string(text));
    json_object_array_add(problems->rows, row);
}

void problems_add(struct problems *problems, const char *file, const char *where,
                  const char *format, ...)
{
    char text[TEXT_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    add_row(problems, file, where, text);
}

void problems_add_object(struct problems *problems, const struct image *image, uint64_t id,
                         const char *field, const char *format, ...)
{
    char text[TEXT_SIZE], where[128];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    (void)snprintf(where, sizeof(where), "%s %" PRIu64 "%s%s", image_type_name(image, id), id,
                   field[0] == '\0' ? "" : ": ", field);
    add_row(problems, KERNEL_IMG_NAME, where, text);
}

void problems_take(struct problems *problems, struct report *report)
{
    for (size_t i = 0; i < report->line_count; i++) {
        char *line = report->lines[i];
        char *colon = strstr(line, ": ");
        char *last = colon == NULL ? NULL : strstr(colon + 2, ": ");
        if (colon == NULL) {
            add_row(problems, "", "", line);
            continue;
        }
        *colon = '\0';
        if (last != NULL)
            *last = '\0';
        add_row(problems, line, last == NULL ? "" : colon + 2, last == NULL ? colon + 2 : last + 2);
    }
    problems->count += report->bad_count + report->note_count - report->line_count;
    *report = (struct report){0};
}
