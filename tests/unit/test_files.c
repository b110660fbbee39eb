/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptor tables: numbers, limits, close-on-exec, copies, growth, and images that no save wrote.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/host.h"
#include "tests/unit/actor.h"
#include "vfs/pipe.h"

enum { LIMIT = 1024 };

static const struct cred root_cred;

static int set_up(void **state)
{
    static struct files *files;

    assert_int_equal(files_create(&files), 0);
    *state = files;
    return 0;
}

static int tear_down(void **state)
{
    struct files *files = *state;

    host_alloc_fail_at(0);
    object_put(&files->object);
    assert_int_equal(object_live_count(), 0);
    return 0;
}

/* A file, a reference. */
static struct file *new_file(void)
{
    struct file *reader, *writer;

    assert_int_equal(pipe_create(&root_cred, 0, &reader, &writer), 0);
    object_put(&writer->object);
    return reader;
}

static void test_lowest_number(void **state)
{
    struct files *files = *state;

    for (int fd = 0; fd < 5; fd++)
        assert_int_equal(files_add(files, new_file(), 0, false, LIMIT), fd);
    assert_int_equal(files_close(files, 3), 0);
    assert_int_equal(files_close(files, 1), 0);
    assert_int_equal(files_add(files, new_file(), 0, false, LIMIT), 1);
    assert_int_equal(files_add(files, new_file(), 2, false, LIMIT), 3);
    assert_int_equal(files_add(files, new_file(), 100, false, LIMIT), 100);
    assert_int_equal(files->open_count, 6);
    assert_int_equal(files_close(files, 50), -EBADF);
    assert_int_equal(files_close(files, -1), -EBADF);
    assert_int_equal(files_close(files, INT32_MAX), -EBADF);
    assert_null(files_get(files, 50));
    assert_null(files_get(files, -1));
}

static void test_limits(void **state)
{
    struct files *files = *state;

    for (int fd = 0; fd < 3; fd++)
        assert_int_equal(files_add(files, new_file(), 0, false, 3), fd);
    assert_int_equal(files_add(files, new_file(), 0, false, 3), -EMFILE);
    assert_int_equal(files_add(files, new_file(), 3, false, 3), -EINVAL);
    assert_int_equal(files_add(files, new_file(), -1, false, 3), -EINVAL);
    assert_int_equal(files_set(files, 3, new_file(), false, 3), -EBADF);
    assert_int_equal(files_set(files, -1, new_file(), false, 3), -EBADF);
    assert_int_equal(files_set(files, 1 << 20, new_file(), false, UINT64_MAX), -EMFILE);
    assert_int_equal(files_add(files, new_file(), (1 << 20) - 1, false, UINT64_MAX), (1 << 20) - 1);
    assert_int_equal(files_add(files, new_file(), (1 << 20) - 1, false, UINT64_MAX), -EMFILE);
}

static void test_set_replaces(void **state)
{
    struct files *files = *state;
    struct file *file = new_file();

    assert_int_equal(files_add(files, new_file(), 0, true, LIMIT), 0);
    assert_int_equal(files_set(files, 0, object_get(&file->object), false, LIMIT), 0);
    assert_int_equal(files_get_cloexec(files, 0), 0);
    assert_int_equal(files_set(files, 200, object_get(&file->object), true, LIMIT), 200);
    assert_int_equal(files_get_cloexec(files, 200), 1);
    assert_int_equal(files->open_count, 2);
    struct file *found = files_get(files, 200);
    assert_ptr_equal(found, file);
    object_put(&found->object);
    object_put(&file->object);
}

static void test_no_memory(void **state)
{
    struct files *files = *state;
    struct file *file = new_file();

    host_alloc_fail_at(1);
    assert_int_equal(files_add(files, object_get(&file->object), 0, false, LIMIT), -ENOMEM);
    host_alloc_fail_at(1);
    assert_int_equal(files_set(files, 9, object_get(&file->object), false, LIMIT), -ENOMEM);
    assert_int_equal(files_add(files, file, 0, false, LIMIT), 0);
    struct files *copy;
    host_alloc_fail_at(2);
    assert_int_equal(files_fork(files, &copy), -ENOMEM);
}

static int count_fd(void *context, int fd, struct file *file)
{
    uint64_t *set = context;

    assert_non_null(file);
    *set |= UINT64_C(1) << fd;
    return 0;
}

static uint64_t open_set(struct files *files)
{
    uint64_t set = 0;

    assert_int_equal(files_list(files, count_fd, &set), 0);
    return set;
}

