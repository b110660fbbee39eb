/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in /proc, of a kernel whose tasks never ran: looked up and opened by name, as a program
 * does it. /proc lies on /pts of a root that is a devfs.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/container.h"
#include "core/base/host.h"
#include "core/procfs/procfs.h"
#include "core/rw.h"
#include "vfs/fs/devfs.h"
#include "vfs/mount.h"
#include "vfs/pipe.h"

enum { PID = 5, ZOMBIE = 6, FD_READER = 0, FD_PLACE = 3 };

struct scene {
    struct kernel *kernel;
    struct task *task; /* borrowed from its process */
};

static const struct cred root_cred;

static struct inode *mount_tree(struct kernel *kernel)
{
    struct machine *machine = kernel->machine;
    struct inode *dev, *proc;
    struct mount *mount;
    struct path path;

    assert_int_equal(devfs_create(&kernel->vfs, &dev), 0);
    assert_int_equal(mount_create(NULL, dev, "devtmpfs", "dev", 0, &machine->root_mount), 0);
    object_put(&dev->object);
    struct path root = {machine->root_mount, machine->root_mount->root};
    struct fs_view view = {.root = root, .cwd = root, .cred = &root_cred};
    assert_int_equal(path_lookup(&view, NULL, "/pts", LOOKUP_DIRECTORY, &path), 0);
    assert_int_equal(procfs_create(kernel, &proc), 0);
    assert_int_equal(mount_create(&path, proc, "proc", "proc", 0, &mount), 0);
    path_put(&path);
    return proc;
}

static struct process *add_process(struct kernel *kernel, int pid, struct process *parent)
{
    struct process *process;
    struct sighand *sighand;

    assert_int_equal(sighand_create(&sighand), 0);
    assert_int_equal(process_create(kernel, pid, sighand, &process), 0);
    mutex_lock(&kernel->tasks_lock);
    assert_int_equal(process_link(process, parent), 0);
    mutex_unlock(&kernel->tasks_lock);
    return process;
}

static struct task *add_task(struct kernel *kernel, struct process *process, struct files *files,
                             struct fs *fs)
{
    struct task *task;

    assert_int_equal(task_create(process, process->pid, NULL, files, fs, &task), 0);
    mutex_lock(&kernel->tasks_lock);
    assert_int_equal(task_link(task), 0);
    mutex_unlock(&kernel->tasks_lock);
    object_put(&task->object);
    (void)strcpy(task->comm, "a ) name");
    task->cred.uid = task->cred.euid = 1000;
    return task;
}

static void fill_files(struct files *files, const struct fs_view *view)
{
    struct file *reader, *writer, *null;

    assert_int_equal(pipe_create(&root_cred, 0, &reader, &writer), 0);
    assert_int_equal(files_add(files, reader, 0, false, 64), FD_READER);
    assert_int_equal(files_add(files, writer, 0, false, 64), FD_READER + 1);
    assert_int_equal(vfs_open(view, NULL, "/null", O_RDWR, 0, &null), 0);
    assert_int_equal(files_set(files, FD_PLACE, null, false, 64), FD_PLACE);
}

static int set_up(void **state)
{
    static struct scene scene;
    const struct kernel_options options = {.memory_limit = 64 << 20};
    struct files *files;
    struct fs *fs;

    assert_int_equal(kernel_create(&options, &scene.kernel), 0);
    struct machine *machine = object_alloc(&machine_type.object);
    scene.kernel->machine = machine;
    (void)strcpy(machine->hostname, "box");
    machine->last_pid = 9;
    memset(machine->generation, 0xa5, sizeof(machine->generation));
    struct inode *proc = mount_tree(scene.kernel);
    object_put(&proc->object);
    machine->init = add_process(scene.kernel, PID, NULL);
    machine->init->start_time = 3 * NSEC_PER_SEC;
    struct path root = {machine->root_mount, machine->root_mount->root};
    struct fs_view view = {.root = root, .cwd = root, .cred = &root_cred};
    assert_int_equal(fs_create(&root, &root, 022, &fs), 0);
    assert_int_equal(files_create(&files), 0);
    fill_files(files, &view);
    scene.task = add_task(scene.kernel, machine->init, files, fs);
    object_put(&files->object);
    object_put(&fs->object);
    struct process *zombie = add_process(scene.kernel, ZOMBIE, machine->init);
    zombie->is_zombie = true;
    object_put(&zombie->object);
    *state = &scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    struct kernel *kernel = scene->kernel;

    mutex_lock(&kernel->tasks_lock);
    struct process *zombie = process_find(kernel, ZOMBIE);
    process_unlink(zombie);
    task_unlink(scene->task);
    mutex_unlock(&kernel->tasks_lock);
    object_put(&zombie->object);
    object_put(&scene->task->object);
    mount_free_children(kernel->machine->root_mount);
    kernel_free(kernel);
    assert_int_equal(object_live_count(), 0);
    return 0;
}

