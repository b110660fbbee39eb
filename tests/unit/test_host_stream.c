/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Donated descriptors: pipes, a terminal, a regular file, nothing; waiting without O_NONBLOCK, and
 * going on with another descriptor after a restore.
 */
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/host.h"
#include "tests/unit/actor.h"
#include "tests/unit/host_descriptors.h"
#include "vfs/host_stream.h"

static const struct rw_mode reading = {.is_write = false};
static const struct rw_mode writing = {.is_write = true};

struct scene {
    struct stage stage;
    struct files *files;
    struct task *task;
    unsigned descriptors;
};

static int set_up(void **state)
{
    static struct scene scene;

    atomic_store(&actor_sigpipe_count, 0);
    actor_pin_limit = 0;
    scene.descriptors = host_descriptor_count();
    stage_init(&scene.stage, false);
    assert_int_equal(files_create(&scene.files), 0);
    scene.task = actor_task(&scene.stage, scene.files);
    *state = &scene;
    return 0;
}

/* Puts the table, so that no stream is left, and closes what was donated. */
static int tear_down(void **state)
{
    struct scene *scene = *state;

    object_put(&scene->task->object);
    object_put(&scene->files->object);
    stage_fini(&scene->stage);
    for (int i = 0; i < 3; i++)
        (void)close(scene->stage.vfs.stdio[i]);
    assert_int_equal(object_live_count(), 0);
    assert_int_equal(host_descriptor_count(), scene->descriptors);
    return 0;
}

/* Donates fd as stream index; it becomes that descriptor. */
static void donate(struct scene *scene, unsigned index, int fd)
{
    struct file *file;

    scene->stage.vfs.stdio[index] = fd;
    assert_int_equal(host_stream_open(&scene->stage.vfs, index, &file), 0);
    assert_int_equal(files_set(scene->files, (int)index, file, false, 3), (int)index);
}

static struct file *stream(struct scene *scene, int fd)
{
    return scene->files->slots[fd].file;
}

static void make_pipe(int fds[2])
{
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
}

/* --- ioctl arguments --- */

static int copy_in(void *context, void *to, guest_addr_t from, size_t size)
{
    (void)context;
    memcpy(to, (const void *)(uintptr_t)from, size);
    return 0;
}

static int copy_out(void *context, guest_addr_t to, const void *from, size_t size)
{
    (void)context;
    memcpy((void *)(uintptr_t)to, from, size);
    return 0;
}

static int64_t ioctl_of(struct file *file, unsigned request, void *argument)
{
    const struct user_memory user = {.copy_in = copy_in, .copy_out = copy_out};

    return file->ops->ioctl(file, request, (uintptr_t)argument, &user);
}

/* --- pipes --- */

