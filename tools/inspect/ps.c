/* SPDX-License-Identifier: Apache-2.0 */
/* sbx-inspect ps: the processes of an image. */
#include <stdlib.h>

#include "core/base/container.h"
#include "snapshot/message.h"
#include "tools/inspect/views.h"

static const char *state_of(const Process *process, const Task *task)
{
    if (process->is_zombie)
        return "Z";
    if (process->stop_signal != 0)
        return "T";
    return task != NULL && task->wait != NULL ? "S" : "R";
}

/* The kind of call that the task waits in; NULL: none. */
static const char *wait_of(const Task *task)
{
    if (task == NULL || task->wait == NULL || task->wait->body_case == WAIT_RECORD__BODY__NOT_SET)
        return NULL;
    return protobuf_c_message_descriptor_get_field(&wait_record__descriptor, task->wait->body_case)
        ->name;
}

static struct json_object *make_row(const struct image *image, const Process *process,
                                    uint32_t parent)
{
    const Task *task = image_first_task(image, process);
    struct json_object *row = json_object_new_object();

    if (row == NULL)
        return NULL;
    json_object_object_add(row, "pid", json_object_new_uint64(process->pid));
    json_object_object_add(row, "ppid", json_object_new_uint64(parent));
    json_object_object_add(row, "pgid", json_object_new_uint64(process->pgid));
    json_object_object_add(row, "sid", json_object_new_uint64(process->sid));
    json_object_object_add(row, "state", json_object_new_string(state_of(process, task)));
    json_object_object_add(row, "threads", json_object_new_uint64(process->n_tasks));
    if (wait_of(task) != NULL)
        json_object_object_add(row, "wait", json_object_new_string(wait_of(task)));
    if (task != NULL)
        json_object_object_add(row, "command", json_object_new_string(task->comm));
    return row;
}

static int compare_pids(const void *a, const void *b)
{
    struct json_object *const *first = a, *const *second = b;
    int64_t difference = json_object_get_int64(json_object_object_get(*first, "pid")) -
                         json_object_get_int64(json_object_object_get(*second, "pid"));

    return difference < 0 ? -1 : difference > 0;
}

/* The pid of each process' parent, by id; the children name them. NULL: no memory. */
static uint32_t *find_parents(const struct image *image)
{
    uint32_t *parents = calloc(image->count + 1, sizeof(*parents));

    for (uint64_t id = 1; parents != NULL && id <= image->count; id++) {
        const Process *process = image_body(image, id, OBJECT__BODY_PROCESS);
        for (size_t i = 0; process != NULL && i < process->n_children; i++)
            if (process->children[i] <= image->count)
                parents[process->children[i]] = process->pid;
    }
    return parents;
}

static struct json_object *make_rows(const struct image *image, const Process *unused)
{
    uint32_t *parents = find_parents(image);
    struct json_object *rows = parents == NULL ? NULL : json_object_new_array();
    (void)unused;

    for (uint64_t id = 1; rows != NULL && id <= image->count; id++) {
        const Process *process = image_body(image, id, OBJECT__BODY_PROCESS);
        if (process != NULL)
            json_object_array_add(rows, make_row(image, process, parents[id]));
    }
    if (rows != NULL)
        json_object_array_sort(rows, compare_pids);
    free(parents);
    return rows;
}

static const struct table_column columns[] = {
    {"pid", "PID", true},    {"ppid", "PPID", true},        {"pgid", "PGID", true},
    {"sid", "SID", true},    {"state", "STATE", false},     {"threads", "THREADS", true},
    {"wait", "WAIT", false}, {"command", "COMMAND", false},
};

const struct view view_ps = {
    .name = "ps", .columns = columns, .column_count = ARRAY_COUNT(columns), .rows = make_rows};
