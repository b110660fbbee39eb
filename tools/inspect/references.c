/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of messages that refer to objects, and to which type of them; every reference of an image
 * checked against that. A field whose comment in the .proto files begins with the name of a type is
 * here; tests/lint/lint_references.py sees to it. What holds what, and so whether something is held
 * by nothing, follows from the same table.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/container.h"
#include "snapshot/message.h"
#include "tools/inspect/problems.h"

enum { ADVISORY_MIN = 1000 };

#define ANY_INODE OBJECT__BODY__NOT_SET

struct reference {
    const ProtobufCMessageDescriptor *message;
    const char *field;
    Object__BodyCase type; /* ANY_INODE: any kind of it */
    bool is_needed;
};

#define TO(message, field, type)                                                                   \
    {                                                                                              \
        &message##__descriptor, field, OBJECT__BODY_##type, false                                  \
    }
#define NEEDS(message, field, type)                                                                \
    {                                                                                              \
        &message##__descriptor, field, OBJECT__BODY_##type, true                                   \
    }
#define TO_INODE(message, field)                                                                   \
    {                                                                                              \
        &message##__descriptor, field, ANY_INODE, false                                            \
    }

static const struct reference references[] = {
    NEEDS(machine, "init", PROCESS),
    NEEDS(machine, "root_mount", MOUNT),
    NEEDS(mount, "root", DENTRY),
    TO(mount, "mountpoint", DENTRY),
    NEEDS(mount, "children", MOUNT),
    TO(dentry, "parent", DENTRY),
    TO_INODE(dentry, "inode"),
    TO_INODE(dir_name, "inode"),
    TO(overlay_inode, "lower", HOSTFS_INODE),
    TO(overlay_inode, "parent", OVERLAY_INODE),
    TO_INODE(pipe, "node"),
    TO_INODE(file_lock, "inode"),
    TO_INODE(file, "inode"),
    TO(file, "mount", MOUNT),
    TO(file, "dentry", DENTRY),
    NEEDS(files_slot, "file", FILE),
    TO(fs, "root_mount", MOUNT),
    TO(fs, "root", DENTRY),
    TO(fs, "cwd_mount", MOUNT),
    TO(fs, "cwd", DENTRY),
    TO(vma, "file", FILE),
    TO(mm, "exe", FILE),
    TO(process, "sighand", SIGHAND),
    NEEDS(process, "tasks", TASK),
    NEEDS(process, "children", PROCESS),
    NEEDS(task, "process", PROCESS),
    TO(task, "mm", MM),
    TO(task, "files", FILES),
    TO(task, "fs", FS),
    TO(epoll_item, "file", FILE),
    TO(pidfd, "process", PROCESS),
    TO(unix_socket, "peer", UNIX_SOCKET),
    TO(rw_wait, "file", FILE),
    TO(copy_wait, "in", FILE),
    TO(copy_wait, "out", FILE),
    TO(message_wait, "file", FILE),
    TO(lock_wait, "file", FILE),
    TO(open_fifo_wait, "file", FILE),
    TO(splice_wait, "in", FILE),
    TO(splice_wait, "out", FILE),
    TO(vfork_wait, "child", PROCESS),
    TO(poll_item, "file", FILE),
    TO(epoll_wait, "file", FILE),
};

/* Objects that are no inodes; all others are. */
static bool is_inode(const struct image *image, uint64_t id)
{
    switch (image->objects[id - 1]->body_case) {
    case OBJECT__BODY__NOT_SET:
    case OBJECT__BODY_MACHINE:
    case OBJECT__BODY_MOUNT:
    case OBJECT__BODY_DENTRY:
    case OBJECT__BODY_FILE:
    case OBJECT__BODY_FILES:
    case OBJECT__BODY_FS:
    case OBJECT__BODY_SIGHAND:
    case OBJECT__BODY_MM:
    case OBJECT__BODY_PROCESS:
    case OBJECT__BODY_TASK:
        return false;
    default:
        return true;
    }
}

/* --- every reference of an object --- */

typedef void reference_fn(void *context, uint64_t from, const struct reference *reference,
                          uint64_t to);

struct visit {
    uint64_t from;
    reference_fn *found;
    void *context;
};

static void visit_field(const struct visit *visit, const ProtobufCMessage *message,
                        const struct reference *reference)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, reference->field);

    if (field == NULL || field->type != PROTOBUF_C_TYPE_UINT64)
        return;
    const uint64_t *values = message_field(message, field);
    size_t count =
        field->label == PROTOBUF_C_LABEL_REPEATED ? message_field_count(message, field) : 1;
    for (size_t i = 0; i < count; i++)
        visit->found(visit->context, visit->from, reference, values[i]);
}

static int visit_message(void *context, ProtobufCMessage *message, const char *path)
{
    const struct visit *visit = context;

    (void)path;
    for (size_t i = 0; i < ARRAY_COUNT(references); i++)
        if (references[i].message == message->descriptor)
            visit_field(visit, message, &references[i]);
    return 0;
}

static void each_reference(const struct image *image, uint64_t id, reference_fn *found,
                           void *context)
{
    struct visit visit = {.from = id, .found = found, .context = context};

    (void)message_visit(&image->objects[id - 1]->base, "Object", visit_message, &visit);
}

/* --- what is wrong with them --- */

struct checking {
    struct problems *problems;
    const struct image *image;
    uint64_t current;
    bool *is_held;   /* by id: the root or something held leads there */
    uint64_t *queue; /* ids that are held, to be followed */
    size_t queued;
};

