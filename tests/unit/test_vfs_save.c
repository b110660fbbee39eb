/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees saved and loaded into another memory: every kind of file system, what is open, deleted and
 * half listed; files of the host that changed meanwhile, all reported; and ghosts.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/host.h"
#include "tests/unit/vfs_world.h"
#include "vfs/fs/hostfs.h"
#include "vfs/fs/overlay.h"
#include "vfs/fs/tmpfs.h"

enum { FILES = 8, CHUNKS_MAX = 64 };

static const struct snapshot_type *const list[] = {
    &tmpfs_inode_type, &hostfs_inode_type, &overlay_inode_type,
    &dentry_type,      &mount_type,        &file_type,
};

static const struct snapshot_type *type_of(Object__BodyCase arm)
{
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        if (list[i]->arm == arm)
            return list[i];
    }
    return NULL;
}

static const struct wait_type *no_wait(WaitRecord__BodyCase arm)
{
    (void)arm;
    return NULL;
}

static const struct snapshot_types types = {
    .list = list, .count = sizeof(list) / sizeof(list[0]), .of = type_of, .wait_of = no_wait};

/* What a sandbox would hold: the first mount and open files; and its image. */
static struct file *files[FILES];
static unsigned file_count;
static struct kernel_image image;
static struct report report;
static struct {
    uint64_t nr;
    uint16_t mask;
    void *data;
} chunks[CHUNKS_MAX];
static unsigned chunk_count;

static int set_up(void **state)
{
    file_count = 0;
    return vfs_world_set_up(state);
}

static void put_files(void)
{
    while (file_count > 0)
        object_put(&files[--file_count]->object);
}

static int tear_down(void **state)
{
    put_files();
    kernel_image_fini(&image);
    return vfs_world_tear_down(state);
}

static struct file *open_file(const char *name, int flags)
{
    assert_true(file_count < FILES);
    assert_int_equal(world_open(name, flags, &files[file_count]), 0);
    return files[file_count++];
}

static int save_to(struct kernel_image *to)
{
    struct object *roots[2 + FILES] = {&vfs_world.root->object};
    const struct snapshot_save_options options = {.now = 1,
                                                  .with_derived = true,
                                                  .context = &vfs_world.context,
                                                  .types = &types,
                                                  .report = &report};

    report = (struct report){0};
    for (unsigned i = 0; i < file_count; i++)
        roots[1 + i] = &files[i]->object;
    *to = (struct kernel_image){0};
    return snapshot_save(roots, 1 + file_count, &options, to);
}

static int keep_chunk(void *context, uint64_t nr, uint16_t mask, const void *data)
{
    (void)context;
    assert_true(chunk_count < CHUNKS_MAX);
    chunks[chunk_count].nr = nr;
    chunks[chunk_count].mask = mask;
    chunks[chunk_count].data = malloc(MEM_CHUNK);
    memcpy(chunks[chunk_count++].data, data, MEM_CHUNK);
    return 0;
}

/* Saves, and lets go of everything but the image. */
static void save(void)
{
    assert_int_equal(save_to(&image), 0);
    chunk_count = 0;
    memfile_freeze(vfs_world.memfile, 0);
    assert_int_equal(memfile_collect(vfs_world.memfile, keep_chunk, NULL), 0);
    put_files();
    world_unmount();
    assert_int_equal(object_live_count(), vfs_world.objects);
    memfile_free(vfs_world.memfile);
    assert_int_equal(memfile_create(UINT64_C(1) << 32, 0, &vfs_world.memfile), 0);
    mapping_set_memfile(vfs_world.memfile);
}

static int load(void)
{
    struct object *roots[2 + FILES];

    report = (struct report){0};
    int err = snapshot_load(&types, &image, 1, &vfs_world.context, &report, roots);
    for (unsigned i = 0; i < chunk_count; i++) {
        if (err == 0)
            assert_int_equal(
                memfile_fill(vfs_world.memfile, chunks[i].nr, chunks[i].mask, chunks[i].data), 0);
        free(chunks[i].data);
    }
    chunk_count = 0;
    if (err < 0)
        return err;
    file_count = (unsigned)image.root_count - 1;
    for (unsigned i = 0; i < file_count; i++)
        files[i] = (struct file *)roots[1 + i];
    world_look((struct mount *)roots[0]);
    return 0;
}

static void print_report(void)
{
    for (size_t i = 0; i < report.line_count; i++)
        print_error("%s\n", report.lines[i]);
}

/* The same state gives the same bytes. */
static void check_same_bytes(void)
{
    struct kernel_image again;

    assert_int_equal(save_to(&again), 0);
    assert_int_equal(again.frames.size, image.frames.size);
    assert_memory_equal(again.frames.data, image.frames.data, image.frames.size);
    kernel_image_fini(&again);
}

