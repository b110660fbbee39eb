/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pipes through read and write: what blocks, what is atomic, ends of file, capacity, and a save and
 * load with sleepers on both sides.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/pipe_scene.h"
#include "vfs/pipe.h"

static const struct rw_mode reading = {.is_write = false};
static const struct rw_mode writing = {.is_write = true};

static int set_up(void **state)
{
    static struct scene scene;

    scene_init(&scene);
    *state = &scene;
    return 0;
}

static int tear_down(void **state)
{
    scene_fini(*state);
    return 0;
}

static struct pipe *scene_pipe(struct scene *scene)
{
    struct file *file = files_get(scene->files, READER);
    struct pipe *pipe = pipe_of_file(file);

    object_put(&file->object); /* the table holds it */
    return pipe;
}

static void set_nonblocking(struct scene *scene, int fd)
{
    struct file *file = files_get(scene->files, fd);

    file->flags |= O_NONBLOCK;
    object_put(&file->object);
}

static uint32_t poll_of(struct scene *scene, int fd)
{
    struct file *file = files_get(scene->files, fd);
    uint32_t ready = file_poll(file);

    object_put(&file->object);
    return ready;
}

/* Bytes that tell their place. */
static void fill_pattern(uint8_t *to, size_t size, unsigned seed)
{
    for (size_t i = 0; i < size; i++)
        to[i] = (uint8_t)((i + seed) * 7 + (i >> 8));
}

static void test_bytes_come_in_order(void **state)
{
    struct scene *scene = *state;
    uint8_t in[3000], out[3000];

    for (unsigned turn = 0; turn < 60; turn++) { /* round the ring more than once */
        fill_pattern(in, sizeof(in), turn);
        memset(out, 0, sizeof(out));
        assert_int_equal(actor_write(scene->task, WRITER, in, sizeof(in)), sizeof(in));
        assert_int_equal(actor_read(scene->task, READER, out, 1000), 1000);
        assert_int_equal(actor_read(scene->task, READER, out + 1000, sizeof(out)), 2000);
        assert_memory_equal(in, out, sizeof(in));
    }
}

static void test_wrong_side(void **state)
{
    struct scene *scene = *state;
    char byte = 0;

    assert_int_equal(actor_write(scene->task, READER, &byte, 1), -EBADF);
    assert_int_equal(actor_read(scene->task, WRITER, &byte, 1), -EBADF);
    assert_int_equal(actor_read(scene->task, 7, &byte, 1), -EBADF);
    assert_int_equal(actor_write(scene->task, WRITER, (void *)8, 1), -EFAULT);
    assert_int_equal(actor_write(scene->task, WRITER, &byte, 0), 0);
    const struct rw_mode at = {.has_position = true};
    assert_int_equal(actor_call(scene->task, READER, &byte, 1, &at), -ESPIPE);
}

static void test_reader_sleeps(void **state)
{
    struct scene *scene = *state;
    char text[16] = "";
    struct actor reader;

    actor_start(&reader, scene->task, READER, text, sizeof(text), &reading);
    actor_wait_asleep(&reader);
    struct task *other = actor_task(&scene->stage, scene->files);
    assert_int_equal(actor_write(other, WRITER, "hello", 5), 5);
    assert_int_equal(actor_join(&reader), 5);
    assert_string_equal(text, "hello");
    object_put(&other->object);
}

static void test_nonblocking(void **state)
{
    struct scene *scene = *state;
    static uint8_t bytes[PIPE_CAPACITY + 1000];

    set_nonblocking(scene, READER);
    set_nonblocking(scene, WRITER);
    assert_int_equal(actor_read(scene->task, READER, bytes, 1), -EAGAIN);
    assert_int_equal(actor_write(scene->task, WRITER, bytes, sizeof(bytes)), PIPE_CAPACITY);
    assert_int_equal(actor_write(scene->task, WRITER, bytes, 1), -EAGAIN);
    assert_int_equal(actor_write(scene->task, WRITER, bytes, 9000), -EAGAIN);
    assert_int_equal(actor_read(scene->task, READER, bytes, 100), 100);
    assert_int_equal(actor_write(scene->task, WRITER, bytes, PIPE_ATOMIC), -EAGAIN); /* whole */
    assert_int_equal(actor_write(scene->task, WRITER, bytes, PIPE_ATOMIC + 1), 100); /* a part */
}

static void test_ends(void **state)
{
    struct scene *scene = *state;
    char byte;

    assert_int_equal(actor_write(scene->task, WRITER, "x", 1), 1);
    assert_int_equal(files_close(scene->files, WRITER), 0);
    assert_true((poll_of(scene, READER) & (POLLIN | POLLHUP)) == (POLLIN | POLLHUP));
    assert_int_equal(actor_read(scene->task, READER, &byte, 1), 1);
    assert_int_equal(actor_read(scene->task, READER, &byte, 1), 0);
    assert_int_equal(files_close(scene->files, READER), 0);
    scene_add_pipe(scene, 0);
    assert_int_equal(files_close(scene->files, READER), 0);
    assert_true((poll_of(scene, WRITER) & POLLERR) != 0);
    assert_int_equal(actor_write(scene->task, WRITER, "x", 1), -EPIPE);
    assert_int_equal(atomic_load(&actor_sigpipe_count), 1);
}

