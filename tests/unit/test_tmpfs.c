/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files in memory: content with holes, sizes, links counted, listings that stand still, and users
 * of pages that are told what goes.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static int64_t write_at(struct file *file, const void *from, size_t size, uint64_t position)
{
    struct uio uio;

    uio_init(&uio, (void *)from, size);
    return file->ops->write(file, &uio, &position, size, NULL);
}

static int64_t read_at(struct file *file, void *to, size_t size, uint64_t position)
{
    struct uio uio;

    uio_init(&uio, to, size);
    return file->ops->read(file, &uio, &position, NULL);
}

static uint64_t size_of(struct file *file)
{
    struct stat stat;

    assert_int_equal(inode_getattr(file->inode, &stat), 0);
    return (uint64_t)stat.st_size;
}

static int set_size(struct file *file, uint64_t size)
{
    return vfs_fsetattr(&vfs_world.cred, file,
                        &(struct attr_change){.set = ATTR_SIZE, .size = size});
}

static struct file *new_file(void)
{
    struct file *file;

    assert_int_equal(world_open("/f", O_RDWR | O_CREAT, &file), 0);
    return file;
}

static void test_holes(void **state)
{
    struct file *file = new_file();
    char data[200];
    struct stat stat;

    (void)state;
    assert_int_equal(read_at(file, data, 10, 0), 0);
    assert_int_equal(write_at(file, "end", 3, 5 * MEM_CHUNK - 1), 3);
    assert_int_equal(size_of(file), 5 * MEM_CHUNK + 2);
    memset(data, 'x', sizeof(data));
    assert_int_equal(read_at(file, data, sizeof(data), 3 * MEM_CHUNK - 100), 200);
    for (size_t i = 0; i < sizeof(data); i++)
        assert_int_equal(data[i], 0);
    assert_int_equal(read_at(file, data, sizeof(data), 5 * MEM_CHUNK - 1), 3);
    assert_memory_equal(data, "end", 3);
    assert_int_equal(read_at(file, data, 10, 5 * MEM_CHUNK + 2), 0);
    assert_int_equal(inode_getattr(file->inode, &stat), 0);
    assert_int_equal(stat.st_blocks, (MEM_CHUNK + MEM_PAGE) / 512);
    object_put(&file->object);
}

/* A long text in one call, over chunk borders, against a plain array. */
static void test_random_content(void **state)
{
    enum { SIZE = 300 << 10, STEPS = 400, PART = 40 << 10 };
    struct file *file = new_file();
    char *model = calloc(1, SIZE), *data = malloc(SIZE);
    uint64_t size = 0;

    (void)state;
    assert_true(model != NULL && data != NULL);
    srand(7);
    for (int i = 0; i < STEPS; i++) {
        uint64_t at = (uint64_t)rand() % (SIZE - PART);
        size_t part = (size_t)rand() % PART + 1;
        switch (rand() % 3) {
        case 0:
            memset(model + at, 'a' + i % 26, part);
            assert_int_equal(write_at(file, model + at, part, at), part);
            size = at + part > size ? at + part : size;
            break;
        case 1:
            assert_int_equal(set_size(file, at), 0);
            if (at < size)
                memset(model + at, 0, size - at);
            size = at;
            break;
        default:
            assert_int_equal(
                file->ops->fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, part),
                0);
            memset(model + at, 0, part);
        }
        assert_int_equal(size_of(file), size);
        assert_int_equal(read_at(file, data, SIZE, 0), size);
        assert_memory_equal(data, model, size);
    }
    free(model);
    free(data);
    object_put(&file->object);
}

static void test_limits(void **state)
{
    struct file *file = new_file();

    (void)state;
    assert_int_equal(write_at(file, "x", 1, INT64_MAX), -EFBIG);
    assert_int_equal(write_at(file, "xx", 2, INT64_MAX - 1), -EFBIG);
    assert_int_equal(set_size(file, INT64_MAX), 0);
    assert_int_equal(set_size(file, (uint64_t)INT64_MAX + 1), -EFBIG);
    assert_int_equal(file->ops->fallocate(file, 0, INT64_MAX, 2), -EFBIG);
    assert_int_equal(file->ops->fallocate(file, FALLOC_FL_INSERT_RANGE, 0, 2), -EOPNOTSUPP);
    object_put(&file->object);
}

static void test_append_and_position(void **state)
{
    struct file *file, *other;

    (void)state;
    assert_int_equal(world_open("/f", O_WRONLY | O_CREAT | O_APPEND, &file), 0);
    assert_int_equal(world_open("/f", O_RDWR, &other), 0);
    assert_int_equal(file_write_text(file, "one"), 3);
    assert_int_equal(file_write_text(other, "O"), 1);
    assert_int_equal(file_write_text(file, "two"), 3);
    assert_int_equal(file->position, 6);
    assert_string_equal(file_read_text(other, 0), "Onetwo");
    mutex_lock(&other->lock);
    assert_int_equal(other->ops->seek(other, -2, SEEK_END), 4);
    assert_int_equal(other->ops->seek(other, -5, SEEK_CUR), -EINVAL);
    assert_int_equal(other->ops->seek(other, INT64_MAX, SEEK_CUR), -EINVAL);
    assert_int_equal(other->ops->seek(other, 2, SEEK_DATA), 2);
    assert_int_equal(other->ops->seek(other, 2, SEEK_HOLE), 6);
    assert_int_equal(other->ops->seek(other, 6, SEEK_DATA), -ENXIO);
    assert_int_equal(other->ops->seek(other, 0, 9), -EINVAL);
    mutex_unlock(&other->lock);
    object_put(&file->object);
    object_put(&other->object);
}

