/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbx-inspect verify: everything that can be checked without making a sandbox of it. It goes on
 * after what it finds, as far as there is something to go on with, and tells all of it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/container.h"
#include "snapshot/image_dir.h"
#include "snapshot/working_set.h"
#include "tools/error.h"
#include "tools/inspect/problems.h"
#include "tools/inspect/views.h"

enum { EXIT_PROBLEMS = 1 };

static void check_names(struct problems *problems, const struct image *image)
{
    for (size_t i = 0; i < image->stranger_count && i < IMAGE_STRANGERS_MAX; i++)
        problems_add(problems, image->strangers[i], "", "no file of an image");
    if (image->stranger_count > IMAGE_STRANGERS_MAX)
        problems_add(problems, "", "", "%zu more files that are none of an image",
                     image->stranger_count - IMAGE_STRANGERS_MAX);
    for (int part = PART_KERNEL; part < PART_COUNT; part++)
        if (image->parts[part] >= 0 &&
            manifest_find_file(image->manifest, image_part_name((enum image_part)part)) == NULL)
            problems_add(problems, image_part_name((enum image_part)part), "",
                         "not listed in " MANIFEST_NAME);
}

static void check_digests(struct problems *problems, const struct image *image)
{
    const Manifest *manifest = image->manifest;
    struct report report = {0};

    for (size_t i = 0; i < manifest->n_files; i++) {
        const ImageFile *file = manifest->files[i];
        bool is_known = false;
        for (int part = PART_KERNEL; part < PART_COUNT; part++) {
            if (strcmp(file->name, image_part_name((enum image_part)part)) != 0)
                continue;
            is_known = true;
            (void)image_file_verify(image->parts[part], file, &report);
        }
        if (!is_known)
            problems_add(problems, MANIFEST_NAME, "files", "%.200s: no file of an image",
                         file->name);
    }
    problems_take(problems, &report);
}

static void compare(struct problems *problems, const char *field, uint64_t is, uint64_t expected)
{
    if (is != expected)
        problems_add(problems, MANIFEST_NAME, field, "says %" PRIu64 ", there are %" PRIu64,
                     expected, is);
}

static void check_counts(struct problems *problems, const struct image *image)
{
    const ImageCounts *counts = image->manifest->counts;
    uint64_t processes = 0, tasks = 0, blocked = 0;

    for (uint64_t id = 1; id <= image->count; id++) {
        const Task *task = image_body(image, id, OBJECT__BODY_TASK);
        processes += image_body(image, id, OBJECT__BODY_PROCESS) != NULL;
        tasks += task != NULL;
        blocked += task != NULL && task->wait != NULL;
    }
    compare(problems, "counts.processes", processes, counts->processes);
    compare(problems, "counts.tasks", tasks, counts->tasks);
    compare(problems, "counts.blocked_tasks", blocked, counts->blocked_tasks);
    if (counts->roots > image->count)
        problems_add(problems, MANIFEST_NAME, "counts.roots", "more than there are objects");
}

static void check_working_set(struct problems *problems, const struct image *image)
{
    struct working_set set = {0};
    struct image_file file;
    struct report report = {0};

    if (!manifest_get_file(image->manifest, WORKING_SET_NAME, &file))
        return;
    if (image->parts[PART_WORKING_SET] >= 0)
        (void)working_set_read_file(&set, image->parts[PART_WORKING_SET], &file, &report);
    working_set_fini(&set);
    problems_take(problems, &report);
}

static void check_content(struct problems *problems, struct image *image)
{
    struct report report = {0};

    check_names(problems, image);
    check_digests(problems, image);
    image->is_tolerant = true;
    int err = image_read_objects(image, &report);
    problems_take(problems, &report);
    if (err == 0) {
        verify_references(problems, image);
        verify_mms(problems, image);
        check_counts(problems, image);
    }
    verify_pages(problems, image);
    check_working_set(problems, image);
}

static void print(const struct image *image, const struct problems *problems,
                  const struct inspect_request *request)
{
    static const struct table_column columns[] = {
        {"file", "FILE", false}, {"where", "WHERE", false}, {"problem", "PROBLEM", false}};
    struct json_object *json = json_object_new_object();

    if (request->format == INSPECT_JSON) {
        json_object_object_add(json, "is_good", json_object_new_boolean(problems->count == 0));
        json_object_object_add(json, "problem_count", json_object_new_uint64(problems->count));
        json_object_object_add(json, "objects", json_object_new_uint64(image->count));
        json_object_object_add(json, "problems", json_object_get(problems->rows));
        table_print_json(json);
    } else if (problems->count == 0) {
        (void)printf("good: %zu objects, %" PRIu64 " chunks\n", image->count,
                     image->manifest->counts->chunks);
    } else {
        table_print(problems->rows, columns, ARRAY_COUNT(columns));
        if (problems->count > json_object_array_length(problems->rows))
            (void)printf("and %" PRIu64 " more\n",
                         problems->count - json_object_array_length(problems->rows));
    }
    json_object_put(json);
}

static int run(const struct inspect_request *request)
{
    struct problems problems = {.rows = json_object_new_array()};
    struct report report = {0};
    struct image image;
    char doing[512];

    (void)snprintf(doing, sizeof(doing), "opening image %s", request->path);
    if (problems.rows == NULL)
        return EXIT_CODE_FAILURE;
    if (image_open_parts(request->path, -1, &report, &image) < 0)
        return error_print_report(doing, &report);
    int err = image_read_manifest(&image, &report);
    problems_take(&problems, &report);
    if (err == 0)
        check_content(&problems, &image);
    print(&image, &problems, request);
    image_free(&image);
    json_object_put(problems.rows);
    return problems.count == 0 ? 0 : EXIT_PROBLEMS;
}

const struct view view_verify = {.name = "verify", .run = run};
