/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <json-c/json.h>

#include "tools/inspect/image.h"

/* What is wrong with an image: rows with a file, a place in it, and the problem. Rows past the
 * limit are only counted. */
enum { PROBLEMS_MAX = 10000 };

struct problems {
    struct json_object *rows;
    uint64_t count;
};

/* where: "" or a field and the like. */
__attribute__((format(printf, 4, 5))) void problems_add(struct problems *problems, const char *file,
                                                        const char *where, const char *format, ...);
/* The same of an object of kernel.img. */
__attribute__((format(printf, 5, 6))) void problems_add_object(struct problems *problems,
                                                               const struct image *image,
                                                               uint64_t id, const char *field,
                                                               const char *format, ...);
/* The lines of a report ("file: what"), which is emptied. */
void problems_take(struct problems *problems, struct report *report);

/* The parts of a check: ids, types and fields of every object and reference; address spaces; pages
 * against what owns them. */
void verify_references(struct problems *problems, const struct image *image);
void verify_mms(struct problems *problems, const struct image *image);
void verify_pages(struct problems *problems, struct image *image);