/* --- as a program sees it --- */

static void begin_view(struct scene *scene, struct fs_view *view)
{
    fs_view_get(scene->task->fs, &root_cred, scene->task, view);
}

/* Opens and reads name, at most 8 KB, into a text: it is put into a buffer that the next call uses
 * again. Fails the test on an error. */
static const char *text_of(struct scene *scene, const char *name, size_t *size)
{
    static char text[8192];
    struct fs_view view;
    struct file *file;
    struct uio uio;

    memset(text, 0, sizeof(text));
    begin_view(scene, &view);
    int err = vfs_open(&view, NULL, name, O_RDONLY, 0, &file);
    fs_view_put(&view);
    if (err < 0)
        fail_msg("%s: %s", name, strerror(-err));
    assert_int_equal(rw_prepare(NULL, file, false, NULL), 0);
    uio_init(&uio, text, sizeof(text) - 1);
    int64_t result = rw_transfer(file, false, &uio, NULL, sizeof(text), NULL);
    assert_true(result >= 0);
    if (size != NULL)
        *size = (size_t)result;
    object_put(&file->object);
    return text;
}

static int open_error(struct scene *scene, const char *name, int flags)
{
    struct fs_view view;
    struct file *file;

    begin_view(scene, &view);
    int err = vfs_open(&view, NULL, name, flags, 0, &file);
    fs_view_put(&view);
    if (err == 0)
        object_put(&file->object);
    return err;
}

static const char *link_of(struct scene *scene, const char *name)
{
    static char text[256];
    struct bytes target = {0};
    struct fs_view view;

    memset(text, 0, sizeof(text));
    begin_view(scene, &view);
    assert_int_equal(vfs_readlink(&view, NULL, name, &target), 0);
    fs_view_put(&view);
    assert_true(target.size < sizeof(text));
    memcpy(text, target.data, target.size);
    bytes_fini(&target);
    return text;
}

static void test_self(void **state)
{
    assert_string_equal(link_of(*state, "/pts/self"), "5");
    assert_string_equal(link_of(*state, "/pts/thread-self"), "5/task/5");
    assert_string_equal(link_of(*state, "/pts/mounts"), "self/mounts");
    assert_string_equal(text_of(*state, "/pts/self/comm", NULL), "a ) name\n");
    assert_string_equal(text_of(*state, "/pts/thread-self/comm", NULL), "a ) name\n");
}

static void test_stat_has_all_fields(void **state)
{
    const char *text = text_of(*state, "/pts/5/stat", NULL);
    unsigned fields = 2; /* pid and (comm) */

    assert_memory_equal(text, "5 (a ) name) R 0 5 5 ", 21);
    for (const char *at = strrchr(text, ')') + 1; *at != '\0'; at++)
        fields += *at == ' ';
    assert_int_equal(fields, 52);
    uint64_t start = 0;
    assert_int_equal(sscanf(strrchr(text, ')') + 2,
                            "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
                            "%*d %*d %lu",
                            &start),
                     1);
    assert_int_equal(start, 300);
    assert_memory_equal(text_of(*state, "/pts/6/stat", NULL), "6 () Z 5 ", 9);
}

static void test_status(void **state)
{
    const char *text = text_of(*state, "/pts/self/status", NULL);

    assert_non_null(strstr(text, "Name:\ta ) name\n"));
    assert_non_null(strstr(text, "\nPid:\t5\n"));
    assert_non_null(strstr(text, "\nUid:\t1000\t1000\t0\t0\n"));
    assert_non_null(strstr(text, "\nThreads:\t1\n"));
    assert_non_null(strstr(text, "\nSigCgt:\t0000000000000000\n"));
    text = text_of(*state, "/pts/6/status", NULL);
    assert_non_null(strstr(text, "State:\tZ (zombie)\n"));
    assert_non_null(strstr(text, "\nPPid:\t5\n"));
    assert_non_null(strstr(text, "\nThreads:\t0\n"));
}

static void test_missing_processes(void **state)
{
    assert_int_equal(open_error(*state, "/pts/7", O_RDONLY), -ENOENT);
    assert_int_equal(open_error(*state, "/pts/7/stat", O_RDONLY), -ENOENT);
    assert_int_equal(open_error(*state, "/pts/5/task/6", O_RDONLY), -ENOENT);
    assert_int_equal(open_error(*state, "/pts/5/fd/9", O_RDONLY), -ENOENT);
    assert_int_equal(open_error(*state, "/pts/6/fd/0", O_RDONLY), -ENOENT);
    assert_int_equal(open_error(*state, "/pts/6/exe", O_RDONLY), -ENOENT);
    assert_int_equal(open_error(*state, "/pts/6/cwd", O_RDONLY), -ENOENT);
    size_t size = 1;
    (void)text_of(*state, "/pts/6/cmdline", &size);
    assert_int_equal(size, 0);
    (void)text_of(*state, "/pts/6/maps", &size);
    assert_int_equal(size, 0);
}

