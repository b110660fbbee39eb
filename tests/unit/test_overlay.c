/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The overlay root: the host below is never touched; copy-up, whiteouts, merged listings, stable
 * numbers, links and moves, also of directories that exist below only.
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
#include "vfs/mapping.h"

static int set_up(void **state)
{
    int err = vfs_world_set_up(state);

    if (err < 0)
        return err;
    host_make_directory("root/d");
    host_make_directory("root/d/s");
    host_write("root/d/f", "lower f");
    host_write("root/d/g", "lower g");
    host_write("root/d/s/deep", "lower deep");
    host_write("root/f", "lower");
    world_mount_host(true);
    return 0;
}

/* Sums up the tree of the host below dir. */
static void check_lower(void)
{
    assert_string_equal(host_read("root/f"), "lower");
    assert_string_equal(host_read("root/d/f"), "lower f");
    assert_string_equal(host_read("root/d/g"), "lower g");
    assert_string_equal(host_read("root/d/s/deep"), "lower deep");
    assert_false(host_exists("root/sys"));
    assert_false(host_exists("root/run"));
}

static int tear_down(void **state)
{
    check_lower();
    return vfs_world_tear_down(state);
}

static void test_read(void **state)
{
    struct stat stat;

    (void)state;
    assert_string_equal(world_list("/"), "d f run ");
    assert_string_equal(world_list("/d"), "f g s ");
    assert_string_equal(world_read("/d/s/deep"), "lower deep");
    assert_int_equal(world_stat("/d/f", &stat), 0);
    assert_int_equal(stat.st_size, 7);
    assert_string_equal(world_read("/d/none"), "ENOENT");
    assert_string_equal(world_read("/f/x"), "ENOTDIR");
}

static void test_copy_up(void **state)
{
    struct file *early, *file;
    struct stat before, after;

    (void)state;
    assert_int_equal(world_stat("/d/s/deep", &before), 0);
    assert_int_equal(world_open("/d/s/deep", O_RDONLY, &early), 0);
    assert_int_equal(world_open("/d/s/deep", O_RDWR, &file), 0);
    assert_string_equal(file_read_text(file, 0), "lower deep");
    assert_int_equal(file_write_text(file, "UPPER"), 5);
    assert_string_equal(world_read("/d/s/deep"), "UPPER deep");
    assert_string_equal(file_read_text(early, 0), "UPPER deep");
    object_put(&early->object);
    object_put(&file->object);
    /* Also once nothing in memory refers to it. */
    assert_string_equal(world_read("/d/s/deep"), "UPPER deep");
    assert_int_equal(world_stat("/d/s/deep", &after), 0);
    assert_int_equal(after.st_ino, before.st_ino);
    assert_int_equal(after.st_dev, before.st_dev);
    assert_int_equal(after.st_size, 10);
    assert_string_equal(world_list("/d/s"), "deep ");
}

static void test_truncate_copies_nothing(void **state)
{
    struct stat stat;
    struct path path;

    (void)state;
    assert_int_equal(world_write("/d/f", "x"), 0);
    assert_string_equal(world_read("/d/f"), "x");
    assert_int_equal(path_lookup(&vfs_world.view, NULL, "/d/g", 0, &path), 0);
    assert_int_equal(
        vfs_setattr(&vfs_world.view, &path, &(struct attr_change){.set = ATTR_SIZE, .size = 5}), 0);
    path_put(&path);
    assert_string_equal(world_read("/d/g"), "lower");
    assert_int_equal(world_stat("/d/g", &stat), 0);
    assert_int_equal(stat.st_size, 5);
}

static void test_large_copy(void **state)
{
    enum { SIZE = 1 << 20 };
    char path[WORLD_PATH], text[16];
    struct stat stat;
    struct file *file;

    (void)state;
    host_path("root/large", path);
    FILE *host = fopen(path, "w");
    assert_non_null(host);
    assert_int_equal(fseek(host, SIZE, SEEK_SET), 0);
    assert_int_equal(fputs("end", host) >= 0, 1);
    assert_int_equal(fclose(host), 0);
    assert_int_equal(world_open("/large", O_RDWR, &file), 0);
    assert_int_equal(inode_getattr(file->inode, &stat), 0);
    assert_int_equal(stat.st_size, SIZE + 3);
    assert_int_equal(stat.st_blocks, MEM_PAGE / 512); /* holes stay holes */
    (void)snprintf(text, sizeof(text), "%s", file_read_text(file, SIZE));
    assert_string_equal(text, "end");
    object_put(&file->object);
}