static void save_and_load(void)
{
    save();
    int err = load();
    if (err < 0)
        print_report();
    assert_int_equal(err, 0);
    check_same_bytes();
}

static bool is_reported(const char *text)
{
    for (size_t i = 0; i < report.line_count; i++) {
        if (strstr(report.lines[i], text) != NULL)
            return true;
    }
    return false;
}

static const char *next_name(struct file *dir)
{
    static char data[24 + 8];

    assert_true(file_getdents(dir, data, 24) > 0);
    return data + 19;
}

static const char *name_of(struct file *file)
{
    static char text[WORLD_PATH];
    struct bytes name = {0};

    assert_int_equal(path_name(&vfs_world.view.root, &file->path, &name), 0);
    assert_true(name.size < sizeof(text));
    memcpy(text, name.data, name.size);
    text[name.size] = '\0';
    bytes_fini(&name);
    return text;
}

static void test_tmpfs(void **state)
{
    struct stat before, after;

    (void)state;
    world_mount_tmpfs();
    assert_int_equal(vfs_mount_tmpfs(vfs_world.root, "/mnt/in", 01777), 0);
    assert_int_equal(world_write("/f", "content"), 0);
    assert_int_equal(world_link("/f", "/mnt/g"), 0);
    assert_int_equal(world_symlink("in/l", "/mnt/link"), 0);
    assert_int_equal(world_write("/mnt/in/l", "on the mount"), 0);
    assert_int_equal(world_mkdir("/d"), 0);
    assert_int_equal(vfs_mknod(&vfs_world.view, NULL, "/d/fifo", S_IFIFO | 0640, 0), 0);
    assert_int_equal(world_write("/d/x", ""), 0);
    (void)open_file("/d", O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < 3; i++)
        (void)next_name(files[0]);
    (void)open_file("/gone", O_RDWR | O_CREAT);
    assert_int_equal(file_write_text(files[1], "deleted"), 7);
    assert_int_equal(world_unlink("/gone"), 0);
    (void)open_file("/mnt/in/l", O_PATH);
    assert_int_equal(world_stat("/f", &before), 0);
    save_and_load();
    assert_string_equal(world_list("/"), "d f mnt ");
    assert_string_equal(world_list("/mnt"), "g in link ");
    assert_string_equal(world_read("/mnt/link"), "on the mount");
    assert_string_equal(world_read("/mnt/g"), "content");
    assert_int_equal(world_stat("/f", &after), 0);
    before.st_atim = after.st_atim;
    assert_memory_equal(&before, &after, sizeof(after));
    assert_string_equal(next_name(files[0]), "x");
    assert_string_equal(file_read_text(files[1], 0), "deleted");
    assert_string_equal(name_of(files[1]), "/gone (deleted)");
    assert_int_equal(file_write_text(files[1], "+"), 1);
    assert_string_equal(file_read_text(files[1], 0), "deleted+");
    assert_string_equal(name_of(files[2]), "/mnt/in/l");
    assert_int_equal(world_rmdir("/mnt/in"), -EBUSY);
    assert_int_equal(world_write("/new", "new"), 0);
    assert_int_equal(world_stat("/new", &after), 0);
    assert_true(after.st_ino > before.st_ino);
}

static void test_overlay(void **state)
{
    (void)state;
    host_make_directory("root/d");
    host_make_directory("root/d/s");
    host_write("root/d/f", "lower f");
    host_write("root/d/s/deep", "lower deep");
    host_write("root/f", "lower");
    world_mount_host(true);
    assert_int_equal(world_write("/f", "upper"), 0);
    assert_int_equal(world_rename("/d", "/moved", 0), 0);
    assert_int_equal(world_unlink("/moved/f"), 0);
    assert_int_equal(world_link("/moved/s/deep", "/linked"), 0);
    (void)open_file("/moved/s/deep", O_RDONLY);
    (void)open_file("/moved/s", O_RDONLY | O_DIRECTORY);
    save_and_load();
    assert_string_equal(world_list("/"), "f linked moved run ");
    assert_string_equal(world_read("/f"), "upper");
    assert_string_equal(world_list("/moved"), "s ");
    assert_string_equal(file_read_text(files[0], 0), "lower deep");
    assert_int_equal(world_write("/linked", "copied"), 0);
    assert_string_equal(world_read("/moved/s/deep"), "copied");
    assert_string_equal(file_read_text(files[0], 0), "copied");
    assert_string_equal(next_name(files[1]), ".");
    assert_string_equal(host_read("root/d/s/deep"), "lower deep");
}

