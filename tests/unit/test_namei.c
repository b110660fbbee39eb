/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From names to places: errors and their order, symbolic links, .., slashes, permissions, mounts,
 * moves, and threads that walk while others rename.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/host.h"
#include "tests/unit/vfs_world.h"

static int set_up(void **state)
{
    int err = vfs_world_set_up(state);

    if (err == 0)
        world_mount_tmpfs();
    return err;
}

static int lookup(const char *name, unsigned flags)
{
    struct path path;
    int err = path_lookup(&vfs_world.view, NULL, name, flags, &path);

    if (err == 0)
        path_put(&path);
    return err;
}

/* The name of what name leads to. */
static const char *name_of(const char *name)
{
    static char text[PATH_MAX];
    struct bytes bytes = {0};
    struct path path;

    int err = path_lookup(&vfs_world.view, NULL, name, 0, &path);
    if (err < 0)
        return strerrorname_np(-err);
    assert_int_equal(path_name(&vfs_world.view.root, &path, &bytes), 0);
    path_put(&path);
    assert_true(bytes.size < sizeof(text));
    memcpy(text, bytes.data, bytes.size);
    text[bytes.size] = '\0';
    bytes_fini(&bytes);
    return text;
}

static void test_components(void **state)
{
    (void)state;
    assert_int_equal(world_mkdir("/a"), 0);
    assert_int_equal(world_mkdir("/a/b"), 0);
    assert_int_equal(world_write("/a/f", "text"), 0);
    assert_string_equal(name_of("/"), "/");
    assert_string_equal(name_of("///a//.//b/"), "/a/b");
    assert_string_equal(name_of("a/b/.."), "/a");
    assert_string_equal(name_of("a/b/../../../../a/f"), "/a/f");
    assert_string_equal(name_of("."), "/");
    assert_string_equal(name_of("/a/none"), "ENOENT");
    assert_string_equal(name_of("/none/a"), "ENOENT");
    assert_string_equal(name_of("/a/f/x"), "ENOTDIR");
    assert_string_equal(name_of("/a/f/.."), "ENOTDIR");
    assert_string_equal(name_of("/a/f/."), "ENOTDIR");
    assert_string_equal(name_of("/a/f/"), "ENOTDIR");
    assert_int_equal(lookup("", 0), -ENOENT);
    assert_int_equal(lookup("", LOOKUP_EMPTY), 0);
    assert_int_equal(lookup("/a/f", LOOKUP_DIRECTORY), -ENOTDIR);
}

static void test_lengths(void **state)
{
    static char name[PATH_MAX + 8];

    (void)state;
    memset(name, 'x', 255);
    assert_int_equal(world_write(name, ""), 0);
    assert_int_equal(lookup(name, 0), 0);
    memset(name, 'x', 256);
    assert_int_equal(lookup(name, 0), -ENAMETOOLONG);
    assert_int_equal(world_mkdir(name), -ENAMETOOLONG);
    /* What stands first is complained about first. */
    memcpy(name, "none/", 5);
    assert_int_equal(lookup(name, 0), -ENOENT);
    memset(name, '/', PATH_MAX - 1);
    name[PATH_MAX - 1] = '\0';
    assert_int_equal(lookup(name, 0), 0);
    name[PATH_MAX - 1] = '/';
    name[PATH_MAX] = '\0';
    assert_int_equal(lookup(name, 0), -ENAMETOOLONG);
}

