/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sendfile and copy_file_range: positions, ends, what is refused, and a copy that sleeps.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/host.h"
#include "core/syscall/syscall_table.h"
#include "netstack/socket/socket.h"
#include "tests/unit/actor.h"
#include "tests/unit/host_descriptors.h"
#include "vfs/host_stream.h"
#include "vfs/pipe.h"

enum { IN, OUT, READER, WRITER }; /* descriptors: two regular files, a pipe */
enum { SIZE = 200000 };

static const struct cred root_cred;

struct scene {
    struct stage stage;
    struct files *files;
    struct task *task;
    int in, out; /* the host's */
    unsigned descriptors;
};

static uint8_t content[SIZE], copied[SIZE];

static void add_regular(struct scene *scene, unsigned index, int fd)
{
    struct file *file;

    scene->stage.vfs.stdio[index] = fd;
    assert_int_equal(host_stream_open(&scene->stage.vfs, index, &file), 0);
    assert_int_equal(files_add(scene->files, file, 0, false, 64), index);
}

static int set_up(void **state)
{
    static struct scene scene;
    struct file *reader, *writer;

    atomic_store(&actor_sigpipe_count, 0);
    actor_pin_limit = 0;
    scene.descriptors = host_descriptor_count();
    stage_init(&scene.stage, false);
    assert_int_equal(files_create(&scene.files), 0);
    scene.task = actor_task(&scene.stage, scene.files);
    scene.in = memfd_create("in", MFD_CLOEXEC);
    scene.out = memfd_create("out", MFD_CLOEXEC);
    for (size_t i = 0; i < SIZE; i++)
        content[i] = (uint8_t)(i * 7 + (i >> 8));
    assert_int_equal(pwrite(scene.in, content, SIZE, 0), SIZE);
    add_regular(&scene, IN, scene.in);
    add_regular(&scene, OUT, scene.out);
    assert_int_equal(pipe_create(&root_cred, 0, &reader, &writer), 0);
    assert_int_equal(files_add(scene.files, reader, 0, false, 64), READER);
    assert_int_equal(files_add(scene.files, writer, 0, false, 64), WRITER);
    memset(copied, 0, sizeof(copied));
    *state = &scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    object_put(&scene->task->object);
    object_put(&scene->files->object);
    stage_fini(&scene->stage);
    (void)close(scene->in);
    (void)close(scene->out);
    assert_int_equal(object_live_count(), 0);
    assert_int_equal(host_descriptor_count(), scene->descriptors);
    return 0;
}

static int64_t end_call(struct task *task, int64_t result)
{
    if (result != WAIT_SHUTDOWN) {
        wait_end(&task->waiter);
        gate_leave(&task->waiter.pass, GATE_PARKED);
    }
    return result;
}

static int64_t send_file(struct task *task, int out, int in, int64_t *position, uint64_t size)
{
    assert_int_equal(gate_enter(&task->waiter.pass), 0);
    return end_call(task, sys_sendfile(task, out, in, (uintptr_t)position, size));
}

static int64_t copy(struct task *task, int in, int64_t *in_position, int out, int64_t *out_position,
                    uint64_t size, uint32_t flags)
{
    assert_int_equal(gate_enter(&task->waiter.pass), 0);
    return end_call(task, sys_copy_file_range(task, in, (uintptr_t)in_position, out,
                                              (uintptr_t)out_position, size, flags));
}

static void test_own_positions(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(lseek(scene->in, 1000, SEEK_SET), 1000);
    assert_int_equal(copy(scene->task, IN, NULL, OUT, NULL, 150000, 0), 150000);
    assert_int_equal(lseek(scene->in, 0, SEEK_CUR), 151000);
    assert_int_equal(lseek(scene->out, 0, SEEK_CUR), 150000);
    assert_int_equal(copy(scene->task, IN, NULL, OUT, NULL, UINT64_C(1) << 60, 0), 49000);
    assert_int_equal(copy(scene->task, IN, NULL, OUT, NULL, 1, 0), 0);
    assert_int_equal(pread(scene->out, copied, SIZE, 0), 199000);
    assert_memory_equal(copied, content + 1000, 199000);
}

