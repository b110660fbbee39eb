/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making the directory of an image.
 *
 * 1. What stands at the final name is whole, always: the temporary directory takes that name in one
 *    rename, after all of its content is on the disk.
 * 2. An older image leaves by RENAME_EXCHANGE and is removed afterwards; if that does not happen it
 *    is a temporary directory of a dead writer.
 * 3. A temporary directory is its writer's while the writer lives or somebody has it open and
 *    locked; any other may be removed by whoever sees it.
 * 4. Nothing is removed that is not called like a file of an image.
 */
#include "snapshot/image_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/base/container.h"
#include "core/base/host.h"

/* Whatever may stand in an image, of this format or of one to be read. */
static const char *const image_names[] = {MANIFEST_NAME, KERNEL_IMG_NAME, "pages.idx",
                                          "pages.img",   "pages.raw",     "ws"};

static const char temporary_infix[] = ".tmp-";

static bool is_image_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(image_names); i++)
        if (strcmp(image_names[i], name) == 0)
            return true;
    return false;
}

static int fail(struct report *report, const char *what, int err)
{
    report_bad(report, "%s: %s", what, strerror(-err));
    return err;
}

/* --- directories --- */

/* Called for each name but . and ..; not 0 ends the listing. */
typedef int list_fn(void *context, const char *name);