static void test_links(void **state)
{
    (void)state;
    assert_int_equal(world_mkdir("/d"), 0);
    assert_int_equal(world_write("/d/f", "text"), 0);
    assert_int_equal(world_symlink("d", "/to_d"), 0);
    assert_int_equal(world_symlink("/d/f", "/to_f"), 0);
    assert_int_equal(world_symlink("../to_d/", "/d/up"), 0);
    assert_int_equal(world_symlink("none", "/dangling"), 0);
    assert_int_equal(world_symlink("d/f/", "/slash_f"), 0);
    assert_string_equal(name_of("/to_d/f"), "/d/f");
    assert_string_equal(name_of("/to_f"), "/d/f");
    assert_string_equal(name_of("/d/up/up/up/f"), "/d/f");
    assert_string_equal(name_of("/to_f/"), "ENOTDIR");
    assert_string_equal(name_of("/slash_f"), "ENOTDIR");
    assert_string_equal(name_of("/dangling"), "ENOENT");
    assert_int_equal(lookup("/dangling", LOOKUP_NOFOLLOW), 0);
    assert_int_equal(lookup("/dangling/", LOOKUP_NOFOLLOW), -ENOENT);
    assert_int_equal(lookup("/to_d/", LOOKUP_NOFOLLOW | LOOKUP_DIRECTORY), 0);
    assert_int_equal(lookup("/to_d", LOOKUP_NOFOLLOW | LOOKUP_DIRECTORY), -ENOTDIR);
    assert_int_equal(world_symlink("", "/empty"), -ENOENT);
}

static void test_link_loops(void **state)
{
    char target[16], name[16];

    (void)state;
    assert_int_equal(world_symlink("self", "/self"), 0);
    assert_int_equal(world_symlink("b", "/a"), 0);
    assert_int_equal(world_symlink("a", "/b"), 0);
    assert_int_equal(lookup("/self", 0), -ELOOP);
    assert_int_equal(lookup("/a/x", 0), -ELOOP);
    /* Forty links in a row are followed, forty-one are not. */
    assert_int_equal(world_write("/l0", ""), 0);
    for (int i = 1; i <= 41; i++) {
        (void)snprintf(target, sizeof(target), "l%d", i - 1);
        (void)snprintf(name, sizeof(name), "/l%d", i);
        assert_int_equal(world_symlink(target, name), 0);
    }
    assert_int_equal(lookup("/l40", 0), 0);
    assert_int_equal(lookup("/l41", 0), -ELOOP);
}

static void test_open(void **state)
{
    struct file *file;

    (void)state;
    assert_int_equal(world_mkdir("/d"), 0);
    assert_int_equal(world_write("/f", "text"), 0);
    assert_int_equal(world_symlink("f", "/to_f"), 0);
    assert_int_equal(world_symlink("new", "/to_new"), 0);
    assert_int_equal(world_symlink("d", "/to_d"), 0);
    assert_int_equal(world_open("/d", O_WRONLY, &file), -EISDIR);
    assert_int_equal(world_open("/d", O_RDONLY | O_CREAT, &file), -EISDIR);
    assert_int_equal(world_open("/none/", O_RDWR | O_CREAT, &file), -EISDIR);
    assert_int_equal(world_open("/d/.", O_RDWR | O_CREAT, &file), -EISDIR);
    assert_int_equal(world_open("/f", O_RDONLY | O_DIRECTORY, &file), -ENOTDIR);
    assert_int_equal(world_open("/f", O_CREAT | O_EXCL, &file), -EEXIST);
    assert_int_equal(world_open("/to_new", O_CREAT | O_EXCL, &file), -EEXIST);
    assert_int_equal(world_open("/to_f", O_RDONLY | O_NOFOLLOW, &file), -ELOOP);
    assert_int_equal(world_open("/to_f", O_RDONLY | O_CREAT | O_NOFOLLOW, &file), -ELOOP);
    assert_int_equal(world_open("/x", O_CREAT | O_DIRECTORY, &file), -EINVAL);
    assert_int_equal(world_open("/none", O_RDONLY, &file), -ENOENT);
    /* A dangling link is made whole. */
    assert_int_equal(world_write("/to_new", "made"), 0);
    assert_string_equal(world_read("/new"), "made");
    assert_int_equal(world_open("/to_f", O_PATH | O_NOFOLLOW, &file), 0);
    assert_true(S_ISLNK(inode_mode(file->inode)));
    assert_false(file_is_readable(file));
    object_put(&file->object);
    assert_int_equal(world_open("/d", O_RDWR | O_TMPFILE, &file), 0);
    assert_int_equal(file_write_text(file, "nameless"), 8);
    assert_string_equal(file_read_text(file, 0), "nameless");
    object_put(&file->object);
    assert_string_equal(world_list("/d"), "");
}