static void test_given_positions(void **state)
{
    struct scene *scene = *state;
    int64_t in = 500, out = 10;

    assert_int_equal(copy(scene->task, IN, &in, OUT, &out, 100000, 0), 100000);
    assert_int_equal(in, 100500);
    assert_int_equal(out, 100010);
    assert_int_equal(send_file(scene->task, OUT, IN, &in, 7), 7); /* out's own position: 0 */
    assert_int_equal(in, 100507);
    assert_int_equal(lseek(scene->in, 0, SEEK_CUR), 0);
    assert_int_equal(lseek(scene->out, 0, SEEK_CUR), 7);
    assert_int_equal(pread(scene->out, copied, SIZE, 0), 100010);
    assert_memory_equal(copied, content + 100500, 7);
    assert_memory_equal(copied + 10, content + 500, 100000);
}

static void test_within_one_file(void **state)
{
    struct scene *scene = *state;
    int64_t from = 0, to = 1000;

    assert_int_equal(copy(scene->task, IN, &from, IN, &to, 1001, 0), -EINVAL);
    assert_int_equal(copy(scene->task, IN, &from, IN, &to, 1000, 0), 1000);
    assert_int_equal(pread(scene->in, copied, 1000, 1000), 1000);
    assert_memory_equal(copied, content, 1000);
}

static void test_refusals(void **state)
{
    struct scene *scene = *state;
    struct task *task = scene->task;
    int64_t position = -1;

    assert_int_equal(copy(task, IN, NULL, OUT, NULL, 1, 1), -EINVAL);
    assert_int_equal(copy(task, IN, NULL, 50, NULL, 1, 0), -EBADF);
    assert_int_equal(copy(task, 50, NULL, OUT, NULL, 1, 0), -EBADF);
    assert_int_equal(copy(task, IN, &position, OUT, NULL, 1, 0), -EINVAL);
    assert_int_equal(copy(task, IN, (int64_t *)8, OUT, NULL, 1, 0), -EFAULT);
    assert_int_equal(copy(task, IN, NULL, WRITER, NULL, 1, 0), -EINVAL);
    assert_int_equal(copy(task, WRITER, NULL, OUT, NULL, 1, 0), -EBADF);
    assert_int_equal(copy(task, READER, NULL, OUT, NULL, 1, 0), -EINVAL);
    assert_int_equal(send_file(task, OUT, READER, NULL, 1), -EINVAL);
    position = 0;
    assert_int_equal(send_file(task, OUT, READER, &position, 1), -ESPIPE);
    assert_int_equal(send_file(task, READER, IN, NULL, 1), -EBADF);
    assert_int_equal(send_file(task, OUT, IN, NULL, UINT64_MAX), -EINVAL);
    assert_int_equal(send_file(task, OUT, IN, NULL, 0), 0);
    scene->files->slots[OUT].file->flags |= O_APPEND;
    assert_int_equal(copy(task, IN, NULL, OUT, NULL, 1, 0), -EBADF);
    assert_int_equal(send_file(task, OUT, IN, NULL, 1), -EINVAL);
}

static void test_broken_pipe(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(files_close(scene->files, READER), 0);
    assert_int_equal(send_file(scene->task, WRITER, IN, NULL, 10), -EPIPE);
    assert_int_equal(atomic_load(&actor_sigpipe_count), 1);
    assert_int_equal(lseek(scene->in, 0, SEEK_CUR), 0); /* nothing was taken */
}

static void test_nonblocking_pipe(void **state)
{
    struct scene *scene = *state;

    scene->files->slots[WRITER].file->flags |= O_NONBLOCK;
    assert_int_equal(send_file(scene->task, WRITER, IN, NULL, SIZE), PIPE_CAPACITY);
    assert_int_equal(lseek(scene->in, 0, SEEK_CUR), PIPE_CAPACITY);
    assert_int_equal(send_file(scene->task, WRITER, IN, NULL, SIZE), -EAGAIN);
}

/* A pair of sockets with a small buffer in place of the pipe, which takes no more than it has room
 * for. */
