/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of the host: what a guest sees and changes of a bind, what it sees change, and what it must
 * never reach: what is outside of the bind, devices, FIFOs, files of proc.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/base/host.h"
#include "tests/unit/vfs_world.h"
#include "vfs/mapping.h"

static int set_up(void **state)
{
    int err = vfs_world_set_up(state);

    if (err == 0)
        world_mount_tmpfs();
    return err;
}

static char *at_top(const char *name)
{
    static char paths[4][WORLD_PATH];
    static unsigned turn;
    char *path = paths[turn++ % 4];

    host_path(name, path);
    return path;
}

static void test_read_only_root(void **state)
{
    struct stat stat, host;
    struct file *file;

    (void)state;
    world_unmount();
    host_make_directory("root/run");
    host_make_directory("root/d");
    host_write("root/d/f", "content");
    host_write("root/run/hidden", "");
    world_mount_host(false);
    assert_string_equal(world_read("/d/f"), "content");
    assert_string_equal(world_list("/"), "d run ");
    assert_string_equal(world_list("/run"), "");
    assert_int_equal(world_open("/d/f", O_RDWR, &file), -EROFS);
    assert_int_equal(world_write("/d/g", ""), -EROFS);
    assert_int_equal(world_mkdir("/d/g"), -EROFS);
    assert_int_equal(world_unlink("/d/f"), -EROFS);
    assert_int_equal(world_rename("/d/f", "/d/g", 0), -EROFS);
    assert_int_equal(world_stat("/d/f", &stat), 0);
    assert_return_code(lstat(at_top("root/d/f"), &host), errno);
    assert_int_equal(stat.st_ino, host.st_ino);
    assert_int_equal(stat.st_size, 7);
    assert_int_equal(stat.st_mode, host.st_mode);
    assert_true(stat.st_dev != host.st_dev);
}

static void test_changes(void **state)
{
    struct stat stat;

    (void)state;
    world_bind(0, "/mnt", true);
    assert_int_equal(world_write("/mnt/f", "first"), 0);
    assert_string_equal(host_read("bind0/f"), "first");
    assert_int_equal(world_mkdir("/mnt/d"), 0);
    assert_int_equal(world_symlink("f", "/mnt/l"), 0);
    assert_int_equal(world_symlink("/mnt/f", "/mnt/d/abs"), 0);
    assert_string_equal(world_read("/mnt/l"), "first");
    assert_string_equal(world_read("/mnt/d/abs"), "first");
    assert_int_equal(world_link("/mnt/f", "/mnt/d/g"), 0);
    assert_int_equal(world_stat("/mnt/d/g", &stat), 0);
    assert_int_equal(stat.st_nlink, 2);
    assert_int_equal(world_rename("/mnt/d", "/mnt/e", 0), 0);
    assert_string_equal(world_read("/mnt/e/g"), "first");
    assert_int_equal(world_rename("/mnt/e", "/mnt/f", 2), 0);
    assert_string_equal(world_read("/mnt/f/g"), "first");
    assert_string_equal(world_read("/mnt/e"), "first");
    assert_int_equal(world_rmdir("/mnt/f"), -ENOTEMPTY);
    assert_int_equal(world_unlink("/mnt/f/g"), 0);
    assert_int_equal(world_unlink("/mnt/f/abs"), 0);
    assert_int_equal(world_rmdir("/mnt/f"), 0);
    assert_string_equal(world_list("/mnt"), "e l ");
    assert_int_equal(vfs_mknod(&vfs_world.view, NULL, "/mnt/fifo", S_IFIFO | 0644, 0), -EPERM);
    assert_int_equal(vfs_mknod(&vfs_world.view, NULL, "/mnt/null", S_IFCHR | 0644, makedev(1, 3)),
                     -EPERM);
}