static void test_create_and_remove(void **state)
{
    (void)state;
    assert_int_equal(world_mkdir("/d/"), 0);
    assert_int_equal(world_mkdir("/d"), -EEXIST);
    assert_int_equal(world_mkdir("/"), -EEXIST);
    assert_int_equal(world_mkdir("/d/.."), -EEXIST);
    assert_int_equal(world_mkdir("/none/d"), -ENOENT);
    assert_int_equal(world_symlink("x", "/link/"), -ENOENT);
    assert_int_equal(world_write("/d/f", "1"), 0);
    assert_int_equal(world_symlink("f", "/d/l"), 0);
    assert_int_equal(world_mkdir("/d/l"), -EEXIST);
    assert_int_equal(world_link("/d", "/d2"), -EPERM);
    assert_int_equal(world_link("/d/f", "/d/l"), -EEXIST);
    assert_int_equal(world_link("/d/f", "/g"), 0);
    assert_int_equal(world_unlink("/d"), -EISDIR);
    assert_int_equal(world_unlink("/d/f/"), -ENOTDIR);
    assert_int_equal(world_unlink("/d/none"), -ENOENT);
    assert_int_equal(world_unlink("/"), -EISDIR);
    assert_int_equal(world_rmdir("/d"), -ENOTEMPTY);
    assert_int_equal(world_rmdir("/g"), -ENOTDIR);
    assert_int_equal(world_rmdir("/d/."), -EINVAL);
    assert_int_equal(world_rmdir("/d/.."), -ENOTEMPTY);
    assert_int_equal(world_rmdir("/"), -EBUSY);
    assert_int_equal(world_unlink("/d/f"), 0);
    assert_int_equal(world_unlink("/d/l"), 0);
    assert_int_equal(world_rmdir("/d/"), 0);
    assert_string_equal(world_read("/g"), "1");
    assert_string_equal(world_list("/"), "g ");
}

static void test_rename(void **state)
{
    (void)state;
    assert_int_equal(world_mkdir("/a"), 0);
    assert_int_equal(world_mkdir("/a/b"), 0);
    assert_int_equal(world_mkdir("/c"), 0);
    assert_int_equal(world_write("/f", "f"), 0);
    assert_int_equal(world_write("/g", "g"), 0);
    assert_int_equal(world_rename("/none", "/x", 0), -ENOENT);
    assert_int_equal(world_rename("/a", "/a/b/x", 0), -EINVAL);
    assert_int_equal(world_rename("/a", "/a/x", 0), -EINVAL);
    assert_int_equal(world_rename("/f", "/a", 0), -EISDIR);
    assert_int_equal(world_rename("/a", "/f", 0), -ENOTDIR);
    assert_int_equal(world_rename("/c", "/a", 0), -ENOTEMPTY);
    assert_int_equal(world_rename("/a/b", "/a", 0), -ENOTEMPTY);
    assert_int_equal(world_rename("/f/", "/x", 0), -ENOTDIR);
    assert_int_equal(world_rename("/f", "/x/", 0), -ENOTDIR);
    assert_int_equal(world_rename("/.", "/x", 0), -EBUSY);
    assert_int_equal(world_rename("/a/..", "/x", 0), -EBUSY);
    assert_int_equal(world_rename("/f", "/g", 1 /* NOREPLACE */), -EEXIST);
    assert_int_equal(world_rename("/f", "/x", 2 /* EXCHANGE */), -ENOENT);
    assert_int_equal(world_rename("/f", "/g", 4), -EINVAL);
    assert_int_equal(world_rename("/f", "/f", 0), 0);
    assert_int_equal(world_rename("/a/b", "/c/b", 0), 0);
    assert_string_equal(name_of("/c/b/../.."), "/");
    assert_int_equal(world_rename("/c", "/a/", 0), 0);
    assert_string_equal(name_of("/a/b"), "/a/b");
    assert_int_equal(world_rename("/a", "/f", 2), 0);
    assert_string_equal(name_of("/f/b"), "/f/b");
    assert_string_equal(world_read("/a"), "f");
    assert_int_equal(world_rename("/a", "/g", 0), 0);
    assert_string_equal(world_read("/g"), "f");
    assert_string_equal(world_list("/"), "f g ");
}