/* What a splice has taken out may come back: it is no end of the bytes for others. */
static void test_no_end_while_taken_out(void **state)
{
    struct scene *scene = *state;
    struct pipe *pipe = scene_pipe(scene);
    char bytes[3];

    set_nonblocking(scene, READER);
    assert_int_equal(actor_write(scene->task, WRITER, "abc", 3), 3);
    assert_int_equal(files_close(scene->files, WRITER), 0);
    assert_int_equal(pipe_take_out(pipe, bytes, sizeof(bytes), NULL), 3);
    assert_int_equal(actor_read(scene->task, READER, bytes, 1), -EAGAIN);
    pipe_put_back(pipe, 3, "bc", 2);
    assert_int_equal(actor_read(scene->task, READER, bytes, sizeof(bytes)), 2);
    assert_memory_equal(bytes, "bc", 2);
    assert_int_equal(actor_read(scene->task, READER, bytes, 1), 0);
}

static void test_last_writer_wakes_reader(void **state)
{
    struct scene *scene = *state;
    char byte;
    struct actor reader;

    actor_start(&reader, scene->task, READER, &byte, 1, &reading);
    actor_wait_asleep(&reader);
    assert_int_equal(files_close(scene->files, WRITER), 0);
    assert_int_equal(actor_join(&reader), 0);
}

static void test_last_reader_wakes_writer(void **state)
{
    struct scene *scene = *state;
    static uint8_t bytes[PIPE_CAPACITY * 2];
    struct actor writer;

    actor_start(&writer, scene->task, WRITER, bytes, sizeof(bytes), &writing);
    actor_wait_asleep(&writer);
    assert_int_equal(files_close(scene->files, READER), 0);
    assert_int_equal(actor_join(&writer), PIPE_CAPACITY); /* what was written counts */
    assert_int_equal(atomic_load(&actor_sigpipe_count), 1);
}

static void test_poll(void **state)
{
    struct scene *scene = *state;
    static uint8_t bytes[PIPE_CAPACITY];

    assert_int_equal(poll_of(scene, READER), 0);
    assert_int_equal(poll_of(scene, WRITER), POLLOUT | POLLWRNORM);
    assert_int_equal(actor_write(scene->task, WRITER, bytes, sizeof(bytes) - 4095), 61441);
    assert_int_equal(poll_of(scene, WRITER), 0);
    assert_int_equal(poll_of(scene, READER), POLLIN | POLLRDNORM);
}

/* Writers of at most PIPE_ATOMIC bytes never mix, whatever the reader takes. */
static void test_atomic_writes(void **state)
{
    struct scene *scene = *state;
    enum { WRITERS = 3, ROUNDS = 200, SIZE = 3000 };
    static uint8_t data[WRITERS][SIZE], out[WRITERS * ROUNDS * SIZE];
    struct actor actors[WRITERS];
    unsigned sent[WRITERS] = {0}, running = 0;
    size_t done = 0, counts[WRITERS] = {0};

    for (int i = 0; i < WRITERS; i++) {
        memset(data[i], 'a' + i, SIZE);
        struct task *task = actor_task(&scene->stage, scene->files);
        actor_start(&actors[i], task, WRITER, data[i], SIZE, &writing);
        object_put(&task->object);
        running++;
    }
    while (running > 0) {
        int64_t size = poll_of(scene, READER) != 0
                           ? actor_read(scene->task, READER, out + done, 1 + done % 5000)
                           : 0;
        assert_true(size >= 0);
        done += (size_t)size;
        for (int i = 0; i < WRITERS; i++) {
            if (sent[i] == ROUNDS || !atomic_load(&actors[i].is_done))
                continue;
            struct task *task = object_get(&actors[i].task->object);
            assert_int_equal(actor_join(&actors[i]), SIZE);
            if (++sent[i] < ROUNDS)
                actor_start(&actors[i], task, WRITER, data[i], SIZE, &writing);
            else
                running--;
            object_put(&task->object);
        }
    }
    while (done < sizeof(out))
        done += (size_t)actor_read(scene->task, READER, out + done, sizeof(out) - done);
    for (size_t i = 0; i < sizeof(out); i += SIZE) {
        for (size_t j = 1; j < SIZE; j++)
            assert_int_equal(out[i], out[i + j]);
        counts[out[i] - 'a']++;
    }
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(counts[i], ROUNDS);
}