static void test_attributes(void **state)
{
    const struct attr_change changes[] = {
        {.set = ATTR_MODE, .mode = 0641},
        {.set = ATTR_ATIME | ATTR_MTIME, .atime = 5 * NSEC_PER_SEC + 7, .mtime = -1},
        {.set = ATTR_SIZE, .size = 3},
    };
    struct path path;
    struct stat stat;

    (void)state;
    world_bind(0, "/mnt", true);
    assert_int_equal(world_write("/mnt/f", "content"), 0);
    assert_int_equal(path_lookup(&vfs_world.view, NULL, "/mnt/f", 0, &path), 0);
    assert_int_equal(vfs_setattr(&vfs_world.view, &path, &changes[0]), 0);
    assert_int_equal(vfs_setattr(&vfs_world.view, &path, &changes[2]), 0);
    assert_int_equal(vfs_setattr(&vfs_world.view, &path, &changes[1]), 0);
    path_put(&path);
    assert_return_code(lstat(at_top("bind0/f"), &stat), errno);
    assert_int_equal(stat.st_mode, S_IFREG | 0641);
    assert_int_equal(stat.st_size, 3);
    assert_int_equal(stat.st_atim.tv_sec, 5);
    assert_int_equal(stat.st_atim.tv_nsec, 7);
    assert_int_equal(stat.st_mtim.tv_sec, -1);
    assert_int_equal(stat.st_mtim.tv_nsec, NSEC_PER_SEC - 1);
    assert_int_equal(path_lookup(&vfs_world.view, NULL, "/mnt", 0, &path), 0);
    assert_int_equal(vfs_setattr(&vfs_world.view, &path, &changes[0]), 0);
    path_put(&path);
    assert_return_code(lstat(at_top("bind0"), &stat), errno);
    assert_int_equal(stat.st_mode, S_IFDIR | 0641);
}

/* What the host changes is seen, and what is open goes on. */
static void test_host_changes(void **state)
{
    struct file *file, *dir;

    (void)state;
    host_write("bind0/f", "old");
    host_make_directory("bind0/d");
    world_bind(0, "/mnt", false);
    assert_int_equal(world_open("/mnt/f", O_RDONLY, &file), 0);
    assert_int_equal(world_open("/mnt/d", O_RDONLY, &dir), 0);
    host_write("bind0/g", "new");
    assert_return_code(rename(at_top("bind0/g"), at_top("bind0/f")), errno);
    assert_string_equal(world_read("/mnt/f"), "new");
    assert_string_equal(file_read_text(file, 0), "old");
    assert_return_code(rename(at_top("bind0/d"), at_top("bind0/e")), errno);
    host_write("bind0/e/x", "x");
    assert_string_equal(world_read("/mnt/d/x"), "ENOENT");
    assert_string_equal(world_read("/mnt/e/x"), "x");
    struct file *below;
    assert_int_equal(vfs_open(&vfs_world.view, &dir->path, "x", O_RDONLY, 0, &below), 0);
    assert_string_equal(file_read_text(below, 0), "x");
    object_put(&below->object);
    assert_return_code(unlink(at_top("bind0/f")), errno);
    assert_string_equal(world_read("/mnt/f"), "ENOENT");
    assert_string_equal(world_list("/mnt"), "e ");
    object_put(&file->object);
    object_put(&dir->object);
}

/* A file that moves with its directory is opened where it is now. */
static void test_open_after_rename(void **state)
{
    struct file *file;
    struct path path;

    (void)state;
    host_make_directory("bind0/a");
    host_make_directory("bind0/a/b");
    host_write("bind0/a/b/f", "moved");
    world_bind(0, "/mnt", true);
    assert_int_equal(path_lookup(&vfs_world.view, NULL, "/mnt/a/b/f", 0, &path), 0);
    assert_int_equal(world_rename("/mnt/a", "/mnt/c", 0), 0);
    host_make_directory("bind0/a");
    assert_int_equal(vfs_access(&vfs_world.view, &path, "", LOOKUP_EMPTY, R_OK), 0);
    struct inode *inode = object_get(&path_inode(&path)->object);
    assert_int_equal(inode_open(&inode, O_RDWR), 0);
    assert_int_equal(file_create(inode, &path, O_RDWR, &file), 0);
    assert_string_equal(file_read_text(file, 0), "moved");
    assert_int_equal(file_write_text(file, "M"), 1);
    assert_string_equal(host_read("bind0/c/b/f"), "Moved");
    object_put(&inode->object);
    object_put(&file->object);
    path_put(&path);
}

