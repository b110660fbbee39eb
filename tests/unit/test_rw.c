/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The read and write calls: ranges and their errors, parts, what a signal or death leaves, giving
 * way to a closing gate, positions, and the record in an image.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/host.h"
#include "tests/unit/pipe_scene.h"
#include "vfs/fs/devfs.h"
#include "vfs/host_stream.h"
#include "vfs/pipe.h"

/* More descriptors of the scene. */
enum { NULL_FD = PIPE_SCENE_FDS, ZERO_FD, FULL_FD, REGULAR, FD_COUNT };

static const struct rw_mode reading = {.is_write = false};
static const struct rw_mode writing = {.is_write = true};

static int regular_fd; /* the host's, behind REGULAR */

static void add_device(struct scene *scene, const char *name, int fd)
{
    struct inode *root, *inode;
    struct file *file;

    assert_int_equal(devfs_create(&scene->stage.vfs, &root), 0);
    assert_int_equal(root->ops->lookup(root, name, &inode), 0);
    assert_int_equal(file_create(inode, NULL, O_RDWR, &file), 0);
    scene_add_file(scene, file, fd);
    object_put(&inode->object);
    object_put(&root->object);
}

static int set_up(void **state)
{
    static struct scene scene;
    struct file *regular;

    scene_init(&scene);
    add_device(&scene, "null", NULL_FD);
    add_device(&scene, "zero", ZERO_FD);
    add_device(&scene, "full", FULL_FD);
    regular_fd = memfd_create("regular", MFD_CLOEXEC);
    scene.stage.vfs.stdio[0] = regular_fd;
    assert_int_equal(host_stream_open(&scene.stage.vfs, 0, &regular), 0);
    scene_add_file(&scene, regular, REGULAR);
    *state = &scene;
    return 0;
}

static int tear_down(void **state)
{
    (void)close(regular_fd);
    scene_fini(*state);
    return 0;
}

static int64_t call_vector(struct task *task, int fd, const struct iovec *ranges, int count,
                           const struct rw_mode *mode)
{
    assert_int_equal(gate_enter(&task->waiter.pass), 0);
    int64_t result = rw_run_vector(task, fd, (uintptr_t)ranges, count, mode);
    wait_end(&task->waiter);
    gate_leave(&task->waiter.pass, GATE_PARKED);
    return result;
}

static void test_vectors(void **state)
{
    struct scene *scene = *state;
    char in[20][3], out[60];
    struct iovec ranges[20];

    for (int i = 0; i < 20; i++) {
        memset(in[i], 'a' + i, sizeof(in[i]));
        ranges[i] = (struct iovec){.iov_base = in[i], .iov_len = sizeof(in[i])};
    }
    assert_int_equal(call_vector(scene->task, WRITER, ranges, 20, &writing), 60);
    for (int i = 0; i < 20; i++)
        ranges[i].iov_base = out + 3 * i;
    ranges[7].iov_len = 0; /* an empty range in between */
    assert_int_equal(call_vector(scene->task, READER, ranges, 20, &reading), 57);
    memmove(out + 21, out + 24, 36);
    assert_memory_equal(in, out, 57);
}

static void test_vector_errors(void **state)
{
    struct scene *scene = *state;
    struct iovec ranges[2] = {{.iov_base = "ab", .iov_len = 2}, {.iov_base = NULL, .iov_len = 2}};
    struct task *task = scene->task;

    assert_int_equal(call_vector(task, WRITER, ranges, -1, &writing), -EINVAL);
    assert_int_equal(call_vector(task, WRITER, ranges, RANGES_MAX + 1, &writing), -EINVAL);
    assert_int_equal(call_vector(task, WRITER, NULL, 2, &writing), -EFAULT);
    assert_int_equal(call_vector(task, 33, NULL, 2, &writing), -EBADF);
    assert_int_equal(call_vector(task, WRITER, ranges, 0, &writing), 0);
    assert_int_equal(call_vector(task, WRITER, ranges, 2, &writing), 2); /* as far as it goes */
    assert_int_equal(call_vector(task, WRITER, ranges + 1, 1, &writing), -EFAULT);
    ranges[1] = (struct iovec){.iov_base = "a", .iov_len = SIZE_MAX};
    assert_int_equal(call_vector(task, WRITER, ranges, 2, &writing), -EINVAL);
    ranges[1].iov_len = INT64_MAX;
    assert_int_equal(call_vector(task, WRITER, ranges, 2, &writing), -EINVAL);
    ranges[1] = (struct iovec){.iov_base = (void *)(UINTPTR_MAX - 10), .iov_len = 5};
    assert_int_equal(call_vector(task, WRITER, ranges, 2, &writing), -EFAULT);
}

static void test_flags(void **state)
{
    struct scene *scene = *state;
    char byte;
    struct rw_mode mode = {.flags = RWF_NOWAIT};

    assert_int_equal(actor_call(scene->task, READER, &byte, 1, &mode), -EAGAIN);
    mode.flags = 0x80000000;
    assert_int_equal(actor_call(scene->task, READER, &byte, 1, &mode), -EOPNOTSUPP);
    mode = (struct rw_mode){.has_position = true, .position = -1};
    assert_int_equal(actor_call(scene->task, REGULAR, &byte, 1, &mode), -EINVAL);
}

