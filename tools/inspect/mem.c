/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbx-inspect mem: bytes of a process' memory, as xxd shows them, as JSON, or as they are. Raw
 * output is all or nothing, so that every byte is at its place. What is not there is said.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/container.h"
#include "tools/error.h"
#include "tools/inspect/memory.h"

enum { LINE_BYTES = 16 };

/* Receives the range in order, piece by piece; data NULL: why it cannot be shown. Not 0 ends it. */
typedef int piece_fn(void *context, uint64_t address, const uint8_t *data, size_t size,
                     const char *why);

/* Where the next vma behind address starts, at most end. */
static uint64_t next_mapped(const Mm *mm, uint64_t address, uint64_t end)
{
    for (size_t i = 0; mm != NULL && i < mm->n_vmas; i++)
        if (mm->vmas[i]->end > address && mm->vmas[i]->start < end)
            end = mm->vmas[i]->start > address ? mm->vmas[i]->start : address;
    return end;
}

static int each_piece(struct memory *memory, uint64_t start, uint64_t end, piece_fn *piece,
                      void *context)
{
    uint8_t page[MEM_PAGE];
    int result = 0;

    while (start < end && result == 0) {
        uint64_t first = start & ~(MEM_PAGE - 1);
        uint64_t next = end - first > MEM_PAGE ? first + MEM_PAGE : end;
        uint64_t mapped = next_mapped(memory->mm, start, end);
        if (mapped > start) {
            result = piece(context, start, NULL, mapped - start, "not mapped");
            start = mapped;
            continue;
        }
        int err = memory_read(memory, first, page);
        result = piece(context, start, err == 0 ? page + (start - first) : NULL, next - start,
                       memory->why);
        start = next;
    }
    return result;
}

/* --- as xxd --- */

struct dump {
    uint64_t address; /* of line */
    uint8_t line[LINE_BYTES], last[LINE_BYTES];
    size_t size;
    bool has_last, is_squeezed;
    uint64_t gap_start, gap_end; /* not shown; none: equal */
    char why[MEMORY_WHY_SIZE];
};

static void print_line(struct dump *dump)
{
    bool is_same = dump->has_last && dump->size == LINE_BYTES &&
                   memcmp(dump->line, dump->last, LINE_BYTES) == 0;

    if (is_same && !dump->is_squeezed)
        (void)puts("*");
    dump->is_squeezed = is_same;
    if (!is_same) {
        (void)printf("%08" PRIx64 ":", dump->address);
        for (size_t i = 0; i < LINE_BYTES; i++) {
            if (i < dump->size)
                (void)printf("%s%02x", i % 2 == 0 ? " " : "", dump->line[i]);
            else
                (void)printf("%s  ", i % 2 == 0 ? " " : "");
        }
        (void)printf("  ");
        for (size_t i = 0; i < dump->size; i++)
            (void)putchar(isprint(dump->line[i]) ? dump->line[i] : '.');
        (void)putchar('\n');
    }
    memcpy(dump->last, dump->line, LINE_BYTES);
    dump->has_last = dump->size == LINE_BYTES;
    dump->size = 0;
}

static void print_gap(struct dump *dump)
{
    if (dump->gap_end > dump->gap_start) {
        (void)printf("%08" PRIx64 "-%08" PRIx64 ": ", dump->gap_start, dump->gap_end);
        for (const char *at = dump->why; *at != '\0'; at++)
            (void)putchar(isprint((unsigned char)*at) ? *at : '?');
        (void)putchar('\n');
    }
    dump->gap_start = dump->gap_end = 0;
}