static void test_pipe_in(void **state)
{
    struct scene *scene = *state;
    char text[16] = "";
    struct actor reader;
    int fds[2], size = 0;
    struct stat stat;

    make_pipe(fds);
    donate(scene, 0, fds[0]);
    assert_true(file_is_readable(stream(scene, 0)));
    assert_false(file_is_writable(stream(scene, 0)));
    assert_int_equal(inode_getattr(stream(scene, 0)->inode, &stat), 0);
    assert_true(S_ISFIFO(stat.st_mode));
    for (int i = 0; i < 3; i++) { /* the source is armed again each time */
        actor_start(&reader, scene->task, 0, text, sizeof(text), &reading);
        actor_wait_asleep(&reader);
        assert_int_equal(write(fds[1], "hello", 5), 5);
        assert_int_equal(actor_join(&reader), 5);
        assert_string_equal(text, "hello");
    }
    assert_int_equal(fcntl(fds[0], F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(file_poll(stream(scene, 0)) & POLLIN, 0);
    assert_int_equal(write(fds[1], "abc", 3), 3);
    assert_int_equal(ioctl_of(stream(scene, 0), FIONREAD, &size), 0);
    assert_int_equal(size, 3);
    assert_int_equal(ioctl_of(stream(scene, 0), TCGETS, text), -ENOTTY);
    assert_true((file_poll(stream(scene, 0)) & POLLIN) != 0);
    assert_int_equal(actor_read(scene->task, 0, text, sizeof(text)), 3);
    actor_start(&reader, scene->task, 0, text, sizeof(text), &reading);
    actor_wait_asleep(&reader);
    (void)close(fds[1]);
    assert_int_equal(actor_join(&reader), 0);
}

static void test_nonblocking_read(void **state)
{
    struct scene *scene = *state;
    char byte;
    int fds[2];

    make_pipe(fds);
    donate(scene, 0, fds[0]);
    stream(scene, 0)->flags |= O_NONBLOCK;
    assert_int_equal(actor_read(scene->task, 0, &byte, 1), -EAGAIN);
    (void)close(fds[1]);
}

static void test_pipe_out(void **state)
{
    struct scene *scene = *state;
    static uint8_t in[1 << 20], out[1 << 20];
    struct actor writer;
    size_t done = 0;
    int fds[2];

    make_pipe(fds);
    donate(scene, 1, fds[1]);
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (uint8_t)(i * 7 + (i >> 8));
    actor_start(&writer, scene->task, 1, in, sizeof(in), &writing);
    actor_wait_asleep(&writer);
    while (done < sizeof(out)) {
        ssize_t size = read(fds[0], out + done, sizeof(out) - done);
        assert_true(size > 0);
        done += (size_t)size;
    }
    assert_int_equal(actor_join(&writer), sizeof(in));
    assert_memory_equal(in, out, sizeof(in));
    (void)close(fds[0]);
    assert_int_equal(actor_write(scene->task, 1, "x", 1), -EPIPE);
    assert_int_equal(atomic_load(&actor_sigpipe_count), 1);
}

static void test_signal(void **state)
{
    struct scene *scene = *state;
    char byte;
    struct actor reader;
    int fds[2];

    make_pipe(fds);
    donate(scene, 0, fds[0]);
    actor_start(&reader, scene->task, 0, &byte, 1, &reading);
    actor_wait_asleep(&reader);
    actor_signal(&reader);
    assert_int_equal(actor_join(&reader), -ERESTARTSYS);
    (void)close(fds[1]);
}

/* --- a terminal: no RWF_NOWAIT there, so it is polled --- */

static int open_terminal(int *master)
{
    *master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (*master < 0 || grantpt(*master) < 0 || unlockpt(*master) < 0)
        return -1;
    return open(ptsname(*master), O_RDWR | O_NOCTTY | O_CLOEXEC);
}

static void test_terminal(void **state)
{
    struct scene *scene = *state;
    struct winsize size = {.ws_row = 33, .ws_col = 44}, got = {0};
    struct termios modes;
    char text[64] = "";
    struct actor reader;
    struct stat stat;
    int master, fd = open_terminal(&master);

    if (fd < 0)
        skip(); /* no /dev/pts here */
    assert_int_equal(ioctl(master, TIOCSWINSZ, &size), 0);
    donate(scene, 0, fd);
    struct file *file = stream(scene, 0);
    assert_true(file_is_readable(file) && file_is_writable(file));
    assert_int_equal(inode_getattr(file->inode, &stat), 0);
    assert_true(S_ISCHR(stat.st_mode));
    assert_int_equal(ioctl_of(file, TIOCGWINSZ, &got), 0);
    assert_memory_equal(&size, &got, sizeof(size));
    assert_int_equal(ioctl_of(file, TCGETS, &modes), 0);
    assert_true((modes.c_lflag & ICANON) != 0);
    modes.c_lflag &= ~(tcflag_t)ECHO;
    assert_int_equal(ioctl_of(file, TCSETS, &modes), 0);
    modes.c_lflag = 0;
    assert_int_equal(ioctl_of(file, TCGETS, &modes), 0);
    assert_true((modes.c_lflag & ICANON) != 0 && (modes.c_lflag & ECHO) == 0);
    modes.c_lflag |= ECHO;
    assert_int_equal(write(master, "dropped", 7), 7);
    assert_int_equal(ioctl_of(file, TCSETSF, &modes), 0);
    assert_int_equal(ioctl_of(file, TIOCGPGRP, text), -ENOTTY);

    actor_start(&reader, scene->task, 0, text, sizeof(text), &reading);
    actor_wait_asleep(&reader);
    assert_int_equal(write(master, "half", 4), 4); /* no line yet */
    assert_int_equal(write(master, " a line\n", 8), 8);
    assert_int_equal(actor_join(&reader), 12);
    assert_string_equal(text, "half a line\n");
    assert_int_equal(actor_write(scene->task, 0, "out\n", 4), 4);
    memset(text, 0, sizeof(text));
    size_t done = 0;
    while (strstr(text, "out") == NULL) { /* behind the echo */
        ssize_t count = read(master, text + done, sizeof(text) - 1 - done);
        assert_true(count > 0);
        done += (size_t)count;
    }
    (void)close(master);
}

static void test_terminal_takes_long_writes(void **state)
{
    struct scene *scene = *state;
    static char in[100000], out[4096];
    struct actor writer;
    size_t done = 0;
    int master, fd = open_terminal(&master);

    if (fd < 0)
        skip(); /* no /dev/pts here */
    memset(in, 'x', sizeof(in));
    donate(scene, 1, fd);
    actor_start(&writer, scene->task, 1, in, sizeof(in), &writing);
    while (done < sizeof(in)) {
        ssize_t size = read(master, out, sizeof(out));
        assert_true(size > 0);
        done += (size_t)size;
    }
    assert_int_equal(actor_join(&writer), sizeof(in));
    (void)close(master);
}

/* --- files, and nothing --- */

static void test_regular_file_shares_its_offset(void **state)
{
    struct scene *scene = *state;
    char text[8] = "";
    struct stat stat;
    int fd = memfd_create("regular", MFD_CLOEXEC);

    assert_int_equal(write(fd, "0123456789", 10), 10);
    assert_int_equal(lseek(fd, 2, SEEK_SET), 2);
    donate(scene, 0, fd);
    struct file *file = stream(scene, 0);
    assert_int_equal(inode_getattr(file->inode, &stat), 0);
    assert_true(S_ISREG(stat.st_mode));
    assert_int_equal(stat.st_size, 10);
    assert_int_equal(actor_read(scene->task, 0, text, 3), 3);
    assert_string_equal(text, "234");
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 5);
    const struct rw_mode at = {.has_position = true, .position = 0};
    assert_int_equal(actor_call(scene->task, 0, text, 2, &at), 2);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 5);
    assert_int_equal(rw_seek(file, -1, SEEK_END), 9);
    assert_int_equal(actor_write(scene->task, 0, "XY", 2), 2);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 11);
    assert_int_equal(actor_read(scene->task, 0, text, 2), 0);
    assert_int_equal(file->ops->sync(file), 0);
}

