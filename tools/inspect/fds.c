/* SPDX-License-Identifier: Apache-2.0 */
/* sbx-inspect fds: the descriptors of one process of an image. */
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "core/base/container.h"
#include "tools/inspect/views.h"

enum { DETAIL_SIZE = 256 };

static const char *mode_of(const File *file)
{
    static const char *const modes[] = {[O_RDONLY] = "r", [O_WRONLY] = "w", [O_RDWR] = "rw"};
    unsigned mode = file->flags & O_ACCMODE;

    if ((file->flags & O_PATH) != 0)
        return "path";
    return mode < ARRAY_COUNT(modes) ? modes[mode] : "-";
}

/* An inode without a name, whose mode says nothing. */
static bool is_anonymous(const struct image *image, uint64_t inode)
{
    return image_body(image, inode, OBJECT__BODY_EVENTFD) != NULL ||
           image_body(image, inode, OBJECT__BODY_TIMERFD) != NULL ||
           image_body(image, inode, OBJECT__BODY_SIGNALFD) != NULL ||
           image_body(image, inode, OBJECT__BODY_PIDFD) != NULL ||
           image_body(image, inode, OBJECT__BODY_EPOLL) != NULL;
}

static const char *type_of(const struct image *image, const File *file)
{
    const InodeAttr *attr = image_inode_attr(image, file->inode);

    if (is_anonymous(image, file->inode))
        return image_type_name(image, file->inode);
    if (image_body(image, file->inode, OBJECT__BODY_HOST_STREAM) != NULL)
        return "stream";
    if (attr == NULL)
        return "?";
    switch (attr->mode & S_IFMT) {
    case S_IFREG:
        return "file";
    case S_IFDIR:
        return "directory";
    case S_IFCHR:
        return "character";
    case S_IFIFO:
        return "pipe";
    case S_IFLNK:
        return "link";
    case S_IFSOCK:
        return "socket";
    default:
        return "?";
    }
}

static struct json_object *make_row(const struct image *image, const FilesSlot *slot)
{
    const File *file = image_body(image, slot->file, OBJECT__BODY_FILE);
    struct json_object *row = json_object_new_object();
    char name[PATH_MAX], detail[DETAIL_SIZE];

    if (row == NULL)
        return NULL;
    image_file_name(image, slot->file, name, sizeof(name));
    json_object_object_add(row, "fd", json_object_new_uint64(slot->fd));
    json_object_object_add(row, "cloexec", json_object_new_boolean(slot->is_cloexec));
    if (file != NULL) {
        json_object_object_add(row, "type", json_object_new_string(type_of(image, file)));
        json_object_object_add(row, "mode", json_object_new_string(mode_of(file)));
        json_object_object_add(row, "flags", json_object_new_uint64(file->flags));
        json_object_object_add(row, "position", json_object_new_uint64(file->position));
        detail_print(image, file->inode, detail, sizeof(detail));
        if (detail[0] != '\0')
            json_object_object_add(row, "detail", json_object_new_string(detail));
        if (file->n_locks > 0)
            json_object_object_add(row, "locks", json_object_new_uint64(file->n_locks));
    }
    json_object_object_add(row, "name", json_object_new_string(name));
    return row;
}

static struct json_object *make_rows(const struct image *image, const Process *process,
                                     const struct inspect_request *request)
{
    const Task *task = image_first_task(image, process);
    const Files *files = task == NULL ? NULL : image_body(image, task->files, OBJECT__BODY_FILES);
    struct json_object *rows = json_object_new_array();

    (void)request;
    for (size_t i = 0; rows != NULL && files != NULL && i < files->n_slots; i++)
        json_object_array_add(rows, make_row(image, files->slots[i]));
    return rows;
}

static const struct table_column columns[] = {
    {"fd", "FD", true},
    {"type", "TYPE", false},
    {"mode", "MODE", false},
    {"cloexec", "CLOEXEC", false},
    {"position", "POSITION", true},
    {"name", "NAME", false},
    {"detail", "DETAIL", false},
};

const struct view view_fds = {.name = "fds",
                              .operands = "PID",
                              .operand_count = 1,
                              .needs_pid = true,
                              .columns = columns,
                              .column_count = ARRAY_COUNT(columns),
                              .rows = make_rows};