static void test_devices(void **state)
{
    struct scene *scene = *state;
    char out[100] = {0}, zeros[100] = {0};

    assert_int_equal(actor_write(scene->task, NULL_FD, out, 100), 100);
    assert_int_equal(actor_read(scene->task, NULL_FD, out, 100), 0);
    assert_int_equal(actor_write(scene->task, FULL_FD, out, 100), -ENOSPC);
    memset(out, 1, sizeof(out));
    assert_int_equal(actor_read(scene->task, ZERO_FD, out, 100), 100);
    assert_memory_equal(out, zeros, 100);
}

static void test_parts_make_a_whole(void **state)
{
    struct scene *scene = *state;
    static uint8_t out[300000], in[300000];

    memset(out, 1, sizeof(out));
    assert_int_equal(actor_read(scene->task, ZERO_FD, out, sizeof(out)), sizeof(out));
    assert_int_equal(out[0] | out[UIO_SIZE_MAX] | out[sizeof(out) - 1], 0);
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (uint8_t)(i * 7 + (i >> 8));
    actor_pin_limit = 1000;
    assert_int_equal(actor_write(scene->task, REGULAR, in, sizeof(in)), sizeof(in));
    const struct rw_mode at = {.has_position = true, .position = 0};
    assert_int_equal(actor_call(scene->task, REGULAR, out, sizeof(out), &at), sizeof(out));
    assert_memory_equal(in, out, sizeof(in));
}

static void test_positions(void **state)
{
    struct scene *scene = *state;
    struct rw_mode mode = {.is_write = true, .has_position = true, .position = 10};
    char out[16] = "";

    assert_int_equal(actor_write(scene->task, REGULAR, "0123456789", 10), 10);
    assert_int_equal(actor_call(scene->task, REGULAR, "abc", 3, &mode), 3);
    assert_int_equal(actor_read(scene->task, REGULAR, out, 3), 3); /* from the file's own: 10 */
    assert_string_equal(out, "abc");
    mode = (struct rw_mode){.has_position = true, .position = 8};
    assert_int_equal(actor_call(scene->task, REGULAR, out, sizeof(out), &mode), 5);
    assert_memory_equal(out, "89abc", 5);
    struct file *file = files_get(scene->files, REGULAR);
    assert_int_equal(rw_seek(file, 2, SEEK_SET), 2);
    assert_int_equal(rw_seek(file, -1, SEEK_SET), -EINVAL);
    object_put(&file->object);
    assert_int_equal(actor_read(scene->task, REGULAR, out, 2), 2);
    assert_memory_equal(out, "23", 2);
}

static void test_file_size_limit(void **state)
{
    struct scene *scene = *state;
    static char bytes[200000];
    struct rw_mode at = {.is_write = true, .has_position = true, .position = 99990};
    struct file *file = files_get(scene->files, REGULAR);

    file->inode->attr.mode = S_IFREG | 0600; /* the limit is for files of the guest */
    atomic_store(&actor_sigxfsz_count, 0);
    actor_file_limit = 100000;
    assert_int_equal(actor_write(scene->task, REGULAR, bytes, sizeof(bytes)), 100000);
    assert_int_equal(atomic_load(&actor_sigxfsz_count), 0);
    file->position = 100000;
    assert_int_equal(actor_write(scene->task, REGULAR, bytes, 1), -EFBIG);
    assert_int_equal(atomic_load(&actor_sigxfsz_count), 1);
    assert_int_equal(actor_call(scene->task, REGULAR, bytes, 20, &at), 10);
    file->flags |= O_APPEND;
    at.position = 0;
    assert_int_equal(actor_call(scene->task, REGULAR, bytes, 20, &at), -EFBIG);
    assert_int_equal(actor_write(scene->task, WRITER, bytes, 10), 10); /* not for pipes */
    actor_file_limit = RLIM_INFINITY;
    object_put(&file->object);
}

static void test_signal_leaves_what_is_done(void **state)
{
    struct scene *scene = *state;
    static uint8_t bytes[1 << 20];
    struct actor writer;

    actor_start(&writer, scene->task, WRITER, bytes, sizeof(bytes), &writing);
    actor_wait_asleep(&writer);
    struct task *reader = actor_task(&scene->stage, scene->files);
    static uint8_t out[30000];
    assert_int_equal(actor_read(reader, READER, out, sizeof(out)), sizeof(out));
    actor_wait_asleep(&writer);
    actor_signal(&writer);
    assert_int_equal(actor_join(&writer), PIPE_CAPACITY + sizeof(out));
    object_put(&reader->object);
}

/* Room that comes after the signal is for the next call. */
static void test_signal_comes_before_room(void **state)
{
    struct scene *scene = *state;
    static uint8_t bytes[1 << 20], out[PIPE_CAPACITY];
    struct actor writer;

    actor_start(&writer, scene->task, WRITER, bytes, sizeof(bytes), &writing);
    actor_wait_asleep(&writer);
    stage_freeze(&scene->stage); /* so that it wakes up to both */
    actor_signal(&writer);
    struct file *file = files_get(scene->files, READER);
    struct uio uio;
    uio_init(&uio, out, sizeof(out));
    assert_int_equal(file->ops->read(file, &uio, NULL, NULL), sizeof(out));
    object_put(&file->object);
    stage_thaw(&scene->stage);
    assert_int_equal(actor_join(&writer), PIPE_CAPACITY);
}