/* Two names of one file stay two. */
static void test_rename_same_inode(void **state)
{
    (void)state;
    assert_int_equal(world_write("/f", "f"), 0);
    assert_int_equal(world_link("/f", "/g"), 0);
    assert_int_equal(world_rename("/f", "/g", 0), 0);
    assert_string_equal(world_list("/"), "f g ");
}

static void test_permissions(void **state)
{
    struct file *file;
    struct path path;
    const struct attr_change open_mode = {.set = ATTR_MODE, .mode = 01777};

    (void)state;
    assert_int_equal(world_mkdir("/root_only"), 0);
    assert_int_equal(world_mkdir("/tmp"), 0);
    assert_int_equal(world_write("/root_only/f", ""), 0);
    assert_int_equal(path_lookup(&vfs_world.view, NULL, "/tmp", 0, &path), 0);
    assert_int_equal(vfs_setattr(&vfs_world.view, &path, &open_mode), 0);
    path_put(&path);
    assert_int_equal(path_lookup(&vfs_world.view, NULL, "/root_only", 0, &path), 0);
    assert_int_equal(
        vfs_setattr(&vfs_world.view, &path, &(struct attr_change){.set = ATTR_MODE, .mode = 0700}),
        0);
    path_put(&path);
    assert_int_equal(world_write("/tmp/roots", ""), 0);
    world_become(1000, 1000);
    assert_int_equal(lookup("/root_only/f", 0), -EACCES);
    assert_int_equal(lookup("/root_only/none", 0), -EACCES);
    assert_int_equal(world_mkdir("/x"), -EACCES);
    assert_int_equal(world_unlink("/tmp/roots"), -EPERM);
    assert_int_equal(world_rename("/tmp/roots", "/tmp/x", 0), -EPERM);
    assert_int_equal(world_open("/tmp/roots", O_RDWR, &file), -EACCES);
    assert_int_equal(world_open("/tmp/roots", O_RDONLY | O_TRUNC, &file), -EACCES);
    assert_int_equal(world_open("/tmp/roots", O_RDONLY | O_NOATIME, &file), -EPERM);
    assert_int_equal(vfs_open(&vfs_world.view, NULL, "/tmp/mine", O_RDWR | O_CREAT, 0, &file), 0);
    object_put(&file->object);
    assert_int_equal(world_open("/tmp/mine", O_RDONLY, &file), -EACCES);
    assert_int_equal(vfs_access(&vfs_world.view, NULL, "/tmp/roots", 0, R_OK), 0);
    assert_int_equal(vfs_access(&vfs_world.view, NULL, "/tmp/roots", 0, W_OK), -EACCES);
    assert_int_equal(world_unlink("/tmp/mine"), 0);
    assert_int_equal(path_lookup(&vfs_world.view, NULL, "/tmp/roots", 0, &path), 0);
    assert_int_equal(vfs_setattr(&vfs_world.view, &path, &open_mode), -EPERM);
    assert_int_equal(
        vfs_setattr(&vfs_world.view, &path, &(struct attr_change){.set = ATTR_UID, .uid = 1000}),
        -EPERM);
    assert_int_equal(vfs_setattr(&vfs_world.view, &path, &(struct attr_change){.set = ATTR_SIZE}),
                     -EACCES);
    assert_int_equal(
        vfs_setattr(&vfs_world.view, &path,
                    &(struct attr_change){.set = ATTR_ATIME | ATTR_MTIME | ATTR_TOUCH}),
        -EACCES);
    path_put(&path);
}