static void test_process_ends_with_its_file_open(void **state)
{
    struct scene *scene = *state;
    struct kernel *kernel = scene->kernel;
    struct fs_view view;
    struct file *file;

    begin_view(scene, &view);
    assert_int_equal(vfs_open(&view, NULL, "/pts/6/stat", O_RDONLY, 0, &file), 0);
    fs_view_put(&view);
    mutex_lock(&kernel->tasks_lock);
    struct process *zombie = process_find(kernel, ZOMBIE);
    process_unlink(zombie);
    mutex_unlock(&kernel->tasks_lock);
    assert_int_equal(rw_prepare(NULL, file, false, NULL), -ESRCH);
    assert_int_equal(open_error(scene, "/pts/6", O_RDONLY), -ENOENT); /* though it is in memory */
    object_put(&zombie->object);
    zombie = add_process(kernel, ZOMBIE, kernel->machine->init); /* for the teardown */
    zombie->start_time = 99;
    assert_int_equal(rw_prepare(NULL, file, false, NULL), -ESRCH); /* this is another one */
    object_put(&file->object);
    object_put(&zombie->object);
}

/* One inode a place: what is held is found again, and is not taken for removed. */
static void test_place_has_one_inode(void **state)
{
    struct scene *scene = *state;
    struct path first, again;
    struct bytes name = {0};
    struct fs_view view;

    begin_view(scene, &view);
    assert_int_equal(path_lookup(&view, NULL, "/pts/5/fd", 0, &first), 0);
    assert_int_equal(path_lookup(&view, NULL, "/pts/5/fd", 0, &again), 0);
    assert_ptr_equal(path_inode(&first), path_inode(&again));
    assert_int_equal(path_name(&view.root, &first, &name), 0);
    assert_int_equal(name.size, 9);
    assert_memory_equal(name.data, "/pts/5/fd", 9);
    bytes_fini(&name);
    fs_view_put(&view);
    path_put(&first);
    path_put(&again);
}

static void test_links_to_places(void **state)
{
    struct scene *scene = *state;

    assert_string_equal(link_of(scene, "/pts/self/cwd"), "/");
    assert_string_equal(link_of(scene, "/pts/self/root"), "/");
    assert_string_equal(link_of(scene, "/pts/self/fd/3"), "/null");
    assert_memory_equal(link_of(scene, "/pts/self/fd/0"), "pipe:[", 6);
    assert_int_equal(open_error(scene, "/pts/self/cwd/null", O_RDWR), 0);
    assert_int_equal(open_error(scene, "/pts/self/fd/3", O_RDWR), 0);
}

/* open("/dev/fd/0") of a pipe: the same pipe, another file. */
static void test_pipe_is_opened_again(void **state)
{
    struct scene *scene = *state;
    struct fs_view view;
    struct file *again, *reader = files_get(scene->task->files, FD_READER);
    struct stat stat;

    begin_view(scene, &view);
    assert_int_equal(vfs_stat(&view, NULL, "/pts/self/fd/0", 0, &stat), 0);
    assert_true(S_ISFIFO(stat.st_mode));
    assert_int_equal(vfs_stat(&view, NULL, "/pts/self/fd/0", LOOKUP_NOFOLLOW, &stat), 0);
    assert_true(S_ISLNK(stat.st_mode));
    assert_int_equal(stat.st_uid, 1000);
    assert_int_equal(vfs_open(&view, NULL, "/pts/self/fd/0", O_WRONLY, 0, &again), 0);
    fs_view_put(&view);
    assert_ptr_equal(pipe_of_file(again), pipe_of_file(reader));
    assert_ptr_not_equal(again, reader);
    assert_true(file_is_writable(again));
    object_put(&again->object);
    object_put(&reader->object);
}

static const char *list_of(struct scene *scene, const char *name)
{
    static char text[1024];
    static uint8_t entries[8192];
    struct fs_view view;
    struct file *file;

    text[0] = '\0';
    begin_view(scene, &view);
    assert_int_equal(vfs_open(&view, NULL, name, O_RDONLY | O_DIRECTORY, 0, &file), 0);
    fs_view_put(&view);
    int64_t size = file_getdents(file, entries, sizeof(entries));
    assert_true(size > 0);
    for (int64_t at = 0; at < size; at += *(uint16_t *)(void *)(entries + at + 16))
        (void)strcat(strcat(text, (char *)entries + at + 19), " ");
    object_put(&file->object);
    return text;
}