static void test_death_ends_a_call(void **state)
{
    struct scene *scene = *state;
    char byte;
    struct actor reader;

    actor_start(&reader, scene->task, READER, &byte, 1, &reading);
    actor_wait_asleep(&reader);
    atomic_store(&scene->task->waiter.is_killed, true);
    waiter_kick(&scene->task->waiter);
    assert_int_equal(actor_join(&reader), -ERESTARTSYS);
    atomic_store(&scene->task->waiter.is_killed, false);
}

/* A freeze does not wait for a long call, and the call does not notice. */
static void test_long_call_gives_way(void **state)
{
    struct scene *scene = *state;
    struct actor writer;

    /* a signal is no end of a call that only gives way; nothing reads the bytes */
    atomic_store(&scene->task->waiter.has_signal, true);
    actor_start(&writer, scene->task, NULL_FD, (void *)4096, RANGES_SIZE_MAX, &writing);
    while (!atomic_load(&writer.is_done)) {
        stage_freeze(&scene->stage);
        struct wait_record *record = waiter_record(&scene->task->waiter);
        if (record->ops != NULL)
            assert_true(((struct rw_wait *)record)->done <= RANGES_SIZE_MAX);
        stage_thaw(&scene->stage);
    }
    assert_int_equal(actor_join(&writer), RANGES_SIZE_MAX);
}

static void test_call_becomes_nonblocking(void **state)
{
    struct scene *scene = *state;
    char byte;
    struct actor reader;

    actor_start(&reader, scene->task, READER, &byte, 1, &reading);
    actor_wait_asleep(&reader);
    stage_freeze(&scene->stage);
    scene->files->slots[READER].file->flags |= O_NONBLOCK;
    stage_thaw(&scene->stage);
    waiter_kick(&scene->task->waiter);
    assert_int_equal(actor_join(&reader), -EAGAIN); /* and it is in no queue: the teardown tells */
}

static void *run_vector(void *argument)
{
    struct actor *actor = argument;

    if (gate_enter(&actor->task->waiter.pass) == 0)
        actor->result =
            rw_run_vector(actor->task, READER, (uintptr_t)actor->data, (int)actor->size, &reading);
    atomic_store(&actor->is_done, true);
    return NULL;
}

static void test_record_of_many_ranges_is_restored(void **state)
{
    struct scene *scene = *state;
    char out[20] = "";
    struct iovec ranges[20];
    struct actor actor = {
        .task = actor_task(&scene->stage, scene->files), .data = ranges, .size = 20};
    struct object *roots[] = {&actor.task->object}, *loaded[1];
    struct kernel_image image = {0}, again = {0};
    struct stage stage;

    for (int i = 0; i < 20; i++)
        ranges[i] = (struct iovec){.iov_base = out + i, .iov_len = 1};
    assert_int_equal(host_thread_start(&actor.thread, run_vector, &actor, "vector"), 0);
    actor_wait_asleep(&actor);
    stage_freeze(&scene->stage);
    stage_save(&scene->stage, roots, 1, &image);
    gate_end(&scene->stage.gate);
    waiter_kick(&actor.task->waiter);
    host_thread_join(actor.thread);
    assert_int_equal(actor.result, WAIT_SHUTDOWN);
    object_put(roots[0]);

    stage_init(&stage, true);
    stage.vfs.stdio[0] = regular_fd;
    stage_load(&stage, &image, loaded);
    stage_save(&stage, loaded, 1, &again);
    assert_int_equal(image.frames.size, again.frames.size);
    assert_memory_equal(image.frames.data, again.frames.data, image.frames.size);
    kernel_image_fini(&image);
    kernel_image_fini(&again);
    memset(ranges, 0, sizeof(ranges)); /* arguments are never read twice */
    actor_start(&actor, (struct task *)loaded[0], 0, NULL, 0, NULL);
    stage_thaw(&stage);
    struct task *writer = actor_task(&stage, actor.task->files);
    assert_int_equal(actor_write(writer, WRITER, "twenty bytes are here", 20), 20);
    assert_int_equal(actor_join(&actor), 20);
    assert_memory_equal(out, "twenty bytes are her", 20);
    object_put(&writer->object);
    object_put(loaded[0]);
    stage_fini(&stage);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_vectors),
        TEST(test_vector_errors),
        TEST(test_flags),
        TEST(test_devices),
        TEST(test_parts_make_a_whole),
        TEST(test_positions),
        TEST(test_file_size_limit),
        TEST(test_signal_leaves_what_is_done),
        TEST(test_signal_comes_before_room),
        TEST(test_death_ends_a_call),
        TEST(test_long_call_gives_way),
        TEST(test_call_becomes_nonblocking),
        TEST(test_record_of_many_ranges_is_restored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
