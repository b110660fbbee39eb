/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least that file systems need: a memfile and directories of the host.
 */
#include "tests/unit/vfs_world.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/host.h"
#include "tests/unit/host_descriptors.h"
#include "vfs/fs/tmpfs.h"
#include "vfs/mapping.h"

enum { TEXT_SIZE = 64 << 10, NAMES_MAX = 512 };

struct vfs_world vfs_world;

static const char *const names[] = {"root", "bind0", "bind1"};

void host_path(const char *name, char to[WORLD_PATH])
{
    int size = snprintf(to, WORLD_PATH, "%s/%s", vfs_world.top, name);

    assert_in_range(size, 1, WORLD_PATH - 1);
}

void host_make_directory(const char *name)
{
    char path[WORLD_PATH];

    host_path(name, path);
    assert_return_code(mkdir(path, 0755), errno);
}

void host_write(const char *name, const char *text)
{
    char path[WORLD_PATH];

    host_path(name, path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

const char *host_read(const char *name)
{
    static _Thread_local char text[TEXT_SIZE];
    char path[WORLD_PATH];

    host_path(name, path);
    FILE *file = fopen(path, "r");
    size_t size = file == NULL ? 0 : fread(text, 1, sizeof(text) - 1, file);
    text[size] = '\0';
    if (file != NULL)
        (void)fclose(file);
    return text;
}

bool host_exists(const char *name)
{
    char path[WORLD_PATH];
    struct stat stat;

    host_path(name, path);
    return lstat(path, &stat) == 0;
}

static void donate(const char *path, int flags, const char *name, bool is_writable)
{
    struct host_root *root = &vfs_world.roots[vfs_world.context.root_count++];

    assert_true(vfs_world.context.root_count <= WORLD_ROOTS);
    root->name = host_strdup(name);
    root->path = host_strdup(path);
    root->fd = open(path, flags | O_CLOEXEC);
    root->is_writable = is_writable;
    assert_true(root->fd >= 0);
}

int vfs_world_set_up(void **state)
{
    const char *tmp = getenv("TMPDIR");

    (void)state;
    vfs_world =
        (struct vfs_world){.objects = object_live_count(), .descriptors = host_descriptor_count()};
    (void)umask(0);
    (void)snprintf(vfs_world.top, sizeof(vfs_world.top), "%s/vfs.XXXXXX",
                   tmp == NULL ? "/tmp" : tmp);
    if (host_guard_init() < 0 || mkdtemp(vfs_world.top) == NULL)
        return -1;
    for (unsigned i = 0; i < 1 + WORLD_BINDS; i++)
        host_make_directory(names[i]);
    vfs_world.context.roots = vfs_world.roots;
    vfs_world.context.ghost_limit = 1 << 20;
    if (memfile_create(UINT64_C(1) << 32, 0, &vfs_world.memfile) < 0)
        return -1;
    mapping_set_memfile(vfs_world.memfile);
    return 0;
}

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
    (void)stat;
    (void)type;
    (void)walk;
    return remove(path);
}

void world_unmount(void)
{
    path_put(&vfs_world.view.cwd);
    path_put(&vfs_world.view.root);
    object_put((struct object *)vfs_world.root);
    vfs_world.root = NULL;
}

int vfs_world_tear_down(void **state)
{
    (void)state;
    world_unmount();
    for (unsigned i = 0; i < vfs_world.context.root_count; i++) {
        host_free(vfs_world.roots[i].name);
        host_free(vfs_world.roots[i].path);
        (void)close(vfs_world.roots[i].fd);
    }
    bool is_clean =
        object_live_count() == vfs_world.objects && memfile_owned_size(vfs_world.memfile) == 0;
    memfile_free(vfs_world.memfile);
    (void)nftw(vfs_world.top, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    if (!is_clean || host_descriptor_count() != vfs_world.descriptors) {
        print_error("left: %zu objects, %u descriptors\n", object_live_count() - vfs_world.objects,
                    host_descriptor_count() - vfs_world.descriptors);
        return -1;
    }
    return 0;
}

void world_look(struct mount *root)
{
    const struct path path = {.mount = root, .dentry = root->root};

    vfs_world.root = root;
    path_get(&path);
    path_get(&path);
    vfs_world.view = (struct fs_view){.root = path, .cwd = path, .cred = &vfs_world.cred};
}

void world_mount_tmpfs(void)
{
    struct inode *root;

    assert_int_equal(tmpfs_create(0755, &root), 0);
    assert_int_equal(mount_create(NULL, root, "tmpfs", "tmpfs", 0, &vfs_world.root), 0);
    object_put(&root->object);
    world_look(vfs_world.root);
}

void world_mount_host(bool overlay)
{
    char path[WORLD_PATH];

    host_path(names[0], path);
    donate(path, O_PATH, "/", false);
    assert_int_equal(vfs_mount_root(&vfs_world.context, overlay, &vfs_world.root), 0);
    world_look(vfs_world.root);
}

void world_bind_path(const char *path, int flags, const char *dst, bool is_writable)
{
    donate(path, flags, dst, is_writable);
    const struct host_root *root = &vfs_world.roots[vfs_world.context.root_count - 1];
    assert_int_equal(vfs_mount_bind(vfs_world.root, root, dst), 0);
}

void world_bind(unsigned bind, const char *dst, bool is_writable)
{
    char path[WORLD_PATH];

    host_path(names[1 + bind], path);
    world_bind_path(path, O_PATH, dst, is_writable);
}

void world_become(uint32_t uid, uint32_t gid)
{
    vfs_world.cred = (struct cred){.uid = uid,
                                   .euid = uid,
                                   .suid = uid,
                                   .fsuid = uid,
                                   .gid = gid,
                                   .egid = gid,
                                   .sgid = gid,
                                   .fsgid = gid};
}

int world_open(const char *name, int flags, struct file **ret)
{
    return vfs_open(&vfs_world.view, NULL, name, flags, 0644, ret);
}

int64_t file_write_text(struct file *file, const char *text)
{
    struct uio uio;

    uio_init(&uio, (void *)text, strlen(text));
    mutex_lock(&file->lock);
    int64_t done = file->ops->write(file, &uio, &file->position, strlen(text), NULL);
    mutex_unlock(&file->lock);
    return done;
}

const char *file_read_text(struct file *file, uint64_t position)
{
    static _Thread_local char text[TEXT_SIZE];
    struct uio uio;

    uio_init(&uio, text, sizeof(text) - 1);
    int64_t done = file->ops->read(file, &uio, &position, NULL);
    if (done < 0)
        return strerrorname_np((int)-done);
    text[done] = '\0';
    return text;
}

int world_write(const char *name, const char *text)
{
    struct file *file;

    int err = world_open(name, O_WRONLY | O_CREAT | O_TRUNC, &file);
    if (err < 0)
        return err;
    int64_t done = file_write_text(file, text);
    object_put(&file->object);
    return done < 0 ? (int)done : 0;
}

const char *world_read(const char *name)
{
    struct file *file;

    int err = world_open(name, O_RDONLY, &file);
    if (err < 0)
        return strerrorname_np(-err);
    const char *text = file_read_text(file, 0);
    object_put(&file->object);
    return text;
}

int world_stat(const char *name, struct stat *ret)
{
    return vfs_stat(&vfs_world.view, NULL, name, LOOKUP_NOFOLLOW, ret);
}

int world_mkdir(const char *name)
{
    return vfs_mkdir(&vfs_world.view, NULL, name, 0755);
}

int world_unlink(const char *name)
{
    return vfs_unlink(&vfs_world.view, NULL, name);
}

int world_rmdir(const char *name)
{
    return vfs_rmdir(&vfs_world.view, NULL, name);
}

int world_rename(const char *from, const char *to, unsigned flags)
{
    return vfs_rename(&vfs_world.view, NULL, from, NULL, to, flags);
}

int world_link(const char *from, const char *to)
{
    return vfs_link(&vfs_world.view, NULL, from, NULL, to, 0);
}

int world_symlink(const char *target, const char *name)
{
    return vfs_symlink(&vfs_world.view, target, NULL, name);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names of all entries in what getdents gave. */
static size_t take_names(char *data, int64_t size, char **list, size_t count)
{
    for (int64_t at = 0; at < size;) {
        uint16_t step;
        memcpy(&step, data + at + 16, sizeof(step));
        char *name = data + at + 19;
        assert_true(step % 8 == 0 && step > 19 && count < NAMES_MAX);
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
            list[count++] = name;
        at += step;
    }
    return count;
}

const char *world_list(const char *name)
{
    static _Thread_local char text[TEXT_SIZE], data[TEXT_SIZE];
    static _Thread_local char *list[NAMES_MAX];
    struct file *file;
    size_t count = 0, used = 0;
    int64_t size = 0, done;

    int err = world_open(name, O_RDONLY | O_DIRECTORY, &file);
    if (err < 0)
        return strerrorname_np(-err);
    while ((done = file_getdents(file, data + size, 512)) > 0) {
        count = take_names(data + size, done, list, count);
        size += done;
        assert_true((size_t)size + 512 < sizeof(data));
    }
    object_put(&file->object);
    if (done < 0)
        return strerrorname_np((int)-done);
    qsort(list, count, sizeof(*list), compare_names);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s ", list[i]);
    return text;
}