static void test_read_only_bind(void **state)
{
    struct file *file;
    struct path path;

    (void)state;
    host_write("bind0/f", "content");
    world_bind(0, "/mnt", false);
    assert_int_equal(world_open("/mnt/f", O_RDWR, &file), -EROFS);
    assert_int_equal(world_open("/mnt/f", O_RDONLY | O_TRUNC, &file), -EROFS);
    assert_int_equal(world_unlink("/mnt/f"), -EROFS);
    assert_int_equal(path_lookup(&vfs_world.view, NULL, "/mnt/f", 0, &path), 0);
    assert_int_equal(
        vfs_setattr(&vfs_world.view, &path, &(struct attr_change){.set = ATTR_MODE, .mode = 0}),
        -EROFS);
    /* Not by the file system itself either. */
    const struct attr_change cut = {.set = ATTR_SIZE};
    struct inode *inode = path_inode(&path);
    assert_int_equal(inode->ops->setattr(inode, &cut), -EROFS);
    path_put(&path);
    assert_string_equal(host_read("bind0/f"), "content");
}

static void test_single_file(void **state)
{
    (void)state;
    host_write("bind0/f", "content");
    world_bind_path(at_top("bind0/f"), O_RDWR, "/etc/f", true);
    world_bind_path(at_top("bind0/f"), O_RDONLY, "/etc/g", false);
    assert_string_equal(world_read("/etc/f"), "content");
    assert_string_equal(world_read("/etc/g"), "content");
    assert_int_equal(world_write("/etc/f", "changed"), 0);
    assert_int_equal(world_write("/etc/g", "changed"), -EROFS);
    assert_string_equal(host_read("bind0/f"), "changed");
}

static void test_append(void **state)
{
    struct file *file;

    (void)state;
    host_write("bind0/f", "one");
    world_bind(0, "/mnt", true);
    assert_int_equal(world_open("/mnt/f", O_WRONLY | O_APPEND, &file), 0);
    assert_int_equal(file_write_text(file, "two"), 3);
    assert_int_equal(file->position, 6);
    host_write("bind0/f", "x");
    assert_int_equal(file_write_text(file, "y"), 1);
    assert_string_equal(host_read("bind0/f"), "xy");
    object_put(&file->object);
}

/* --- what must not be reached --- */

static void test_links_stay_inside(void **state)
{
    (void)state;
    host_write("secret", "secret");
    host_make_directory("bind0/d");
    assert_return_code(symlink(at_top("secret"), at_top("bind0/abs")), errno);
    assert_return_code(symlink("../secret", at_top("bind0/up")), errno);
    assert_return_code(symlink("../..", at_top("bind0/d/updir")), errno);
    assert_return_code(symlink("/proc/self/root", at_top("bind0/magic")), errno);
    world_bind(0, "/mnt", true);
    assert_string_equal(world_read("/mnt/abs"), "ENOENT");
    assert_string_equal(world_read("/mnt/up"), "ENOENT");
    assert_string_equal(world_read("/mnt/d/updir/secret"), "ENOENT");
    assert_string_equal(world_read("/mnt/magic/etc/passwd"), "ENOENT");
    assert_string_equal(world_read("/mnt/../secret"), "ENOENT");
    assert_string_equal(world_read("/mnt/d/../../../secret"), "ENOENT");
    /* Writing through them makes the guest's own file, not the host's. */
    assert_int_equal(world_write("/mnt/up", "guest"), 0);
    assert_string_equal(world_read("/secret"), "guest");
    assert_string_equal(host_read("secret"), "secret");
    assert_int_equal(world_link("/mnt/up", "/mnt/linked"), 0);
    assert_string_equal(host_read("secret"), "secret");
}