static void test_chown_clears_set_id(void **state)
{
    struct stat stat;
    struct path path;

    (void)state;
    assert_int_equal(world_write("/f", ""), 0);
    assert_int_equal(path_lookup(&vfs_world.view, NULL, "/f", 0, &path), 0);
    assert_int_equal(
        vfs_setattr(&vfs_world.view, &path, &(struct attr_change){.set = ATTR_MODE, .mode = 06755}),
        0);
    assert_int_equal(
        vfs_setattr(&vfs_world.view, &path, &(struct attr_change){.set = ATTR_UID, .uid = 7}), 0);
    path_put(&path);
    assert_int_equal(world_stat("/f", &stat), 0);
    assert_int_equal(stat.st_mode, S_IFREG | 0755);
    assert_int_equal(stat.st_uid, 7);
}

static void test_mounts(void **state)
{
    struct file *file;

    (void)state;
    assert_int_equal(world_mkdir("/a"), 0);
    assert_int_equal(world_write("/a/below", ""), 0);
    assert_int_equal(vfs_mount_tmpfs(vfs_world.root, "/a", 0755), 0);
    assert_int_equal(vfs_mount_tmpfs(vfs_world.root, "/a/made/deep", 0700), 0);
    assert_int_equal(world_write("/a/made/deep/f", "f"), 0);
    assert_string_equal(world_list("/a"), "made ");
    assert_string_equal(name_of("/a/made/deep/f"), "/a/made/deep/f");
    assert_string_equal(name_of("/a/made/deep/../.."), "/a");
    assert_string_equal(name_of("/a/.."), "/");
    assert_int_equal(world_rmdir("/a"), -EBUSY);
    assert_int_equal(world_rename("/a", "/b", 0), -EBUSY);
    assert_int_equal(world_rmdir("/a/made/deep"), -EBUSY);
    assert_int_equal(world_rename("/a/made/deep/f", "/a/f", 0), -EXDEV);
    assert_int_equal(world_link("/a/made/deep/f", "/f"), -EXDEV);
    /* Another one on top of the first. */
    assert_int_equal(vfs_mount_tmpfs(vfs_world.root, "/a", 0755), 0);
    assert_string_equal(world_list("/a"), "");
    assert_int_equal(vfs_mount_tmpfs(vfs_world.root, "relative", 0755), -EINVAL);
    /* The mountpoint of a file is a file. */
    assert_int_equal(world_write("/source", "source"), 0);
    assert_int_equal(world_open("/source", O_RDONLY, &file), 0);
    assert_int_equal(
        vfs_mount(vfs_world.root, "/made/file", file->inode, "bind", "x", MOUNT_READONLY), 0);
    object_put(&file->object);
    assert_string_equal(world_read("/made/file"), "source");
    assert_int_equal(world_open("/made/file", O_RDWR, &file), -EROFS);
    assert_int_equal(world_unlink("/made/file"), -EBUSY);
    assert_int_equal(vfs_access(&vfs_world.view, NULL, "/made/file", 0, W_OK), -EROFS);
}

static void test_mount_show(void **state)
{
    struct bytes text = {0};

    (void)state;
    assert_int_equal(vfs_mount_tmpfs(vfs_world.root, "/a b", 0755), 0);
    assert_int_equal(mount_show(vfs_world.root, &vfs_world.view.root, MOUNT_MOUNTS, &text), 0);
    assert_int_equal(bytes_append(&text, "", 1), 0);
    assert_string_equal((char *)text.data, "tmpfs / tmpfs rw,relatime 0 0\n"
                                           "tmpfs /a\\040b tmpfs rw,relatime 0 0\n");
    bytes_fini(&text);
}