static int dump_piece(void *context, uint64_t address, const uint8_t *data, size_t size,
                      const char *why)
{
    struct dump *dump = context;

    if (data == NULL) {
        if (dump->size > 0)
            print_line(dump);
        dump->has_last = dump->is_squeezed = false;
        if (dump->gap_end != address || strcmp(dump->why, why) != 0) {
            print_gap(dump);
            dump->gap_start = address;
            (void)snprintf(dump->why, sizeof(dump->why), "%s", why);
        }
        dump->gap_end = address + size;
        return 0;
    }
    print_gap(dump);
    for (size_t i = 0; i < size; i++) {
        if (dump->size == 0)
            dump->address = address + i;
        dump->line[dump->size++] = data[i];
        if (dump->size == LINE_BYTES)
            print_line(dump);
    }
    return ferror(stdout) ? -EIO : 0;
}

static int print_dump(struct memory *memory, uint64_t start, uint64_t end)
{
    struct dump *dump = calloc(1, sizeof(*dump));

    if (dump == NULL)
        return -ENOMEM;
    (void)each_piece(memory, start, end, dump_piece, dump);
    if (dump->size > 0)
        print_line(dump);
    print_gap(dump);
    if (dump->is_squeezed)
        (void)printf("%08" PRIx64 "\n", end);
    free(dump);
    return 0;
}

/* --- as JSON --- */

static int json_piece(void *context, uint64_t address, const uint8_t *data, size_t size,
                      const char *why)
{
    struct json_object *rows = context, *row = json_object_new_object();
    char text[2 * MEM_PAGE + 1];

    if (row == NULL)
        return -ENOMEM;
    (void)snprintf(text, sizeof(text), "%" PRIx64, address);
    json_object_object_add(row, "start", json_object_new_string(text));
    json_object_object_add(row, "size", json_object_new_uint64(size));
    if (data == NULL) {
        json_object_object_add(row, "missing", json_object_new_string(why));
    } else {
        for (size_t i = 0; i < size; i++)
            (void)snprintf(text + 2 * i, 3, "%02x", data[i]);
        json_object_object_add(row, "bytes", json_object_new_string(text));
    }
    json_object_array_add(rows, row);
    return 0;
}

static int print_json(struct memory *memory, uint64_t start, uint64_t end)
{
    struct json_object *rows = json_object_new_array();
    int err = rows == NULL ? -ENOMEM : each_piece(memory, start, end, json_piece, rows);

    if (err == 0)
        table_print_json(rows);
    json_object_put(rows);
    return err;
}

/* --- raw --- */

static int check_piece(void *context, uint64_t address, const uint8_t *data, size_t size,
                       const char *why)
{
    bool *is_missing = context;

    if (data == NULL) {
        error_print("%" PRIx64 "-%" PRIx64 ": %s", address, address + size, why);
        *is_missing = true;
    }
    return 0;
}

static int raw_piece(void *context, uint64_t address, const uint8_t *data, size_t size,
                     const char *why)
{
    (void)context;
    (void)address;
    (void)why;
    return data == NULL || fwrite(data, 1, size, stdout) != size ? -EIO : 0;
}

static int print_raw(struct memory *memory, uint64_t start, uint64_t end)
{
    bool is_missing = false;

    (void)each_piece(memory, start, end, check_piece, &is_missing);
    if (is_missing)
        return EXIT_CODE_FAILURE;
    (void)each_piece(memory, start, end, raw_piece, NULL);
    return 0;
}

static int print(struct image *image, const Process *process, const struct inspect_request *request)
{
    uint64_t start = request->address, end = start + request->size;
    struct report report = {0};
    struct memory *memory;
    int result;

    if (end < start) {
        error_print("%" PRIx64 ": %" PRIu64 " bytes run over the end of all addresses", start,
                    request->size);
        return EXIT_CODE_FAILURE;
    }
    if (memory_open(image, process, request, &report, &memory) < 0)
        return error_print_report(request->path, &report);
    if (request->format == INSPECT_RAW)
        result = print_raw(memory, start, end);
    else if (request->format == INSPECT_JSON)
        result = print_json(memory, start, end);
    else
        result = print_dump(memory, start, end);
    memory_close(memory);
    return result;
}

const struct view view_mem = {.name = "mem",
                              .operands = "PID ADDR LEN",
                              .operand_count = 3,
                              .needs_pid = true,
                              .print = print};