static void test_special_files(void **state)
{
    struct file *file;
    struct stat stat;

    (void)state;
    assert_return_code(mkfifo(at_top("bind0/fifo"), 0666), errno);
    world_bind(0, "/mnt", true);
    assert_int_equal(world_stat("/mnt/fifo", &stat), 0);
    assert_true(S_ISFIFO(stat.st_mode));
    assert_int_equal(world_open("/mnt/fifo", O_WRONLY | O_NONBLOCK, &file), -ENXIO);
    /* It opens, as a pipe of the guest's own: nobody on the host is at its other end. */
    assert_int_equal(world_open("/mnt/fifo", O_RDWR | O_NONBLOCK, &file), 0);
    int host = open(at_top("bind0/fifo"), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(host < 0 && errno == ENXIO);
    object_put(&file->object);
    assert_int_equal(world_open("/mnt/fifo", O_PATH, &file), 0);
    object_put(&file->object);
    if (mknod(at_top("bind0/null"), S_IFCHR | 0666, makedev(1, 3)) < 0) {
        print_message("device nodes cannot be made here (%s): not tested\n", strerror(errno));
        return;
    }
    assert_int_equal(world_open("/mnt/null", O_RDONLY, &file), -ENXIO);
    assert_int_equal(world_open("/mnt/null", O_WRONLY | O_TRUNC, &file), -ENXIO);
}

/* A name that turns into a FIFO, a link, or another file between look-up and opening. */
static void test_replaced_before_open(void **state)
{
    struct path path;
    struct inode *inode;

    (void)state;
    host_write("bind0/f", "f");
    host_write("bind0/keep", "");
    host_write("secret", "secret");
    world_bind(0, "/mnt", true);
    assert_int_equal(path_lookup(&vfs_world.view, NULL, "/mnt/f", 0, &path), 0);
    inode = object_get(&path_inode(&path)->object);
    assert_return_code(rename(at_top("bind0/f"), at_top("bind0/g")), errno);
    assert_int_equal(inode_open(&inode, O_RDONLY), -ENOENT);
    assert_return_code(mkfifo(at_top("bind0/f"), 0666), errno);
    assert_int_equal(inode_open(&inode, O_RDONLY), -ESTALE);
    assert_return_code(unlink(at_top("bind0/f")), errno);
    assert_return_code(symlink("../secret", at_top("bind0/f")), errno);
    assert_int_equal(inode_open(&inode, O_RDONLY), -ELOOP);
    assert_return_code(unlink(at_top("bind0/f")), errno);
    assert_return_code(link(at_top("secret"), at_top("bind0/f")), errno);
    assert_int_equal(inode_open(&inode, O_RDONLY), -ESTALE);
    object_put(&inode->object);
    path_put(&path);
}

static void test_refused_file_systems(void **state)
{
    struct file *file;
    struct stat stat;

    (void)state;
    if (access("/proc/self/status", R_OK) < 0) {
        print_message("no procfs on this host: not tested\n");
        return;
    }
    world_bind_path("/proc", O_PATH, "/hostproc", false);
    world_bind_path("/proc/self/status", O_RDONLY, "/status", false);
    assert_int_equal(world_stat("/hostproc", &stat), 0);
    assert_int_equal(world_open("/hostproc", O_RDONLY | O_DIRECTORY, &file), -EACCES);
    assert_string_equal(world_read("/hostproc/self/status"), "EACCES");
    assert_string_equal(world_read("/status"), "EACCES");
}

/* Threads of the host exchange a directory for a link to the outside while guests walk through it.
 */
static atomic_bool race_is_over;

static void *swap_race(void *argument)
{
    char dir[WORLD_PATH], link[WORLD_PATH];

    (void)argument;
    host_path("bind0/d", dir);
    host_path("bind0/l", link);
    while (!atomic_load(&race_is_over))
        (void)renameat2(AT_FDCWD, dir, AT_FDCWD, link, RENAME_EXCHANGE);
    return NULL;
}

static void test_rename_race(void **state)
{
    enum { ROUNDS = 3000 };
    unsigned inside = 0;
    pthread_t thread;

    (void)state;
    host_make_directory("outside");
    host_write("outside/f", "secret");
    host_make_directory("bind0/d");
    host_write("bind0/d/f", "inside");
    assert_return_code(symlink("../outside", at_top("bind0/l")), errno);
    world_bind(0, "/mnt", true);
    atomic_store(&race_is_over, false);
    assert_int_equal(host_thread_start(&thread, swap_race, NULL, "swap"), 0);
    for (int i = 0; i < ROUNDS; i++) {
        const char *text = world_read("/mnt/d/f");
        assert_string_not_equal(text, "secret");
        inside += strcmp(text, "inside") == 0;
        (void)world_link("/mnt/d/f", "/mnt/d/linked");
        (void)world_unlink("/mnt/d/linked");
        (void)world_write("/mnt/d/made", "made");
        (void)world_unlink("/mnt/d/made");
    }
    atomic_store(&race_is_over, true);
    host_thread_join(thread);
    print_message("%u of %d walks came through\n", inside, ROUNDS);
    assert_string_equal(host_read("outside/f"), "secret");
    assert_false(host_exists("outside/linked"));
    assert_false(host_exists("outside/made"));
}

static void test_permissions_of_guest(void **state)
{
    (void)state;
    host_make_directory("bind0/d");
    host_write("bind0/d/f", "root's");
    assert_return_code(chmod(at_top("bind0/d/f"), 0600), errno);
    world_bind(0, "/mnt", true);
    world_become(1000, 1000);
    assert_string_equal(world_read("/mnt/d/f"), geteuid() == 0 ? "EACCES" : "root's");
    assert_return_code(chmod(at_top("bind0/d/f"), 0604), errno);
    assert_string_equal(world_read("/mnt/d/f"), "root's");
}

/* --- pages --- */

static void test_mapping(void **state)
{
    struct file *reader, *writer;
    struct mapping *mapping;

    (void)state;
    host_write("bind0/f", "content");
    world_bind(0, "/mnt", true);
    assert_int_equal(world_open("/mnt/f", O_RDONLY, &reader), 0);
    mapping = reader->inode->ops->mapping(reader->inode);
    assert_true(mapping_is_host(mapping));
    assert_int_equal(mapping_size(mapping), 7);
    assert_int_equal(fcntl(mapping->host.fd, F_GETFL) & O_ACCMODE, O_RDONLY);
    assert_int_equal(world_open("/mnt/f", O_RDWR, &writer), 0);
    assert_ptr_equal(writer->inode, reader->inode);
    assert_ptr_equal(writer->inode->ops->mapping(writer->inode), mapping);
    assert_int_equal(fcntl(mapping->host.fd, F_GETFL) & O_ACCMODE, O_RDWR);
    assert_int_equal(
        vfs_fsetattr(&vfs_world.cred, writer, &(struct attr_change){.set = ATTR_SIZE, .size = 100}),
        0);
    assert_int_equal(mapping_size(mapping), 100);
    object_put(&reader->object);
    object_put(&writer->object);
}

/* A call of the host that fails anywhere gives its error and leaves nothing behind. */
static void test_host_fails(void **state)
{
    struct file *file;
    unsigned long n = 0;
    int err = -EMFILE;

    (void)state;
    host_make_directory("bind0/d");
    world_bind(0, "/mnt", true);
    while (err == -EMFILE) {
        (void)unlink(at_top("bind0/d/f"));
        host_call_fail_at(++n, -EMFILE);
        err = world_open("/mnt/d/f", O_RDWR | O_CREAT, &file);
        host_call_fail_at(0, 0);
    }
    assert_int_equal(err, 0);
    object_put(&file->object);
    for (err = -ENOMEM, n = 0; err == -ENOMEM;) {
        (void)unlink(at_top("bind0/d/f"));
        host_alloc_fail_at(++n);
        err = world_open("/mnt/d/f", O_RDWR | O_CREAT, &file);
        host_alloc_fail_at(0);
    }
    assert_int_equal(err, 0);
    object_put(&file->object);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, vfs_world_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_read_only_root),
        TEST(test_changes),
        TEST(test_attributes),
        TEST(test_host_changes),
        TEST(test_open_after_rename),
        TEST(test_read_only_bind),
        TEST(test_single_file),
        TEST(test_append),
        TEST(test_links_stay_inside),
        TEST(test_special_files),
        TEST(test_replaced_before_open),
        TEST(test_refused_file_systems),
        TEST(test_rename_race),
        TEST(test_permissions_of_guest),
        TEST(test_mapping),
        TEST(test_host_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