static void test_links_are_counted(void **state)
{
    struct stat stat;

    (void)state;
    assert_int_equal(world_mkdir("/d"), 0);
    assert_int_equal(world_mkdir("/d/s"), 0);
    assert_int_equal(world_stat("/d", &stat), 0);
    assert_int_equal(stat.st_nlink, 3);
    assert_int_equal(world_stat("/", &stat), 0);
    assert_int_equal(stat.st_nlink, 3);
    assert_int_equal(world_rename("/d/s", "/s", 0), 0);
    assert_int_equal(world_stat("/d", &stat), 0);
    assert_int_equal(stat.st_nlink, 2);
    assert_int_equal(world_stat("/", &stat), 0);
    assert_int_equal(stat.st_nlink, 4);
    assert_int_equal(world_write("/f", ""), 0);
    assert_int_equal(world_link("/f", "/g"), 0);
    assert_int_equal(world_rename("/f", "/s/f", 2), -ENOENT);
    assert_int_equal(world_rename("/d", "/f", 2), 0);
    assert_int_equal(world_stat("/g", &stat), 0);
    assert_int_equal(stat.st_nlink, 2);
    assert_int_equal(world_rename("/f", "/s", 0), 0);
    assert_int_equal(world_stat("/", &stat), 0);
    assert_int_equal(stat.st_nlink, 3);
}

static void test_group_of_directory(void **state)
{
    struct path path;
    struct stat stat;

    (void)state;
    assert_int_equal(world_mkdir("/d"), 0);
    assert_int_equal(path_lookup(&vfs_world.view, NULL, "/d", 0, &path), 0);
    assert_int_equal(
        vfs_setattr(&vfs_world.view, &path,
                    &(struct attr_change){.set = ATTR_MODE | ATTR_GID, .mode = 02777, .gid = 50}),
        0);
    path_put(&path);
    assert_int_equal(world_mkdir("/d/s"), 0);
    assert_int_equal(world_stat("/d/s", &stat), 0);
    assert_int_equal(stat.st_gid, 50);
    assert_int_equal(stat.st_mode, S_IFDIR | S_ISGID | 0755);
    assert_int_equal(world_write("/d/f", ""), 0);
    assert_int_equal(world_stat("/d/f", &stat), 0);
    assert_int_equal(stat.st_gid, 50);
}

/* What has been listed once does not change while it is read on. */
static void test_listing_stands_still(void **state)
{
    char data[64], name[16];
    struct file *dir;
    unsigned count = 0;

    (void)state;
    for (int i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof(name), "/%02d", i);
        assert_int_equal(world_write(name, ""), 0);
    }
    assert_int_equal(world_open("/", O_RDONLY | O_DIRECTORY, &dir), 0);
    assert_int_equal(file_getdents(dir, data, 10), -EINVAL);
    assert_int_equal(file_getdents(dir, data, 48), 48); /* . and .. */
    for (int i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof(name), "/%02d", i);
        assert_int_equal(i % 2 == 0 ? world_unlink(name) : world_rename(name, "/x", 0), 0);
    }
    while (file_getdents(dir, data, 24) == 24) {
        (void)snprintf(name, sizeof(name), "%02u", count++);
        assert_string_equal(data + 19, name);
    }
    assert_int_equal(count, 20);
    assert_int_equal(file_getdents(dir, data, sizeof(data)), 0);
    /* Back to the third name, then to the start, which reads anew. */
    mutex_lock(&dir->lock);
    assert_int_equal(dir->ops->seek(dir, 4, SEEK_SET), 4);
    assert_int_equal(dir->ops->seek(dir, INT64_MAX, SEEK_CUR), -EINVAL);
    mutex_unlock(&dir->lock);
    assert_int_equal(file_getdents(dir, data, 24), 24);
    assert_string_equal(data + 19, "02");
    mutex_lock(&dir->lock);
    assert_int_equal(dir->ops->seek(dir, 0, SEEK_SET), 0);
    mutex_unlock(&dir->lock);
    assert_int_equal(file_getdents(dir, data, 48), 48);
    assert_int_equal(file_getdents(dir, data, 48), 24);
    assert_string_equal(data + 19, "x");
    object_put(&dir->object);
}

/* An owner of users: counts what it is told. */
struct listener {
    struct object object;
    uint64_t last;
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
    struct listener *listener = (struct listener *)owner;