static void check_reference(void *context, uint64_t from, const struct reference *reference,
                            uint64_t to)
{
    const struct checking *checking = context;
    const struct image *image = checking->image;

    if (to == 0) {
        if (reference->is_needed)
            problems_add_object(checking->problems, image, from, reference->field, "is missing");
        return;
    }
    if (to > image->count) {
        problems_add_object(checking->problems, image, from, reference->field,
                            "refers to object %" PRIu64 " of %zu", to, image->count);
        return;
    }
    bool fits = reference->type == ANY_INODE ? is_inode(image, to)
                                             : image_body(image, to, reference->type) != NULL;
    if (!fits)
        problems_add_object(checking->problems, image, from, reference->field,
                            "refers to %s %" PRIu64 ", which is of another kind",
                            image_type_name(image, to), to);
}

static int check_unknown(void *context, ProtobufCMessage *message, const char *path)
{
    const struct checking *checking = context;

    for (unsigned i = 0; i < message->n_unknown_fields; i++)
        if (message->unknown_fields[i].tag < ADVISORY_MIN)
            problems_add_object(checking->problems, checking->image, checking->current, path,
                                "field %" PRIu32 " is unknown", message->unknown_fields[i].tag);
    return 0;
}

static void check_objects(struct checking *checking)
{
    const struct image *image = checking->image;

    for (uint64_t id = 1; id <= image->count; id++) {
        Object *object = image->objects[id - 1];
        checking->current = id;
        if (object->body_case == OBJECT__BODY__NOT_SET && object->base.n_unknown_fields == 0)
            problems_add_object(checking->problems, image, id, "body", "is missing");
        (void)message_visit(&object->base, "Object", check_unknown, checking);
        each_reference(image, id, check_reference, checking);
    }
}

/* --- what is held by nothing --- */

static void hold(void *context, uint64_t from, const struct reference *reference, uint64_t to)
{
    struct checking *checking = context;

    (void)from;
    (void)reference;
    if (to == 0 || to > checking->image->count || checking->is_held[to])
        return;
    checking->is_held[to] = true;
    checking->queue[checking->queued++] = to;
}

static void check_held(struct checking *checking)
{
    const struct image *image = checking->image;

    for (uint64_t id = 1; id <= image->count && id <= image->manifest->counts->roots; id++)
        hold(checking, 0, NULL, id);
    for (size_t i = 0; i < checking->queued; i++)
        each_reference(image, checking->queue[i], hold, checking);
    for (uint64_t id = 1; id <= image->count; id++)
        if (!checking->is_held[id] && image->objects[id - 1]->body_case != OBJECT__BODY__NOT_SET)
            problems_add_object(checking->problems, image, id, "", "no object leads to it");
}

/* --- cycles --- */

/* Each thing is in one list of children, and the way up ends. */
static void check_tree(struct checking *checking, Object__BodyCase type, const char *field,
                       uint64_t *parents)
{
    const struct image *image = checking->image;

    memset(parents, 0, (image->count + 1) * sizeof(*parents));
    for (uint64_t id = 1; id <= image->count; id++) {
        const Mount *mount = image_body(image, id, OBJECT__BODY_MOUNT);
        const Process *process = image_body(image, id, OBJECT__BODY_PROCESS);
        const Dentry *dentry = image_body(image, id, OBJECT__BODY_DENTRY);
        size_t count = 0;
        const uint64_t *children = NULL;
        if (type == OBJECT__BODY_DENTRY && dentry != NULL)
            parents[id] = dentry->parent <= image->count ? dentry->parent : 0;
        if (type == OBJECT__BODY_MOUNT && mount != NULL)
            children = mount->children, count = mount->n_children;
        if (type == OBJECT__BODY_PROCESS && process != NULL)
            children = process->children, count = process->n_children;
        for (size_t i = 0; i < count; i++) {
            if (children[i] == 0 || children[i] > image->count)
                continue;
            if (parents[children[i]] != 0)
                problems_add_object(checking->problems, image, id, field,
                                    "object %" PRIu64 " has another parent, too", children[i]);
            parents[children[i]] = id;
        }
    }
}

/* Follows each way up once: colours are 0 new, 1 on this way, 2 known to end. */
static void check_ways(struct checking *checking, const char *field, const uint64_t *parents,
                       uint8_t *colours)
{
    const struct image *image = checking->image;

    memset(colours, 0, image->count + 1);
    for (uint64_t id = 1; id <= image->count; id++) {
        uint64_t at = id;
        for (; at != 0 && colours[at] == 0; at = parents[at])
            colours[at] = 1;
        if (at != 0 && colours[at] == 1)
            problems_add_object(checking->problems, image, at, field, "is its own ancestor");
        for (at = id; at != 0 && colours[at] == 1; at = parents[at])
            colours[at] = 2;
    }
}

void verify_references(struct problems *problems, const struct image *image)
{
    struct checking checking = {.problems = problems,
                                .image = image,
                                .is_held = calloc(image->count + 1, sizeof(bool)),
                                .queue = calloc(image->count + 1, sizeof(uint64_t))};
    uint64_t *parents = calloc(image->count + 1, sizeof(*parents));
    uint8_t *colours = calloc(image->count + 1, 1);

    check_objects(&checking);
    if (checking.is_held != NULL && checking.queue != NULL && parents != NULL && colours != NULL) {
        check_held(&checking);
        check_tree(&checking, OBJECT__BODY_DENTRY, "parent", parents);
        check_ways(&checking, "parent", parents, colours);
        check_tree(&checking, OBJECT__BODY_MOUNT, "children", parents);
        check_ways(&checking, "children", parents, colours);
        check_tree(&checking, OBJECT__BODY_PROCESS, "children", parents);
        check_ways(&checking, "children", parents, colours);
    } else {
        problems_add(problems, "", "", "%s", strerror(ENOMEM));
    }
    free(checking.is_held);
    free(checking.queue);
    free(parents);
    free(colours);
}