/* On each other, until there are enough; a task's thread, whose stack is small, can walk them. */
static void *mount_many(void *ret)
{
    struct bytes text = {0};
    int count = 1;

    while (vfs_mount_tmpfs(vfs_world.root, "/a", 0755) == 0)
        count++;
    if (mount_show(vfs_world.root, &vfs_world.view.root, MOUNT_MOUNTINFO, &text) < 0)
        count = 0;
    for (size_t i = 0; i < text.size; i++)
        count -= text.data[i] == '\n';
    bytes_fini(&text);
    *(int *)ret = count;
    return NULL;
}

static void test_many_mounts(void **state)
{
    pthread_t thread;
    int unseen = -1;

    (void)state;
    assert_int_equal(world_mkdir("/a"), 0);
    assert_int_equal(host_thread_start(&thread, mount_many, &unseen, "mounts"), 0);
    host_thread_join(thread);
    assert_int_equal(unseen, 0);
    assert_int_equal(vfs_mount_tmpfs(vfs_world.root, "/a", 0755), -ENOSPC);
}

/* Nothing outside of the root is seen from it. */
static void test_root(void **state)
{
    struct fs_view view = vfs_world.view;
    struct bytes name = {0};
    struct path jail, outside;

    (void)state;
    assert_int_equal(world_mkdir("/jail"), 0);
    assert_int_equal(world_mkdir("/jail/in"), 0);
    assert_int_equal(world_mkdir("/out"), 0);
    assert_int_equal(world_symlink("/out", "/jail/abs"), 0);
    assert_int_equal(path_lookup(&view, NULL, "/jail", 0, &jail), 0);
    assert_int_equal(path_lookup(&view, NULL, "/out", 0, &outside), 0);
    view.root = view.cwd = jail;
    struct path path;
    assert_int_equal(path_lookup(&view, NULL, "../../out", 0, &path), -ENOENT);
    assert_int_equal(path_lookup(&view, NULL, "/abs", 0, &path), -ENOENT);
    assert_int_equal(path_lookup(&view, NULL, "/../in", 0, &path), 0);
    path_put(&path);
    assert_int_equal(path_name(&view.root, &outside, &name), 0);
    assert_int_equal(bytes_append(&name, "", 1), 0);
    assert_string_equal((char *)name.data, "(unreachable)/out");
    bytes_fini(&name);
    path_put(&jail);
    path_put(&outside);
}

static void test_deleted(void **state)
{
    struct bytes name = {0};
    struct file *file;
    struct path dir, parent;

    (void)state;
    assert_int_equal(world_mkdir("/d"), 0);
    assert_int_equal(world_write("/d/f", "kept"), 0);
    assert_int_equal(world_open("/d/f", O_RDONLY, &file), 0);
    assert_int_equal(world_unlink("/d/f"), 0);
    assert_string_equal(file_read_text(file, 0), "kept");
    assert_int_equal(path_name(&vfs_world.view.root, &file->path, &name), 0);
    assert_int_equal(bytes_append(&name, "", 1), 0);
    assert_string_equal((char *)name.data, "/d/f (deleted)");
    bytes_fini(&name);
    object_put(&file->object);
    assert_int_equal(path_lookup(&vfs_world.view, NULL, "/d", 0, &dir), 0);
    assert_int_equal(world_rmdir("/d"), 0);
    assert_int_equal(vfs_mkdir(&vfs_world.view, &dir, "x", 0755), -ENOENT);
    assert_int_equal(vfs_open(&vfs_world.view, &dir, "f", O_CREAT | O_RDWR, 0, &file), -ENOENT);
    assert_int_equal(path_lookup(&vfs_world.view, &dir, "..", 0, &parent), 0);
    assert_ptr_equal(parent.dentry, vfs_world.root->root);
    path_put(&parent);
    path_put(&dir);
}