    assert_true(locks_are_free());
    assert_true(mapping_size(mapping) <= offset || offset == 0);
    listener->last = offset;
    listener->count++;
}

static void test_users_are_told(void **state)
{
    struct file *file = new_file();
    struct mapping *mapping = file->inode->ops->mapping(file->inode);
    struct listener *listener = object_alloc(&listener_type);
    struct mapping_user users[2] = {{.owner = &listener->object, .changed = listen},
                                    {.owner = &listener->object, .changed = listen}};
    uint64_t run;

    (void)state;
    mapping_add_user(mapping, &users[0]);
    mapping_add_user(mapping, &users[1]);
    assert_int_equal(mapping_run(mapping, 0, false, false, &run), -ENOENT);
    assert_int_equal(write_at(file, "text", 4, 2 * MEM_PAGE), 4);
    assert_int_equal(mapping_run(mapping, 100, false, true, &run), 0);
    assert_int_equal(listener->count, 0);
    assert_int_equal(set_size(file, 2 * MEM_PAGE + 1), 0);
    assert_int_equal(listener->count, 1);
    assert_int_equal(listener->last, 3 * MEM_PAGE);
    assert_string_equal(memfile_at(vfs_world.memfile, run + 2 * MEM_PAGE), "t");
    assert_int_equal(set_size(file, 0), 0);
    assert_int_equal(listener->count, 2);
    assert_int_equal(listener->last, 0);
    /* Whoever maps it owns it still. */
    assert_int_equal(memfile_owners(vfs_world.memfile, run, MEM_CHUNK), 1);
    memfile_put(vfs_world.memfile, run, MEM_CHUNK);
    assert_int_equal(mapping_moved(mapping), 0);
    assert_int_equal(listener->count, 3);
    mapping_remove_user(mapping, &users[0]);
    mapping_remove_user(mapping, &users[1]);
    assert_int_equal(set_size(file, 5), 0);
    assert_int_equal(set_size(file, 0), 0);
    assert_int_equal(listener->count, 3);
    object_put(&listener->object);
    object_put(&file->object);
}

/* What a guest stored behind the end does not show when the file grows. */
static void test_tail_is_zero(void **state)
{
    struct file *file = new_file();
    struct mapping *mapping = file->inode->ops->mapping(file->inode);
    uint64_t run;

    (void)state;
    assert_int_equal(write_at(file, "1234", 4, 0), 4);
    assert_int_equal(mapping_run(mapping, 0, true, false, &run), 0);
    strcpy(memfile_at(vfs_world.memfile, run + 4), "junk");
    assert_int_equal(set_size(file, 6), 0);
    assert_int_equal(memfile_at(vfs_world.memfile, run)[4], 0);
    strcpy(memfile_at(vfs_world.memfile, run + 6), "junk");
    assert_int_equal(write_at(file, "x", 1, 100), 1);
    assert_int_equal(memfile_at(vfs_world.memfile, run)[6], 0);
    object_put(&file->object);
}

static void test_full_memory(void **state)
{
    struct file *file;
    static char data[64 << 10];
    int64_t done = 0;

    (void)state;
    world_unmount();
    memfile_free(vfs_world.memfile);
    assert_int_equal(memfile_create(UINT64_C(1) << 30, 4 << 20, &vfs_world.memfile), 0);
    mapping_set_memfile(vfs_world.memfile);
    world_mount_tmpfs();
    file = new_file();
    for (uint64_t i = 0; i < 1000 && done >= 0; i++)
        done = write_at(file, data, sizeof(data), i * sizeof(data));
    assert_int_equal(done, -ENOSPC);
    assert_int_equal(set_size(file, 0), 0);
    assert_int_equal(write_at(file, data, sizeof(data), 0), sizeof(data));
    object_put(&file->object);
}

static void test_times(void **state)
{
    struct stat before, after;

    (void)state;
    assert_int_equal(world_write("/f", "x"), 0);
    assert_int_equal(world_stat("/f", &before), 0);
    host_sleep(2 * NSEC_PER_MSEC);
    assert_string_equal(world_read("/f"), "x");
    assert_int_equal(world_stat("/f", &after), 0);
    assert_true(after.st_atim.tv_nsec != before.st_atim.tv_nsec);
    assert_memory_equal(&after.st_mtim, &before.st_mtim, sizeof(after.st_mtim));
    assert_int_equal(world_link("/f", "/g"), 0);
    assert_int_equal(world_stat("/f", &after), 0);
    assert_true(after.st_ctim.tv_nsec != before.st_ctim.tv_nsec);
    assert_memory_equal(&after.st_mtim, &before.st_mtim, sizeof(after.st_mtim));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, vfs_world_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_holes),
        TEST(test_random_content),
        TEST(test_limits),
        TEST(test_append_and_position),
        TEST(test_links_are_counted),
        TEST(test_group_of_directory),
        TEST(test_listing_stands_still),
        TEST(test_users_are_told),
        TEST(test_tail_is_zero),
        TEST(test_full_memory),
        TEST(test_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