/* One that nothing has changed is found again by its parents. */
static void test_overlay_untouched(void **state)
{
    (void)state;
    host_make_directory("root/d");
    host_make_directory("root/d/s");
    host_write("root/d/s/f", "lower");
    world_mount_host(true);
    (void)open_file("/d/s/f", O_RDONLY);
    save_and_load();
    assert_string_equal(file_read_text(files[0], 0), "lower");
    assert_int_equal(world_write("/d/s/f", "held"), 0);
    put_files();
    assert_string_equal(world_read("/d/s/f"), "held");
}

static void test_hostfs(void **state)
{
    struct file *file;
    struct stat before, after;

    (void)state;
    host_make_directory("bind0/d");
    host_write("bind0/d/r", "read");
    host_write("bind0/w", "written");
    world_mount_tmpfs();
    world_bind(0, "/mnt", true);
    (void)open_file("/mnt/d/r", O_RDONLY);
    (void)open_file("/mnt/w", O_RDWR | O_APPEND);
    (void)open_file("/mnt/d", O_RDONLY | O_DIRECTORY);
    assert_int_equal(world_stat("/mnt/w", &before), 0);
    save_and_load();
    assert_string_equal(file_read_text(files[0], 0), "read");
    assert_int_equal(file_write_text(files[1], "+"), 1);
    assert_string_equal(host_read("bind0/w"), "written+");
    assert_int_equal(world_stat("/mnt/w", &after), 0);
    assert_int_equal(after.st_ino, before.st_ino);
    assert_int_equal(after.st_dev, before.st_dev);
    /* New names and old ones are of one device. */
    assert_int_equal(world_write("/mnt/new", ""), 0);
    assert_int_equal(world_stat("/mnt/new", &after), 0);
    assert_int_equal(after.st_dev, before.st_dev);
    assert_int_equal(vfs_open(&vfs_world.view, &files[2]->path, "r", O_RDONLY, 0, &file), 0);
    assert_ptr_equal(file->inode, files[0]->inode);
    object_put(&file->object);
}

/* All that does not fit is in one report. */
static void test_host_changed(void **state)
{
    char path[WORLD_PATH], other[WORLD_PATH];

    (void)state;
    host_write("bind0/size", "1");
    host_write("bind0/replaced", "1");
    host_write("bind0/type", "1");
    host_write("bind0/missing", "1");
    host_write("bind0/written", "1");
    world_mount_tmpfs();
    world_bind(0, "/mnt", true);
    (void)open_file("/mnt/size", O_RDONLY);
    (void)open_file("/mnt/replaced", O_RDWR);
    (void)open_file("/mnt/type", O_RDONLY);
    (void)open_file("/mnt/missing", O_RDONLY);
    (void)open_file("/mnt/written", O_RDWR);
    save();
    host_write("bind0/size", "22");
    host_path("bind0/replaced", path);
    host_path("bind0/other", other);
    host_write("bind0/other", "1");
    assert_return_code(rename(other, path), errno);
    host_path("bind0/type", path);
    assert_return_code(unlink(path), errno);
    host_make_directory("bind0/type");
    host_path("bind0/missing", path);
    assert_return_code(unlink(path), errno);
    host_write("bind0/written", "333");
    assert_int_equal(load(), -EINVAL);
    assert_true(is_reported("size: /mnt: size: is 2, was 1"));
    assert_true(is_reported("host_nr: /mnt: replaced: is "));
    assert_true(is_reported("attr.mode: /mnt: type: is of another type now"));
    assert_true(is_reported("path: /mnt: missing: cannot be found: No such file"));
    assert_true(is_reported("size: /mnt: written: is 3, was 1"));
    assert_true(report.bad_count >= 4);
    assert_true(report.note_count >= 1);
    assert_int_equal(object_live_count(), vfs_world.objects);
}

/* Content of files open for writing may have changed, but not with --strict-files. */
static void test_strict(void **state)
{
    (void)state;
    host_write("bind0/w", "1");
    world_mount_tmpfs();
    world_bind(0, "/mnt", true);
    (void)open_file("/mnt/w", O_RDWR);
    save();
    host_write("bind0/w", "333");
    vfs_world.context.is_strict = true;
    assert_int_equal(load(), -EINVAL);
    assert_true(is_reported("size: /mnt: w: is 3, was 1"));
    vfs_world.context.is_strict = false;
    assert_int_equal(load(), 0);
    assert_true(report.note_count > 0 && report.bad_count == 0);
    assert_string_equal(file_read_text(files[0], 0), "333");
}

static void test_root_missing(void **state)
{
    (void)state;
    host_write("bind0/w", "1");
    world_mount_tmpfs();
    world_bind(0, "/mnt", true);
    save();
    vfs_world.context.root_count--;
    assert_int_equal(load(), -EINVAL);
    vfs_world.context.root_count++;
    assert_true(is_reported("root: nothing is donated for /mnt"));
}