static void test_ranges(void **state)
{
    struct files *files = *state;

    for (int fd = 0; fd < 8; fd++)
        assert_int_equal(files_add(files, new_file(), 0, fd % 2 == 1, LIMIT), fd);
    files_close_range(files, 3, 4);
    assert_int_equal(open_set(files), 0xe7);
    files_set_cloexec_range(files, 6, UINT32_MAX);
    assert_int_equal(files_set_cloexec(files, 0, true), 0);
    assert_int_equal(files_set_cloexec(files, 4, true), -EBADF);
    files_close_on_exec(files);
    assert_int_equal(open_set(files), 0x04);
    files_close_range(files, 0, UINT32_MAX);
    assert_int_equal(open_set(files), 0);
    assert_int_equal(files->open_count, 0);
}

static int stop_at_two(void *context, int fd, struct file *file)
{
    (void)context;
    (void)file;
    return fd == 2 ? 77 : 0;
}

static void test_list_ends_early(void **state)
{
    struct files *files = *state;

    for (int fd = 0; fd < 4; fd++)
        assert_int_equal(files_add(files, new_file(), 0, false, LIMIT), fd);
    assert_int_equal(files_list(files, stop_at_two, NULL), 77);
}

static void test_fork_shares_files(void **state)
{
    struct files *files = *state, *copy;

    assert_int_equal(files_add(files, new_file(), 90, true, LIMIT), 90);
    assert_int_equal(files_fork(files, &copy), 0);
    struct file *file = files_get(files, 90), *same = files_get(copy, 90);
    assert_ptr_equal(file, same);
    assert_int_equal(files_get_cloexec(copy, 90), 1);
    object_put(&file->object);
    object_put(&same->object);
    assert_int_equal(files_close(files, 90), 0);
    assert_int_equal(copy->open_count, 1);
    object_put(&copy->object);
}

static void test_path_only_files(void **state)
{
    struct files *files = *state;
    struct file *reader = new_file(), *place;

    assert_int_equal(file_create(reader->inode, NULL, O_PATH, &place), 0);
    object_put(&reader->object);
    assert_int_equal(files_add(files, place, 0, false, LIMIT), 0);
    assert_null(files_get_open(files, 0));
    struct file *file = files_get(files, 0);
    assert_ptr_equal(file, place);
    object_put(&file->object);
}

/* Loads a table that says so: the number of bad lines. */
static size_t load_slots(FilesSlot *const slots[], size_t count)
{
    Files files = FILES__INIT;
    Object object = OBJECT__INIT;
    struct kernel_image image = {.root_count = 1};
    struct object *roots[1];
    struct stage stage;
    struct report report = {0};

    files.slots = (FilesSlot **)slots;
    files.n_slots = count;
    object.id = 1;
    object.body_case = OBJECT__BODY_FILES;
    object.files = &files;
    assert_int_equal(kernel_image_add(&image, &object), 0);
    assert_int_equal(kernel_image_close(&image), 0);
    stage_init(&stage, true);
    int err = snapshot_load(&actor_types, &image, NSEC_PER_SEC, &stage, &report, roots);
    assert_int_equal(err, -EINVAL);
    gate_open(&stage.gate);
    stage_fini(&stage);
    kernel_image_fini(&image);
    return report.bad_count;
}

static void test_hostile_images(void **state)
{
    FilesSlot a = FILES_SLOT__INIT, b = FILES_SLOT__INIT;

    (void)state;
    a.fd = b.fd = 4;
    a.file = b.file = 1;
    assert_true(load_slots((FilesSlot *[]){&a, &b}, 2) > 0); /* twice */
    a.fd = 5;
    assert_true(load_slots((FilesSlot *[]){&a, &b}, 2) > 0); /* out of order */
    a.fd = UINT32_MAX;
    assert_true(load_slots((FilesSlot *[]){&a}, 1) > 0); /* too large */
    a.fd = 1;
    assert_true(load_slots((FilesSlot *[]){&a}, 1) > 0); /* no file: the table itself */
    a.file = 0;
    assert_true(load_slots((FilesSlot *[]){&a}, 1) > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_lowest_number),     TEST(test_limits),          TEST(test_set_replaces),
        TEST(test_no_memory),         TEST(test_ranges),          TEST(test_list_ends_early),
        TEST(test_fork_shares_files), TEST(test_path_only_files), TEST(test_hostile_images),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
