/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <json-c/json.h>

#include "tools/inspect/image.h"
#include "tools/table.h"

enum inspect_format { INSPECT_TABLE, INSPECT_JSON, INSPECT_RAW };

/* What is to be shown, and how. */
struct inspect_request {
    const char *path;
    enum inspect_format format;
    bool with_threads;
    uint64_t pid, address, size;
    const char *root; /* where the paths of the host begin: "/" unless given */
    bool has_root;    /* it was given */
    int helper;       /* answers hostfile_open, or -1 */
};

/* One way to look at an image. */
struct view {
    const char *name;
    const char *operands; /* after IMAGE, for messages */
    size_t operand_count; /* the same */
    bool needs_pid;
    /* Rows, and the columns that a table shows of them. Returns a reference to an array of objects;
     * NULL: no memory. process: NULL unless needs_pid. */
    const struct table_column *columns;
    size_t column_count;
    struct json_object *(*rows)(const struct image *image, const Process *process,
                                const struct inspect_request *request);
    /* Or prints by itself: an exit code, or -ENOMEM. */
    int (*print)(struct image *image, const Process *process,
                 const struct inspect_request *request);
    /* Or does everything, the opening too; the exit code. */
    int (*run)(const struct inspect_request *request);
};

extern const struct view view_show, view_ps, view_maps, view_fds, view_mounts, view_mem, view_files,
    view_verify;

/* What an inode is, in a few words ("count 3"), and as JSON. ret is empty where there is nothing to
 * say. */
void detail_print(const struct image *image, uint64_t inode, char *ret, size_t size);
/* What a task waits for ("read of 3 pipe:[7]"); empty: nothing that can be named. */
void wait_print(const struct image *image, const Task *task, char *ret, size_t size);
/* The name of the wait's kind; NULL: the task does not wait. */
const char *wait_kind(const Task *task);

/* The id of the host file that an inode is, or shows; 0: none. */
uint64_t image_host_inode(const struct image *image, uint64_t inode);
/* Its path on the host: root, that of the donated directory and its own. False: it makes no sense.
 */
bool image_host_path(const struct image *image, const HostfsInode *inode, const char *root,
                     char *ret, size_t size);
