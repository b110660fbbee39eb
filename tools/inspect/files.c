/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbx-inspect files: the host's files that an image refers to, who has them open, and what a
 * restore would find there now. This process can only ask for attributes by then; a link on the
 * way, which a restore would not follow, is told as such.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/bytes.h"
#include "core/base/container.h"
#include "tools/inspect/views.h"

enum { ACCESS_PATH, ACCESS_READ, ACCESS_WRITE, EXIT_UNFIT = 1, NS_PER_SECOND = 1000000000 };

uint64_t image_host_inode(const struct image *image, uint64_t inode)
{
    const OverlayInode *overlay = image_body(image, inode, OBJECT__BODY_OVERLAY_INODE);

    if (overlay != NULL)
        inode = overlay->is_copied ? 0 : overlay->lower;
    return image_body(image, inode, OBJECT__BODY_HOSTFS_INODE) != NULL ? inode : 0;
}

bool image_host_path(const struct image *image, const HostfsInode *inode, const char *root,
                     char *ret, size_t size)
{
    const Manifest *manifest = image->manifest;

    for (size_t i = 0; i < manifest->n_roots; i++) {
        if (strcmp(manifest->roots[i]->name, inode->root) != 0)
            continue;
        const char *path = manifest->roots[i]->path;
        if (strcmp(root, "/") == 0)
            root = "";
        int length = snprintf(ret, size, "%s%s%s%s", root, strcmp(path, "/") == 0 ? "" : path,
                              inode->path[0] == '\0' ? "" : "/", inode->path);
        if (length == 0)
            (void)snprintf(ret, size, "/");
        return length >= 0 && (size_t)length < size;
    }
    return false;
}

/* --- who uses them --- */

/* By id of the host file: "1:fd3 5:map". */
struct users {
    const struct image *image;
    struct bytes *texts;
    bool is_out_of_memory;
};

static void add_user(struct users *users, uint64_t inode, uint32_t pid, const char *what)
{
    uint64_t id = image_host_inode(users->image, inode);
    char text[64];

    if (id == 0)
        return;
    struct bytes *list = &users->texts[id];
    (void)snprintf(text, sizeof(text), " %" PRIu32 ":%s", pid, what);
    size_t size = strlen(text);
    if (list->size >= size && memcmp(list->data + list->size - size, text, size) == 0)
        return; /* the next map of the same file */
    if (bytes_append(list, text, size) < 0)
        users->is_out_of_memory = true;
}

static void add_open_file(struct users *users, uint64_t id, uint32_t pid, const char *what)
{
    const File *file = image_body(users->image, id, OBJECT__BODY_FILE);

    if (file != NULL)
        add_user(users, file->inode, pid, what);
}

static void add_directory(struct users *users, uint64_t id, uint32_t pid, const char *what)
{
    const Dentry *dentry = image_body(users->image, id, OBJECT__BODY_DENTRY);

    if (dentry != NULL)
        add_user(users, dentry->inode, pid, what);
}

static void add_process(struct users *users, const Process *process)
{
    const struct image *image = users->image;
    const Task *task = image_first_task(image, process);
    const Files *files = task == NULL ? NULL : image_body(image, task->files, OBJECT__BODY_FILES);
    const Fs *fs = task == NULL ? NULL : image_body(image, task->fs, OBJECT__BODY_FS);
    const Mm *mm = image_mm(image, process);
    char name[32];

    for (size_t i = 0; files != NULL && i < files->n_slots; i++) {
        (void)snprintf(name, sizeof(name), "fd%" PRIu32, files->slots[i]->fd);
        add_open_file(users, files->slots[i]->file, process->pid, name);
    }
    if (fs != NULL) {
        add_directory(users, fs->cwd, process->pid, "cwd");
        add_directory(users, fs->root, process->pid, "root");
    }
    if (mm != NULL)
        add_open_file(users, mm->exe, process->pid, "exe");
    for (size_t i = 0; mm != NULL && i < mm->n_vmas; i++)
        add_open_file(users, mm->vmas[i]->file, process->pid, "map");
}

/* --- what is there now --- */