static void test_whiteouts(void **state)
{
    struct file *file;

    (void)state;
    assert_int_equal(world_open("/d/f", O_RDONLY, &file), 0);
    assert_int_equal(world_unlink("/d/f"), 0);
    assert_string_equal(file_read_text(file, 0), "lower f");
    assert_string_equal(world_read("/d/f"), "ENOENT");
    assert_string_equal(world_list("/d"), "g s ");
    assert_int_equal(world_unlink("/d/f"), -ENOENT);
    assert_int_equal(world_rmdir("/d"), -ENOTEMPTY);
    assert_int_equal(world_write("/d/f", "new"), 0);
    assert_string_equal(world_read("/d/f"), "new");
    assert_int_equal(world_unlink("/d/f"), 0);
    assert_string_equal(world_list("/d"), "g s ");
    assert_int_equal(world_unlink("/d/g"), 0);
    assert_int_equal(world_rmdir("/d/s"), -ENOTEMPTY);
    assert_int_equal(world_unlink("/d/s/deep"), 0);
    assert_int_equal(world_rmdir("/d/s"), 0);
    assert_string_equal(world_list("/d"), "");
    assert_int_equal(world_rmdir("/d"), 0);
    assert_string_equal(world_list("/"), "f run ");
    /* A new directory shows nothing of the old one. */
    assert_int_equal(world_mkdir("/d"), 0);
    assert_string_equal(world_list("/d"), "");
    assert_string_equal(world_read("/d/g"), "ENOENT");
    object_put(&file->object);
}

static void test_new_files(void **state)
{
    struct stat stat;

    (void)state;
    assert_int_equal(world_write("/d/s/new", "new"), 0);
    assert_int_equal(world_symlink("../f", "/d/link"), 0);
    assert_string_equal(world_read("/d/link"), "lower");
    assert_int_equal(world_mkdir("/d/n"), 0);
    assert_int_equal(world_mkdir("/d/n/m"), 0);
    assert_int_equal(world_stat("/d/n", &stat), 0);
    assert_int_equal(stat.st_nlink, 3);
    assert_int_equal(world_stat("/d", &stat), 0);
    assert_int_equal(stat.st_nlink, 1);
    assert_string_equal(world_list("/d/s"), "deep new ");
    assert_string_equal(world_list("/d"), "f g link n s ");
    assert_int_equal(vfs_mknod(&vfs_world.view, NULL, "/d/fifo", S_IFIFO | 0600, 0), 0);
    assert_int_equal(world_stat("/d/fifo", &stat), 0);
    assert_true(S_ISFIFO(stat.st_mode));
}

static void test_attributes(void **state)
{
    struct path path;
    struct stat stat;

    (void)state;
    assert_int_equal(path_lookup(&vfs_world.view, NULL, "/d/s", 0, &path), 0);
    assert_int_equal(
        vfs_setattr(&vfs_world.view, &path,
                    &(struct attr_change){.set = ATTR_MODE | ATTR_UID, .mode = 0711, .uid = 5}),
        0);
    path_put(&path);
    assert_int_equal(path_lookup(&vfs_world.view, NULL, "/d/g", 0, &path), 0);
    assert_int_equal(
        vfs_setattr(&vfs_world.view, &path, &(struct attr_change){.set = ATTR_MTIME, .mtime = 9}),
        0);
    path_put(&path);
    assert_int_equal(world_stat("/d/s", &stat), 0);
    assert_int_equal(stat.st_mode, S_IFDIR | 0711);
    assert_int_equal(stat.st_uid, 5);
    assert_int_equal(world_stat("/d/g", &stat), 0);
    assert_int_equal(stat.st_mtim.tv_nsec, 9);
    assert_int_equal(stat.st_size, 7);
    assert_string_equal(world_read("/d/g"), "lower g");
}