/* A place without a tree, as pipes have. */
static void test_without_place(void **state)
{
    struct bytes name = {0};
    struct file *file;
    struct path path = {0};

    (void)state;
    assert_int_equal(world_write("/f", ""), 0);
    assert_int_equal(world_open("/f", O_RDONLY, &file), 0);
    assert_int_equal(dentry_create_root(file->inode, "pipe:[1]", &path.dentry), 0);
    assert_int_equal(path_name(&vfs_world.view.root, &path, &name), 0);
    assert_int_equal(bytes_append(&name, "", 1), 0);
    assert_string_equal((char *)name.data, "pipe:[1]");
    bytes_fini(&name);
    path_put(&path);
    object_put(&file->object);
}

/* A failed allocation anywhere leaves nothing behind and the tree as it was. */
static void test_memory_runs_out(void **state)
{
    struct file *file;
    int err = -ENOMEM;

    (void)state;
    assert_int_equal(world_mkdir("/d"), 0);
    assert_int_equal(world_symlink("/d", "/link"), 0);
    for (unsigned long n = 1; err == -ENOMEM; n++) {
        host_alloc_fail_at(n);
        err = world_open("/link/f", O_RDWR | O_CREAT, &file);
        host_alloc_fail_at(0);
    }
    assert_int_equal(err, 0);
    object_put(&file->object);
    err = -ENOMEM;
    for (unsigned long n = 1; err == -ENOMEM; n++) {
        host_alloc_fail_at(n);
        err = world_rename("/link/f", "/d/g", 0);
        host_alloc_fail_at(0);
    }
    assert_int_equal(err, 0);
    assert_string_equal(world_list("/d"), "g ");
}

enum { RACE_ROUNDS = 2000 };
static atomic_bool race_is_over;

static void *walk_race(void *argument)
{
    (void)argument;
    while (!atomic_load(&race_is_over)) {
        struct path path;
        int err = path_lookup(&vfs_world.view, NULL, "/a/x/y/../y", 0, &path);
        assert_true(err == 0 || err == -ENOENT);
        if (err < 0)
            continue;
        struct bytes name = {0};
        assert_int_equal(path_name(&vfs_world.view.root, &path, &name), 0);
        bytes_fini(&name);
        path_put(&path);
    }
    return NULL;
}

static void *create_race(void *argument)
{
    (void)argument;
    while (!atomic_load(&race_is_over)) {
        int err = world_write("/a/x/f", "f");
        assert_true(err == 0 || err == -ENOENT);
        err = world_unlink("/b/x/f");
        assert_true(err == 0 || err == -ENOENT);
    }
    return NULL;
}

static void test_races(void **state)
{
    pthread_t threads[3];

    (void)state;
    assert_int_equal(world_mkdir("/a"), 0);
    assert_int_equal(world_mkdir("/b"), 0);
    assert_int_equal(world_mkdir("/a/x"), 0);
    assert_int_equal(world_mkdir("/a/x/y"), 0);
    atomic_store(&race_is_over, false);
    for (int i = 0; i < 3; i++)
        assert_int_equal(
            host_thread_start(&threads[i], i < 2 ? walk_race : create_race, NULL, "race"), 0);
    for (int i = 0; i < RACE_ROUNDS; i++) {
        assert_int_equal(world_rename("/a/x", "/b/x", 0), 0);
        assert_int_equal(world_rename("/b", "/a", 2), 0);
    }
    atomic_store(&race_is_over, true);
    for (int i = 0; i < 3; i++)
        host_thread_join(threads[i]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, vfs_world_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_components),    TEST(test_lengths),
        TEST(test_links),         TEST(test_link_loops),
        TEST(test_open),          TEST(test_create_and_remove),
        TEST(test_rename),        TEST(test_rename_same_inode),
        TEST(test_permissions),   TEST(test_chown_clears_set_id),
        TEST(test_mounts),        TEST(test_mount_show),
        TEST(test_root),          TEST(test_deleted),
        TEST(test_without_place), TEST(test_memory_runs_out),
        TEST(test_many_mounts),   TEST(test_races),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