/* Attributes of path, of which no part behind the first skip bytes may be a link. */
static int stat_without_links(const char *path, size_t skip, struct stat *ret)
{
    char prefix[PATH_MAX];
    size_t size = strlen(path);

    for (size_t end = skip; end < size; end++) {
        if (path[end] != '/' || end == 0)
            continue;
        memcpy(prefix, path, end);
        prefix[end] = '\0';
        if (fstatat(AT_FDCWD, prefix, ret, AT_SYMLINK_NOFOLLOW) < 0)
            return -errno;
        if (end > skip && S_ISLNK(ret->st_mode))
            return -ELOOP;
    }
    return fstatat(AT_FDCWD, path, ret, size == skip ? 0 : AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

/* What differs, in words, and whether a restore would refuse it. */
struct difference {
    char text[256];
    bool is_fatal;
};

static void compare(struct difference *difference, bool is_fatal, const char *what, uint64_t is,
                    uint64_t was)
{
    size_t length = strlen(difference->text);

    if (is == was)
        return;
    (void)snprintf(difference->text + length, sizeof(difference->text) - length,
                   "%s%s is %" PRIu64 ", was %" PRIu64, length == 0 ? "" : "; ", what, is, was);
    difference->is_fatal |= is_fatal;
}

static void compare_stat(const struct image *image, const HostfsInode *inode,
                         const struct stat *stat, struct difference *ret)
{
    bool is_strict = image->manifest->options->strict_files;
    bool is_read = inode->access == ACCESS_READ;
    uint64_t mtime =
        (uint64_t)stat->st_mtim.tv_sec * NS_PER_SECOND + (uint64_t)stat->st_mtim.tv_nsec;

    if (inode->attr != NULL && ((stat->st_mode ^ inode->attr->mode) & S_IFMT) != 0) {
        (void)snprintf(ret->text, sizeof(ret->text), "is of another type now");
        ret->is_fatal = true;
        return;
    }
    if (!S_ISREG(stat->st_mode) || inode->access == ACCESS_PATH)
        return;
    compare(ret, is_strict || !is_read, "inode", stat->st_ino, inode->host_nr);
    compare(ret, is_strict || is_read, "size", (uint64_t)stat->st_size, inode->size);
    compare(ret, is_strict || is_read, "mtime_ns", mtime, (uint64_t)inode->mtime_ns);
}

static const char *look_at_host(const struct image *image, const HostfsInode *inode,
                                const char *path, struct difference *ret)
{
    struct stat stat;

    if (inode->is_ghost)
        return "ghost";
    int err = path == NULL ? -EINVAL
                           : stat_without_links(path, strlen(path) - strlen(inode->path), &stat);
    if (err < 0) {
        (void)snprintf(ret->text, sizeof(ret->text), "%s",
                       err == -ELOOP ? "a link is on the way" : strerror(-err));
        ret->is_fatal = true;
        return "missing";
    }
    compare_stat(image, inode, &stat, ret);
    if (ret->is_fatal)
        return "unfit";
    return ret->text[0] == '\0' ? "same" : "changed";
}

/* --- rows --- */

static void add_identity(const HostfsInode *inode, struct json_object *row)
{
    static const char *const access[] = {"path", "read", "write"};
    const char *open = inode->access < ARRAY_COUNT(access) ? access[inode->access] : "?";

    json_object_object_add(row, "open", json_object_new_string(open));
    json_object_object_add(row, "inode", json_object_new_uint64(inode->host_nr));
    json_object_object_add(row, "size", json_object_new_uint64(inode->size));
    json_object_object_add(row, "mtime_ns", json_object_new_int64(inode->mtime_ns));
}

/* True: it does not fit. */
static bool add_row(const struct users *users, uint64_t id, const struct inspect_request *request,
                    struct json_object *rows)
{
    const HostfsInode *inode = image_body(users->image, id, OBJECT__BODY_HOSTFS_INODE);
    const struct bytes *used = &users->texts[id];
    struct json_object *row = json_object_new_object();
    struct difference difference = {0};
    char path[PATH_MAX];
    bool has_path = image_host_path(users->image, inode, request->root, path, sizeof(path));

    if (row == NULL)
        return false;
    const char *host = look_at_host(users->image, inode, has_path ? path : NULL, &difference);
    json_object_object_add(row, "mount", json_object_new_string(inode->root));
    json_object_object_add(row, "path", json_object_new_string(has_path ? path : inode->path));
    add_identity(inode, row);
    if (used->size > 0) /* without the first space */
        json_object_object_add(
            row, "used_by",
            json_object_new_string_len((const char *)used->data + 1, (int)used->size - 1));
    json_object_object_add(row, "host", json_object_new_string(host));
    if (difference.text[0] != '\0')
        json_object_object_add(row, "differs", json_object_new_string(difference.text));
    json_object_array_add(rows, row);
    return difference.is_fatal;
}

static const struct table_column columns[] = {
    {"mount", "MOUNT", false},     {"path", "PATH", false},       {"open", "OPEN", false},
    {"size", "SIZE", true},        {"used_by", "USED BY", false}, {"host", "HOST", false},
    {"differs", "DIFFERS", false},
};

static int print_all(const struct users *users, const struct inspect_request *request)
{
    struct json_object *rows = json_object_new_array();
    bool is_unfit = false;

    if (rows == NULL)
        return -ENOMEM;
    for (uint64_t id = 1; id <= users->image->count; id++)
        if (image_body(users->image, id, OBJECT__BODY_HOSTFS_INODE) != NULL)
            is_unfit |= add_row(users, id, request, rows);
    if (request->format == INSPECT_JSON)
        table_print_json(rows);
    else
        table_print(rows, columns, ARRAY_COUNT(columns));
    json_object_put(rows);
    return is_unfit ? EXIT_UNFIT : 0;
}

static int print(struct image *image, const Process *unused, const struct inspect_request *request)
{
    struct users users = {.image = image, .texts = calloc(image->count + 1, sizeof(struct bytes))};

    (void)unused;
    if (users.texts == NULL)
        return -ENOMEM;
    for (uint64_t id = 1; id <= image->count; id++) {
        const Process *process = image_body(image, id, OBJECT__BODY_PROCESS);
        if (process != NULL)
            add_process(&users, process);
    }
    int result = users.is_out_of_memory ? -ENOMEM : print_all(&users, request);
    for (uint64_t id = 0; id <= image->count; id++)
        bytes_fini(&users.texts[id]);
    free(users.texts);
    return result;
}

const struct view view_files = {.name = "files", .print = print};