static int list_open(DIR *stream, list_fn *fn, void *context)
{
    const struct dirent *entry;
    int result = 0;

    errno = 0;
    while (result == 0 && (entry = readdir(stream)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            result = fn(context, entry->d_name);
        errno = 0;
    }
    return result == 0 ? -errno : result;
}

static int list_names(int dirfd, list_fn *fn, void *context)
{
    int fd = host_open_beneath(dirfd, "", O_RDONLY | O_DIRECTORY, 0);

    if (fd < 0)
        return fd;
    DIR *stream = fdopendir(fd);
    if (stream == NULL) {
        (void)host_close(fd);
        return -ENOMEM;
    }
    int result = list_open(stream, fn, context);
    (void)closedir(stream);
    return result;
}

/* Removes a directory with an image, or a part of one. */
static int remove_image(int parent, const char *name)
{
    int fd = host_open_beneath(parent, name, O_RDONLY | O_DIRECTORY, 0);

    if (fd < 0)
        return fd;
    for (size_t i = 0; i < ARRAY_COUNT(image_names); i++)
        (void)host_unlinkat(fd, image_names[i], 0);
    (void)host_close(fd);
    return host_unlinkat(parent, name, AT_REMOVEDIR);
}

/* --- what stands at the final name --- */

struct content {
    bool has_manifest;
    char foreign[NAME_MAX + 1]; /* a name that no image has; empty: none */
    unsigned count;
};

static int note_content(void *context, const char *name)
{
    struct content *content = context;

    content->count++;
    if (strcmp(name, MANIFEST_NAME) == 0)
        content->has_manifest = true;
    else if (!is_image_name(name))
        (void)snprintf(content->foreign, sizeof(content->foreign), "%s", name);
    return 0;
}

/* May the directory be replaced: is it empty, or an image? */
static int check_old_content(int fd, struct report *report)
{
    struct content content = {0};
    int err = list_names(fd, note_content, &content);

    if (err < 0)
        return fail(report, "reading the directory", err);
    if (content.count == 0 || (content.has_manifest && content.foreign[0] == '\0'))
        return 0;
    if (content.foreign[0] != '\0')
        report_bad(report, "a directory that is no image: it has %.128s", content.foreign);
    else
        report_bad(report, "a directory that is no image: it has no " MANIFEST_NAME);
    return -EINVAL;
}

static int check_old(const struct image_dir *dir, struct report *report)
{
    struct stat stat;
    int err = host_fstatat(dir->parent, dir->name, &stat);

    if (err == -ENOENT)
        return 0;
    if (err == 0 && !S_ISDIR(stat.st_mode))
        err = -ENOTDIR;
    int fd = err < 0 ? err : host_open_beneath(dir->parent, dir->name, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return fail(report, "replacing it", fd);
    err = check_old_content(fd, report);
    (void)host_close(fd);
    return err;
}

/* --- temporary directories --- */

struct stale_search {
    int parent;
    const char *name;
};

/* The pid in NAME.tmp-PID; 0: called otherwise. */
static pid_t pid_in_name(const char *base, const char *name)
{
    size_t size = strlen(base);

    if (strncmp(name, base, size) != 0 ||
        strncmp(name + size, temporary_infix, sizeof(temporary_infix) - 1) != 0)
        return 0;
    const char *digits = name + size + sizeof(temporary_infix) - 1;
    size_t count = strspn(digits, "0123456789");
    return count > 0 && count < 10 && digits[count] == '\0' ? atoi(digits) : 0;
}

static int remove_if_stale(void *context, const char *name)
{
    const struct stale_search *search = context;
    pid_t pid = pid_in_name(search->name, name);

    if (pid == 0 || pid == getpid() || kill(pid, 0) == 0 || errno != ESRCH)
        return 0;
    int fd = host_open_beneath(search->parent, name, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return 0;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        (void)remove_image(search->parent, name);
    (void)host_close(fd);
    return 0;
}

static void remove_stale(const struct image_dir *dir)
{
    struct stale_search search = {.parent = dir->parent, .name = dir->name};

    (void)list_names(dir->parent, remove_if_stale, &search);
}

static int make_temporary(struct image_dir *dir)
{
    size_t size = strlen(dir->name) + sizeof(temporary_infix) + 12;

    dir->temporary = host_alloc(size, 1);
    if (dir->temporary == NULL)
        return -ENOMEM;
    (void)snprintf(dir->temporary, size, "%s%s%d", dir->name, temporary_infix, (int)getpid());
    (void)remove_image(dir->parent, dir->temporary); /* an earlier try of this process */
    int err = host_mkdirat(dir->parent, dir->temporary, 0700);
    if (err < 0) {
        host_free(dir->temporary);
        dir->temporary = NULL;
        return err;
    }
    dir->fd = host_open_beneath(dir->parent, dir->temporary, O_RDONLY | O_DIRECTORY, 0);
    if (dir->fd < 0)
        return dir->fd;
    return flock(dir->fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
}

/* --- creating --- */

/* Splits path into its directory, which is opened, and the last name. */
static int open_parent(struct image_dir *dir, const char *path)
{
    char *copy = host_strdup(path);
    int err = 0;

    if (copy == NULL)
        return -ENOMEM;
    for (size_t size = strlen(copy); size > 1 && copy[size - 1] == '/'; size--)
        copy[size - 1] = '\0';
    char *slash = strrchr(copy, '/');
    const char *name = slash == NULL ? copy : slash + 1;
    if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        err = -EINVAL;
    } else {
        dir->name = host_strdup(name);
        if (slash != NULL)
            slash[slash == copy] = '\0';
        dir->parent = open(slash == NULL ? "." : copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        err = dir->parent < 0 ? -errno : dir->name == NULL ? -ENOMEM : 0;
    }
    host_free(copy);
    return err;
}

static void close_parent(struct image_dir *dir)
{
    if (dir->parent >= 0)
        (void)host_close(dir->parent);
    dir->parent = -1;
    host_free(dir->name);
    dir->name = NULL;
}

/* As open_parent; a symbolic link to a directory is followed first. */
static int open_place(struct image_dir *dir, const char *path)
{
    struct stat stat;
    int err = open_parent(dir, path);

    if (err < 0 || host_fstatat(dir->parent, dir->name, &stat) < 0 || !S_ISLNK(stat.st_mode))
        return err;
    char *resolved = realpath(path, NULL);
    if (resolved == NULL)
        return -errno;
    close_parent(dir);
    err = open_parent(dir, resolved);
    free(resolved);
    return err;
}

void image_dir_init(struct image_dir *dir)
{
    *dir = (struct image_dir){.parent = -1, .fd = -1};
}

int image_dir_create(const char *path, struct report *report, struct image_dir *ret)
{
    image_dir_init(ret);
    int err = open_place(ret, path);
    if (err < 0)
        (void)fail(report, "finding its place", err);
    if (err == 0)
        err = check_old(ret, report);
    if (err < 0)
        goto failed;
    remove_stale(ret);
    err = make_temporary(ret);
    if (err == 0)
        return 0;
    (void)fail(report, "making the temporary directory", err);
failed:
    image_dir_fini(ret);
    return err;
}

void image_dir_fini(struct image_dir *dir)
{
    if (dir->temporary != NULL)
        (void)remove_image(dir->parent, dir->temporary);
    host_free(dir->temporary);
    dir->temporary = NULL;
    if (dir->fd >= 0)
        (void)host_close(dir->fd);
    dir->fd = -1;
    close_parent(dir);
}

/* --- committing --- */

/* What is listed is a regular file of that size, and on the disk. */
static int sync_file(int dirfd, const ImageFile *file, struct report *report)
{
    struct stat stat;
    int fd = host_open_beneath(dirfd, file->name, O_RDONLY | O_NONBLOCK, 0);

    if (fd < 0)
        return fail(report, file->name, fd);
    int err = host_fstat(fd, &stat);
    if (err == 0 && (!S_ISREG(stat.st_mode) || (uint64_t)stat.st_size != file->size))
        err = -EBADMSG;
    if (err == 0)
        err = host_fsync(fd);
    (void)host_close(fd);
    return err < 0 ? fail(report, file->name, err) : 0;
}

static int check_listed(const Manifest *manifest, struct report *report)
{
    int err = manifest_check(manifest, report);

    if (err == 0 && manifest_find_file(manifest, KERNEL_IMG_NAME) == NULL)
        err = fail(report, KERNEL_IMG_NAME, -ENOENT);
    for (size_t i = 0; err == 0 && i < manifest->n_files; i++)
        if (!is_image_name(manifest->files[i]->name))
            err = fail(report, manifest->files[i]->name, -EBADMSG);
    return err;
}

static int finish_content(const struct image_dir *dir, const Manifest *manifest,
                          struct report *report)
{
    int err = check_listed(manifest, report);

    for (size_t i = 0; err == 0 && i < manifest->n_files; i++)
        err = sync_file(dir->fd, manifest->files[i], report);
    if (err < 0)
        return err;
    err = manifest_write(dir->fd, manifest);
    if (err < 0)
        return fail(report, MANIFEST_NAME, err);
    err = host_fsync(dir->fd);
    return err < 0 ? fail(report, "syncing the directory", err) : 0;
}

/* Exchanges the two names where the final one is taken. The same call again undoes it. */
static int swap_names(const struct image_dir *dir, bool is_exchange)
{
    return host_renameat2(dir->parent, dir->temporary, dir->parent, dir->name,
                          is_exchange ? RENAME_EXCHANGE : RENAME_NOREPLACE);
}

static int move_in_place(const struct image_dir *dir, bool *is_exchange, struct report *report)
{
    int err = swap_names(dir, false);

    *is_exchange = err == -EEXIST;
    if (*is_exchange) {
        err = check_old(dir, report);
        if (err < 0)
            return err;
        err = swap_names(dir, true);
    }
    if (err < 0)
        return fail(report, "renaming", err);
    err = host_fsync(dir->parent);
    if (err == 0)
        return 0;
    if (*is_exchange)
        (void)swap_names(dir, true);
    else
        (void)host_renameat2(dir->parent, dir->name, dir->parent, dir->temporary, RENAME_NOREPLACE);
    return fail(report, "syncing its directory", err);
}

int image_dir_commit(struct image_dir *dir, const Manifest *manifest, struct report *report)
{
    bool is_exchange = false;
    int err = finish_content(dir, manifest, report);

    if (err == 0)
        err = move_in_place(dir, &is_exchange, report);
    if (err < 0)
        return err;
    if (is_exchange)
        (void)remove_image(dir->parent, dir->temporary);
    host_free(dir->temporary);
    dir->temporary = NULL;
    return 0;
}