static void test_capacity(void **state)
{
    struct scene *scene = *state;
    struct pipe *pipe = scene_pipe(scene);
    static uint8_t in[9000], out[9000];

    fill_pattern(in, sizeof(in), 3);
    assert_int_equal(pipe_capacity(pipe), PIPE_CAPACITY);
    assert_int_equal(pipe_set_capacity(pipe, 12288), 16384);
    assert_int_equal(actor_write(scene->task, WRITER, out, 9000), 9000);
    assert_int_equal(actor_read(scene->task, READER, out, 9000), 9000);
    assert_int_equal(actor_write(scene->task, WRITER, in, 9000), 9000); /* wraps */
    assert_int_equal(pipe_set_capacity(pipe, 8192), -EBUSY);
    assert_int_equal(pipe_set_capacity(pipe, PIPE_CAPACITY_MAX + 1), -EPERM);
    assert_int_equal(pipe_set_capacity(pipe, PIPE_CAPACITY_MAX), PIPE_CAPACITY_MAX);
    assert_int_equal(actor_read(scene->task, READER, out, 9000), 9000);
    assert_memory_equal(in, out, sizeof(in));
    assert_int_equal(pipe_set_capacity(pipe, 0), PIPE_CAPACITY_MIN);
}

static void test_signal_ends_reader(void **state)
{
    struct scene *scene = *state;
    char byte;
    struct actor reader;

    actor_start(&reader, scene->task, READER, &byte, 1, &reading);
    actor_wait_asleep(&reader);
    actor_signal(&reader);
    assert_int_equal(actor_join(&reader), -ERESTARTSYS);
}

/* A world that ends asleep, and the one that it is loaded into. */
struct saved {
    struct kernel_image image;
    struct stage stage;
    struct object *roots[3];
};

/* Puts the tasks; their successors are saved->roots. */
static void save_and_end(struct scene *scene, struct saved *saved, struct task *const tasks[],
                         struct actor actors[], size_t count)
{
    struct object *roots[3];

    for (size_t i = 0; i < count; i++)
        roots[i] = &tasks[i]->object;
    stage_freeze(&scene->stage);
    stage_save(&scene->stage, roots, count, &saved->image);
    gate_end(&scene->stage.gate);
    for (size_t i = 0; i < count; i++) {
        waiter_kick(&tasks[i]->waiter);
        assert_int_equal(actor_join(&actors[i]), WAIT_SHUTDOWN);
        object_put(&tasks[i]->object);
    }
    stage_init(&saved->stage, true);
    stage_load(&saved->stage, &saved->image, saved->roots);
    kernel_image_fini(&saved->image);
}

static void test_sleeping_readers_are_restored(void **state)
{
    struct scene *scene = *state;
    struct saved saved = {0};
    char text[2][8] = {"", ""};
    struct actor actors[2];
    struct task *tasks[2];

    for (int i = 0; i < 2; i++) {
        tasks[i] = actor_task(&scene->stage, scene->files);
        actor_start(&actors[i], tasks[i], READER, text[i], 3, &reading);
        actor_wait_asleep(&actors[i]);
    }
    save_and_end(scene, &saved, tasks, actors, 2);
    for (int i = 0; i < 2; i++) {
        tasks[i] = (struct task *)saved.roots[i];
        actor_start(&actors[i], tasks[i], 0, NULL, 0, NULL);
    }
    stage_thaw(&saved.stage);
    struct task *writer = actor_task(&saved.stage, tasks[0]->files);
    assert_int_equal(actor_write(writer, WRITER, "abcdef", 6), 6);
    object_put(&writer->object);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(actor_join(&actors[i]), 3);
        object_put(saved.roots[i]);
    }
    assert_true(strcmp(text[0], "abc") == 0 ? strcmp(text[1], "def") == 0
                                            : strcmp(text[0], "def") == 0);
    stage_fini(&saved.stage);
}

static void test_half_done_write_is_restored(void **state)
{
    struct scene *scene = *state;
    struct saved saved = {0};
    static uint8_t in[1 << 20], out[1 << 20];
    struct actor actor;
    size_t done = 0;

    fill_pattern(in, sizeof(in), 11);
    struct task *task = actor_task(&scene->stage, scene->files);
    actor_start(&actor, task, WRITER, in, sizeof(in), &writing);
    actor_wait_asleep(&actor);
    assert_int_equal(actor_read(scene->task, READER, out, 10000), 10000);
    done += 10000;
    actor_wait_asleep(&actor);
    save_and_end(scene, &saved, &task, &actor, 1);
    task = (struct task *)saved.roots[0];
    actor_start(&actor, task, 0, NULL, 0, NULL);
    stage_thaw(&saved.stage);
    struct task *reader = actor_task(&saved.stage, task->files);
    while (done < sizeof(out)) {
        int64_t size = actor_read(reader, READER, out + done, sizeof(out) - done);
        assert_true(size > 0);
        done += (size_t)size;
    }
    assert_int_equal(actor_join(&actor), sizeof(in));
    assert_memory_equal(in, out, sizeof(in));
    object_put(&reader->object);
    object_put(saved.roots[0]);
    stage_fini(&saved.stage);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_bytes_come_in_order),
        TEST(test_wrong_side),
        TEST(test_reader_sleeps),
        TEST(test_nonblocking),
        TEST(test_ends),
        TEST(test_no_end_while_taken_out),
        TEST(test_last_writer_wakes_reader),
        TEST(test_last_reader_wakes_writer),
        TEST(test_poll),
        TEST(test_atomic_writes),
        TEST(test_capacity),
        TEST(test_signal_ends_reader),
        TEST(test_sleeping_readers_are_restored),
        TEST(test_half_done_write_is_restored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