/* A deleted file goes along, again and again. */
static void test_ghost(void **state)
{
    char path[WORLD_PATH];
    struct stat stat;

    (void)state;
    host_make_directory("bind0/dir");
    host_write("bind0/f", "ghost");
    host_write("bind0/g", "by another");
    world_mount_tmpfs();
    world_bind(0, "/mnt", true);
    (void)open_file("/mnt/f", O_RDWR);
    (void)open_file("/mnt/g", O_RDONLY);
    (void)open_file("/mnt/dir", O_RDONLY | O_DIRECTORY);
    assert_int_equal(world_unlink("/mnt/f"), 0);
    assert_int_equal(world_rmdir("/mnt/dir"), 0);
    host_path("bind0/g", path);
    assert_return_code(unlink(path), errno);
    host_write("bind0/g", "another file");
    save();
    assert_int_equal(load(), 0);
    assert_string_equal(name_of(files[0]), "/mnt/f (deleted)");
    kernel_image_fini(&image);
    save_and_load(); /* as it came */
    assert_string_equal(file_read_text(files[0], 0), "ghost");
    assert_string_equal(file_read_text(files[1], 0), "by another");
    assert_string_equal(world_read("/mnt/g"), "another file");
    assert_int_equal(file_write_text(files[0], "G"), 1);
    kernel_image_fini(&image);
    save_and_load(); /* as it is */
    assert_string_equal(file_read_text(files[0], 0), "Ghost");
    assert_int_equal(inode_getattr(files[0]->inode, &stat), 0);
    assert_int_equal(stat.st_size, 5);
    assert_int_equal(stat.st_nlink, 0);
    assert_int_equal(
        vfs_fsetattr(&vfs_world.cred, files[0], &(struct attr_change){.set = ATTR_SIZE, .size = 2}),
        0);
    assert_string_equal(file_read_text(files[0], 0), "Gh");
    assert_false(host_exists("bind0/f"));
    assert_int_equal(file_getdents(files[2], path, sizeof(path)), -ENOENT);
}

/* The file below an overlay is deleted on the host. */
static void test_ghost_below(void **state)
{
    char path[WORLD_PATH];

    (void)state;
    host_write("root/f", "lower");
    world_mount_host(true);
    (void)open_file("/f", O_RDONLY);
    host_path("root/f", path);
    assert_return_code(unlink(path), errno);
    save();
    assert_int_equal(load(), 0);
    assert_string_equal(file_read_text(files[0], 0), "lower");
    assert_int_equal(world_write("/f", "upper"), 0);
    assert_string_equal(world_read("/f"), "upper");
}

static void test_ghost_limit(void **state)
{
    struct kernel_image refused;

    (void)state;
    host_write("bind0/f", "12345");
    world_mount_tmpfs();
    world_bind(0, "/mnt", true);
    (void)open_file("/mnt/f", O_RDONLY);
    assert_int_equal(world_unlink("/mnt/f"), 0);
    vfs_world.context.ghost_limit = 4;
    assert_int_equal(save_to(&refused), -EFBIG);
    kernel_image_fini(&refused);
    assert_true(is_reported("/mnt: f was deleted but is in use; its 5 bytes are more than the "
                            "ghost limit"));
    vfs_world.context.ghost_limit = 5;
    save();
    assert_int_equal(load(), 0);
    assert_string_equal(file_read_text(files[0], 0), "12345");
}

/* Every allocation and host call of a load fails once: an error, and nothing is left. */
static void test_load_fails(void **state)
{
    int err = -ENOMEM;

    (void)state;
    host_make_directory("root/d");
    host_write("root/d/f", "lower");
    world_mount_host(true);
    assert_int_equal(world_write("/new", "new"), 0);
    (void)open_file("/d/f", O_RDONLY);
    save();
    for (unsigned long n = 1; err < 0; n++) {
        host_alloc_fail_at(n);
        err = load();
        host_alloc_fail_at(0);
        assert_true(err == 0 || object_live_count() == vfs_world.objects);
    }
    put_files();
    world_unmount();
    err = -EINVAL;
    for (unsigned long n = 1; err < 0; n++) {
        host_call_fail_at(n, -EMFILE);
        err = load();
        host_call_fail_at(0, 0);
        assert_true(err == 0 || object_live_count() == vfs_world.objects);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_tmpfs),        TEST(test_overlay),      TEST(test_overlay_untouched),
        TEST(test_hostfs),       TEST(test_host_changed), TEST(test_strict),
        TEST(test_root_missing), TEST(test_ghost),        TEST(test_ghost_below),
        TEST(test_ghost_limit),  TEST(test_load_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
