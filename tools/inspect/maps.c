/* SPDX-License-Identifier: Apache-2.0 */
/* sbx-inspect maps: what one process of an image has mapped, as /proc/PID/maps would say. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>

#include "core/base/container.h"
#include "tools/inspect/views.h"

/* Bits of Vma.flags in the image format. */
enum { FLAG_SHARED = 1, FLAG_HEAP = 16, FLAG_STACK = 32, FLAG_VDSO = 64, FLAG_VVAR = 128 };

static void name_vma(const struct image *image, const Vma *vma, char *ret, size_t size)
{
    ret[0] = '\0';
    if (vma->file != 0)
        image_file_name(image, vma->file, ret, size);
    else if ((vma->flags & FLAG_HEAP) != 0)
        (void)snprintf(ret, size, "[heap]");
    else if ((vma->flags & FLAG_STACK) != 0)
        (void)snprintf(ret, size, "[stack]");
    else if ((vma->flags & FLAG_VDSO) != 0)
        (void)snprintf(ret, size, "[vdso]");
    else if ((vma->flags & FLAG_VVAR) != 0)
        (void)snprintf(ret, size, "[vvar]");
}

static void name_prot(const Vma *vma, char ret[5])
{
    ret[0] = (vma->prot & PROT_READ) != 0 ? 'r' : '-';
    ret[1] = (vma->prot & PROT_WRITE) != 0 ? 'w' : '-';
    ret[2] = (vma->prot & PROT_EXEC) != 0 ? 'x' : '-';
    ret[3] = (vma->flags & FLAG_SHARED) != 0 ? 's' : 'p';
    ret[4] = '\0';
}

/* Bytes of the vma that have something behind them. Both lists are in order; *next is where the
 * last vma stopped. */
static uint64_t backed_size(const Mm *mm, const Vma *vma, size_t *next)
{
    uint64_t size = 0;

    for (; *next < mm->n_pmas && mm->pmas[*next]->start < vma->end; (*next)++)
        if (mm->pmas[*next]->start >= vma->start)
            size += mm->pmas[*next]->end - mm->pmas[*next]->start;
    return size;
}

static void add_hex(struct json_object *row, const char *key, uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%" PRIx64, value);
    json_object_object_add(row, key, json_object_new_string(text));
}

static struct json_object *make_row(const struct image *image, const Vma *vma, uint64_t backed)
{
    struct json_object *row = json_object_new_object();
    char name[PATH_MAX], prot[5];

    if (row == NULL)
        return NULL;
    name_vma(image, vma, name, sizeof(name));
    name_prot(vma, prot);
    add_hex(row, "start", vma->start);
    add_hex(row, "end", vma->end);
    json_object_object_add(row, "prot", json_object_new_string(prot));
    add_hex(row, "offset", vma->offset);
    json_object_object_add(row, "size", json_object_new_uint64(vma->end - vma->start));
    json_object_object_add(row, "backed", json_object_new_uint64(backed));
    json_object_object_add(row, "name", json_object_new_string(name));
    return row;
}

static struct json_object *make_rows(const struct image *image, const Process *process,
                                     const struct inspect_request *request)
{
    const Mm *mm = image_mm(image, process);
    struct json_object *rows = json_object_new_array();
    size_t next = 0;

    (void)request;

    for (size_t i = 0; rows != NULL && mm != NULL && i < mm->n_vmas; i++)
        json_object_array_add(rows,
                              make_row(image, mm->vmas[i], backed_size(mm, mm->vmas[i], &next)));
    return rows;
}

static const struct table_column columns[] = {
    {"start", "START", true},   {"end", "END", true},   {"prot", "PROT", false},
    {"offset", "OFFSET", true}, {"size", "SIZE", true}, {"backed", "BACKED", true},
    {"name", "NAME", false},
};

const struct view view_maps = {.name = "maps",
                               .operands = "PID",
                               .operand_count = 1,
                               .needs_pid = true,
                               .columns = columns,
                               .column_count = ARRAY_COUNT(columns),
                               .rows = make_rows};