static void test_lists(void **state)
{
    const char *text = list_of(*state, "/pts");

    assert_non_null(strstr(text, ". .. self "));
    assert_non_null(strstr(text, " 5 6 "));
    assert_string_equal(list_of(*state, "/pts/self/fd"), ". .. 0 1 3 ");
    assert_string_equal(list_of(*state, "/pts/5/task"), ". .. 5 ");
    assert_string_equal(list_of(*state, "/pts/6/task"), ". .. ");
    assert_string_equal(list_of(*state, "/pts/6/fd"), ". .. ");
}

static void test_system_files(void **state)
{
    unsigned long total;
    const char *text = text_of(*state, "/pts/meminfo", NULL);

    assert_int_equal(sscanf(text, "MemTotal: %lu kB", &total), 1);
    assert_int_equal(total, 65536);
    assert_non_null(strstr(text, "\nMemAvailable:"));
    assert_non_null(strstr(text_of(*state, "/pts/cpuinfo", NULL), "processor\t: 0\n"));
    assert_non_null(strstr(text_of(*state, "/pts/version", NULL), KERNEL_RELEASE));
    assert_string_equal(text_of(*state, "/pts/loadavg", NULL), "0.00 0.00 0.00 1/1 9\n");
    assert_non_null(strstr(text_of(*state, "/pts/stat", NULL), "\nprocesses 9\n"));
    assert_string_equal(text_of(*state, "/pts/uptime", NULL), "0.00 0.00\n");
    assert_non_null(strstr(text_of(*state, "/pts/filesystems", NULL), "\ttmpfs\n"));
    text = text_of(*state, "/pts/mounts", NULL);
    assert_memory_equal(text, "dev / devtmpfs ", 15);
    assert_non_null(strstr(text, "proc /pts proc "));
}

static void test_kernel_files(void **state)
{
    struct scene *scene = *state;
    char uuid[64];

    assert_string_equal(text_of(scene, "/pts/sys/kernel/hostname", NULL), "box\n");
    assert_string_equal(text_of(scene, "/pts/sys/kernel/osrelease", NULL), KERNEL_RELEASE "\n");
    assert_string_equal(text_of(scene, "/pts/sys/kernel/pid_max", NULL), "32768\n");
    assert_string_equal(text_of(scene, "/pts/sys/kernel/random/boot_id", NULL),
                        "a5a5a5a5-a5a5-45a5-a5a5-a5a5a5a5a5a5\n");
    assert_string_equal(text_of(scene, "/pts/sbx/generation", NULL),
                        "a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5\n");
    (void)strcpy(uuid, text_of(scene, "/pts/sys/kernel/random/uuid", NULL));
    assert_int_equal(strlen(uuid), 37);
    assert_string_not_equal(uuid, text_of(scene, "/pts/sys/kernel/random/uuid", NULL));
}

static int64_t write_to(struct scene *scene, const char *name, const char *text)
{
    struct fs_view view;
    struct file *file;
    struct uio uio;

    begin_view(scene, &view);
    assert_int_equal(vfs_open(&view, NULL, name, O_WRONLY | O_TRUNC, 0, &file), 0);
    fs_view_put(&view);
    uio_init(&uio, (void *)(uintptr_t)text, strlen(text));
    int64_t result = rw_transfer(file, true, &uio, NULL, strlen(text), NULL);
    object_put(&file->object);
    return result;
}

static void test_hostname_is_written(void **state)
{
    struct scene *scene = *state;
    char name[100];

    assert_int_equal(write_to(scene, "/pts/sys/kernel/hostname", "other\n"), 6);
    assert_string_equal(scene->kernel->machine->hostname, "other");
    memset(name, 'x', sizeof(name));
    name[65] = '\0';
    assert_int_equal(write_to(scene, "/pts/sys/kernel/hostname", name), -EINVAL);
    name[64] = '\0';
    assert_int_equal(write_to(scene, "/pts/sys/kernel/hostname", name), 64);
    assert_string_equal(scene->kernel->machine->hostname, name);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_self),
        TEST(test_stat_has_all_fields),
        TEST(test_status),
        TEST(test_missing_processes),
        TEST(test_process_ends_with_its_file_open),
        TEST(test_place_has_one_inode),
        TEST(test_links_to_places),
        TEST(test_pipe_is_opened_again),
        TEST(test_lists),
        TEST(test_system_files),
        TEST(test_kernel_files),
        TEST(test_hostname_is_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
