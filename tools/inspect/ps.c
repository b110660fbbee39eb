/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbx-inspect ps: the processes of an image, each below its parent, and what each task waits for.
 * The image may have cycles or processes that nobody names: each process is shown once all the
 * same.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/container.h"
#include "tools/inspect/views.h"

enum { DEPTH_MAX = 256 };

struct listing {
    const struct image *image;
    const struct inspect_request *request;
    struct json_object *rows;
    bool *is_listed;   /* by id */
    uint32_t *parents; /* pid of the parent, by id; 0: nobody names it */
};

static const char *state_of(const Process *process, const Task *task)
{
    if (process->is_zombie)
        return "Z";
    if (process->stop_signal != 0)
        return "T";
    return task != NULL && task->wait != NULL ? "S" : "R";
}

static void add_wait(const struct image *image, const Task *task, struct json_object *row)
{
    char text[PATH_MAX];

    if (wait_kind(task) == NULL)
        return;
    json_object_object_add(row, "wait", json_object_new_string(wait_kind(task)));
    wait_print(image, task, text, sizeof(text));
    if (text[0] != '\0')
        json_object_object_add(row, "wait_for", json_object_new_string(text));
}

/* The command behind the branches of its tree, for tables. */
static void add_tree(const char *command, unsigned depth, struct json_object *row)
{
    char text[4 * DEPTH_MAX + 64] = "";

    for (unsigned i = 1; i < depth && i < DEPTH_MAX; i++)
        (void)strcat(text, "   ");
    (void)snprintf(text + strlen(text), 64, "%s%.48s", depth == 0 ? "" : "\\_ ", command);
    json_object_object_add(row, "tree", json_object_new_string(text));
}

static void add_row(struct listing *listing, uint64_t id, const Task *task, unsigned depth)
{
    const Process *process = image_body(listing->image, id, OBJECT__BODY_PROCESS);
    struct json_object *row = json_object_new_object();
    const char *command = task == NULL ? NULL : task->comm;

    if (row == NULL)
        return;
    json_object_object_add(row, "pid", json_object_new_uint64(process->pid));
    if (listing->request->with_threads && task != NULL)
        json_object_object_add(row, "tid", json_object_new_uint64(task->tid));
    json_object_object_add(row, "ppid", json_object_new_uint64(listing->parents[id]));
    json_object_object_add(row, "pgid", json_object_new_uint64(process->pgid));
    json_object_object_add(row, "sid", json_object_new_uint64(process->sid));
    json_object_object_add(row, "state", json_object_new_string(state_of(process, task)));
    json_object_object_add(row, "threads", json_object_new_uint64(process->n_tasks));
    json_object_object_add(row, "depth", json_object_new_uint64(depth));
    add_wait(listing->image, task, row);
    if (command != NULL)
        json_object_object_add(row, "command", json_object_new_string(command));
    if (listing->request->format == INSPECT_TABLE)
        add_tree(command == NULL ? "-" : command, depth, row);
    json_object_array_add(listing->rows, row);
}

static void list_one(struct listing *listing, uint64_t id, unsigned depth)
{
    const Process *process = image_body(listing->image, id, OBJECT__BODY_PROCESS);
    size_t count = process->n_tasks;

    if (!listing->request->with_threads && count > 1)
        count = 1;
    if (count == 0)
        add_row(listing, id, NULL, depth);
    for (size_t i = 0; i < count; i++)
        add_row(listing, id, image_body(listing->image, process->tasks[i], OBJECT__BODY_TASK),
                depth);
}

/* The process and those below it. */
static void list_tree(struct listing *listing, uint64_t id, unsigned depth)
{
    const Process *process = image_body(listing->image, id, OBJECT__BODY_PROCESS);

    if (process == NULL || listing->is_listed[id] || depth >= DEPTH_MAX)
        return;
    listing->is_listed[id] = true;
    list_one(listing, id, depth);
    for (size_t i = 0; i < process->n_children; i++)
        list_tree(listing, process->children[i], depth + 1);
}

static void find_parents(struct listing *listing)
{
    const struct image *image = listing->image;

    for (uint64_t id = 1; id <= image->count; id++) {
        const Process *process = image_body(image, id, OBJECT__BODY_PROCESS);
        for (size_t i = 0; process != NULL && i < process->n_children; i++)
            if (process->children[i] <= image->count)
                listing->parents[process->children[i]] = process->pid;
    }
}

static struct json_object *make_rows(const struct image *image, const Process *unused,
                                     const struct inspect_request *request)
{
    struct listing listing = {.image = image,
                              .request = request,
                              .rows = json_object_new_array(),
                              .is_listed = calloc(image->count + 1, sizeof(bool)),
                              .parents = calloc(image->count + 1, sizeof(uint32_t))};
    bool has_all = listing.rows != NULL && listing.is_listed != NULL && listing.parents != NULL;

    (void)unused;
    if (has_all)
        find_parents(&listing);
    for (uint64_t id = 1; has_all && id <= image->count; id++)
        if (listing.parents[id] == 0)
            list_tree(&listing, id, 0);
    for (uint64_t id = 1; has_all && id <= image->count; id++) /* on a cycle */
        list_tree(&listing, id, 0);
    free(listing.is_listed);
    free(listing.parents);
    if (!has_all)
        json_object_put(listing.rows);
    return has_all ? listing.rows : NULL;
}

static const struct table_column columns[] = {
    {"pid", "PID", true},    {"ppid", "PPID", true},          {"pgid", "PGID", true},
    {"sid", "SID", true},    {"state", "STATE", false},       {"threads", "THREADS", true},
    {"wait", "WAIT", false}, {"wait_for", "WAIT FOR", false}, {"tree", "COMMAND", false},
};

static const struct table_column thread_columns[] = {
    {"pid", "PID", true},       {"tid", "TID", true},    {"ppid", "PPID", true},
    {"state", "STATE", false},  {"wait", "WAIT", false}, {"wait_for", "WAIT FOR", false},
    {"tree", "COMMAND", false},
};

static int print(struct image *image, const Process *process, const struct inspect_request *request)
{
    struct json_object *rows = make_rows(image, process, request);

    if (rows == NULL)
        return -ENOMEM;
    if (request->format == INSPECT_JSON)
        table_print_json(rows);
    else if (request->with_threads)
        table_print(rows, thread_columns, ARRAY_COUNT(thread_columns));
    else
        table_print(rows, columns, ARRAY_COUNT(columns));
    json_object_put(rows);
    return 0;
}

const struct view view_ps = {.name = "ps", .print = print};