static void test_append(void **state)
{
    struct scene *scene = *state;
    char name[] = "/tmp/sbx-test-XXXXXX", text[8] = "";
    int fd = mkostemp(name, O_APPEND | O_CLOEXEC);

    assert_true(fd >= 0);
    (void)unlink(name);
    assert_int_equal(write(fd, "abc", 3), 3);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    donate(scene, 1, fd);
    assert_true((stream(scene, 1)->flags & O_APPEND) != 0);
    assert_int_equal(actor_write(scene->task, 1, "def", 3), 3);
    assert_int_equal(pread(fd, text, 8, 0), 6);
    assert_string_equal(text, "abcdef");
}

static void test_nothing(void **state)
{
    struct scene *scene = *state;
    struct stat stat;
    char text[4];

    donate(scene, 0, -1);
    assert_int_equal(inode_getattr(stream(scene, 0)->inode, &stat), 0);
    assert_true(S_ISCHR(stat.st_mode));
    assert_int_equal(actor_read(scene->task, 0, text, 4), 0);
    assert_int_equal(actor_write(scene->task, 0, "text", 4), 4);
    assert_int_equal(host_stream_index(stream(scene, 0)->inode), 0);
}

static void test_device(void **state)
{
    struct scene *scene = *state;
    static char text[100000];

    donate(scene, 0, open("/dev/null", O_RDWR | O_CLOEXEC));
    assert_int_equal(actor_read(scene->task, 0, text, 4), 0);
    assert_int_equal(actor_write(scene->task, 0, text, sizeof(text)), sizeof(text));
    assert_int_equal(ioctl_of(stream(scene, 0), TCGETS, text), -ENOTTY);
}

/* --- restore --- */

static void test_sleeping_reader_gets_another_descriptor(void **state)
{
    struct scene *scene = *state;
    struct task *task = actor_task(&scene->stage, scene->files);
    struct object *roots[] = {&task->object}, *loaded[1];
    struct kernel_image image = {0};
    char text[16] = "";
    struct actor reader;
    struct stage stage;
    int fds[2], others[2];

    make_pipe(fds);
    make_pipe(others);
    donate(scene, 0, fds[0]);
    actor_start(&reader, task, 0, text, sizeof(text), &reading);
    actor_wait_asleep(&reader);
    stage_freeze(&scene->stage);
    stage_save(&scene->stage, roots, 1, &image);
    gate_end(&scene->stage.gate);
    waiter_kick(&task->waiter);
    assert_int_equal(actor_join(&reader), WAIT_SHUTDOWN);
    object_put(&task->object);

    stage_init(&stage, true);
    stage.vfs.stdio[0] = others[0];
    stage_load(&stage, &image, loaded);
    kernel_image_fini(&image);
    actor_start(&reader, (struct task *)loaded[0], 0, NULL, 0, NULL);
    stage_thaw(&stage);
    actor_wait_asleep(&reader);
    assert_int_equal(write(others[1], "another", 7), 7);
    assert_int_equal(actor_join(&reader), 7);
    assert_string_equal(text, "another");
    object_put(loaded[0]);
    stage_fini(&stage);
    (void)close(fds[1]);
    (void)close(others[0]);
    (void)close(others[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_pipe_in),
        TEST(test_nonblocking_read),
        TEST(test_pipe_out),
        TEST(test_signal),
        TEST(test_terminal),
        TEST(test_terminal_takes_long_writes),
        TEST(test_regular_file_shares_its_offset),
        TEST(test_append),
        TEST(test_nothing),
        TEST(test_device),
        TEST(test_sleeping_reader_gets_another_descriptor),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