static void use_sockets(struct scene *scene)
{
    const struct socket_owner owner = {0};
    struct file *files[2];
    int size = 30000;

    assert_int_equal(socket_create_pair(SOCK_STREAM, &owner, &root_cred, 0, files), 0);
    assert_int_equal(socket_set_option(files[1], &root_cred, SO_SNDBUF, &size, sizeof(size)), 0);
    assert_int_equal(files_set(scene->files, READER, files[0], false, 64), READER);
    assert_int_equal(files_set(scene->files, WRITER, files[1], false, 64), WRITER);
}

/* Sends all of IN into the pipe or socket. */
static void *run_send(void *argument)
{
    struct actor *actor = argument;

    actor->result = send_file(actor->task, WRITER, IN, actor->data, SIZE);
    atomic_store(&actor->is_done, true);
    return NULL;
}

static void start_send(struct actor *actor, struct task *task, int64_t *position)
{
    *actor = (struct actor){.task = object_get(&task->object), .data = position};
    assert_int_equal(host_thread_start(&actor->thread, run_send, actor, "send"), 0);
}

/* Takes what is left of the copy out of the pipe. */
static void drain(struct task *task, size_t done)
{
    while (done < SIZE) {
        int64_t size = actor_read(task, READER, copied + done, SIZE - done);
        assert_true(size > 0);
        done += (size_t)size;
    }
    assert_memory_equal(copied, content, SIZE);
}

static void test_sleeping_copy(void **state)
{
    struct scene *scene = *state;
    int64_t position = 0;
    struct actor sender;

    use_sockets(scene);
    start_send(&sender, scene->task, &position);
    actor_wait_asleep(&sender);
    struct task *reader = actor_task(&scene->stage, scene->files);
    drain(reader, 0);
    assert_int_equal(actor_join(&sender), SIZE);
    assert_int_equal(position, SIZE);
    object_put(&reader->object);
}

static void test_signal_leaves_what_is_done(void **state)
{
    struct scene *scene = *state;
    struct actor sender;

    use_sockets(scene);
    start_send(&sender, scene->task, NULL);
    actor_wait_asleep(&sender);
    actor_signal(&sender);
    int64_t size = actor_join(&sender);
    assert_in_range(size, 1, SIZE - 1);
    assert_int_equal(lseek(scene->in, 0, SEEK_CUR), size);
}

static void test_sleeping_copy_is_restored(void **state)
{
    struct scene *scene = *state;
    struct task *task = actor_task(&scene->stage, scene->files);
    struct object *roots[] = {&task->object}, *loaded[1];
    struct kernel_image image = {0}, again = {0};
    int64_t position = 0;
    struct actor sender;
    struct stage stage;

    use_sockets(scene);
    start_send(&sender, task, &position);
    actor_wait_asleep(&sender);
    assert_int_equal(actor_read(scene->task, READER, copied, 5000), 5000);
    actor_wait_asleep(&sender);
    stage_freeze(&scene->stage);
    stage_save(&scene->stage, roots, 1, &image);
    gate_end(&scene->stage.gate);
    waiter_kick(&task->waiter);
    assert_int_equal(actor_join(&sender), WAIT_SHUTDOWN);
    object_put(&task->object);

    stage_init(&stage, true);
    memcpy(stage.vfs.stdio, scene->stage.vfs.stdio, sizeof(stage.vfs.stdio));
    stage_load(&stage, &image, loaded);
    stage_save(&stage, loaded, 1, &again);
    assert_int_equal(image.frames.size, again.frames.size);
    assert_memory_equal(image.frames.data, again.frames.data, image.frames.size);
    kernel_image_fini(&image);
    kernel_image_fini(&again);
    actor_start(&sender, (struct task *)loaded[0], 0, NULL, 0, NULL);
    stage_thaw(&stage);
    struct task *reader = actor_task(&stage, ((struct task *)loaded[0])->files);
    drain(reader, 5000);
    assert_int_equal(actor_join(&sender), SIZE);
    assert_int_equal(position, SIZE);
    object_put(&reader->object);
    object_put(loaded[0]);
    stage_fini(&stage);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_own_positions),
        TEST(test_given_positions),
        TEST(test_within_one_file),
        TEST(test_refusals),
        TEST(test_broken_pipe),
        TEST(test_nonblocking_pipe),
        TEST(test_sleeping_copy),
        TEST(test_signal_leaves_what_is_done),
        TEST(test_sleeping_copy_is_restored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