static void test_links(void **state)
{
    struct stat stat, linked;

    (void)state;
    assert_int_equal(world_link("/d/f", "/d/s/h"), 0);
    assert_int_equal(world_stat("/d/f", &stat), 0);
    assert_int_equal(world_stat("/d/s/h", &linked), 0);
    assert_int_equal(stat.st_ino, linked.st_ino);
    assert_int_equal(stat.st_nlink, 2);
    assert_int_equal(world_write("/d/s/h", "both"), 0);
    assert_string_equal(world_read("/d/f"), "both");
    assert_int_equal(world_unlink("/d/f"), 0);
    assert_string_equal(world_read("/d/s/h"), "both");
    assert_string_equal(world_list("/d"), "g s ");
    assert_int_equal(world_stat("/d/s/h", &stat), 0);
    assert_int_equal(stat.st_nlink, 1);
}

static void test_rename_file(void **state)
{
    struct stat before, after;

    (void)state;
    assert_int_equal(world_stat("/d/f", &before), 0);
    assert_int_equal(world_rename("/d/f", "/moved", 0), 0);
    assert_string_equal(world_read("/moved"), "lower f");
    assert_int_equal(world_stat("/moved", &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_string_equal(world_read("/d/f"), "ENOENT");
    assert_int_equal(world_rename("/moved", "/d/g", 0), 0);
    assert_string_equal(world_read("/d/g"), "lower f");
    assert_int_equal(world_rename("/d/g", "/d/s/deep", 2), 0);
    assert_string_equal(world_read("/d/g"), "lower deep");
    assert_string_equal(world_read("/d/s/deep"), "lower f");
    assert_string_equal(world_list("/d"), "g s ");
    assert_int_equal(world_write("/d/g", "changed"), 0);
    assert_string_equal(world_read("/d/g"), "changed");
}

/* Directories of below move with what is in them, and stay what they are. */
static void test_rename_directory(void **state)
{
    struct file *file;

    (void)state;
    assert_int_equal(world_unlink("/d/g"), 0);
    assert_int_equal(world_open("/d/s/deep", O_RDONLY, &file), 0);
    assert_int_equal(world_rename("/d", "/moved", 0), 0);
    assert_string_equal(world_list("/"), "f moved run ");
    assert_string_equal(world_list("/moved"), "f s ");
    assert_string_equal(world_read("/moved/s/deep"), "lower deep");
    assert_string_equal(world_read("/d/f"), "ENOENT");
    assert_int_equal(world_mkdir("/d"), 0);
    assert_string_equal(world_list("/d"), "");
    assert_int_equal(world_rename("/moved/s", "/d/s", 0), 0);
    assert_string_equal(world_list("/moved"), "f ");
    assert_string_equal(world_list("/d/s"), "deep ");
    assert_int_equal(world_write("/d/s/deep", "changed"), 0);
    assert_string_equal(file_read_text(file, 0), "changed");
    assert_int_equal(world_rename("/moved", "/d", 0), -ENOTEMPTY);
    assert_int_equal(world_rename("/d/s", "/moved", 2), 0);
    assert_string_equal(world_list("/moved"), "deep ");
    assert_string_equal(world_list("/d"), "s ");
    assert_string_equal(world_list("/d/s"), "f ");
    assert_int_equal(world_mkdir("/empty"), 0);
    assert_int_equal(world_rename("/d", "/empty", 0), 0);
    assert_string_equal(world_read("/empty/s/f"), "lower f");
    object_put(&file->object);
}

/* A file open below a directory that is then removed by names. */
static void test_removed_directory(void **state)
{
    struct path dir;
    struct file *file;

    (void)state;
    assert_int_equal(path_lookup(&vfs_world.view, NULL, "/d/s", 0, &dir), 0);
    assert_int_equal(world_open("/d/s/deep", O_RDONLY, &file), 0);
    assert_int_equal(world_unlink("/d/s/deep"), 0);
    assert_int_equal(world_rmdir("/d/s"), 0);
    assert_int_equal(vfs_mkdir(&vfs_world.view, &dir, "x", 0700), -ENOENT);
    assert_string_equal(file_read_text(file, 0), "lower deep");
    struct inode *inode = object_get(&file->inode->object);
    assert_int_equal(inode_open(&inode, O_WRONLY), 0);
    object_put(&inode->object);
    object_put(&file->object);
    path_put(&dir);
}

struct listener {
    struct object object;
    unsigned count;
};

static void listener_init(struct object *object)
{
    (void)object;
}

static const struct object_type listener_type = {.name = "listener",
                                                 .size = sizeof(struct listener),
                                                 .init = listener_init,
                                                 .fini = listener_init};

static void listen(struct object *owner, struct mapping *mapping, uint64_t offset)
{
    (void)mapping;
    assert_int_equal(offset, 0);
    ((struct listener *)owner)->count++;
}

static void test_maps_follow_copy_up(void **state)
{
    struct listener *listener = object_alloc(&listener_type);
    struct mapping_user user = {.owner = &listener->object, .changed = listen};
    struct mapping *lower, *upper;
    struct file *reader, *writer;

    (void)state;
    assert_int_equal(world_open("/f", O_RDONLY, &reader), 0);
    lower = reader->inode->ops->mapping(reader->inode);
    assert_true(mapping_is_host(lower));
    mapping_add_user(lower, &user);
    assert_int_equal(world_open("/f", O_RDWR, &writer), 0);
    assert_int_equal(listener->count, 1);
    upper = reader->inode->ops->mapping(reader->inode);
    assert_ptr_not_equal(upper, lower);
    assert_false(mapping_is_host(upper));
    assert_int_equal(mapping_size(upper), 5);
    mapping_remove_user(lower, &user);
    object_put(&listener->object);
    object_put(&reader->object);
    object_put(&writer->object);
}

static void test_memory_runs_out(void **state)
{
    int err = -ENOMEM;

    (void)state;
    for (unsigned long n = 1; err == -ENOMEM; n++) {
        host_alloc_fail_at(n);
        err = world_rename("/d/s/deep", "/d/f", 0);
        host_alloc_fail_at(0);
        if (err < 0)
            assert_string_equal(world_list("/d"), "f g s ");
    }
    assert_int_equal(err, 0);
    for (err = -ENOMEM; err == -ENOMEM || err == -ENOSPC;) {
        static unsigned long n;
        host_alloc_fail_at(++n);
        err = world_write("/d/g", "changed");
        host_alloc_fail_at(0);
    }
    assert_int_equal(err, 0);
    assert_string_equal(world_read("/d/f"), "lower deep");
    assert_string_equal(world_read("/d/g"), "changed");
}

static void *write_race(void *argument)
{
    const char *text = argument;

    for (int i = 0; i < 300; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "/d/s/%s%d", text, i);
        assert_int_equal(world_rename("/d/s/deep", name, 0) == -ENOENT ||
                             world_rename(name, "/d/s/deep", 0) == 0,
                         1);
        assert_int_equal(world_write("/d/f", text), 0);
        assert_int_equal(world_write(name, text), 0);
        assert_int_equal(world_unlink(name), 0);
        (void)world_list("/d/s");
    }
    return NULL;
}

static void test_races(void **state)
{
    static char a[] = "a", b[] = "b";
    pthread_t threads[2];

    (void)state;
    assert_int_equal(host_thread_start(&threads[0], write_race, a, "a"), 0);
    assert_int_equal(host_thread_start(&threads[1], write_race, b, "b"), 0);
    host_thread_join(threads[0]);
    host_thread_join(threads[1]);
    assert_string_equal(world_list("/d/s"), "deep ");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_read),
        TEST(test_copy_up),
        TEST(test_truncate_copies_nothing),
        TEST(test_large_copy),
        TEST(test_whiteouts),
        TEST(test_new_files),
        TEST(test_attributes),
        TEST(test_links),
        TEST(test_rename_file),
        TEST(test_rename_directory),
        TEST(test_removed_directory),
        TEST(test_maps_follow_copy_up),
        TEST(test_memory_runs_out),
        TEST(test_races),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
